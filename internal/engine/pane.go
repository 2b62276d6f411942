package engine

import (
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// pane collects the rows of the run of offsets in hand (house law 4). A row is
// a function of the pane's records alone, so that writing it again, or writing
// it before the pane is full, does no harm: the fuller one replaces it. Rows are
// indexes into slices, found by their key; dirty ones have changed since they
// were last written.
type pane struct {
	current, last int64 // the pane in hand and the last offset seen

	minutes      window.Slots[minuteRow]
	byMinute     window.Table // minute, number
	fingerprints window.Slots[fingerprintRow]
	byHour       window.Table // fingerprint, number and hour
	contacts     window.Slots[contactRow]
	byContact    window.Table // contact, number
	seen         window.Table // contact, minute row
	hashes       window.Pool[uint64]

	dirtyMinutes, dirtyHours, dirtyContacts []uint32
}

type minuteRow struct {
	minute   int64
	number   uint32
	dirty    bool
	counts   event.Counts
	contacts window.Ring
}

type fingerprintRow struct {
	fingerprint                                      uint64
	hour                                             int64
	number                                           uint32
	dirty                                            bool
	sent, initiated, answered, unanswered, withdrawn int64
}

type contactRow struct {
	contact                    uint64
	number                     uint32
	dirty, sent, heard         bool
	answers, silences          int64
	newestSent, newestReceived int64
	since                      int64 // silences after newestReceived
}

// minuteRow gives the row of a number's minute, to be changed.
func (e *Engine) minuteRow(i uint32, t int64) *minuteRow {
	m := floor(t, minute)
	p := &e.pane
	k := window.Key{A: uint64(m), B: uint64(i)}
	slot, ok := p.byMinute.Get(k)
	if !ok {
		slot = p.minutes.New()
		p.byMinute.Put(k, slot)
		r := p.minutes.At(slot)
		r.minute, r.number = m, i
	}
	r := p.minutes.At(slot)
	if !r.dirty {
		r.dirty = true
		p.dirtyMinutes = append(p.dirtyMinutes, slot)
	}
	return r
}

// noteMinuteContact adds a contact to those of a minute's initiated sends.
func (e *Engine) noteMinuteContact(i uint32, t int64, contact uint64) {
	r := e.minuteRow(i, t)
	p := &e.pane
	slot, _ := p.byMinute.Get(window.Key{A: uint64(r.minute), B: uint64(i)})
	k := window.Key{A: contact, B: uint64(slot)}
	if _, ok := p.seen.Get(k); ok {
		return
	}
	p.seen.Put(k, 0)
	p.hashes.PushBack(&r.contacts, contact)
}

// fingerprintRow gives the row of a content's hour, to be changed.
func (e *Engine) fingerprintRow(i uint32, fingerprint uint64, t int64) *fingerprintRow {
	h := floor(t, hour)
	p := &e.pane
	k := window.Key{A: fingerprint, B: uint64(i)<<32 | uint64(uint32(h))}
	slot, ok := p.byHour.Get(k)
	if !ok {
		slot = p.fingerprints.New()
		p.byHour.Put(k, slot)
		r := p.fingerprints.At(slot)
		r.fingerprint, r.hour, r.number = fingerprint, h, i
	}
	r := p.fingerprints.At(slot)
	if !r.dirty {
		r.dirty = true
		p.dirtyHours = append(p.dirtyHours, slot)
	}
	return r
}

// noteContact gives the row of a contact's outcomes, to be changed.
func (e *Engine) noteContact(i uint32, contact uint64) *contactRow {
	p := &e.pane
	k := window.Key{A: contact, B: uint64(i)}
	slot, ok := p.byContact.Get(k)
	if !ok {
		slot = p.contacts.New()
		p.byContact.Put(k, slot)
		r := p.contacts.At(slot)
		r.contact, r.number = contact, i
	}
	r := p.contacts.At(slot)
	if !r.dirty {
		r.dirty = true
		p.dirtyContacts = append(p.dirtyContacts, slot)
	}
	return r
}

func (r *contactRow) answered() { r.answers++ }

func (r *contactRow) unanswered(at int64) {
	r.silences++
	if !r.heard || at > r.newestReceived {
		r.since++
	}
}

func (r *contactRow) lastSent(t int64) {
	if !r.sent || t > r.newestSent {
		r.sent, r.newestSent = true, t
	}
}

func (r *contactRow) lastReceived(t int64) {
	if !r.heard || t > r.newestReceived {
		r.heard, r.newestReceived, r.since = true, t, 0
	}
}

// Flush writes the rows of the open pane that changed since they were last
// written, and the statuses that changed, to out.
func (e *Engine) Flush(out *event.Output) {
	out.NumberStatuses = append(out.NumberStatuses, e.asked.NumberStatuses...)
	e.asked.NumberStatuses = e.asked.NumberStatuses[:0]
	e.writeRows(out)
	if e.cfg.Feed {
		e.handOn(out)
	}
	for _, i := range e.changed {
		if e.numbers.at(i).changed {
			e.writeStatus(i, out)
		}
	}
	e.changed = e.changed[:0]
}

// closePane writes what is left of a pane that is full and begins anew.
func (e *Engine) closePane(out *event.Output) {
	e.writeRows(out)
	p := &e.pane
	p.minutes.Clear()
	p.byMinute.Clear()
	p.fingerprints.Clear()
	p.byHour.Clear()
	p.contacts.Clear()
	p.byContact.Clear()
	p.seen.Clear()
	p.hashes = window.Pool[uint64]{}
}

func (e *Engine) writeRows(out *event.Output) {
	p := &e.pane
	at := event.Pane{Partition: e.cfg.Partition, Pane: p.current, Version: p.last}
	id := func(i uint32) (string, string) {
		n := e.numbers.at(i)
		return e.numbers.names.string(n.id), e.folios.string(n.portfolio)
	}
	for _, slot := range p.dirtyMinutes {
		r := p.minutes.At(slot)
		r.dirty = false
		row := event.NumberMinute{Pane: at, Minute: r.minute * minute, Counts: r.counts, ContactCount: int64(r.contacts.Len())}
		row.NumberID, row.PortfolioID = id(r.number)
		if n := r.contacts.Len(); n > 0 {
			row.Contacts = make([]uint64, n)
			for k := range row.Contacts {
				row.Contacts[k] = *p.hashes.At(&r.contacts, k)
			}
			slices.Sort(row.Contacts)
			row.Contacts = row.Contacts[:min(n, event.SketchSize)]
		}
		out.NumberMinutes = append(out.NumberMinutes, row)
	}
	for _, slot := range p.dirtyHours {
		r := p.fingerprints.At(slot)
		r.dirty = false
		row := event.FingerprintHour{
			Pane: at, Fingerprint: r.fingerprint, Hour: r.hour * hour, Template: e.templates.label(r.fingerprint),
			Sent: r.sent, Initiated: r.initiated, Answered: r.answered, Unanswered: r.unanswered, Withdrawn: r.withdrawn,
		}
		row.NumberID, row.PortfolioID = id(r.number)
		out.FingerprintHours = append(out.FingerprintHours, row)
	}
	for _, slot := range p.dirtyContacts {
		r := p.contacts.At(slot)
		r.dirty = false
		if e.cfg.NoContacts {
			continue
		}
		row := event.ContactOutcome{
			Pane: at, Contact: r.contact, Answered: r.answers, Unanswered: r.silences,
			LastSent: r.newestSent, LastReceived: r.newestReceived, UnansweredSince: r.since,
		}
		row.NumberID, row.PortfolioID = id(r.number)
		out.ContactOutcomes = append(out.ContactOutcomes, row)
	}
	p.dirtyMinutes, p.dirtyHours, p.dirtyContacts = p.dirtyMinutes[:0], p.dirtyHours[:0], p.dirtyContacts[:0]
}
