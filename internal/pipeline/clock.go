package pipeline

import (
	"context"
	"strconv"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
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
	value := append([]byte(nil), `{"id":"clock/`...)
	value = append(value, p.claim.Topic...) // a topic's name needs no escaping
	value = append(value, '/')
	value = append(value, p.label...)
	value = append(value, '/')
	value = strconv.AppendInt(value, now.UnixMilli(), 10)
	value = append(value, `","type":"clock","time":`...)
	value = strconv.AppendInt(value, at, 10)
	value = append(value, '}')
	err := p.produce(ctx, p.claim.Topic, []event.Message{{
		Partition: p.claim.Partition, PartitionSet: true, Value: value,
		Headers: []event.Header{{Key: []byte("content-type"), Value: []byte("application/json")}},
	}})
	if err == nil {
		p.metrics.Add(telemetry.ClockEvents, 1, p.label)
	}
	return err
}
