package oracle

import (
	"cmp"

	"sendwatch/internal/event"
)

// link ties an identifier to another; said is the newest time of an event that
// said so (contract, section 9).
type link struct {
	to   uint64
	said int64
}

// talk is what is known under one identifier, 0 being nobody's: its run of
// inbounds, the newest inbound, and the preference applied last.
type talk struct {
	run        run
	newest     int64
	preference preference
}

// run is [F, L] of section 1, and preference the nth of its number; zero is none.
type (
	run        struct{ first, last int64 }
	preference struct {
		stop    bool
		at, nth int64
	}
)

// name returns the end of the chain of links that hold from an identifier, and
// removes those on the way that do not. Reading: whether a link holds is decided
// after those behind it, since they decide where it leads to.
func (n *number) name(id uint64) uint64 {
	l := n.links[id]
	if l == nil {
		return id
	}
	end := n.name(l.to)
	if n.watermark < l.said+30*day || n.talk(end).preference.stop {
		return end
	}
	delete(n.links, id)
	return id
}

// dropLinks removes all links that do not hold.
func (n *number) dropLinks() {
	for id := range n.links {
		n.name(id)
	}
}

// talk returns what is known under an identifier, without a run that is forgotten.
func (n *number) talk(id uint64) *talk {
	c := get(n.talks, id, talk{})
	if c.run.last < n.watermark-48*hour {
		c.run = run{}
	}
	return c
}

// contact ties the identifiers that an event says are of one person, and returns
// the name of its conversation.
func (n *number) contact(ev *event.Event) uint64 {
	c, others := cmp.Or(ev.Contact, ev.UserID), []uint64{ev.Previous, ev.PreviousUserID}
	if ev.HasContact {
		others = []uint64{ev.UserID, ev.Previous, ev.PreviousUserID}
	}
	for _, other := range others {
		if other != 0 && n.watermark < ev.Time+30*day {
			n.tie(other, c, ev.Time)
		}
	}
	return n.name(c)
}

// tie ties u to c at time t.
func (n *number) tie(u, c uint64, t int64) {
	a, b := n.name(u), n.name(c)
	for _, id := range []uint64{u, c} {
		for l := n.links[id]; l != nil; l = n.links[l.to] {
			l.said = max(l.said, t)
		}
	}
	if a == b {
		return
	}
	n.links[a] = &link{b, t}
	from, to := n.talk(a), n.talk(b)
	if from.preference.nth > to.preference.nth {
		to.preference = from.preference
	}
	from.preference = to.preference
	kept, other := to.run, from.run
	if kept.last < other.last {
		kept, other = other, kept
	}
	if other.last != 0 && other.last >= kept.first-day {
		kept.first = min(kept.first, other.first)
	}
	to.run, from.run = kept, run{}
	for i, s := range n.sends {
		if s.name == a && s.outcome == "pending" {
			n.sends[i].name = b
		}
	}
	n.resolve("answered", kept.first, func(s *send) bool { return s.name == b && s.at < kept.first && kept.first <= s.at+48*hour })
	n.resolve("answered", kept.last, func(s *send) bool { return s.name == b && s.at <= kept.last && kept.last <= s.at+48*hour })
	n.dropLinks()
}
