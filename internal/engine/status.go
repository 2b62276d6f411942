package engine

import (
	"math"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
)

// Rows of number_status. A row has all facts of a number at its clock, and the last row
// of a minute of that clock is the one that counts. Written for every minute in which
// anything changed, as the contract has them, they are a large part of what run writes,
// and most of them say what the row before said, but for a few of some hundred sends.
//
// With Config.StatusByChange a row is written
//
//   - with the next flush, once a flag level or the band of a number has changed, or the
//     number is new, and again at the end of that minute;
//   - at the end of a minute, if a reader sees a difference to the row before (shown);
//   - within the hour, if anything changed that no row has shown: each number has a
//     minute of the hour of its own for it.
//
// A minute ends where the number's clock leaves it, or else where the watermark has left
// it and the one behind it: what comes a little late is still in it. So which rows there are, and what they say in the end,
// is a function of the log: flushes only bring some of them earlier, as they are by then.

// statusState says what a number's status has that rows have not.
type statusState uint8

const (
	statusChanged statusState = 1 << iota // since its minute ended last
	statusListed                          // it is in Engine.changed
	statusMoved                           // a level or the band, since then
	statusUrgent                          // and no flush has written it yet
	statusOwed                            // a difference that no reader would see: it is in overdue
)

// minutesOfHour is within how many minutes a change is written at the latest.
const minutesOfHour = 60

// statusBook is what is known of the rows that were written by change.
type statusBook struct {
	shown   []shown                      // by number
	urgent  []numberIndex                // for the next flush
	overdue [minutesOfHour][]numberIndex // by the minute of the hour in which they are written

	// How far ending a minute has come, so that it can stop in the middle.
	step  endingStep
	next  int // of the changed numbers, then of those overdue
	kept  int // so many of the changed numbers stay
	slots int // minutes whose overdue numbers have been written
}

// endingStep is what is done next of ending a minute.
type endingStep uint8

const (
	endingNone endingStep = iota
	endingChanged
	endingOwed
)

// shown is what a reader remembers of a row: facts in steps of which one makes no
// difference, and a hash of what makes one whenever it changes. 80 bytes a number.
type shown struct {
	steps  [event.NumFacts]uint8
	minute uint32 // the number of the row's minute: what it says in the end counts
	exact  uint64 // 0 before the first row
}

