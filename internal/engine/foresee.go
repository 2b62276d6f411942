package engine

import (
	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// foreseen is what Foresee remembers of an event between its rounds.
type foreseen struct {
	number  numberIndex
	contact uint64
}

// Foresee touches what events that are about to be applied will look at, so that it is in a
// cache by then. It changes nothing and what it finds decides nothing.
//
// It goes in rounds over all events, each of which asks for the memory that the one before has
// found the place of: a line that depends on another one waits for it, but not
// for those of the other events.
func (e *Engine) Foresee(events []event.Event) {
	var sum uint64
	e.foreseen = e.foreseen[:0]
	for i := range events {
		ev := &events[i]
		sum += e.dedup.touch(ev.ID) + e.numbers.ids.touch(ev.NumberID)
	}
	for i := range events {
		ev := &events[i]
		f := foreseen{number: noNumber, contact: ev.Contact}
		if !ev.HasContact {
			f.contact = ev.UserID
		}
		if slot, ok := e.numbers.ids.likely(ev.NumberID); ok {
			f.number = numberNamed(slot)
			sum += e.numbers.ids.touchString(slot) + e.numbers.at(f.number).touch() + e.touchContact(f)
		}
		e.foreseen = append(e.foreseen, f)
	}
	for i, f := range e.foreseen {
		if f.number == noNumber {
			continue
		}
		sum += e.touchLogs(e.numbers.at(f.number)) + e.replies.Touch(uint32(f.number), f.contact)
		if ev := &events[i]; ev.Type == event.TypeSent {
			sum += e.touchContent(f.number, ev)
		}
	}
	e.touched = sum
}

// touch looks at each line of a number's memory that most events look at.
func (n *number) touch() uint64 {
	sum := uint64(n.clock) + uint64(n.hoursAt) + uint64(n.moves[0]) + uint64(n.newestSend) + uint64(n.quota.time)
	sum += n.secondSums[0] + n.minuteSums[0] + n.minuteSums[8] + n.hourSums[0] + n.hourSums[8] + n.hourSums[16] + n.hourSums[24]
	return sum + n.awaiting.awaited + uint64(n.seconds.Len()) + uint64(n.minutes.Len()) + uint64(n.fingerprints.Keys()) +
		uint64(n.templates.Keys()) + uint64(n.levels[0]) + uint64(n.strikes)
}

// touchLogs looks at the newest entries of a number's logs.
func (e *Engine) touchLogs(n *number) uint64 {
	return e.logs.seconds.Touch(&n.seconds) + e.logs.minutes.Touch(&n.minutes) + e.logs.hours.Touch(&n.hoursLog)
}

// touchContact looks at where a contact's conversation and outcomes are found.
func (e *Engine) touchContact(f foreseen) uint64 {
	key := window.Key{A: f.contact, B: uint64(f.number)}
	return e.replies.TouchIndex(uint32(f.number), f.contact) + e.pane.byContact.Touch(key)
}

// touchContent looks at where the content of a send is counted.
func (e *Engine) touchContent(i numberIndex, ev *event.Event) uint64 {
	h := floor(ev.Time, hour)
	return e.logs.fingerprints.Touch(uint32(i), ev.Fingerprint) + e.logs.templates.Touch(uint32(i), ev.Fingerprint) +
		e.pane.byHour.Touch(window.Key{A: ev.Fingerprint, B: uint64(i)<<32 | uint64(uint32(h))})
}

// touch looks at where a string's index is found.
func (t *interner) touch(s []byte) uint64 { return t.index.Touch(window.Key{A: xxhash.Sum64(s)}) }

// likely returns the index that a string most likely has, false if it has none.
func (t *interner) likely(s []byte) (uint32, bool) {
	return t.index.Get(window.Key{A: xxhash.Sum64(s)})
}

// touchString looks at a string.
func (t *interner) touchString(i uint32) uint64 {
	if s := t.string(i); len(s) > 0 {
		return uint64(s[0])
	}
	return 0
}

// touch looks at where an id is remembered.
func (d *dedup) touch(id []byte) uint64 { return d.seen.Touch(xxhash.Sum64(id)) }
