package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/retry"
	"sendwatch/internal/telemetry"
)

// Checkpoints says where and how often the state of each partition is kept, so that
// its next owner continues there and need not read the log from its start.
type Checkpoints struct {
	Store *checkpoint.Store
	// Every is the least time between two checkpoints of a partition; default 1 min. More passes,
	// patience times as much at most, while one would cost too much (stateKeeper.dear). One is
	// written besides whenever a claim ends.
	Every time.Duration
	Keep  int // newest states of a partition that are kept; default 3, at least 2
}

func (c *Checkpoints) orDefaults() *Checkpoints {
	if c == nil {
		return nil
	}
	d := *c
	setDefault(&d.Every, time.Minute)
	setDefault(&d.Keep, 3)
	return &d
}

// keptTask is a task whose state can be kept in checkpoints. The loop's goroutine
// calls it, between batches.
type keptTask interface {
	// snapshot begins to write the state, as it is after a flush, to dst. It is complete once
	// finish has returned, which another goroutine may call, and stays as it is until the next
	// snapshot.
	snapshot(dst *checkpoint.State) (finish func())
	// restore makes the state that of a checkpoint, whatever it was before. After an error, the end of ctx
	// among them, the task is of no use.
	restore(ctx context.Context, c *checkpoint.Checkpoint) error
	// layout returns the layout of the values that the state consists of (checkpoint.Layout).
	layout() (uint64, error)
}

// CheckpointStatus is what is known of the checkpoints of one partition.
type CheckpointStatus struct {
	Offset  int64     // of the newest one that is durable, -1 for none
	At      time.Time // when it became so; zero without one
	Bytes   int64     // of it in the store
	Every   time.Duration
	Since   time.Time // when the partition was opened: before it, nothing could be saved
	Saving  time.Time // since when one is being saved; zero while none is
	Error   string    // why the last try failed, empty if it did not
	Failing time.Time // when the first of the tries began that failed since the newest one; zero for none
}

// stateKeeper keeps the state of one claim of a partition in checkpoints.
type stateKeeper struct {
	Checkpoints
	progress *partitionProgress
	task     keptTask
	ended    func() bool // the claim has ended: what is saved now is what the next owner begins with
	owner    *checkpoint.Owner
	state    checkpoint.State
	finish   func()        // copies what the last snapshot left to be copied
	begun    time.Time     // when it was taken
	pause    time.Duration // for how long the loop stood still for it
	saving   time.Duration // what it has taken in all
	took     time.Duration // what the newest one that is durable has taken: standing still, copying, compressing, writing
	worked   time.Duration // of the partition, when the last snapshot was taken
	kept     time.Duration // the same of the newest one that is durable
	credit   int64         // bytes that the records before the newest one that is durable have left over; what they owe is negative
}

// newStateKeeper returns the keeper of a claim, nil if the role keeps no state.
func newStateKeeper(ctx context.Context, p *partitionProgress, t task) *stateKeeper {
	kept, ok := t.(keptTask)
	if !ok || p.checkpoints == nil {
		return nil
	}
	return &stateKeeper{Checkpoints: *p.checkpoints, progress: p, task: kept, ended: func() bool { return ctx.Err() != nil }}
}

// keptError is the error of a checkpoint that a partition cannot continue from.
type keptError struct{ err error }

func (e *keptError) Error() string { return e.err.Error() }
func (e *keptError) Unwrap() error { return e.err }

// Reason names why the partition is stopped.
func (e *keptError) Reason() string { return reasons[ReasonCheckpointUnusable].Name }

// unusable reports whether trying again cannot help.
func unusable(err error) bool {
	_, mismatch := errors.AsType[*checkpoint.MismatchError](err)
	_, version := errors.AsType[*checkpoint.VersionError](err)
	return mismatch || version || errors.Is(err, checkpoint.ErrDamaged)
}

// claim makes this process the owner of the partition's checkpoints and its state the
// newest of them. A state in memory is used if it is the same: if it stands at the same
// offset. It waits for a store that does not answer, until the claim ends.
func (k *stateKeeper) claim(ctx context.Context) error {
	p := k.progress
	layout, err := k.task.layout()
	if err != nil {
		return err
	}
	of := checkpoint.Partition{
		Topic: p.claim.Topic, TopicID: p.claim.TopicID, Partition: p.claim.Partition, Partitions: p.claim.Partitions,
	}
	start := p.now()
	p.status.Checkpoint = CheckpointStatus{Offset: FromStart, Every: k.Every, Since: start}
	p.status.Answered = time.Time{} // what is waited for now is the store
	var claimed *checkpoint.Claimed
	var pause retry.Backoff
	for claimed == nil {
		if claimed, err = k.tryClaim(ctx, of, layout); err == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx) // the claim ended, which is no trouble of the store
		}
		if unusable(err) {
			return &keptError{err}
		}
		p.logger.Warn("waiting for the store of checkpoints", "role", p.name, "partition", p.claim.String(), "error", err)
		p.status.Retrying, p.status.Checkpoint.Error = err.Error(), err.Error()
		p.publish(StateOpening)
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
	p.status.Retrying, p.status.Checkpoint.Error = "", ""
	for _, damage := range claimed.Damaged {
		p.metrics.Add(telemetry.CheckpointsDamaged, 1, p.name, p.label)
		p.logger.Error("passed over a checkpoint that is damaged, for the one before it: see what damaged it, with `sendwatch checkpoint verify`",
			"role", p.name, "partition", p.claim.String(), "error", damage)
	}
	k.owner, k.begun, k.kept = claimed.Owner, start, p.worked
	if claimed.Newest == nil {
		return nil
	}
	return k.goOn(ctx, claimed.Newest, start)
}

