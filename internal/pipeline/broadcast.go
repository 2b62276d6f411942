package pipeline

import (
	"context"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

const (
	// maxShared bounds how many shared events are remembered, by their ids, and
	// maxSharedBytes the values of those that some partition may still lack. The oldest
	// are dropped first. One that is forgotten and reported once more could be copied
	// once more.
	maxShared      = 100_000
	maxSharedBytes = 64 << 20
)

// broadcast brings shared events, which concern a WABA or a portfolio, to every
// partition of the events topic: it knows which have been applied on which partitions.
type broadcast struct {
	byID   map[uint64]*sharedEvent // by xxHash64 of the id
	order  []uint64                // oldest first
	open   map[uint64]*sharedEvent // those that some partition may lack
	bytes  int                     // of the values of open ones
	copied int64
}

// sharedEvent is one of them. A partition is done once it has reported the event or a
// copy was sent to it: a copy is sent once, and is recognised as such because the
// partition then reports it.
type sharedEvent struct {
	since       time.Time // wall clock
	done        []bool    // by partition
	left        int
	value       []byte
	contentType string
}

func newBroadcast() broadcast {
	return broadcast{byID: map[uint64]*sharedEvent{}, open: map[uint64]*sharedEvent{}}
}

// noteApplied records that a partition has applied an event.
func (b *broadcast) noteApplied(e *codec.SharedEvent, partition int32, partitions int, now time.Time) {
	id := xxhash.Sum64String(e.ID)
	s := b.byID[id]
	if s == nil {
		s = &sharedEvent{since: now, done: make([]bool, partitions), left: partitions, value: e.Value, contentType: e.ContentType}
		b.byID[id], b.open[id] = s, s
		b.order = append(b.order, id)
		b.bytes += len(s.value)
	}
	b.markDone(id, s, partition)
	for len(b.order) > maxShared || b.bytes > maxSharedBytes && len(b.order) > 1 {
		b.close(b.order[0])
		delete(b.byID, b.order[0])
		b.order = b.order[1:]
	}
}

// markDone records that a partition needs no copy of an event any more.
func (b *broadcast) markDone(id uint64, s *sharedEvent, partition int32) {
	if s.done[partition] {
		return
	}
	s.done[partition] = true
	if s.left--; s.left == 0 {
		b.close(id)
	}
}

// close drops the value of an event that needs no copies any more.
func (b *broadcast) close(id uint64) {
	if s := b.open[id]; s != nil {
		b.bytes -= len(s.value)
		s.value = nil
		delete(b.open, id)
	}
}

// pending returns how many events some partition has not reported.
func (b *broadcast) pending() int { return len(b.open) }

// missing calls each with the events first reported before a time, in their order, and
// with each partition that lacks one, among those that are ready.
func (b *broadcast) missing(before time.Time, ready func(partition int) bool, each func(id uint64, s *sharedEvent, partition int32)) {
	if len(b.open) == 0 {
		return
	}
	for _, id := range b.order {
		s := b.open[id]
		if s == nil || s.since.After(before) {
			continue
		}
		for p := range s.done {
			if !s.done[p] && ready(p) {
				each(id, s, int32(p))
			}
		}
	}
}

// copyShared writes shared events to the partitions that lack them, under the same id. A
// partition is known to lack one only if it was read to its end, and we have read its
// reports until then: before, one may be on its way.
func (t *portfolioTask) copyShared(ctx context.Context) error {
	if t.status.CaughtUpAt.IsZero() {
		return nil
	}
	type sent struct {
		id        uint64
		event     *sharedEvent
		partition int32
	}
	var all []sent
	var messages []event.Message
	before := t.now().Add(-t.config.CopyAfter)
	ready := func(p int) bool { return t.sources[p].seen && t.sources[p].progress.CaughtUp }
	t.broadcast.missing(before, ready, func(id uint64, s *sharedEvent, partition int32) {
		m := event.Message{Partition: partition, PartitionSet: true, Value: s.value}
		if s.contentType != "" {
			m.Headers = []event.Header{{Key: []byte(codec.ContentTypeHeader), Value: []byte(s.contentType)}}
		}
		messages = append(messages, m)
		all = append(all, sent{id, s, partition})
	})
	if err := t.produce(ctx, t.config.Writer, t.config.Events, messages); err != nil {
		return err
	}
	for _, s := range all {
		t.broadcast.markDone(s.id, s.event, s.partition)
		t.broadcast.copied++
		t.metrics.Add(telemetry.CopiedEvents, 1, strconv.Itoa(int(s.partition)))
	}
	return nil
}
