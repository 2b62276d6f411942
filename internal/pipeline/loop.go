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
//	         if due  flush, save, commit
//	         between batches answer questions, once a second publish the status
//	drain    when the claim ends: flush, save, commit, within the role's drain time
//
// The order flush, save, commit is invariant 1 ("acknowledge, then commit"), and
// barrier is the only place that has it. If the process dies
//
//	in apply            some flags of what was applied are in their topic, its rows are
//	                    not. The next owner begins before it and writes the same flags
//	                    again, under the same ids.
//	in flush            some rows are in their topic as well. The next owner writes
//	                    them again: a row is absolute, and the largest version counts.
//	between flush and   all outputs are written and the state is older than they are.
//	save                The same as above.
//	between save and    the state is newer than the group's offset. The state decides
//	commit              where to begin; the offset is for those who watch the lag. The
//	                    sink has no state beside the offset: it inserts rows again.
//	after commit        nothing is written twice.
//
// A flush or a save that fails stops the partition: to go on would be to commit what
// is not durable. A commit that fails is logged and made good by the next one.
// Until there are checkpoints, save does nothing, the state is in memory only, and a
// new owner begins at the start of the log.

// task is what a role does with one partition. The loop's goroutine calls it.
type task interface {
	// apply takes the next batch and has what must not wait acknowledged. The batch
	// is valid until apply is called again.
	apply(ctx context.Context, batch *event.Batch) error
	// due reports whether the outputs should be flushed now.
	due() bool
	// flush returns once every output of what was applied is acknowledged.
	flush(ctx context.Context) error
}

// retrier is a Log that says why its Fetch has not returned yet.
type retrier interface {
	// Waiting returns why Fetch is trying again and again, "" while it is not.
	Waiting() string
}

// loop drives the task of one claim.
type loop struct {
	*partitionProgress
	task      task
	prepare   func(context.Context) error               // before the log is opened; may be nil
	save      func(_ context.Context, next int64) error // nil: no checkpoints
	questions <-chan func()                             // for the goroutine that owns the task
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
	defer l.flags.join() // after stop: of a partition that fails they are given up
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
				return l.barrier(work, log)
			case f.err != nil:
				return f.err
			}
			if err := l.take(work, f); err != nil {
				return err
			}
			if l.task.due() {
				if err := l.barrier(work, log); err != nil {
					return err
				}
			}
		case question := <-l.questions:
			question()
		case <-tick.C:
			if retrying != nil {
				l.status.Retrying = retrying.Waiting()
			}
			l.publish(l.status.State)
		case <-ctx.Done():
			return l.barrier(work, log)
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

// barrier makes everything before next durable: flush, save, commit.
func (l *loop) barrier(ctx context.Context, log Log) (err error) {
	ctx, span := l.telemetry.StartSpan(ctx, telemetry.OperationFlush, l.claim.Topic, l.claim.Partition)
	defer func() { span.End(0, err) }()
	if err := l.task.flush(ctx); err != nil {
		return err
	}
	if l.save != nil {
		if err := l.save(ctx, l.next); err != nil {
			return err
		}
	}
	l.lastFlush = l.now()
	if l.next == l.committed || l.next == FromStart {
		return nil
	}
	if err := log.Commit(l.next); err != nil {
		l.logger.Warn("commit failed: nothing is lost, and the next one includes it; if it goes on failing, the lag shown for the group is too large",
			"role", l.name, "partition", l.claim.String(), "offset", l.next, "error", err)
		return nil
	}
	l.committed = l.next
	return nil
}
