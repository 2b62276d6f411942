package pipeline

import (
	"context"
	"errors"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/telemetry"
)

// The loop of a partition, the same for every role:
//
//	open     look up what is acknowledged, claim the partition's checkpoints, then find
//	         the offset to begin at: that of the newest checkpoint, of the state in memory,
//	         the group's (sink), else the start of the log
//	repeat   fetch   the next batch, while the one before is applied; what is not there any more may stop
//	                 the partition until that is acknowledged (gap.go)
//	         apply   the batch; its dead letters are acknowledged, its flags are on
//	                 their way, the most urgent first
//	         if due  write ahead: hand over what came of the log portion by portion, between
//	                 batches, until little is left
//	                 flush: hand over all that came of the log so far, and, now and then,
//	                 the state as it is then. Beside the loop, which goes on, goroutines
//	                 have it acknowledged (acknowledge), save the state and commit (keep)
//	         between batches answer questions, once a second publish the status
//	drain    when the claim ends: wait for what is under way, flush once more, wait for
//	         that and for the state to be saved, within the role's drain time. A save that has
//	         not ended by then is left behind with the state, which nobody uses again
//
// The order flush, save, commit is invariant 1 ("acknowledge, then commit"), and it is in
// one place: flush below, with acknowledge and keep. One flush and one save are under way at a
// time. The offset that is committed and the state that is saved are those of when the
// flush was handed over; what the loop has applied since is the next one's. If the process
// dies
//
//	in apply            some flags of what was applied are in their topic, and so may be
//	                    some of its rows: a large flush begins before it is due. The next
//	                    owner begins before it and writes the same flags again, under the
//	                    same ids.
//	in flush            some rows are in their topic as well, also of records behind the
//	                    flush's offset. The next owner writes them again: a row is
//	                    absolute, and the largest version counts.
//	between flush and   all outputs before the offset are written, some behind it, and
//	save                the state is older than they are. The same as above.
//	between save and    the state is newer than the group's offset. The state decides
//	commit              where to begin; the offset is for those who watch the lag. The
//	                    sink has no state beside the offset: it inserts rows again.
//	after commit        of what was before the offset nothing is written twice.
//
// A flush that fails stops the partition: to go on would be to commit what is not
// durable. A save that fails lets nothing be committed; the partition goes on, since flags
// must not wait for a store, and saves at a later flush. A commit that fails is logged and
// made good by the next one. A writer that is slow holds up the loop only once a bounded
// amount waits for it (lane). Where there are no checkpoints the state is in memory only,
// commits follow the flushes, and a new owner begins at the start of the log.

// task is what a role does with one partition. The loop's goroutine calls it.
type task interface {
	// apply takes the next batch and has what must not wait acknowledged. The batch
	// is valid until apply is called again.
	apply(ctx context.Context, batch *event.Batch) error
	// due reports whether the outputs should be flushed now. It is not asked while a
	// flush is under way.
	due() bool
	// flush hands over every output of what was applied. The channel, nil for at once, is
	// closed when all are acknowledged; if they never are, what flush hands to fails.
	flush(ctx context.Context) (acknowledged <-chan struct{}, err error)
}

// aheadWriter is a task with so many outputs that handing all of them over at once would hold up
// the flags of the events behind them for tens of milliseconds.
type aheadWriter interface {
	// unwritten returns how many outputs a flush would hand over now.
	unwritten() int
	// crowded reports whether so much is unwritten that no more may be applied before a flush.
	crowded() bool
	// writeSome hands over some of them. What is applied later may change them again.
	writeSome(ctx context.Context) (written int, err error)
}

// retrier is a Log that says why its Fetch has not returned yet.
type retrier interface {
	// Waiting returns why Fetch is trying again and again, "" while it is not.
	Waiting() string
}

// stateSaver keeps the state of the task in checkpoints.
type stateSaver interface {
	// due reports whether a state is to be saved although nothing else is to be flushed.
	due(next int64) bool
	// snapshot takes the state as it is before the record at next, and returns how it is
	// saved, in another goroutine; nil if it need not be saved now.
	snapshot(next int64) (save func(context.Context) error)
	// saved takes what a save has come to, in the loop's goroutine.
	saved(err error)
}

