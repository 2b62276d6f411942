package pipeline

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// idleAfter is for how long a partition that is read to its end must have
// brought nothing new before the portfolios go on without it.
const idleAfter = 2 * time.Second

// changesVersion is part of the generation of changes. It is raised when the
// engine numbers the changes of a log otherwise than before.
const changesVersion = 1

// Topics tells how many partitions a topic has, and waits for a topic that
// cannot be asked about yet.
type Topics interface {
	Partitions(ctx context.Context, topic string) (int32, error)
}

// generation names what decides, beside the log, how changes are numbered. It
// is that of the policy that decides at the log's beginning: one that comes as
// a record of the log is a part of the log.
func generation(policyVersion string) uint64 {
	return xxhash.Sum64String(strconv.Itoa(changesVersion) + "/" + policyVersion)
}

// told is what a partition owes and has told to the portfolios role. Its zero
// value has told nothing.
type told struct {
	rows     int32 // partitions of the rows topic, 0 as long as nobody asked
	shared   []event.Message
	fresh    bool      // an event was applied since the last fetch
	moved    time.Time // when that was so last; zero before the first fetch
	idle     bool      // the last progress record said so
	end      int64     // of the log, as of the last fetch
	sequence int64     // of the last change written
}

// applied takes note of an event that was applied. What only moves the clock is
// no news: it is there because there are no events.
func (t *told) applied(ev *event.Event) {
	t.fresh = t.fresh || ev.Type != event.TypeClock && ev.Type != event.TypePolicy
}

// shareEvent keeps a shared event that was applied, to be told at the next
// barrier. All that is told of one event goes to one partition of the rows
// topic, so that one goroutine knows where it has been applied.
func (p *partition) shareEvent(ev *event.Event, r *event.Record) {
	if p.role.config.Topics == nil {
		return
	}
	subject := ev.PortfolioID
	if ev.Type == event.TypeTemplate || ev.Type == event.TypeAccount && ev.Scope == event.ScopeWABA {
		subject = ev.WABAID
	}
	batch := codec.Rows{Topic: p.claim.Topic, Partition: p.claim.Partition, SharedEvents: []codec.SharedEvent{{
		// The header's own bytes may be more than a message can hold.
		ID: string(ev.ID), Value: r.Value, ContentType: codec.ParseContentType(r.Header(codec.ContentTypeHeader)).String(),
	}}}
	p.told.shared = append(p.told.shared, event.Message{Key: bytes.Clone(subject), Value: codec.AppendRows(nil, &batch)})
}

// tellShared writes the shared events that were applied since the last barrier.
func (p *partition) tellShared(ctx context.Context) error {
	err := p.produce(ctx, p.role.config.Rows, p.told.shared)
	if err == nil {
		clear(p.told.shared) // their values may be large
		p.told.shared = p.told.shared[:0]
	}
	return err
}

// tellProgress writes to every partition of the rows topic how far this
// partition is. Everything that came of it has been acknowledged before.
func (p *partition) tellProgress(ctx context.Context) error {
	if p.role.config.Topics == nil {
		return nil
	}
	if p.told.rows == 0 {
		n, err := p.role.config.Topics.Partitions(ctx, p.role.config.Rows)
		if err != nil {
			return err
		}
		p.told.rows = n
	}
	idle := p.standsStill()
	value := codec.AppendRows(nil, &codec.Rows{
		Topic: p.claim.Topic, Partition: p.claim.Partition, HasProgress: true,
		Progress: codec.Progress{
			Watermark: p.engine.Stats().Watermark, Sequence: p.told.sequence, CaughtUp: p.status.State == StateRunning, Idle: idle,
			Generation: p.generation, Policy: p.judge.policy.Version,
		},
	})
	messages := make([]event.Message, p.told.rows)
	for i := range messages {
		messages[i] = event.Message{Partition: int32(i), PartitionSet: true, Value: value}
	}
	if err := p.produce(ctx, p.role.config.Rows, messages); err != nil {
		return err
	}
	p.told.idle = idle
	return nil
}

// standsStill tells whether the portfolios may go on without this partition.
func (p *partition) standsStill() bool {
	return !p.told.moved.IsZero() && p.next >= p.told.end && p.now().Sub(p.told.moved) >= idleAfter
}

// watch takes note of what a fetch brought. It tells whether the partition has
// come to stand still since the last progress record.
func (p *partition) watch(batch *event.Batch) bool {
	p.told.end = batch.End
	if p.told.fresh || p.told.moved.IsZero() {
		p.told.fresh, p.told.moved = false, p.now()
	}
	return p.role.config.Topics != nil && !p.told.idle && p.standsStill()
}
