package pipeline

import (
	"context"
	"fmt"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// FromStart as an offset means the first that the log holds.
const FromStart = -1

// Claim is a partition that a group has given to this process for a while.
type Claim struct {
	Topic     string
	Partition int32
	Committed int64 // the group's offset, FromStart if there is none
}

// String names the claim in errors and log lines.
func (c Claim) String() string { return fmt.Sprintf("%s partition %d", c.Topic, c.Partition) }

// Log is the claimed partition. It belongs to the goroutine it was given to,
// apart from Fetch, which may be called from one other. A batch is valid until
// the next call of Fetch but one.
type Log interface {
	// Open makes offset, or FromStart, the next to be fetched and says which it is.
	Open(ctx context.Context, offset int64) (int64, error)
	// Fetch waits for the next records, but not long: then the batch is empty.
	// An error is final for this partition.
	Fetch(ctx context.Context) (*event.Batch, error)
	// Commit tells the group that everything before offset is done.
	Commit(offset int64) error
}

// Serve works on one claim until ctx ends.
type Serve func(ctx context.Context, claim Claim, log Log) error

// Join makes this process a member of the role's group and calls serve for each
// claim in a goroutine of its own. It returns after every serve has.
type Join func(ctx context.Context, serve Serve) error

// Writer writes records. Produce returns once all are acknowledged, in order
// per partition, and tries on by itself while a failure may pass.
type Writer interface {
	Produce(ctx context.Context, topic string, messages []event.Message) error
}

// Store keeps rows for queries. Writing the same rows again changes nothing.
type Store interface {
	Write(ctx context.Context, out *event.Output) error
}

// cutLog is said of a log that is read from its beginning and begins in the
// middle. Without a checkpoint nobody knows what came before.
const cutLog = "the log has lost its beginning: what it said there is not known any more, and what is written anew for the time after it may know less than what was written before; keep the topic for longer"

// fetched is a batch, or why there will be none any more.
type fetched struct {
	batch *event.Batch
	err   error
	took  time.Duration
}

// ahead fetches one batch while the receiver works on the one before. The
// channel is unbuffered: a receive says that the batch before is done with,
// which is when its memory may be used again.
func ahead(ctx context.Context, claim Claim, log Log, now func() time.Time, tracer *telemetry.Telemetry) <-chan fetched {
	out := make(chan fetched)
	go func() {
		defer close(out)
		for {
			start := now()
			traced, span := tracer.StartSpan(ctx, telemetry.OperationFetch, claim.Topic, claim.Partition)
			batch, err := log.Fetch(traced)
			records := 0
			if batch != nil {
				records = len(batch.Records)
			}
			span.End(records, err)
			select {
			case out <- fetched{batch, err, now().Sub(start)}:
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

// outlive gives a context that ends grace after ctx does, for what must still
// be brought to its end once ctx asks to stop.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel(nil) }
}