func (k *stateKeeper) tryClaim(ctx context.Context, of checkpoint.Partition, layout uint64) (*checkpoint.Claimed, error) {
	return orLeft(ctx, func() (*checkpoint.Claimed, error) {
		ctx, cancel := context.WithTimeout(ctx, storeTime)
		defer cancel()
		return k.Store.Claim(ctx, of, layout)
	})
}

// errLeft is the error of an operation on the store that had not ended when the time of its claim was
// over. It is left behind: a partition that has to be given back waits for no store. What it writes
// counts if nobody else has claimed the checkpoints before, and does no harm if somebody has. The memory of a state
// that it saves is its alone: a task whose claim ends with this error is not used again.
var errLeft = errors.New("the store of checkpoints did not answer in time: the next owner begins at the newest checkpoint; see why the store is slow")

// orLeft returns what do returns, or errLeft once ctx has ended. Stores should do so by themselves, and some do not.
func orLeft[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errLeft
	}
}

// errHalfRead is the error of a claim that ended while its state was being read. What the task has of it is nobody's state.
var errHalfRead = errors.New("the partition was given back while its checkpoint was being read")

// endOf returns what returns the cause of the end of ctx, nil before it.
func endOf(ctx context.Context) func() error {
	return func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
}

// goOn continues from a checkpoint.
func (k *stateKeeper) goOn(ctx context.Context, c *checkpoint.Checkpoint, start time.Time) error {
	p := k.progress
	p.status.Checkpoint.Offset, p.status.Checkpoint.At = c.Offset, time.UnixMilli(c.Written)
	if p.next == c.Offset {
		return nil
	}
	if err := failpoint.Here(failpoint.Restoring); err != nil {
		return err
	}
	if err := k.task.restore(ctx, c); err != nil {
		if ctx.Err() != nil {
			return errHalfRead
		}
		return &keptError{fmt.Errorf("checkpoint %s of %s: %w; to have them read: %s", c.Position, p.claim.String(), err, checkpoint.ReadAgain)}
	}
	if err := failpoint.Here(failpoint.Restored); err != nil {
		return err
	}
	p.next = c.Offset
	took := p.now().Sub(start)
	p.metrics.Observe(telemetry.CheckpointRestore, took, p.name)
	p.logger.Info("continuing from a checkpoint", "role", p.name, "partition", p.claim.String(), "offset", c.Offset,
		"checkpoint", fmt.Sprintf("%d-%d", c.Epoch, c.Generation), "written", time.UnixMilli(c.Written).UTC(), "policy", c.PolicyVersion, "took", took)
	return nil
}

// errNotSaved is the error of a save that failed in a way that may pass: the flush is
// done, and nothing is committed.
var errNotSaved = errors.New("the state was not saved")

func (k *stateKeeper) due(next int64) bool {
	p := k.progress
	if next == FromStart || next == p.status.Checkpoint.Offset {
		return false
	}
	since := p.now().Sub(k.begun)
	return k.ended() || k.begun.Before(p.haltedAt) || since >= k.Every && (since >= patience*k.Every || !k.dear(next, since))
}

// What a checkpoint may cost while a partition runs: a share of its time, and bytes written
// for each new record. A state of less than freeBytes is never dear. The share is less than the 3 % that
// are meant, because what is measured leaves out the copies that the loop makes before it writes to what is held.
const (
	timeShare      = 40 // a fortieth
	bytesPerRecord = 16
	freeBytes      = 4 << 20
	patience       = 15 // times Every
)

// workAgain is how much work a restart may have to do again for the sake of bytes that were not written.
const workAgain = time.Minute

// dear reports whether a checkpoint now would cost more than that, by what the newest one has
// cost. It comes later then: it costs the same, and covers more. What a restart pays for that is what it has to
// apply again. It takes as long as it has taken since the newest checkpoint, whether that was in a minute of
// catching up or in a day with few records, so that work is measured and neither time nor records. Once it comes
// to workAgain, bytes count no more; the share of the time still does, and so what is done again is at most
// a minute of work, or timeShare times what a checkpoint takes. Patience is for those who look at the group's
// offset, which waits for the checkpoint, and for the retention of the log, which must not come between.
func (k *stateKeeper) dear(next int64, since time.Duration) bool {
	newest := &k.progress.status.Checkpoint
	switch {
	case newest.Bytes < freeBytes || newest.Error != "": // one that failed is tried again at its time
		return false
	case since < timeShare*k.took:
		return true
	}
	return k.credit+(next-newest.Offset)*bytesPerRecord < newest.Bytes && k.progress.worked-k.kept < workAgain
}

