package oracle

import (
	"cmp"
	"math"

	"sendwatch/internal/event"
)

// number is everything that ever happened to one number. start is the time of
// its first event, newest that of the send from which its gaps run on, watermark
// the partition's at its last event. The state of its account holds from since to
// until; lastEnd is the last end so settled.
type number struct {
	subject
	waba, portfolio                                                   string
	start, newest, newestSend, wake, since, until, lastEnd, watermark int64
	state                                                             event.State
	marks                                                             map[string][]mark // by what was counted
	sends                                                             []send
	talks                                                             map[uint64]*talk
	links                                                             map[uint64]*link
	gaps                                                              []float64
	preferences                                                       int64
	rating                                                            latest[event.Rating]
	capped                                                            latest[event.Event]
	known                                                             event.Event // what its profile and connection said last, field by field
}

// mark is a time at which something was counted, how many, and of which key.
type mark struct{ at, n, key int64 }

// send is one send. contact is the name it went to, name the one it waits under
// now. era is the contract's E when it was applied; outcome is pending, answered,
// unanswered, withdrawn or, of one that is not tracked, empty.
type send struct {
	at, era                      int64
	contact, name, fingerprint   uint64
	template, portfolio, outcome string
	initiated                    bool
}

// count notes one of something, of a key where its kinds are counted apart.
func (n *number) count(what string, counts bool, t int64, key uint64) {
	if counts {
		n.marks[what] = append(n.marks[what], mark{t, 1, int64(key)})
	}
}

// apply lets an event happen; before is the watermark before it, category the one
// that updates say its template is of.
func (n *number) apply(ev *event.Event, before int64, category event.Category) {
	t, k := ev.Time, &n.known // what an event does not speak of is zero in it
	n.dropLinks()
	if n.count("group_messages", ev.InGroup, t, 0); ev.InGroup {
		return
	}
	name := n.contact(ev)
	k.Country, k.Connection, k.Origin = cmp.Or(ev.Country, k.Country), cmp.Or(ev.Connection, k.Connection), cmp.Or(ev.Origin, k.Origin)
	k.RegisteredAt, k.LastActiveAt, k.LinkedAt = cmp.Or(ev.RegisteredAt, k.RegisteredAt), cmp.Or(ev.LastActiveAt, k.LastActiveAt), cmp.Or(ev.LinkedAt, k.LinkedAt)
	k.IPCountry, k.IPHash = cmp.Or(ev.IPCountry, k.IPCountry), cmp.Or(ev.IPHash, k.IPHash)
	if ev.HasInputs {
		k.Inputs = ev.Inputs
	}
	n.rating.set(ev.Type == event.TypeQuality, ev.Rating, t)
	n.capped.set(ev.Type == event.TypeCap, *ev, t)
	n.count("held", ev.Held, t, 0)
	n.count(ev.Status.String(), ev.Status == event.StatusDelivered || ev.Status == event.StatusRead, t, 0)
	n.count("blocks", ev.Type == event.TypeBlock, t, 0)
	n.count("reports", ev.Type == event.TypeReport, t, 0)
	switch {
	case ev.IsSend():
		n.send(ev, name, t < before-day, cmp.Or(category, ev.Template.Category))
	case ev.Status == event.StatusFailed:
		n.fail(ev, name)
	case ev.Type == event.TypeReceived:
		n.receive(ev, name)
	case ev.Type == event.TypeGroup:
		n.marks["groups"] = append(n.marks["groups"], mark{t, ev.NonContactsAdded, 0})
	case ev.Type == event.TypeAccount:
		n.update(ev)
	}
	if said := cmp.Or(ev.Text, ev.Preference); said != event.PreferenceNone {
		n.preferences++
		n.count("stops", said == event.PreferenceStop, t, 0)
		for _, id := range []uint64{name, ev.Contact, ev.UserID} {
			n.talk(id).preference = preference{said == event.PreferenceStop, t, n.preferences}
		}
		n.dropLinks()
	}
}

// receive counts an inbound of a name.
func (n *number) receive(ev *event.Event, name uint64) {
	t, c := ev.Time, n.talk(name)
	n.count("received", true, t, 0)
	n.count("unlinked", !ev.HasContact && name == ev.UserID, t, 0)
	if c.newest = max(c.newest, t); c.run.first == 0 || t > c.run.last+day {
		c.run = run{t, t}
	} else if t >= c.run.first-day {
		c.run = run{min(c.run.first, t), max(c.run.last, t)}
	}
	n.resolve("answered", t, func(s *send) bool { return s.name == name && s.at <= t && t <= s.at+48*hour })
}

