package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// partitionProgress is how far a role is on one partition. The goroutine that owns the
// partition owns it too; what it publishes is for everyone.
type partitionProgress struct {
	*role
	claim     Claim
	label     string    // the partition's, of metrics
	next      int64     // offset to read next, FromStart before the log was opened
	committed int64     // the group's offset
	flushed   int64     // everything before it is acknowledged
	target    int64     // the log's end at the first fetch: once reached, caught up
	lastFlush time.Time // when everything before next was durable last
	looked    time.Time // when the broker's quota last let us see what the log holds
	status    PartitionStatus
	waited    time.Duration // for writes to be acknowledged, since the batch was taken
	worked    time.Duration // what applying records has taken in all, but for that
	haltedAt  time.Time     // since when it stands before a gap; zero while it does not
	cut       bool          // the log was opened where retention has cut it, with a state that starts empty

	acknowledged int64      // offset: an operator has acknowledged what happened before it
	noted        event.Note // what the keeper had when it was last looked at

	flags   *flagSender // nil of a role that writes none
	beside  *lane       // what is written beside the loop; nil if nothing is
	metrics *telemetry.Metrics
}

func newPartitionProgress(r *role, claim Claim, next int64) partitionProgress {
	return partitionProgress{
		role: r, claim: claim, label: strconv.Itoa(int(claim.Partition)), next: next, target: -1, metrics: r.telemetry.Metrics(),
		status: PartitionStatus{Role: r.name, Topic: claim.Topic, Partition: claim.Partition, State: StateOpening},
	}
}

// publish makes the status visible as it is now.
func (p *partitionProgress) publish(state State) {
	p.takeNote()
	p.status.State, p.status.Next, p.status.Ticked = state, p.next, p.now()
	if p.beside != nil {
		p.status.Unacknowledged = p.beside.waitingSince()
	}
	p.statuses.put(p.status)
}

// noteFetch records what a fetch, which has been applied, says of the log, and
// publishes it.
func (p *partitionProgress) noteFetch(f fetched) {
	batch, now := f.batch, p.now()
	if p.target < 0 {
		p.target = batch.End
	}
	if p.status.CaughtUpAt.IsZero() && p.next >= p.target && batch.Throttled == 0 {
		p.status.CaughtUpAt = now // for good
	}
	p.noteHeldBack(batch, now)
	p.status.End, p.status.Answered, p.status.Fetched = batch.End, now, true
	p.status.Lag = max(0, max(batch.End, batch.HighWatermark)-p.next)
	switch n := len(batch.Records); {
	case p.next >= batch.End && batch.Throttled == 0:
		p.status.LagSeconds = 0
	case n > 0:
		p.status.LagSeconds = max(0, float64(now.UnixMilli()-batch.Records[n-1].Timestamp)/1000)
	case batch.Throttled > 0: // whatever has come since the last look is not known
		p.status.LagSeconds = max(p.status.LagSeconds, now.Sub(p.looked).Seconds())
	}
	if batch.Throttled == 0 {
		p.looked = now
	}
	p.metrics.Set(telemetry.LagRecords, float64(p.status.Lag), p.name, p.label)
	p.metrics.Set(telemetry.LagSeconds, p.status.LagSeconds, p.name, p.label)
	p.metrics.Set(telemetry.HeldBackRecords, float64(p.status.HeldBack), p.name, p.label)
	p.metrics.Add(telemetry.FetchBytes, int64(batch.Bytes), p.name)
	p.metrics.Observe(telemetry.FetchDuration, f.took, p.name)
	p.publish(p.reading())
}

// reading returns the state of a partition that waits for nobody.
func (p *partitionProgress) reading() State {
	if p.status.CaughtUpAt.IsZero() {
		return StateCatchingUp
	}
	return StateRunning
}

// noteHeldBack records how many records an open transaction keeps from being read. While
// the readable end moves on, transactions come and go as they should.
func (p *partitionProgress) noteHeldBack(batch *event.Batch, now time.Time) {
	held := max(0, batch.HighWatermark-batch.End)
	if held == 0 || p.status.HeldBack == 0 || batch.End != p.status.End {
		p.status.HeldSince = now
	}
	p.status.HeldBack = held
}

