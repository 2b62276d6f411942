package engine

import (
	"cmp"
	"slices"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// pane collects the rows of the current run of offsets, so that repeats are
// harmless (internal/README.md, invariants). A row is
// a function of the pane's records alone, so that writing it again, or writing
// it before the pane is full, does no harm: the fuller one replaces it. Rows are
// indexes into slices, found by their key; dirty ones have changed since they
// were last written.
type pane struct {
	current, last int64 // the current pane and the last offset seen

	minutes      window.Slots[minuteRow]
	byMinute     window.Table // minute, number
	fingerprints window.Slots[fingerprintRow]
	byHour       window.Table // fingerprint, number and hour
	contacts     window.Slots[contactRow]
	byContact    window.Table // contact, number
	seen         window.Table // contact, minute row
	hashes       window.Pool[uint64]

	// The rows that changed since they were last written, by table, and how far
	// writing them has come: flush.
	dirty [paneTables][]uint32
	flush rowFlush
	radix radix

	arranged int // so many of what changed are in the order of numbers

	keys []uint64 // scratch of sortRows and arrange

	// What is counted for rows that nobody wants goes here.
	unwanted struct {
		minute      minuteRow
		fingerprint fingerprintRow
		contact     contactRow
	}
}

// The tables of a pane, in the order in which their rows are written.
const (
	tableMinutes = iota
	tableHours
	tableContacts
	paneTables
)

// rowFlush is how far writing the changed rows has come, so that it can stop in
// the middle and go on. It is empty between two flushes.
type rowFlush struct {
	table  int
	next   int // of the table's changed rows
	sorted bool
	change int  // of the changes for portfolios
	status int  // of the statuses that changed
	rowsIn bool // all rows of the pane are written: the statuses' turn
}

type minuteRow struct {
	minute   int64
	number   numberIndex
	dirty    bool
	counts   minuteCounts
	contacts window.Ring
}

// minuteCounts are event.Counts of one minute, at half their size: a replay
// keeps a row for every minute of its log.
type minuteCounts struct {
	Sent, Initiated, Held, Late  uint32
	Delivered, Read, Received    uint32
	Failed                       [event.NumErrorClasses]uint32
	Answered, Unanswered         uint32
	Withdrawn                    uint32
	Blocks, Reports, Stops       uint32
	SentAfterStop, TemplatesSent uint32
	GroupMessages                uint32
}

func (c *minuteCounts) event() event.Counts {
	v := event.Counts{
		Sent: int64(c.Sent), Initiated: int64(c.Initiated), Held: int64(c.Held), Late: int64(c.Late),
		Delivered: int64(c.Delivered), Read: int64(c.Read), Received: int64(c.Received),
		Answered: int64(c.Answered), Unanswered: int64(c.Unanswered), Withdrawn: int64(c.Withdrawn),
		Blocks: int64(c.Blocks), Reports: int64(c.Reports), Stops: int64(c.Stops),
		SentAfterStop: int64(c.SentAfterStop), TemplatesSent: int64(c.TemplatesSent),
		GroupMessages: int64(c.GroupMessages),
	}
	for k, n := range c.Failed {
		v.Failed[k] = int64(n)
	}
	return v
}

type fingerprintRow struct {
	fingerprint                                      uint64
	hour                                             int64
	number                                           numberIndex
	sent, initiated, answered, unanswered, withdrawn uint32
	dirty                                            bool
}

type contactRow struct {
	contact                    uint64
	newestSent, newestReceived int64
	number                     numberIndex
	answers, silences          uint32
	since                      uint32 // silences after newestReceived
	dirty, sent, received      bool
}

// minuteRow returns the row of a number's minute, to be changed.
func (e *Engine) minuteRow(n number, t int64) *minuteRow {
	if e.cfg.FlagsOnly {
		return &e.pane.unwanted.minute
	}
	m, i := floor(t, minute), n.index
	p := &e.pane
	// Most events of a number are of the minute of the one before.
	newest := &e.numbers.at(n.index).minuteRow
	slot := *newest - 1
	if slot >= p.minutes.End() || !p.minutes.At(slot).is(n.index, m) {
		var ok bool
		k := minuteKey(n.index, m)
		if slot, ok = p.byMinute.Get(k); !ok {
			slot = p.minutes.New()
			p.byMinute.Put(k, slot)
			r := p.minutes.At(slot)
			r.minute, r.number = m, i
		}
		*newest = slot + 1
	}
	r := p.minutes.At(slot)
	if !r.dirty {
		r.dirty = true
		p.dirty[tableMinutes] = append(p.dirty[tableMinutes], slot)
	}
	return r
}

// minuteKey is the key of a number's minute, contentKey that of a content's hour.
func minuteKey(i numberIndex, m int64) window.Key { return window.Key{A: uint64(m), B: uint64(i)} }

func contentKey(i numberIndex, fingerprint uint64, h int64) window.Key {
	return window.Key{A: fingerprint, B: uint64(i)<<32 | uint64(uint32(h))}
}

// is reports whether a row is that of a number's minute.
func (r *minuteRow) is(i numberIndex, m int64) bool { return r.minute == m && r.number == i }

// is reports whether a row is that of a content's hour.
func (r *fingerprintRow) is(i numberIndex, fingerprint uint64, h int64) bool {
	return r.fingerprint == fingerprint && r.hour == h && r.number == i
}

// fewContacts is up to how many contacts of a minute are looked through. Most
// minutes have less, and a look at a list is cheaper than one at a big table.
const fewContacts = 16

// noteMinuteContact adds a contact to those of a minute's initiated sends.
func (e *Engine) noteMinuteContact(i numberIndex, r *minuteRow, contact uint64) {
	if e.cfg.FlagsOnly {
		return
	}
	p := &e.pane
	if n := r.contacts.Len(); n < fewContacts {
		for k := range n {
			if *p.hashes.At(&r.contacts, k) == contact {
				return
			}
		}
		p.hashes.PushBack(&r.contacts, contact)
		if n+1 == fewContacts { // from here on the table knows them
			slot, _ := p.byMinute.Get(minuteKey(i, r.minute))
			for k := range n + 1 {
				p.seen.Put(window.Key{A: *p.hashes.At(&r.contacts, k), B: uint64(slot)}, 0)
			}
		}
		return
	}
	slot, _ := p.byMinute.Get(minuteKey(i, r.minute))
	k := window.Key{A: contact, B: uint64(slot)}
	if _, ok := p.seen.Get(k); ok {
		return
	}
	p.seen.Put(k, 0)
	p.hashes.PushBack(&r.contacts, contact)
}

// contentRow is fingerprintRow for a content that is counted by its key, if that is not
// NoKey: the key notes where the content's newest row is.
func (e *Engine) contentRow(i numberIndex, fingerprint uint64, t int64, key window.KeySlot) *fingerprintRow {
	if e.cfg.FlagsOnly {
		return &e.pane.unwanted.fingerprint
	}
	p := &e.pane
	if key == window.NoKey {
		return p.changedContent(e.findContent(i, fingerprint, t))
	}
	newest := e.logs.fingerprints.Note(key)
	if slot := *newest - 1; slot < p.fingerprints.End() && p.fingerprints.At(slot).is(i, fingerprint, floor(t, hour)) {
		return p.changedContent(slot)
	}
	slot := e.findContent(i, fingerprint, t)
	*newest = slot + 1
	return p.changedContent(slot)
}

// fingerprintRow returns the row of a content's hour, to be changed.
func (e *Engine) fingerprintRow(i numberIndex, fingerprint uint64, t int64) *fingerprintRow {
	return e.contentRow(i, fingerprint, t, window.NoKey)
}

// findContent returns the slot of the row of a content's hour, new if need be.
func (e *Engine) findContent(i numberIndex, fingerprint uint64, t int64) uint32 {
	h := floor(t, hour)
	p := &e.pane
	k := contentKey(i, fingerprint, h)
	slot, ok := p.byHour.Get(k)
	if !ok {
		slot = p.fingerprints.New()
		p.byHour.Put(k, slot)
		r := p.fingerprints.At(slot)
		r.fingerprint, r.hour, r.number = fingerprint, h, i
	}
	return slot
}

// changedContent returns the row in a slot, to be changed.
func (p *pane) changedContent(slot uint32) *fingerprintRow {
	r := p.fingerprints.At(slot)
	if !r.dirty {
		r.dirty = true
		p.dirty[tableHours] = append(p.dirty[tableHours], slot)
	}
	return r
}

// noteContact returns the row of a contact's outcomes, to be changed.
func (e *Engine) noteContact(i numberIndex, contact uint64) *contactRow {
	if e.cfg.FlagsOnly {
		return &e.pane.unwanted.contact
	}
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
		p.dirty[tableContacts] = append(p.dirty[tableContacts], slot)
	}
	return r
}