// loop drives the task of one claim.
type loop struct {
	*partitionProgress
	task      task
	prepare   func(context.Context) error // before the log is opened; may be nil
	states    stateSaver                  // nil: no checkpoints
	owns      func(context.Context) error // returns nil once it is sure that the partition has no newer owner; nil: there is no asking
	questions <-chan func()               // for the goroutine that owns the task
	ahead     int                         // so many outputs are still written before the flush that is due; 0 while none is
	halted    *fetched                    // what says that records are lost which the state needs next: the partition stands before them; nil while it does not
	flushing  *flushing                   // what is under way, nil for nothing
	saving    *flushing                   // whose state is being saved, nil for none: flushes go on beside it
}

// flushing is a flush that is under way, and then the save that follows it.
type flushing struct {
	next         int64           // everything before it was handed over
	acknowledged <-chan struct{} // closed when it is; nil if it was at once
	save         func(context.Context) error
	saved        bool         // before the flush: a checkpoint at next is durable, and only the commit is owed
	keep         func() error // saves, then commits
	commit       func()
	committed    bool
	ended, kept  chan error // get what acknowledge and keep return
}

// saveDue reports whether a state is to be saved although nothing else is to be flushed.
func (l *loop) saveDue() bool { return l.states != nil && l.saving == nil && l.states.due(l.next) }

// commitAgain is the least time between two tries to commit what a durable state owes.
const commitAgain = 5 * time.Second

// commitDue reports whether a commit is owed although nothing else is to be flushed or saved:
// one that failed while no record came.
func (l *loop) commitDue() bool {
	return l.states != nil && l.saving == nil && l.next == l.status.Checkpoint.Offset && l.next != l.committed && l.now().Sub(l.lastFlush) >= commitAgain
}

// run reads until ctx ends, then drains. It returns nil only if all outputs have been
// acknowledged.
func (l *loop) run(ctx context.Context, log Log) error {
	err := l.read(ctx, log)
	if err == nil || ctx.Err() != nil || l.rebuilds || reasonOf(err, ReasonStopped) != ReasonLogTruncated {
		return err
	}
	// Nothing but the offset is wrong, and what is written again is the same.
	l.logger.Warn("log ends before the group's offset: reading it again from its start, which writes the same rows again",
		"role", l.name, "partition", l.claim.String(), "offset", l.next, "error", err)
	l.next = FromStart
	return l.read(ctx, log)
}

// read opens the log and applies it until ctx ends, then drains.
func (l *loop) read(ctx context.Context, log Log) error {
	if err := l.open(ctx, log); err != nil {
		if _, kept := errors.AsType[*keptError](err); ctx.Err() != nil && !kept && !errors.Is(err, errHalfRead) {
			return nil // nothing was applied, nothing is owed
		}
		return err
	}
	work, stop := outlive(ctx, l.drain)
	defer l.abandon() // after stop: what is under way is given up
	defer stop()
	fetching, stopFetching := context.WithCancel(ctx)
	batches := l.fetchAhead(fetching, log)
	defer func() {
		stopFetching()
		for range batches { // it must not touch the log after we have returned
		}
	}()
	retrying, _ := log.(retrier)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		incoming := batches
		if l.halted != nil {
			incoming = nil
		}
		select {
		case f, open := <-incoming:
			switch {
			case !open || ctx.Err() != nil:
				return l.drainAll(work, log)
			case f.err != nil:
				return f.err
			}
			if err := l.take(work, f); err != nil {
				return err
			}
			if err := l.flushIfDue(work, log); err != nil {
				return err
			}
		case l.roomAhead() <- struct{}{}:
			l.beside.took()
			if err := l.writeAhead(work, log); err != nil {
				return err
			}
		case <-l.failedAhead():
			return l.beside.err
		case err := <-l.flushEnded():
			if err := l.endFlush(err); err != nil {
				return err
			}
		case err := <-l.saveEnded():
			if err := l.endSave(err); err != nil {
				return err
			}
		case question := <-l.questions:
			question()
		case <-tick.C:
			if retrying != nil {
				l.status.Retrying = retrying.Waiting()
			}
			l.publish(l.status.State)
			if err := l.beyondGap(work, log); err != nil {
				return err
			}
		case <-ctx.Done():
			return l.drainAll(work, log)
		}
	}
}

