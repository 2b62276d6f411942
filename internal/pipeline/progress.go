package pipeline

import (
	"bytes"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// idleAfter is for how long a partition that is read to its end must have brought
// nothing new before the portfolios role continues without it.
const idleAfter = 2 * time.Second

// unansweredFor is how long after one answer of Kafka the next may come for both to say that
// nothing came between them: twice the time for which a fetch waits for records. A process
// that was paused, or starved, knows no more than that it has not looked.
const unansweredFor = time.Second

// changesVersion is part of the generation of changes. It is raised when the engine
// numbers the changes of a log otherwise than before.
const changesVersion = 2

// generation identifies what decides, beside the log, how changes are numbered: the
// policy that decides at the log's beginning, and which log it is: one that was created
// again begins to count again. A policy that comes as a record of the log is a part of it.
func generation(policyVersion, log string) uint64 {
	return xxhash.Sum64String(strconv.Itoa(changesVersion) + "/" + policyVersion + log)
}

// sentProgress is what a partition has handed over, and must still hand over, for the
// portfolios role. Its zero value has handed over nothing.
type sentProgress struct {
	shared   []event.Message
	fresh    bool      // an event was applied since the last batch was noted
	moved    time.Time // when that was so last; zero before the first batch
	quiet    time.Time // since when Kafka has said, again and again, that there is nothing new
	answered time.Time // when it last did
	idle     bool      // the last progress record said so
	end      int64     // of the log, as of the last fetch
	sequence int64     // of the last change handed over
}

// noteApplied records that an event was applied. One that only moves the clock is no
// news: it is there because there are no events.
func (s *sentProgress) noteApplied(ev *event.Event) {
	s.fresh = s.fresh || ev.Type != event.TypeClock && ev.Type != event.TypePolicy
}

// noteBatch records that a batch was applied.
func (s *sentProgress) noteBatch(batch *event.Batch, now time.Time) {
	s.end = batch.End
	if s.fresh || s.moved.IsZero() || batch.Throttled > 0 || now.Sub(s.answered) > unansweredFor {
		s.quiet = now
	}
	if s.fresh || s.moved.IsZero() {
		s.fresh, s.moved = false, now
	}
	s.answered = now
}

// quietFor returns for how long Kafka has said that there is nothing new.
func (s *sentProgress) quietFor() time.Duration { return s.answered.Sub(s.quiet) }

// isIdle reports whether the portfolios role may continue without this partition.
func (t *numbersTask) isIdle() bool {
	return !t.sent.moved.IsZero() && t.next >= t.sent.end && t.sent.quietFor() >= idleAfter
}

// shareEvent keeps a shared event that was applied, to be written with the next portion. All
// reports of one event go to one partition of the rows topic, so that one goroutine
// knows where it has been applied.
func (t *numbersTask) shareEvent(ev *event.Event, r *event.Record) {
	if t.config.Topics == nil {
		return
	}
	subject := ev.PortfolioID
	if ev.Type == event.TypeTemplate || ev.Type == event.TypeAccount && ev.Scope == event.ScopeWABA {
		subject = ev.WABAID
	}
	batch := codec.Rows{Topic: t.claim.Topic, Partition: t.claim.Partition, SharedEvents: []codec.SharedEvent{{
		// The header's own bytes may be more than a message can hold.
		ID: string(ev.ID), Value: r.Value, ContentType: codec.ParseContentType(r.Header(codec.ContentTypeHeader)).String(),
	}}}
	t.sent.shared = append(t.sent.shared, event.Message{Key: bytes.Clone(subject), Value: codec.AppendRows(nil, &batch)})
}

// progressNow returns how far this partition is, once everything that came of it has been
// handed over.
func (t *numbersTask) progressNow() *codec.Progress {
	if t.config.Topics == nil {
		return nil
	}
	t.sent.idle = t.isIdle()
	return &codec.Progress{
		Watermark: t.processor.Engine().Stats().Watermark, Sequence: t.sent.sequence, CaughtUp: !t.status.CaughtUpAt.IsZero(), Idle: t.sent.idle,
		Generation: t.generation, Policy: t.processor.Policy().Version,
	}
}