// wrote reports whether the current pane has a send of the number to the contact.
func (p *pane) wrote(i numberIndex, contact uint64) bool {
	slot, ok := p.byContact.Get(window.Key{A: contact, B: uint64(i)})
	return ok && p.contacts.At(slot).sent
}

func (r *contactRow) answered() { r.answers++ }

func (r *contactRow) unanswered(at int64) {
	r.silences++
	if !r.received || at > r.newestReceived {
		r.since++
	}
}

func (r *contactRow) lastSent(t int64) {
	if !r.sent || t > r.newestSent {
		r.sent, r.newestSent = true, t
	}
}

func (r *contactRow) lastReceived(t int64) {
	if !r.received || t > r.newestReceived {
		r.received, r.newestReceived, r.since = true, t, 0
	}
}

// Flush appends the rows of the open pane that changed since they were last
// written, of each table by number_id and key (by number, with Config.AnyOrder),
// and the statuses that changed, to out. While more is true, call it again before
// the next record.
func (e *Engine) Flush(out *event.Output) (more bool) {
	e.allow(out)
	e.pane.arranged = 0
	f := &e.pane.flush
	if !f.rowsIn {
		if e.writeRows(out) || e.cfg.Feed && e.drain(&f.change, out) {
			return true
		}
		f.rowsIn = true
	}
	if e.flushStatuses(&f.status, out) {
		return true
	}
	*f = rowFlush{}
	return false
}

