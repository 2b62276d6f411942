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
	// maxSharedBytes the values of those that some partition may still lack. The
	// oldest go first. One that is forgotten and reported once more could be
	// copied once more.
	maxShared      = 100_000
	maxSharedBytes = 64 << 20
)

// copies knows which shared events have been applied on which partitions.
type copies struct {
	byID  map[uint64]*sharedEvent // by xxHash64 of the id
	order []uint64                // oldest first
	open  map[uint64]*sharedEvent // those that some partition may lack
	bytes int                     // of the values of open ones
	made  int64
}

// sharedEvent is one of them. A partition is done with once it has reported the
// event or a copy was sent to it: a copy is made once, and is recognised as
// such because the partition then reports it.
type sharedEvent struct {
	since time.Time // wall clock
	done  []bool    // by partition
	left  int
	value []byte
	typ   string
}

func newCopies() copies {
	return copies{byID: map[uint64]*sharedEvent{}, open: map[uint64]*sharedEvent{}}
}

// reported takes note that a partition has applied an event.
func (c *copies) reported(e *codec.SharedEvent, partition int32, partitions int, now time.Time) {
	id := xxhash.Sum64String(e.ID)
	s := c.byID[id]
	if s == nil {
		s = &sharedEvent{since: now, done: make([]bool, partitions), left: partitions, value: e.Value, typ: e.ContentType}
		c.byID[id], c.open[id] = s, s
		c.order = append(c.order, id)
		c.bytes += len(s.value)
	}
	c.settle(id, s, partition)
	for len(c.order) > maxShared || c.bytes > maxSharedBytes && len(c.order) > 1 {
		c.close(c.order[0])
		delete(c.byID, c.order[0])
		c.order = c.order[1:]
	}
}

// settle notes that nothing is owed to a partition any more.
func (c *copies) settle(id uint64, s *sharedEvent, partition int32) {
	if s.done[partition] {
		return
	}
	s.done[partition] = true
	if s.left--; s.left == 0 {
		c.close(id)
	}
}

// close drops the value of an event that is copied nowhere any more.
func (c *copies) close(id uint64) {
	if s := c.open[id]; s != nil {
		c.bytes -= len(s.value)
		s.value = nil
		delete(c.open, id)
	}
}

// pending gives how many events some partition has not reported.
func (c *copies) pending() int { return len(c.open) }

// due gives the events that have waited until before, in their order, and for
// each the partitions that lack it among those that are ready.
func (c *copies) due(before time.Time, ready func(partition int) bool, each func(id uint64, s *sharedEvent, partition int32)) {
	if len(c.open) == 0 {
		return
	}
	for _, id := range c.order {
		s := c.open[id]
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

// copy brings shared events to the partitions that lack them, under the same id.
// A partition is known to lack one only if it was read to its end, and we have
// read what it told until then: before, it may be on its way.
func (g *gatherer) copy(ctx context.Context) error {
	if g.status.State != StateRunning {
		return nil
	}
	type sent struct {
		id        uint64
		event     *sharedEvent
		partition int32
	}
	var all []sent
	var messages []event.Message
	before := g.now().Add(-g.role.config.Settle)
	ready := func(p int) bool { return g.sources[p].told && g.sources[p].progress.CaughtUp }
	g.copies.due(before, ready, func(id uint64, s *sharedEvent, partition int32) {
		m := event.Message{Partition: partition, PartitionSet: true, Value: s.value}
		if s.typ != "" {
			m.Headers = []event.Header{{Key: []byte(codec.ContentTypeHeader), Value: []byte(s.typ)}}
		}
		messages = append(messages, m)
		all = append(all, sent{id, s, partition})
	})
	if err := g.produce(ctx, g.role.config.Events, messages); err != nil {
		return err
	}
	for _, s := range all {
		g.copies.settle(s.id, s.event, s.partition)
		g.copies.made++
		g.metrics.Add(telemetry.CopiedEvents, 1, strconv.Itoa(int(s.partition)))
	}
	return nil
}
