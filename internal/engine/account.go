package engine

import (
	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// warnedFor is how long a warning without an end holds.
const warnedFor = 7 * day

// Times after the end of a restriction in which a send counts for restart.
const (
	restartSoon  = 3 * day
	restartWatch = 5 * day
)

// linkWatch is how long a newly linked session is watched.
const linkWatch = 14 * day

// linkUntil returns until when the number's link is a new one, never if it is not
// known when it was linked.
func (n number) linkUntil() int64 {
	if n.linked == never {
		return never
	}
	return n.linked + linkWatch
}

// dormantFor makes a send a waking up; wakeWatch is how long that is watched.
const (
	dormantFor = 180 * day
	wakeWatch  = 14 * day
)

// account is the account state of a number (contract, section 4, restriction).
type account struct {
	state   event.State
	time    int64
	expires int64 // never if it has no end
	end     int64 // the last known end of a restriction, never if none
}

// restricts reports whether the state is a restriction or a ban.
func (a *account) restricts() bool {
	return a.state == event.StateRestricted || a.state == event.StateBanned
}

// expired reports whether the state has an end that is at or before t.
func (a *account) expired(t int64) bool { return a.expires != never && a.expires <= t }

// update takes an account.update at time t. strike is true for a new
// restriction: one at whose own time none held.
func (a *account) update(state event.State, t, expires int64, hasExpires bool) (strike bool) {
	if a.state != event.StateNone && t < a.time {
		return false
	}
	held := a.restricts() && !a.expired(t)
	restricts := state == event.StateRestricted || state == event.StateBanned
	switch {
	case a.restricts() && !held:
		a.end = a.expires
	case held && !restricts:
		a.end = t
	}
	a.state, a.time, a.expires = state, t, never
	if hasExpires {
		a.expires = max(expires, t)
	}
	return restricts && !held
}

// holds returns what holds at the clock.
func (a *account) holds(clock int64) event.State {
	switch {
	case a.expired(clock):
		return event.StateNone
	case a.restricts():
		return a.state
	case a.state == event.StateWarned && (a.expires != never || clock < a.time+warnedFor):
		return event.StateWarned
	}
	return event.StateNone
}

// ended returns E: the newest end of a restriction that is at or before the
// clock, never if there is none.
func (a *account) ended(clock int64) int64 {
	if a.restricts() && a.expired(clock) {
		return a.expires
	}
	if a.end != never && a.end <= clock {
		return a.end
	}
	return never
}

// next returns the first time after the clock at which the account state changes
// by itself.
func (a *account) next(clock int64) int64 {
	next := int64(window.Never)
	if a.expires > clock && a.state != event.StateNone {
		next = a.expires
	}
	if a.state == event.StateWarned && a.expires == never && a.time+warnedFor > clock {
		next = a.time + warnedFor
	}
	if a.end > clock {
		next = min(next, a.end)
	}
	if end := a.ended(clock); end != never && end+restartWatch > clock {
		next = min(next, end+restartWatch)
	}
	return next
}

// noteRestart counts a send at s for the restart watch of the end E at the
// clock.
func (e *Engine) noteRestart(n number, s int64) {
	end := n.account.ended(n.clock)
	if end == never || s < end || s >= end+restartWatch {
		return
	}
	r := e.restart(n, end)
	if r == nil {
		if n.restarts.Len() == restartsKept {
			e.restarts.PopFront(&n.restarts)
		}
		e.restarts.PushBack(&n.restarts, restart{end: end})
		r = e.restarts.At(&n.restarts, n.restarts.Len()-1)
	}
	r.total++
	if s < end+restartSoon {
		r.soon++
	}
}

// restart returns the counts of the end E, nil if nothing was sent after it.
func (e *Engine) restart(n number, end int64) *restart {
	for i := range n.restarts.Len() {
		if r := e.restarts.At(&n.restarts, i); r.end == end {
			return r
		}
	}
	return nil
}

// day returns the number's day of life at its clock.
func (n number) day() int64 { return max(1, 1+floor(n.clock-n.start(), day)) }

// start is what the day of life counts from.
func (n number) start() int64 {
	start := n.first
	if n.registered != never {
		start = n.registered
	}
	return max(start, n.account.ended(n.clock))
}

// maxReason bounds the reason of an account event in bytes, and its restrictions
// together. With a number's long ids more would be more than a broker takes.
const maxReason = 4096

// accountEvent writes what the platform said, as it came. i is the number, or
// noNumber for a shared event.
func (e *Engine) accountEvent(i numberIndex, ev *event.Event, out *event.Output) {
	if e.cfg.FlagsOnly {
		return
	}
	row := event.AccountEvent{
		Position: event.Position{Topic: e.cfg.Topic, Partition: e.cfg.Partition, Offset: e.position.Offset},
		Time:     ev.Time, Type: ev.Type, ID: string(ev.ID),
		WABAID: string(ev.WABAID), PortfolioID: string(ev.PortfolioID),
	}
	if i != noNumber {
		n := e.numbers.look(i)
		row.NumberID = e.numbers.ids.string(i.name())
		row.WABAID, row.PortfolioID = e.wabas.string(n.waba), e.portfolioIDs.string(n.portfolio)
	}
	switch ev.Type {
	case event.TypeQuality:
		row.State = ev.Rating.String()
	case event.TypeAccount:
		row.State, row.Scope, row.Reason = ev.State.String(), ev.Scope.String(), shorten(string(ev.Reason), maxReason)
		if ev.HasExpires {
			row.ExpiresAt = ev.ExpiresAt
		}
		room := maxReason
		for _, r := range ev.Restrictions {
			if room -= len(r) + 4; room < 0 {
				break
			}
			row.Restrict = append(row.Restrict, string(r))
		}
	case event.TypeTemplate:
		row.Template = ev.Template.Key()
		row.State, row.Quality = string(ev.TemplateStatus), ev.TemplateQuality.String()
	case event.TypeLimit:
		row.Limit = ev.Limit
	}
	out.AccountEvents = append(out.AccountEvents, row)
}