// pay charges the records since the checkpoint before with the bytes of the one that has just become durable. They pay before
// it is written, so that what was written is within bytesPerRecord at any time, but for the first one of a claim, which comes
// at its time, and those that came because the work or the patience was at its end: the records after these pay for them
// too. They never owe more than one, lest a day with few records be held against a day with many, and save up nothing.
func (k *stateKeeper) pay(before int64) {
	k.credit -= k.state.Stored
	if before != FromStart {
		k.credit += (k.state.Offset - before) * bytesPerRecord
	}
	k.credit = min(0, max(k.credit, -k.state.Stored))
}

func (k *stateKeeper) snapshot(next int64) func(context.Context) error {
	if !k.due(next) {
		return nil
	}
	p := k.progress
	now := p.now()
	k.begun, k.worked = now, p.worked
	k.state.Offset = next
	k.finish = k.task.snapshot(&k.state)
	k.pause = p.now().Sub(now)
	p.metrics.Observe(telemetry.CheckpointPause, k.pause, p.name)
	p.status.Checkpoint.Saving = now
	return k.save
}

// storeTime bounds a claim and a save, for stores that hang: some ten GiB, compressed, at the speed
// of a disk.
const storeTime = 2 * time.Minute

// save completes the snapshot and writes it, beside the loop. Without a checkpoint the partition goes on:
// flags do not wait for the store, and only a restart takes longer.
func (k *stateKeeper) save(ctx context.Context) error {
	p := k.progress
	start := p.now()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	k.finish()
	err := k.owner.Save(ctx, &k.state)
	k.saving = k.pause + p.now().Sub(start)
	p.metrics.Observe(telemetry.CheckpointSave, p.now().Sub(start), p.name)
	switch {
	case err == nil:
		p.metrics.Add(telemetry.Checkpoints, 1, p.name, p.label, "saved")
	case errors.Is(err, checkpoint.ErrFenced):
		p.metrics.Add(telemetry.Checkpoints, 1, p.name, p.label, "fenced")
		return err
	default:
		p.metrics.Add(telemetry.Checkpoints, 1, p.name, p.label, "failed")
		p.logger.Warn("a checkpoint could not be saved: flags and rows are not affected, and the next try is at the next flush that is due; a restart would read from the one before",
			"role", p.name, "partition", p.claim.String(), "offset", k.state.Offset, "error", err)
		return fmt.Errorf("%w: %w", errNotSaved, err)
	}
	if err := k.owner.Clean(ctx, k.Keep); err != nil {
		p.logger.Warn("old checkpoints could not be removed: they take space and do no harm", "role", p.name, "partition", p.claim.String(), "error", err)
	}
	return nil
}

// ownsTime bounds one question to the store while the loop waits for it.
const ownsTime = 10 * time.Second

// owns asks the store until it answers: whether the state in memory is still the partition's decides what is done.
func (k *stateKeeper) owns(ctx context.Context) error {
	p := k.progress
	defer func() { p.status.Retrying = "" }()
	var pause retry.Backoff
	for {
		asking, cancel := context.WithTimeout(ctx, ownsTime)
		_, err := orLeft(asking, func() (struct{}, error) { return struct{}{}, k.owner.Owns(asking) })
		cancel()
		if err == nil || errors.Is(err, checkpoint.ErrFenced) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.logger.Warn("waiting for the store of checkpoints: retention has deleted what was to be read next, and it has to say whether another process has read that",
			"role", p.name, "partition", p.claim.String(), "error", err)
		p.status.Retrying = err.Error()
		p.publish(p.status.State)
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

func (k *stateKeeper) saved(err error) {
	c := &k.progress.status.Checkpoint
	c.Saving = time.Time{}
	if err != nil {
		if c.Failing.IsZero() {
			c.Failing = k.begun
		}
		c.Error = err.Error()
		return
	}
	c.Failing = time.Time{}
	k.pay(c.Offset)
	c.Offset, c.At, c.Bytes, c.Error = k.state.Offset, k.progress.now(), k.state.Stored, ""
	k.took, k.kept = k.saving, k.worked
	k.progress.metrics.Set(telemetry.CheckpointBytes, float64(c.Bytes), k.progress.name, k.progress.label)
}

// fencedPause is how long a partition that another process has claimed, or read on, is
// left alone: if its new owner is another member of the group, the claim ends within it.
const fencedPause = 15 * time.Second

// leaveToOther waits until the claim ends, or long enough to be sure that nobody else
// is the partition's owner: an operator has rewound it.
func leaveToOther(ctx context.Context, logger *slog.Logger, claim Claim) {
	logger.Warn("the partition has a newer owner: giving up what this process has of it; if the group still assigns it here, it continues from the newest checkpoint, or the group's offset",
		"partition", claim.String(), "after", fencedPause)
	select {
	case <-ctx.Done():
	case <-time.After(fencedPause):
	}
}
