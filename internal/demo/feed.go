package demo

import (
	"context"
	"sync/atomic"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// feed writes the traffic to the events topic: the history as fast as the
// pipeline takes it, then each record when its time has come.
type feed struct {
	generator  *traffic.Generator
	partitions int32
	// produce writes messages and returns once they are acknowledged.
	produce func(context.Context, []event.Message) error
	// full reports whether the pipeline is too far behind what has been produced.
	full func(produced int64) bool
	now  func() time.Time
	live chan struct{} // closed when the history has been written

	produced atomic.Int64 // records written
	reached  atomic.Int64 // ms, the time of the newest of them
	history  atomic.Int64 // records written by the end of the history
}

const (
	// feedBatch is how many records go out together: some 100 KB a partition.
	feedBatch = 4000
	// feedPause is how long the feed waits where it is too far ahead, and how
	// long live records are gathered.
	feedPause = 20 * time.Millisecond
)

// run writes until ctx ends.
func (f *feed) run(ctx context.Context) error {
	var (
		r     traffic.Record
		batch []event.Message
		arena []byte
		live  bool
	)
	headers := make(map[*traffic.Header][]event.Header) // by the first header of a list
	ready := f.generator.Next(&r)
	for ready {
		if ctx.Err() != nil {
			return nil
		}
		if !live && f.full(f.produced.Load()) {
			if !sleep(ctx, feedPause) {
				return nil
			}
			continue
		}
		now := f.now().UnixMilli()
		batch, arena = batch[:0], arena[:0]
		for ; ready && r.Time <= now && len(batch) < feedBatch; ready = f.generator.Next(&r) {
			f.reached.Store(r.Time)
			start := len(arena)
			arena = append(arena, r.Value...)
			middle := len(arena)
			arena = append(arena, r.Key...)
			m := event.Message{
				Timestamp: r.Time, Value: arena[start:middle:middle], Key: arena[middle:len(arena):len(arena)],
				Headers: messageHeaders(headers, r.Headers),
			}
			if !r.Shared {
				batch = append(batch, m)
				continue
			}
			// What speaks of a WABA or a portfolio belongs on every partition.
			for p := range f.partitions {
				m.Partition, m.PartitionSet = p, true
				batch = append(batch, m)
			}
		}
		if len(batch) > 0 {
			if err := f.produce(ctx, batch); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			f.produced.Add(int64(len(batch)))
		}
		if r.Time > now {
			if !live {
				live = true
				f.history.Store(f.produced.Load())
				close(f.live)
			}
			if !sleep(ctx, max(time.Duration(r.Time-now)*time.Millisecond, feedPause)) {
				return nil
			}
		}
	}
	return nil
}

// messageHeaders returns the same headers as the record's; equal lists share one.
func messageHeaders(made map[*traffic.Header][]event.Header, from []traffic.Header) []event.Header {
	if len(from) == 0 {
		return nil
	}
	h, ok := made[&from[0]]
	if !ok {
		for _, one := range from {
			h = append(h, event.Header{Key: []byte(one.Key), Value: one.Value})
		}
		made[&from[0]] = h
	}
	return h
}

// sleep waits, and reports whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
