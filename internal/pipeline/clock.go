package pipeline

import (
	"context"
	"strconv"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
	eventsv1 "sendwatch/schemas/events/v1"
)

const (
	// clockIdle is how long a partition must have been without records, and
	// clockEvery how far apart its clock events are at least.
	clockIdle  = time.Minute
	clockEvery = time.Minute
	// clockBehind keeps a clock event behind events that are still on their way.
	clockBehind = time.Minute
)

// wakeClock appends a clock event to a partition that is read to its end and
// has been idle, so that time goes on there and whoever reads the log again
// sees the same. A partition without any event yet has no time that could go
// on, and its first events may be old ones: it gets none.
func (p *partition) wakeClock(ctx context.Context, batch *event.Batch) error {
	now := p.now()
	if p.next < batch.End || now.Sub(p.idleSince) < clockIdle || now.Sub(p.lastClock) < clockEvery {
		return nil
	}
	at := now.Add(-clockBehind).UnixMilli()
	if watermark := p.engine.Stats().Watermark; watermark == 0 || at <= watermark {
		return nil
	}
	p.lastClock = now
	err := p.appendOwn(ctx, &eventsv1.Event{Type: event.TypeClock.String(), Time: &at}, now)
	if err == nil {
		p.metrics.Add(telemetry.ClockEvents, 1, p.label)
	}
	return err
}

// appendOwn appends an event of the pipeline's own to the partition. Its id is
// made of what it is, of the partition and of the time at which it was made.
func (p *partition) appendOwn(ctx context.Context, e *eventsv1.Event, now time.Time) error {
	e.Id = e.Type + "/" + p.claim.Topic + "/" + p.label + "/" + strconv.FormatInt(now.UnixMilli(), 10)
	return p.produce(ctx, p.claim.Topic, []event.Message{{
		Partition: p.claim.Partition, PartitionSet: true, Value: codec.AppendEventJSON(nil, e),
		Headers: []event.Header{{Key: []byte(codec.ContentTypeHeader), Value: []byte(codec.ContentJSON.String())}},
	}})
}
