package pipeline

import (
	"context"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// The loop of a partition, the same for every role:
//
//	open     look up what is acknowledged, then find the offset to begin at: that of the state in memory, the group's
//	         (sink), else the start of the log
//	repeat   fetch   the next batch, while the one before is applied
//	         apply   the batch; its dead letters are acknowledged, its flags are on
//	                 their way, the most urgent first
//	         if due  flush: hand over all that came of the log so far, and the state as
//	                 it is then. A goroutine beside the loop has it acknowledged, saves
//	                 the state, commits the offset (makeDurable), while the loop goes on
//	         between batches answer questions, once a second publish the status
//	drain    when the claim ends: wait for the flush that is under way, flush once more,
//	         and wait for that, within the role's drain time
//
// The order flush, save, commit is invariant 1 ("acknowledge, then commit"), and makeDurable
// is the only place that has it. One flush is under way at a time. Its offset, and the
// state that is saved, are those of when it was handed over; what the loop has applied
// since is the next one's. If the process dies
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
// A flush or a save that fails stops the partition: to go on would be to commit what
// is not durable. A commit that fails is logged and made good by the next one. A writer
// that is slow holds up the loop only once a bounded amount waits for it (lane).
// Until there are checkpoints, there is nothing to save, the state is in memory only, and
// a new owner begins at the start of the log.

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

// retrier is a Log that says why its Fetch has not returned yet.
type retrier interface {
	// Waiting returns why Fetch is trying again and again, "" while it is not.
	Waiting() string
}

// loop drives the task of one claim.
type loop struct {
	*partitionProgress
	task    task
	prepare func(context.Context) error // before the log is opened; may be nil
	// snapshot takes the state as it is before the record at next, and returns how it is
	// saved, in another goroutine; nil: no checkpoints.
	snapshot  func(next int64) (save func(context.Context) error)
	questions <-chan func() // for the goroutine that owns the task
	flushing  *flushing     // what is under way, nil for nothing
}

// flushing is a flush that is under way.
type flushing struct {
	next         int64           // everything before it was handed over
	acknowledged <-chan struct{} // closed when it is; nil if it was at once
	save         func(context.Context) error
	committed    bool
	ended        chan error // gets what makeDurable returns
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
		if ctx.Err() != nil {
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
		select {
		case f, open := <-batches:
			switch {
			case !open || ctx.Err() != nil:
				return l.drainAll(work, log)
			case f.err != nil:
				return f.err
			}
			if err := l.take(work, f); err != nil {
				return err
			}
			if l.flushing == nil && l.task.due() {
				if err := l.flush(work, log); err != nil {
					return err
				}
			}
		case err := <-l.flushed():
			if err := l.endFlush(err); err != nil {
				return err
			}
		case question := <-l.questions:
			question()
		case <-tick.C:
			if retrying != nil {
				l.status.Retrying = retrying.Waiting()
			}
			l.publish(l.status.State)
		case <-ctx.Done():
			return l.drainAll(work, log)
		}
	}
}

// open makes the log ready to be fetched from where the task stands.
func (l *loop) open(ctx context.Context, log Log) error {
	l.committed = l.claim.Committed
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
	}
	l.next, l.lastFlush = next, l.now()
	return nil
}

// take applies a batch and publishes how far the partition is.
func (l *loop) take(ctx context.Context, f fetched) error {
	start := l.now()
	l.waited = 0
	before := l.status.Incidents
	ctx, span := l.telemetry.StartSpan(ctx, telemetry.OperationApply, l.claim.Topic, l.claim.Partition)
	err := l.task.apply(ctx, f.batch)
	span.End(len(f.batch.Records), err)
	if err != nil {
		return err
	}
	l.metrics.Observe(telemetry.ApplyDuration, l.now().Sub(start)-l.waited, l.name)
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
	f := &flushing{next: l.next, ended: make(chan error, 1)}
	var err error
	if f.acknowledged, err = l.task.flush(ctx); err != nil {
		span.End(0, err)
		return err
	}
	if l.snapshot != nil {
		f.save = l.snapshot(f.next)
	}
	l.flushing = f
	commit := f.next != l.committed && f.next != FromStart
	secure := func() error {
		err := l.makeDurable(ctx, log, f, commit)
		span.End(0, err)
		return err
	}
	if f.acknowledged == nil { // the task waits for its writes anyway
		return l.endFlush(secure())
	}
	go func() { f.ended <- secure() }()
	return nil
}

// makeDurable makes everything before a flush's offset durable: flush, save, commit. It runs
// beside the loop.
func (l *loop) makeDurable(ctx context.Context, log Log, f *flushing, commit bool) error {
	if f.acknowledged != nil {
		select {
		case <-f.acknowledged:
		case <-l.beside.failed:
			return l.beside.err
		}
	}
	if f.save != nil {
		if err := f.save(ctx); err != nil {
			return err
		}
	}
	if !commit {
		return nil
	}
	if err := log.Commit(f.next); err != nil {
		l.logger.Warn("commit failed: nothing is lost, and the next one includes it; if it goes on failing, the lag shown for the group is too large",
			"role", l.name, "partition", l.claim.String(), "offset", f.next, "error", err)
		return nil
	}
	f.committed = true
	return nil
}

// flushed returns what gets the result of the flush under way.
func (l *loop) flushed() <-chan error {
	if l.flushing == nil {
		return nil
	}
	return l.flushing.ended
}

// endFlush takes what the flush under way has come to.
func (l *loop) endFlush(err error) error {
	f := l.flushing
	l.flushing = nil
	if err != nil {
		return err
	}
	l.lastFlush = l.now()
	if f.acknowledged != nil {
		l.status.Answered = l.lastFlush
	}
	if f.committed {
		l.committed = f.next
	}
	return nil
}

// abandon waits for all that goes on beside the loop to end, done or not.
func (l *loop) abandon() {
	l.joinWriters()
	if l.flushing != nil {
		<-l.flushing.ended
		l.flushing = nil
	}
}

// drainAll waits for the flush under way and then makes all that was applied durable.
func (l *loop) drainAll(ctx context.Context, log Log) error {
	await := func() error {
		if l.flushing == nil {
			return nil
		}
		return l.waiting(func() error { return l.endFlush(<-l.flushing.ended) })
	}
	if err := await(); err != nil {
		return err
	}
	if err := l.flush(ctx, log); err != nil {
		return err
	}
	return await()
}