// shownOf returns what a reader remembers of a row.
func (e *Engine) shownOf(s *event.NumberStatus) shown {
	b := e.scratch[:0]
	word := func(v uint64) {
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
	}
	v := shown{minute: uint32(s.Minute / minute)}
	for f, x := range s.Facts {
		switch fact := event.Fact(f); fact.Type() {
		case event.FactCount:
			v.steps[f] = countStep(fact, x)
		case event.FactRatio:
			v.steps[f] = ratioStep(x)
		default:
			word(math.Float64bits(x))
		}
	}
	word(uint64(s.Score))
	for _, l := range s.Levels {
		b = append(b, byte(l))
	}
	for _, silence := range s.Silences {
		b = append(b, byte(silence))
	}
	b = append(b, s.WABAID...)
	b = append(b, 0)
	b = append(b, s.PortfolioID...)
	word(uint64(oneIf(s.AnsweredSender)))
	e.scratch = b
	v.exact = xxhash.Sum64(b) | 1
	return v
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Two values that are at most one step apart look the same: counts that differ by less
// than 2 and an eighth (those of one minute, which never rest, by less than 8 and an
// eighth), and ratios that differ by less than 5 points (above 1 by less than an eighth).
// A step costs no logarithm: it is the exponent and the first four bits of a float.
// Counts from 900,000 on and ratios from 9 on are all in one step; what changes there is
// written with the hour.
const (
	stepShift    = 52 - 4 // leaves the exponent and four bits
	countsExact  = 16.    // up to here a step is one
	minutesExact = 64.    // and up to here it is four, of the counts of one minute
	largestStep  = 253
	noStep       = 255 // of a ratio that is none: more than a step from all others
	ratioSteps   = 40  // up to a ratio of 1
)

func countStep(f event.Fact, v float64) uint8 {
	exact := countsExact
	if f == event.FactSent1m || f == event.FactInitiated1m {
		exact = minutesExact
	}
	return uint8(min(largestStep, math.Float64bits(v+exact)>>stepShift-math.Float64bits(exact)>>stepShift))
}

func ratioStep(v float64) uint8 {
	switch {
	case v != v:
		return noStep
	case v <= 1:
		return uint8(v * ratioSteps)
	}
	return uint8(min(largestStep, ratioSteps+math.Float64bits(v)>>stepShift-math.Float64bits(1)>>stepShift))
}

// like reports whether a reader of v sees no difference in w, of a later minute.
func (v *shown) like(w *shown) bool {
	if v.exact != w.exact || v.minute == w.minute {
		return false
	}
	for f, a := range v.steps {
		if d := int(a) - int(w.steps[f]); d < -1 || d > 1 {
			return false
		}
	}
	return true
}

// markChanged notes that a number has a status to write; moved that a level or the band
// is another, or the number new.
func (e *Engine) markChanged(n number, moved bool) {
	if e.cfg.FinalStatusOnly || e.cfg.FlagsOnly {
		return
	}
	if n.status&statusListed == 0 {
		e.changed = append(e.changed, n.index)
	}
	n.status |= statusChanged | statusListed
	if moved && e.cfg.StatusByChange {
		if n.status&statusUrgent == 0 {
			e.statuses.urgent = append(e.statuses.urgent, n.index)
		}
		n.status |= statusMoved | statusUrgent
	}
}

// endMinuteOf ends the minute of a number's clock: its status is written, or owed. The
// row's version is the offset that its state is as of.
func (e *Engine) endMinuteOf(n number, version int64, out *event.Output) {
	if !e.cfg.StatusByChange {
		e.writeStatus(n, out)
		return
	}
	n.status &^= statusChanged
	s := e.appendStatus(n, out)
	s.Version = version
	b := &e.statuses
	for int(n.index) >= len(b.shown) {
		b.shown = append(b.shown, shown{})
	}
	now := e.shownOf(s)
	if n.status&statusMoved == 0 && b.shown[n.index].like(&now) {
		if n.status&statusOwed == 0 {
			n.status |= statusOwed
			slot := n.index % minutesOfHour
			b.overdue[slot] = append(b.overdue[slot], n.index)
		}
		out.NumberStatuses = out.NumberStatuses[:len(out.NumberStatuses)-1]
		return
	}
	b.shown[n.index] = now
	n.status &^= statusMoved | statusUrgent | statusOwed
}

// endMinutes ends the minutes that the watermark leaves, before the ticks that the record
// in progress brings, and reports whether numbers are left: those that have changed, and
// those whose changes have been owed until the minutes that it passes.
func (e *Engine) endMinutes(out *event.Output) (more bool) {
	b := &e.statuses
	version := e.position.Offset - 1 // nothing of the record has been applied
	if b.step == endingChanged {
		if e.endChanged(version, out) {
			return true
		}
		b.step = endingOwed
	}
	if b.step == endingOwed {
		if e.endOwed(version, out) {
			return true
		}
		b.step = endingNone
	}
	return false
}

// endChanged ends the minutes of the numbers that have changed.
func (e *Engine) endChanged(version int64, out *event.Output) (more bool) {
	b := &e.statuses
	for ; b.next < len(e.changed); b.next++ {
		if e.spent(out) {
			return true
		}
		if b.next%foreseenRows == 0 {
			e.foreseeStatuses(e.changed[b.next:min(b.next+foreseenRows, len(e.changed))])
		}
		i := e.changed[b.next]
		switch n := e.numbers.view(i); {
		case n.status&statusChanged != 0 && floor(n.clock, minute) > e.progress.last-2:
			e.changed[b.kept] = i // more may come of its minute
			b.kept++
			continue
		case n.status&statusChanged != 0:
			e.endMinuteOf(n, version, out)
		}
		e.numbers.view(i).status &^= statusListed
	}
	e.changed, b.next, b.kept = e.changed[:b.kept], 0, 0
	return false
}

// endOwed writes what has been owed until the minutes that the watermark passes.
func (e *Engine) endOwed(version int64, out *event.Output) (more bool) {
	p, b := &e.progress, &e.statuses
	for passed := int(min(p.last-p.minute+1, minutesOfHour)); b.slots < passed; b.slots++ {
		slot := &b.overdue[(p.minute+int64(b.slots))%minutesOfHour]
		for ; b.next < len(*slot); b.next++ {
			if e.spent(out) {
				return true
			}
			if n := e.numbers.view((*slot)[b.next]); n.status&statusOwed != 0 {
				n.status = n.status&^statusOwed | statusMoved
				e.endMinuteOf(n, version, out)
			}
		}
		*slot, b.next = (*slot)[:0], 0
	}
	b.slots = 0
	return false
}

// flushStatuses appends the statuses that a flush is to write, and reports whether some
// are left. next is how far it has come.
func (e *Engine) flushStatuses(next *int, out *event.Output) (more bool) {
	list := e.unwrittenStatuses()
	for ; *next < len(*list); *next++ {
		if e.spent(out) {
			return true
		}
		if *next%foreseenRows == 0 {
			e.foreseeStatuses((*list)[*next:min(*next+foreseenRows, len(*list))])
		}
		e.flushStatus((*list)[*next], out)
	}
	*list = (*list)[:0]
	return false
}

// unwrittenStatuses returns the numbers whose statuses a flush writes.
func (e *Engine) unwrittenStatuses() *[]numberIndex {
	if e.cfg.StatusByChange {
		return &e.statuses.urgent
	}
	return &e.changed
}

// flushStatus writes one of them, unless it has been written since.
func (e *Engine) flushStatus(i numberIndex, out *event.Output) {
	n := e.numbers.view(i)
	switch {
	case !e.cfg.StatusByChange:
		if n.status&statusChanged != 0 {
			e.writeStatus(n, out)
		}
		n.status &^= statusListed
	case n.status&statusUrgent != 0:
		n.status &^= statusUrgent
		e.appendStatus(n, out)
	}
}
