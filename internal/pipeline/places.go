package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/flat"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/window"
)

// A number's events must be on one partition of the events topic: the engine of another
// would count a part of them. No partition can see that alone. So the numbers role writes
// to the rows topic, once for each number, on which partition it has first seen it, to
// the partition of the rows topic that the number's name decides; and the portfolios role
// remembers these places and notices a second one.

// writePlaces writes where numbers that are new have been seen.
func (s *rowSender) writePlaces(ctx context.Context, numbers []string) error {
	if len(numbers) == 0 {
		return nil
	}
	if err := s.findRows(ctx); err != nil {
		return err
	}
	partitions, err := s.config.Topics.Partitions(ctx, s.claim.Topic)
	if err != nil {
		return err
	}
	batches := make([]codec.Rows, s.partitions)
	sizes := make([]int, s.partitions)
	var messages []event.Message
	finish := func(to int32) {
		messages = append(messages, event.Message{Partition: to, PartitionSet: true, Value: codec.AppendRows(nil, &batches[to])})
		batches[to].Reset()
		sizes[to] = 0
	}
	for _, id := range numbers {
		to := int32(xxhash.Sum64String(id) % uint64(s.partitions))
		b := &batches[to]
		b.Topic, b.Partition = s.claim.Topic, s.claim.Partition
		b.Changes = append(b.Changes, event.PortfolioChange{
			Partition: s.claim.Partition, Kind: event.ChangePlace, NumberID: id, B: int64(partitions),
		})
		if sizes[to] += len(id) + 32; sizes[to] > maxRowsMessage || len(b.Changes) >= maxRowsOfOne {
			finish(to)
		}
	}
	for to := range batches {
		if len(batches[to].Changes) > 0 {
			finish(int32(to))
		}
	}
	return s.produce(ctx, messages)
}

// maxPlaces bounds how many numbers the portfolios role knows the places of, on each
// partition of the rows topic; later ones are not looked after.
const maxPlaces = 1_000_000

// place is where a number has been seen.
type place struct {
	partitions int64 // of the events topic, as of then
	partition  int32 // splitNumber once it has been seen on another as well
}

// splitNumber is the partition of a number that is known to be on several.
const splitNumber = -1

// places are where numbers have been seen, by xxHash64 of the id. They lie in flat memory, as all state that may be
// large: a map of a million would hold up the partition while a checkpoint copies it.
type places struct {
	slots window.Table
	at    window.Slots[place]
}

func (p *places) copy(c *flat.Copier) {
	p.slots.Copy(c)
	p.at.Copy(c)
}

// notePlace remembers where a number was seen, and notices a second place. offset is that
// of the record of the rows topic that says so.
func (t *portfolioTask) notePlace(c *event.PortfolioChange, offset int64) {
	id := window.Key{A: xxhash.Sum64String(c.NumberID)}
	slot, known := t.places.slots.Get(id)
	var before place
	if known {
		before = *t.places.at.Look(slot)
	}
	switch {
	case known && before.partitions == c.B:
		if before.partition == c.Partition || before.partition == splitNumber {
			return
		}
		*t.places.at.At(slot) = place{c.B, splitNumber}
		name := shortID(c.NumberID)
		if t.noteIncident(&t.status.Incidents.Split, 1, offset, fmt.Sprintf("number_id %s on partitions %d and %d of %s", name, before.partition, c.Partition, t.config.Events)) {
			t.metrics.Add(telemetry.SplitNumbers, 1, t.label)
		}
	case known:
		*t.places.at.At(slot) = place{c.B, c.Partition}
	case t.places.slots.Len() < maxPlaces:
		slot = t.places.at.New()
		*t.places.at.At(slot) = place{c.B, c.Partition}
		t.places.slots.Put(id, slot)
	}
}

// shortID cuts an id, which may be nearly as long as a record, for its readers.
func shortID(id string) string {
	const most = 64
	if len(id) <= most {
		return id
	}
	return strings.ToValidUTF8(id[:most], "") + "..."
}
