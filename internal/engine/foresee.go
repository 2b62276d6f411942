package engine

import (
	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// foreseen is what Foresee finds out about an event on the way. What Apply takes of it follows
// from the event alone, or holds for good: a number that has been found stays where it is.
type foreseen struct {
	event   *event.Event
	id      idHash
	name    uint64 // the hash of the number's id
	guess   uint32 // the index that it may have
	number  numberIndex
	traffic *traffic // nil if it is at rest
	contact uint64
	row     uint32 // where a send's content may have its row, plus 1
	sent    bool
}

// Foresee touches what events that are about to be applied will look at, so that it is in a
// cache by then, and remembers their hashes and numbers for Apply. It changes nothing else. The
// events must stay as they are until they were applied.
//
// It goes in rounds over all events, each of which asks for the memory that one before has
// found the place of: a line that depends on another one waits for it, but not
// for those of the other events.
func (e *Engine) Foresee(events []event.Event) {
	e.foreseen, e.nextForeseen = e.foreseen[:0], 0
	for i := range events {
		ev := &events[i]
		f := foreseen{event: ev, id: hashID(ev.ID), name: xxhash.Sum64(ev.NumberID), number: noNumber, contact: ev.Contact}
		if !ev.HasContact {
			f.contact = ev.UserID
		}
		f.sent = ev.Type == event.TypeSent
		e.foreseen = append(e.foreseen, f)
	}
	sum := e.replies.TouchSwept(sweptAnEvent * len(events))
	for i := range e.foreseen {
		f := &e.foreseen[i]
		sum += e.dedup.seen.Touch(f.id.a) + e.numbers.ids.index.Touch(f.name)
	}
	for i := range e.foreseen {
		f := &e.foreseen[i]
		f.guess = e.numbers.ids.guess(f.name)
		sum += e.numbers.ids.touch(f.guess)
	}
	for i := range e.foreseen {
		f := &e.foreseen[i]
		if id := e.numbers.ids.string(f.guess); f.guess != 0 && id == string(f.event.NumberID) {
			f.number = numberNamed(f.guess)
		} else if slot, ok := e.numbers.ids.findHashed(f.name, f.event.NumberID); ok {
			f.number = numberNamed(slot)
		}
		if f.number != noNumber {
			sum += e.numbers.look(f.number).touch() + e.touchIndexes(f)
		}
	}
	for i := range e.foreseen {
		if f := &e.foreseen[i]; f.number != noNumber {
			n := e.numbers.look(f.number)
			sum += e.wabas.touch(n.waba) + e.portfolioIDs.touch(n.portfolio)
			if f.traffic = e.numbers.lookTraffic(n); f.traffic != nil {
				sum += f.traffic.touch()
			}
		}
	}
	for i := range e.foreseen {
		if f := &e.foreseen[i]; f.traffic != nil {
			sum += e.touchLogs(f)
		}
	}
	for i := range e.foreseen {
		if f := &e.foreseen[i]; f.number != noNumber {
			sum += e.touchFound(f)
		}
	}
	for i := range e.foreseen {
		if f := &e.foreseen[i]; f.number != noNumber && f.sent {
			sum += e.pane.touchContent(f)
		}
	}
	for i := range e.foreseen {
		if f := &e.foreseen[i]; f.number != noNumber {
			sum += e.pane.touchNewRows(f)
		}
	}
	e.touched = sum
}

// foreseenRows is how many rows are touched together before they are written.
const foreseenRows = 16

// foreseeRows touches what rows of a table of the pane are about to be written of.
func (e *Engine) foreseeRows(table int, slots []uint32) {
	sum := uint64(0)
	for _, slot := range slots { // of rows that lie everywhere
		sum += uint64(e.pane.numberOf(table, slot))
	}
	for _, slot := range slots {
		i := e.pane.numberOf(table, slot)
		sum += e.numbers.ids.touch(i.name()) + uint64(e.numbers.look(i).portfolio)
	}
	for _, slot := range slots {
		sum += e.portfolioIDs.touch(e.numbers.look(e.pane.numberOf(table, slot)).portfolio)
	}
	e.touched += sum
}

// foreseeStatuses touches what statuses are about to be written of.
func (e *Engine) foreseeStatuses(list []numberIndex) {
	sum := uint64(0)
	for _, i := range list {
		sum += e.numbers.look(i).touch() + e.numbers.ids.touch(i.name())
	}
	for _, i := range list {
		n := e.numbers.look(i)
		sum += e.wabas.touch(n.waba) + e.portfolioIDs.touch(n.portfolio) + e.numbers.touchLost(n)
		if t := e.numbers.lookTraffic(n); t != nil && n.status&statusChanged != 0 {
			sum += t.touch()
		}
	}
	e.touched += sum
}

// touchLogs looks at the ends of a number's logs, at its row and at its episodes.
func (e *Engine) touchLogs(f *foreseen) uint64 {
	n, l, t := f.traffic, &e.logs, f.event.Time
	return l.seconds.Touch(&n.seconds, t >= n.moves[logSeconds]) + l.minutes.Touch(&n.minutes, t >= n.moves[logMinutes]) +
		l.hours.Touch(&n.hoursLog, t >= n.moves[logHours]) +
		l.fingerprints.Touch(&n.fingerprints, t >= n.moves[logFingerprints]) + l.templates.Touch(&n.templates, t >= n.moves[logTemplates]) +
		e.ages.Touch(&n.waiting) + e.pane.touchMinute(n.minuteRow) + e.touchEpisodes(&n.open) +
		e.numbers.touchLost(e.numbers.look(f.number))
}

// touchIndexes looks at where what an event is about is found.
func (e *Engine) touchIndexes(f *foreseen) uint64 {
	sum := e.replies.TouchIndex(uint32(f.number), f.contact) + e.pane.byContact.Touch(window.Key{A: f.contact, B: uint64(f.number)})
	if f.sent {
		sum += e.logs.fingerprints.TouchIndex(uint32(f.number), f.event.Fingerprint)
	}
	return sum
}

// touchFound looks at what is found there.
func (e *Engine) touchFound(f *foreseen) uint64 {
	if f.sent {
		f.row = e.logs.fingerprints.TouchKey(uint32(f.number), f.event.Fingerprint)
	}
	return e.replies.Touch(uint32(f.number), f.contact)
}

// foresight returns what was found out about an event, nil if it is none of those foreseen.
// They come in their order, but for those that were rejected.
func (e *Engine) foresight(ev *event.Event) *foreseen {
	for i := e.nextForeseen; i < len(e.foreseen); i++ {
		if e.foreseen[i].event == ev {
			e.nextForeseen = i + 1
			return &e.foreseen[i]
		}
	}
	return nil
}

// touch looks at each line of what most events look at: one field of each.
func (n *standing) touch() uint64 {
	return uint64(n.waba) + uint64(n.wake)
}

// touchLost looks at what lowered the score of a number.
func (n *numbers) touchLost(s *standing) uint64 {
	if s.lostPlace == 0 {
		return 0
	}
	return uint64(n.lost.Look(s.lostPlace - 1).kept)
}

// touch looks at each line of what most events look at: one field of each.
func (n *traffic) touch() uint64 {
	sum := uint64(n.moves[0]) + uint64(n.hoursAt) + uint64(n.hourSums[0]) + uint64(n.hourSums[16])
	sum += n.minuteSums[0] + n.minuteSums[8] + n.minuteSums[16] + uint64(n.awaiting.awaited)
	return sum + uint64(n.seconds.Len()) + uint64(n.hoursLog.Len()) + uint64(n.fingerprints.Keys()) + uint64(n.templates.Len()) +
		uint64(n.waiting.Counts()[0]) + uint64(n.levels[0]) + uint64(n.templateLevels.Len()) + uint64(n.gapCount) + uint64(n.gaps[16])
}

// touchEpisodes looks at the first of the open episodes.
func (w *episodeTracker) touchEpisodes(t *openEpisodes) uint64 {
	if t.list.Len() == 0 {
		return 0
	}
	return w.episodes.Look(&t.list, 0).key
}

// touchMinute looks at a row of a minute, if there is one.
func (p *pane) touchMinute(slot uint32) uint64 {
	if slot == 0 || slot > p.minutes.End() {
		return 0
	}
	return uint64(p.minutes.Look(slot - 1).number)
}

// touchContent looks at the row of a send's content that its key has noted, if there is one.
func (p *pane) touchContent(f *foreseen) uint64 {
	if slot := f.row - 1; slot < p.fingerprints.End() {
		return uint64(p.fingerprints.Look(slot).number)
	}
	return 0
}

// touchNewRows looks at where the rows of an event's minute and content are found, or will be, if those noted with
// the number and the key are other ones.
func (p *pane) touchNewRows(f *foreseen) (sum uint64) {
	at := f.event.Time
	if m := floor(at, minute); f.traffic == nil || !p.isMinute(f.traffic.minuteRow-1, f.number, m) {
		sum += p.byMinute.Touch(minuteKey(f.number, m))
	}
	if !f.sent {
		return sum
	}
	h := floor(at, hour)
	if slot := f.row - 1; slot >= p.fingerprints.End() || !p.fingerprints.Look(slot).is(f.number, f.event.Fingerprint, h) {
		sum += p.byHour.Touch(contentKey(f.number, f.event.Fingerprint, h))
	}
	return sum
}

// isMinute reports whether there is a row in a slot, and it is that of a number's minute.
func (p *pane) isMinute(slot uint32, i numberIndex, m int64) bool {
	return slot < p.minutes.End() && p.minutes.Look(slot).is(i, m)
}