// send counts a send to a name; its template is of the category.
func (n *number) send(ev *event.Event, name uint64, late bool, category event.Category) {
	t, c := ev.Time, n.talk(name)
	initiated := late || c.run.first == 0 || t < c.run.first || t > c.run.last+day
	service := category == event.CategoryAuthentication || category == event.CategoryUtility
	known := initiated && n.known.Country != 0 && (ev.ContactCountry != 0 || ev.ContactCalling != 0)
	home := ev.ContactCountry == n.known.Country || ev.ContactCountry == 0 && ev.ContactCalling.Includes(n.known.Country)
	n.count("sent", true, t, 0)
	n.count("initiated", initiated, t, 0)
	n.count("late", late, t, 0)
	n.count("templates_sent", ev.HasTemplate, t, 0)
	n.count("sent_after_stop", c.preference.stop && c.preference.at <= t && (initiated || category == event.CategoryMarketing), t, 0)
	n.count("country", known, t, 0)
	n.count("foreign", known && !home, t, 0)
	n.count("opt_in_given", initiated && ev.OptIn != event.OptInNone, t, 0)
	n.count("no_opt_in", initiated && ev.OptIn == event.OptInFalse, t, 0)
	n.count("identical", initiated && !service, t, ev.Fingerprint)
	n.count("media_repeat", initiated && ev.MediaHash != 0, t, ev.MediaHash)
	for _, link := range ev.Links {
		n.count("link_repeat", initiated, t, link)
	}
	if initiated && t >= n.newest {
		n.gaps, n.newest = append(n.gaps, float64(t-n.newest)), t
	}
	if prev := max(n.newestSend, n.known.LastActiveAt); t > n.newestSend && prev != 0 && t-prev >= 180*day {
		n.wake = t
	}
	n.newestSend = max(n.newestSend, t)
	_, era := n.standing(now(n.clock))
	s := send{t, era, name, name, ev.Fingerprint, ev.Template.Key(), n.portfolio, "", initiated}
	if initiated && !late && !service {
		s.outcome = "pending"
	}
	n.sends = append(n.sends, s)
	if t < c.run.first && c.run.first <= t+48*hour {
		n.resolve("answered", c.run.first, func(p *send) bool { return p == &n.sends[len(n.sends)-1] })
	}
}

// resolve ends the wait of the pending sends that are meant: at time t, or at the
// end of their 48 h if t is 0.
func (n *number) resolve(outcome string, t int64, meant func(*send) bool) {
	for i := range n.sends {
		if s := &n.sends[i]; s.outcome == "pending" && meant(s) {
			s.outcome, n.next = outcome, never
			n.count(outcome, true, cmp.Or(t, s.at+48*hour), 0)
			n.count("delays", outcome == "answered", t, uint64(s.delay(now(t))))
		}
	}
}

// delay returns the class, 0 to 8, of the quarter hours from a send to the clock:
// class k begins at 2^(k-1) of them.
func (s *send) delay(m *moment) (class int64) {
	for class < 8 && m.reached((s.at/quarter+1<<class)*quarter) {
		class++
	}
	return class
}

// fail counts a failed status, which withdraws a pending send of the name.
func (n *number) fail(ev *event.Event, name uint64) {
	n.count("failed_"+cmp.Or(section4.Classes[ev.ErrorCode], "operational"), true, ev.Time, 0)
	n.count("spam_errors", ev.ErrorCode == 131048, ev.Time, 0)
	n.count("reachout_errors", ev.ErrorCode == 463, ev.Time, 0)
	var newest *send
	for i := range n.sends {
		if s := &n.sends[i]; s.outcome == "pending" && s.name == name && (newest == nil || s.at >= newest.at) {
			newest = s
		}
	}
	n.resolve("withdrawn", ev.Time, func(s *send) bool { return s == newest })
}

func limits(s event.State) bool { return s == event.StateRestricted || s == event.StateBanned }

// update takes what the platform says of the account.
func (n *number) update(ev *event.Event) {
	if ev.Time < n.since {
		return
	}
	held := limits(n.state) && ev.Time < n.until
	if limits(n.state) && (!held || !limits(ev.State)) {
		n.lastEnd = min(ev.Time, n.until)
	}
	n.count("strikes", limits(ev.State) && !held, ev.Time, 0)
	n.state, n.since, n.until = ev.State, ev.Time, math.MaxInt64
	if ev.HasExpires {
		n.until = max(ev.ExpiresAt, ev.Time)
	} else if ev.State == event.StateWarned {
		n.until = ev.Time + 7*day
	}
}

// standing returns what holds at the clock, and the contract's E, 0 if there is none.
func (n *number) standing(m *moment) (holds event.State, e int64) {
	if over := m.reached(n.until); over && limits(n.state) {
		return event.StateNone, n.until
	} else if over || n.state == event.StateReinstated {
		return event.StateNone, n.lastEnd
	}
	return n.state, n.lastEnd
}
