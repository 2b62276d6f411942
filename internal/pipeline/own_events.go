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
	// clockIdle is how long a partition must have been without records, and clockEvery
	// how far apart its clock events are at least.
	clockIdle  = time.Minute
	clockEvery = time.Minute
	// clockBehind keeps a clock event behind events that are still on their way.
	clockBehind = time.Minute
)

// appendClockEvent appends a clock event to a partition that has been read to its end
// and is idle, so that time passes there and another reader of the log sees the same. A
// partition without any event yet has no time that could pass, and its first events may
// be old ones: it gets none.
func (t *numbersTask) appendClockEvent(ctx context.Context) error {
	now := t.now()
	if now.Sub(t.idleSince) < clockIdle || now.Sub(t.lastClock) < clockEvery {
		return nil
	}
	at := now.Add(-clockBehind).UnixMilli()
	if watermark := t.processor.Engine().Stats().Watermark; watermark == 0 || at <= watermark {
		return nil
	}
	t.lastClock = now
	err := t.appendEvent(ctx, &eventsv1.Event{Type: event.TypeClock.String(), Time: &at})
	if err == nil {
		t.metrics.Add(telemetry.ClockEvents, 1, t.label)
	}
	return err
}

// appendPolicyEvent appends a `policy` event to a partition that has been read to its
// end and that the newest policy does not decide on yet. A partition without any event
// has no time that the event could carry, and nothing to decide: it waits for its first.
func (t *numbersTask) appendPolicyEvent(ctx context.Context) error {
	newest := t.config.Policies.Newest().Version
	watermark := t.processor.Engine().Stats().Watermark
	if newest == t.processor.Policy().Version || newest == t.requested || watermark == 0 {
		return nil
	}
	t.requested = newest
	// The watermark as its time: it moves none.
	return t.appendEvent(ctx, &eventsv1.Event{Type: event.TypePolicy.String(), Time: &watermark, Version: newest})
}

// appendEvent appends an event of the pipeline's own to this partition, to be read like
// any other. Its id is made of its type, the partition and the present time.
func (t *numbersTask) appendEvent(ctx context.Context, e *eventsv1.Event) error {
	e.Id = e.Type + "/" + t.claim.Topic + "/" + t.label + "/" + strconv.FormatInt(t.now().UnixMilli(), 10)
	return t.produce(ctx, t.config.Writer, t.claim.Topic, []event.Message{{
		Partition: t.claim.Partition, PartitionSet: true, Value: codec.AppendEventJSON(nil, e),
		Headers: []event.Header{{Key: []byte(codec.ContentTypeHeader), Value: []byte(codec.ContentJSON.String())}},
	}})
}