// noteUnreadable counts offsets that were skipped because they cannot be read.
func (p *partitionProgress) noteUnreadable(first, last int64) {
	p.status.Unreadable += last - first + 1
	p.metrics.Add(telemetry.Unreadable, last-first+1, p.name, p.label)
	p.noteIncident(&p.status.Incidents.Unreadable, last-first+1, last, offsets(first, last))
}

// offsets writes a run of offsets, both ends part of it.
func offsets(first, last int64) string {
	if first == last {
		return fmt.Sprintf("offset %d", first)
	}
	return fmt.Sprintf("offsets %d to %d", first, last)
}

// noteLost counts offsets that retention deleted before they were read. detail says what
// more is known of them, empty for nothing.
func (p *partitionProgress) noteLost(lost event.Lost, detail string) {
	text := offsets(lost.First, lost.End-1) + detail
	if !p.noteIncident(&p.status.Incidents.Lost, lost.Count(), lost.End-1, text) {
		return
	}
	p.status.Lost += lost.Count()
	p.metrics.Add(telemetry.LostRecords, lost.Count(), p.name, p.label)
}

// produce writes messages to a topic and counts them. While it waits for their
// acknowledgement, the status says so.
func (p *partitionProgress) produce(ctx context.Context, w Writer, topic string, messages []event.Message) error {
	if len(messages) == 0 {
		return nil
	}
	return p.waiting(func() error { return p.role.produce(ctx, w, topic, messages) })
}

// produce writes messages to a topic and counts them. It may be called from any goroutine.
func (r *role) produce(ctx context.Context, w Writer, topic string, messages []event.Message) error {
	if len(messages) == 0 {
		return nil
	}
	start := r.now()
	if err := w.Produce(ctx, topic, messages); err != nil {
		return err
	}
	m := r.telemetry.Metrics()
	m.Observe(telemetry.ProduceDuration, r.now().Sub(start), topic)
	m.Add(telemetry.ProducedRecords, int64(len(messages)), topic)
	return nil
}

// waiting calls write, which waits for somebody else, under a status that says so.
func (p *partitionProgress) waiting(write func() error) error {
	state, start := p.status.State, p.now()
	p.publish(StateWaiting)
	err := write()
	p.waited += p.now().Sub(start)
	if err == nil {
		p.status.Answered = p.now()
	}
	p.publish(state)
	return err
}

// awaitFlags returns once the flags that were sent are acknowledged, and sets when that
// was in flags. While it waits, the status says so.
func (p *partitionProgress) awaitFlags(flags []event.Flag) error {
	if !p.flags.busy() {
		return p.flags.wait(flags)
	}
	return p.waiting(func() error { return p.flags.wait(flags) })
}

// joinWriters waits for what is written beside the loop to end.
func (p *partitionProgress) joinWriters() {
	if p.beside != nil {
		p.beside.join()
	}
	if p.flags != nil {
		p.flags.join()
	}
}

// finish ends the work on a claim whose loop has returned err. A partition with an
// error that is still ours stays ours and is read no more: others must not be
// disturbed, and Status shows why. It reports whether the cause was mended, as an
// operator says, so that the work may begin again.
func (p *partitionProgress) finish(ctx context.Context, err error) (again bool) {
	defer p.metrics.Forget("role", p.name, "partition", p.label)
	defer p.statuses.drop(p.claim.Partition)
	switch {
	case err == nil, errors.Is(err, errHalfRead): // nothing came of it
	case ctx.Err() != nil:
		p.logger.Warn("partition given back before its outputs were acknowledged or its state was saved; its next owner writes again, the same, what came since the newest checkpoint",
			"role", p.name, "partition", p.claim.String(), "error", err)
	default:
		p.logger.Error("partition stopped: mend the cause, then run `sendwatch acknowledge`", "role", p.name, "partition", p.claim.String(), "error", err)
		p.status.Error, p.status.stoppedBy = err.Error(), reasonOf(err, ReasonStopped)
		return p.awaitMended(ctx)
	}
	return false
}