// closePane writes what is left of a pane that is full and begins the next. It
// reports whether rows are left to write.
func (e *Engine) closePane(out *event.Output) (more bool) {
	if e.writeRows(out) {
		return true
	}
	p := &e.pane
	p.flush, p.arranged = rowFlush{}, 0
	p.minutes.Clear()
	p.byMinute.Clear()
	p.fingerprints.Clear()
	p.byHour.Clear()
	p.contacts.Clear()
	p.byContact.Clear()
	p.seen.Clear()
	p.hashes = window.Pool[uint64]{}
	return false
}

// writeRows writes the rows that changed, each table sorted, and reports whether
// rows are left to write.
func (e *Engine) writeRows(out *event.Output) (more bool) {
	p := &e.pane
	f := &p.flush
	for ; f.table < paneTables; f.table, f.next, f.sorted = f.table+1, 0, false {
		list := p.dirty[f.table]
		if !f.sorted {
			e.sortRows(f.table, list)
			f.sorted = true
		}
		for ; f.next < len(list); f.next++ {
			if e.spent(out) {
				return true
			}
			if f.next%foreseenRows == 0 {
				e.foreseeRows(f.table, list[f.next:min(f.next+foreseenRows, len(list))])
			}
			e.writeRow(f.table, list[f.next], out)
		}
		p.dirty[f.table] = list[:0]
	}
	return false
}

// sortRows orders rows of a table by number, and of one number, unless
// any order will do, by key; then the numbers are in the order of their ids. Numbers are
// told apart by their indexes, which lie in one word with the slot.
func (e *Engine) sortRows(table int, list []uint32) {
	p := &e.pane
	p.keys = p.keys[:0]
	for _, slot := range list {
		p.keys = append(p.keys, uint64(p.numberOf(table, slot))<<32|uint64(slot))
	}
	p.keys = p.radix.sort(p.keys)
	for k, key := range p.keys {
		list[k] = uint32(key)
	}
	if e.cfg.AnyOrder || len(list) == 0 {
		return
	}
	number := func(k int) numberIndex { return numberIndex(p.keys[k] >> 32) }
	var runs []rowRun
	first := 0
	for k := range list {
		if k+1 < len(list) && number(k+1) == number(k) {
			continue
		}
		run := list[first : k+1]
		slices.SortFunc(run, p.byKey(table))
		runs = append(runs, rowRun{e.numbers.ids.string(number(k).name()), slices.Clone(run)})
		first = k + 1
	}
	slices.SortFunc(runs, func(a, b rowRun) int { return strings.Compare(a.id, b.id) })
	list = list[:0]
	for _, r := range runs {
		list = append(list, r.slots...)
	}
}

