package pipeline

import (
	"context"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// fetched is a batch, or why there will be none any more.
type fetched struct {
	batch *event.Batch
	err   error
	took  time.Duration
}

// fetchAhead fetches one batch while the receiver works on the one before. The channel
// is unbuffered: a receive says that the batch before is done with, which is when its
// memory may be used again. The channel is closed when ctx ends or a fetch fails.
func (l *loop) fetchAhead(ctx context.Context, log Log) <-chan fetched {
	out := make(chan fetched)
	go func() {
		defer close(out)
		for {
			start := l.now()
			traced, span := l.telemetry.StartSpan(ctx, telemetry.OperationFetch, l.claim.Topic, l.claim.Partition)
			batch, err := log.Fetch(traced)
			records := 0
			if batch != nil {
				records = len(batch.Records)
			}
			span.End(records, err)
			select {
			case out <- fetched{batch, err, l.now().Sub(start)}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// outlive returns a context that ends grace after ctx does, for what must still be
// finished once ctx asks to stop.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel(nil) }
}