// flushIfDue begins what is due: a flush, or the writing ahead that comes before it.
func (l *loop) flushIfDue(ctx context.Context, log Log) error {
	t, writesAhead := l.task.(aheadWriter)
	switch {
	case l.ahead > 0 && !t.crowded():
		return nil
	case l.ahead > 0:
		l.ahead = 0
		return l.flush(ctx, log)
	case l.flushing != nil || !l.task.due() && !l.saveDue() && !l.commitDue():
		return nil
	}
	if writesAhead && !t.crowded() {
		if l.ahead = max(0, t.unwritten()-fewUnwritten); l.ahead > 0 {
			return nil
		}
	}
	return l.flush(ctx, log)
}

// fewUnwritten is how many outputs a flush may have to hand over at once: they take a millisecond or two.
const fewUnwritten = 1024

// writeAhead writes some of what a flush is due to write, and begins the flush after the last of it.
func (l *loop) writeAhead(ctx context.Context, log Log) error {
	n, err := l.task.(aheadWriter).writeSome(ctx)
	if err != nil {
		return err
	}
	if l.ahead -= n; l.ahead > 0 && n > 0 {
		return nil
	}
	l.ahead = 0
	return l.flush(ctx, log)
}

// roomAhead can be sent to once there is room for some of what is written ahead; nil while none is. failedAhead
// returns what is closed if there will never be.
func (l *loop) roomAhead() chan<- struct{} {
	if l.ahead == 0 {
		return nil
	}
	return l.beside.roomy()
}

func (l *loop) failedAhead() <-chan struct{} {
	if l.ahead == 0 {
		return nil
	}
	return l.beside.failed
}

// open makes the log ready to be fetched from where the task stands.
func (l *loop) open(ctx context.Context, log Log) error {
	l.committed = l.claim.Committed
	l.flushed = FromStart
	l.status.Fetched = false
	l.leaveGap()
	l.publish(StateOpening)
	l.keepNow(ctx) // what is acknowledged is not noted again
	if l.prepare != nil {
		if err := l.prepare(ctx); err != nil {
			return err
		}
	}
	next, err := log.Open(ctx, l.next)
	if err != nil {
		return err
	}
	if l.rebuilds && l.next == FromStart && next > 0 {
		l.logger.Warn("log start is after offset 0: state before it is unknown, and flags and rows of the time after it may differ from those written before; "+
			"raise the topic's retention", "role", l.name, "partition", l.claim.String(), "first", next)
		l.cut = true
	}
	l.next, l.lastFlush = next, l.now()
	return nil
}

// take applies a batch and publishes how far the partition is.
func (l *loop) take(ctx context.Context, f fetched) error {
	if err := failpoint.Here(failpoint.Fetched); err != nil {
		return err
	}
	if f.batch.Lost.Count() > 0 && l.owns != nil {
		// A newer owner may have read what is gone: nothing is lost then, and what we would go on with is an old state.
		if err := l.owns(ctx); err != nil {
			return err
		}
		if l.stopsAt(ctx, f) {
			return nil
		}
	}
	start := l.now()
	l.waited = 0
	before := l.status.Incidents
	ctx, span := l.telemetry.StartSpan(ctx, telemetry.OperationApply, l.claim.Topic, l.claim.Partition)
	err := l.task.apply(ctx, f.batch)
	span.End(len(f.batch.Records), err)
	if err == nil {
		err = failpoint.Here(failpoint.Applied)
	}
	if err != nil {
		return err
	}
	took := l.now().Sub(start) - l.waited
	l.worked += took
	l.metrics.Observe(telemetry.ApplyDuration, took, l.name)
	l.next = f.batch.Next
	l.noteFetch(f)
	if l.status.Incidents.Lost != before.Lost || l.status.Incidents.begun(&before) {
		l.keepNow(ctx) // before the offset behind a gap is committed, and before an operator acknowledges it
	}
	return nil
}