// rowRun is the rows of one number in a table.
type rowRun struct {
	id    string
	slots []uint32
}

// numberOf returns the number of a row.
func (p *pane) numberOf(table int, slot uint32) numberIndex {
	switch table {
	case tableMinutes:
		return p.minutes.At(slot).number
	case tableHours:
		return p.fingerprints.At(slot).number
	}
	return p.contacts.At(slot).number
}

// byKey returns the order of the rows of a table that have one number.
func (p *pane) byKey(table int) func(a, b uint32) int {
	switch table {
	case tableMinutes:
		return func(a, b uint32) int { return cmp.Compare(p.minutes.At(a).minute, p.minutes.At(b).minute) }
	case tableHours:
		return func(a, b uint32) int {
			x, y := p.fingerprints.At(a), p.fingerprints.At(b)
			return cmp.Or(cmp.Compare(x.fingerprint, y.fingerprint), cmp.Compare(x.hour, y.hour))
		}
	}
	return func(a, b uint32) int { return cmp.Compare(p.contacts.At(a).contact, p.contacts.At(b).contact) }
}

// writeRow appends one row of a table to out.
func (e *Engine) writeRow(table int, slot uint32, out *event.Output) {
	p := &e.pane
	at := event.Pane{Partition: e.cfg.Partition, Pane: p.current, Version: p.last}
	id := func(i numberIndex) (string, string) {
		n := e.numbers.look(i)
		return e.numbers.ids.string(i.name()), e.portfolioIDs.string(n.portfolio)
	}
	switch table {
	case tableMinutes:
		r := p.minutes.At(slot)
		r.dirty = false
		row := event.NumberMinute{
			Pane: at, Minute: r.minute * minute, Counts: r.counts.event(), ContactCount: int64(r.contacts.Len()),
			Contacts: p.sketch(r, out),
		}
		row.NumberID, row.PortfolioID = id(r.number)
		out.NumberMinutes = append(out.NumberMinutes, row)
	case tableHours:
		r := p.fingerprints.At(slot)
		r.dirty = false
		row := event.FingerprintHour{
			Pane: at, Fingerprint: r.fingerprint, Hour: r.hour * hour, Template: e.templates.label(r.fingerprint),
			Sent: int64(r.sent), Initiated: int64(r.initiated),
			Answered: int64(r.answered), Unanswered: int64(r.unanswered), Withdrawn: int64(r.withdrawn),
		}
		row.NumberID, row.PortfolioID = id(r.number)
		out.FingerprintHours = append(out.FingerprintHours, row)
	case tableContacts:
		r := p.contacts.At(slot)
		r.dirty = false
		if e.cfg.NoContacts {
			return
		}
		row := event.ContactOutcome{
			Pane: at, Contact: r.contact, Answered: int64(r.answers), Unanswered: int64(r.silences),
			LastSent: r.newestSent, LastReceived: r.newestReceived, UnansweredSince: int64(r.since),
		}
		row.NumberID, row.PortfolioID = id(r.number)
		out.ContactOutcomes = append(out.ContactOutcomes, row)
	}
}

// sketch returns the smallest hashes of a minute's contacts, ascending.
func (p *pane) sketch(r *minuteRow, out *event.Output) []uint64 {
	n := r.contacts.Len()
	if n == 0 {
		return nil
	}
	hashes := out.Hashes(n)
	for k := range hashes {
		hashes[k] = *p.hashes.At(&r.contacts, k)
	}
	slices.Sort(hashes)
	return hashes[:min(n, event.SketchSize)]
}
