package engine

import (
	"math"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// progress is what is left to do of the record in progress. It is empty between
// records, so that a snapshot never has to hold it. A call does it in this order
// and stops wherever the budget is spent:
//
//  1. close the pane that the record's offset has left: write its rows
//  2. end the minute of the statuses that changed, if the watermark passes one
//  3. for each full minute that the watermark reaches
//     a. the tick: move the clocks of the numbers that are due, expire, evaluate them
//     b. the portfolio minute
//  4. count the event and evaluate its number; of a shared event each of its numbers
type progress struct {
	offset int64        // the record's
	event  *event.Event // still to be counted, nil if there is none
	before int64        // the watermark before the event
	number numberIndex  // the event's if it was foreseen, else noNumber

	target       int64 // what the watermark moves to
	minute, last int64 // the full minutes to reach, none if minute > last
	ticking      bool  // minute has begun, and
	ticked       int   // how many of the numbers due have had their clocks moved,
	expired      bool  // what expires at it has,
	evaluated    int   // and how many of the numbers due have been evaluated
	sharing      bool  // a shared event has been counted; evaluated is of its numbers

	limit int // rows at which the call returns
}

// sweptAnEvent is how many conversations each event looks at to forget them: more
// than it can open, so that what can be forgotten is gone after one round.
const sweptAnEvent = 2

// unlimited is the limit of a call without a budget.
const unlimited = math.MaxInt

// allow sets the limit of a call.
func (e *Engine) allow(out *event.Output) {
	e.progress.limit = unlimited
	if e.cfg.Budget > 0 {
		e.progress.limit = out.Len() + e.cfg.Budget
	}
}

// spent reports whether the budget of the call is used up.
func (e *Engine) spent(out *event.Output) bool {
	return e.progress.limit != unlimited && out.Len() >= e.progress.limit
}

// Continue goes on with what a call left unfinished. While more is true, call it
// again.
func (e *Engine) Continue(out *event.Output) (more bool) { return e.resume(out) }

// resume does what is left of the record in progress and reports whether more
// remains.
func (e *Engine) resume(out *event.Output) (more bool) {
	p := &e.progress
	e.allow(out)
	if pane := p.offset >> e.cfg.PaneBits; pane != e.pane.current {
		if e.closePane(out) {
			return true
		}
		e.pane.current = pane
	}
	e.pane.last = p.offset
	if p.minute <= p.last && (e.endMinutes(out) || e.advance(out)) {
		return true
	}
	if e.watermark >= e.links.NextPassing() {
		e.passLinks()
	}
	if p.event == nil {
		return false
	}
	if e.applyEvent(p.event, out) {
		return true
	}
	p.event = nil
	e.replies.Sweep(e.watermark, sweptAnEvent)
	return false
}

// applyEvent counts the event in progress, once the watermark has reached it, and
// reports whether some of its numbers are still to be evaluated.
func (e *Engine) applyEvent(ev *event.Event, out *event.Output) (more bool) {
	switch {
	case ev.Type == event.TypeClock || ev.Type == event.TypePolicy:
	case ev.Shared():
		return e.applyShared(ev, out)
	default:
		i := e.progress.number
		if i == noNumber {
			i = e.number(ev)
		}
		if tells(ev) {
			e.numbers.tell(i)
		}
		n := e.numbers.at(i)
		e.catchUp(n, ev.Time, out) // before it moves: the minute that passed belongs where it was
		e.join(n, ev)
		e.count(n, ev, e.contactOf(i, ev), e.progress.before, out)
		e.evaluate(n, out)
	}
	return false
}

// aim sets what the watermark is to move to: the minutes on the way are done by
// advance.
func (e *Engine) aim(t int64) {
	p := &e.progress
	if !e.begun {
		e.begun, e.watermark = true, t
		e.lastTick = floor(t, minute)*minute - grace
		e.changelog.visible = (floor(t, minute) + 1) * minute
		p.minute, p.last = 0, -1
		return
	}
	if t <= e.watermark {
		p.minute, p.last = 0, -1
		return
	}
	p.target, p.minute, p.last = t, floor(e.watermark, minute)+1, floor(t, minute)
	if p.minute > p.last {
		e.watermark = t
		return
	}
	if e.cfg.StatusByChange {
		e.statuses.step = endingChanged
	}
}

// advance does the minutes up to the target's: for each full minute m that the
// watermark reaches first the tick m - grace and then the portfolio minute m.
func (e *Engine) advance(out *event.Output) (more bool) {
	p := &e.progress
	for ; p.minute <= p.last; p.minute++ {
		if !p.ticking {
			if due := e.nextDue(p.minute); due > p.minute {
				p.minute = min(due, p.last)
				e.lastTick = (p.minute-1)*minute - grace
			}
			e.changelog.visible = p.minute * minute
			e.beginTick(p.minute*minute - grace)
		}
		if e.tick(p.minute*minute-grace, out) {
			return true
		}
		if e.cfg.Portfolios {
			e.portfolio.take(&e.changelog)
			e.portfolio.evaluate(p.minute*minute, e.position.Offset, e.originOffset, out)
		}
	}
	e.watermark = p.target
	e.changelog.visible = (floor(e.watermark, minute) + 1) * minute
	return false
}

// nextDue returns the first minute from m on at which a tick or a portfolio minute
// has anything to do, so that a log that is silent for years costs what happens
// in them and not every minute.
func (e *Engine) nextDue(m int64) int64 {
	if e.replies.Waiting() {
		return m
	}
	due := int64(window.Never)
	if at, ok := e.timers.first(); ok {
		due = at + grace/minute
	}
	if e.cfg.Portfolios {
		if len(e.changelog.list) > 0 || len(e.portfolio.dirty) > 0 {
			return m
		}
		if at, ok := e.portfolio.timers.first(); ok {
			due = min(due, at)
		}
	}
	return max(m, due)
}

// beginTick finds the numbers that a tick looks at. Numbers at which nothing can
// change are left out: their clock is moved when they are next looked at (catchUp).
func (e *Engine) beginTick(at int64) {
	e.dueNow = e.replies.Expiring(at, e.timers.due(at, e.dueNow[:0]))
	e.due = e.due[:0]
	for _, i := range e.dueNow {
		e.due = append(e.due, numberIndex(i))
	}
	e.sortNumbers(&e.due)
	p := &e.progress
	p.ticking, p.ticked, p.expired, p.evaluated = true, 0, false, 0
}

// tick is the passing of the full minute at: what is 48 hours old expires, and
// the numbers that are due are evaluated. It reports whether some still are.
func (e *Engine) tick(at int64, out *event.Output) (more bool) {
	p := &e.progress
	for ; p.ticked < len(e.due); p.ticked++ {
		if e.spent(out) {
			return true
		}
		e.catchUp(e.numbers.at(e.due[p.ticked]), at, out) // writes the status of the minute that passed, as it was
	}
	if !p.expired {
		e.lastTick = at
		e.resolved = e.replies.Expire(at, e.resolved[:0])
		e.countResolved()
		p.expired = true
	}
	if e.evaluateDue(out) {
		return true
	}
	p.ticking = false
	return false
}

// evaluateDue evaluates the numbers that are due and reports whether some still
// are.
func (e *Engine) evaluateDue(out *event.Output) (more bool) {
	p := &e.progress
	for ; p.evaluated < len(e.due); p.evaluated++ {
		if e.spent(out) {
			return true
		}
		e.evaluate(e.numbers.at(e.due[p.evaluated]), out)
	}
	return false
}