// flush hands over everything before next, to be made durable beside the loop.
func (l *loop) flush(ctx context.Context, log Log) error {
	ctx, span := l.telemetry.StartSpan(ctx, telemetry.OperationFlush, l.claim.Topic, l.claim.Partition)
	f := &flushing{next: l.next, ended: make(chan error, 1), kept: make(chan error, 1)}
	var err error
	if f.acknowledged, err = l.task.flush(ctx); err != nil {
		span.End(0, err)
		return err
	}
	if l.states != nil && l.saving == nil {
		f.save = l.states.snapshot(f.next)
		f.saved = f.save == nil && f.next == l.status.Checkpoint.Offset
	}
	l.flushing = f
	wanted := f.next != l.committed && f.next != FromStart
	f.commit = func() {
		if wanted {
			f.committed = l.commit(log, f.next)
		}
	}
	secure := func() error {
		err := l.acknowledge(f)
		span.End(0, err)
		return err
	}
	f.keep = func() error {
		if _, err := orLeft(ctx, func() (struct{}, error) { return struct{}{}, f.save(ctx) }); err != nil {
			return err
		}
		if err := failpoint.Here(failpoint.Saved); err != nil {
			return err
		}
		f.commit()
		return failpoint.Here(failpoint.Committed)
	}
	if f.acknowledged == nil { // the task waits for its writes anyway
		return l.endFlush(secure())
	}
	go func() { f.ended <- secure() }()
	return nil
}

// acknowledge waits until everything before a flush's offset is acknowledged, beside the loop.
// Where there are no checkpoints, that is all that a commit waits for; so it is where the
// owner before has saved the state and died before it could commit.
func (l *loop) acknowledge(f *flushing) error {
	if f.acknowledged != nil {
		select {
		case <-f.acknowledged:
		case <-l.beside.failed:
			return l.beside.err
		}
	}
	if err := failpoint.Here(failpoint.Acknowledged); err != nil {
		return err
	}
	if l.states == nil || f.saved {
		f.commit()
	}
	return nil
}

// commit makes an offset the group's, and reports whether it is.
func (l *loop) commit(log Log, next int64) bool {
	if err := log.Commit(next); err != nil {
		l.logger.Warn("commit failed: nothing is lost, and the next one includes it; if it goes on failing, the lag shown for the group is too large",
			"role", l.name, "partition", l.claim.String(), "offset", next, "error", err)
		return false
	}
	return true
}

// flushEnded and saveEnded return what gets the result of the flush, and of the save, under way.
func (l *loop) flushEnded() <-chan error {
	if l.flushing == nil {
		return nil
	}
	return l.flushing.ended
}

func (l *loop) saveEnded() <-chan error {
	if l.saving == nil {
		return nil
	}
	return l.saving.kept
}

// endFlush takes what the flush under way has come to. Its state, if it took one, can be
// saved now.
func (l *loop) endFlush(err error) error {
	f := l.flushing
	l.flushing = nil
	if err != nil {
		return err
	}
	l.flushed = f.next
	l.lastFlush = l.now()
	if f.acknowledged != nil {
		l.status.Answered = l.lastFlush
	}
	if f.save != nil {
		l.saving = f
		go func() { f.kept <- f.keep() }()
	} else if f.committed {
		l.committed = f.next
	}
	return nil
}

// endSave takes what the save under way has come to. One that may go well another time is
// no error.
func (l *loop) endSave(err error) error {
	f := l.saving
	l.saving = nil
	if err != nil && !errors.Is(err, errNotSaved) {
		return err
	}
	l.states.saved(err)
	if f.committed {
		l.committed = f.next
	}
	return nil
}

// abandon waits for all that goes on beside the loop to end, done or not.
func (l *loop) abandon() {
	l.joinWriters()
	if l.flushing != nil {
		l.logger.Debug("flush given up", "role", l.name, "partition", l.claim.String(), "offset", l.flushing.next, "error", <-l.flushing.ended)
		l.flushing = nil
	}
	if l.saving != nil {
		l.logger.Debug("save given up", "role", l.name, "partition", l.claim.String(), "offset", l.saving.next, "error", <-l.saving.kept)
		l.saving = nil
	}
}

// drainAll waits for what is under way and then makes all that was applied durable.
func (l *loop) drainAll(ctx context.Context, log Log) error {
	if err := failpoint.Here(failpoint.Draining); err != nil {
		return err
	}
	flushed := func() error {
		if l.flushing == nil {
			return nil
		}
		return l.waiting(func() error { return l.endFlush(<-l.flushing.ended) })
	}
	saved := func() error {
		if l.saving == nil {
			return nil
		}
		return l.waiting(func() error { return l.endSave(<-l.saving.kept) })
	}
	hand := func() error { return l.flush(ctx, log) }
	for _, step := range [...]func() error{flushed, hand, flushed, saved} {
		if err := step(); err != nil {
			return err
		}
	}
	if !l.saveDue() {
		return nil
	}
	for _, step := range [...]func() error{hand, flushed, saved} { // the state, which a save under way kept from being taken
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
