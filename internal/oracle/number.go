package oracle

import (
	"slices"

	"sendwatch/internal/event"
)

// mark is a time at which something was counted, and how many.
type mark struct{ at, n int64 }

// send is one send. fate is pending, answered, unanswered, withdrawn or, of one
// that is not tracked, empty.
type send struct {
	at, era                           int64 // era: the contract's E when it was applied
	contact, fingerprint, media       uint64
	links                             []uint64
	template, portfolio, fate         string
	service, initiated, known, abroad bool // known: both countries were
	optInGiven, refused               bool
}

// talk is what is known of one conversation: F, L, the newest inbound, and the
// time of the stop that was the preference applied last.
type talk struct{ first, last, newest, stopAt int64 }

// number is everything that ever happened to one number.
type number struct {
	id, waba, portfolio        string
	clock, start               int64
	marks                      map[string][]mark // by column of number_minutes; added and spam have none
	sends                      []send
	talks                      map[uint64]*talk
	gaps                       []int64
	newest, newestSend, wake   int64 // newest: of the initiated sends
	country, ipCountry         event.Country
	connection                 event.Connection
	origin                     event.Origin
	registeredAt, lastActiveAt int64
	ipHash                     uint64
	rating                     event.Rating
	ratedAt                    int64
	account                    account
	facts                      map[string]float64
	score                      int
	judgement
}

func newNumber(id string, t int64) *number {
	return &number{
		id: id, clock: t, start: t, marks: map[string][]mark{}, talks: map[uint64]*talk{},
		newest: never, newestSend: never, wake: never, registeredAt: never, lastActiveAt: never,
		account: account{at: never, expires: never, end: never}, judgement: newJudgement(),
	}
}

func (n *number) count(column string, t int64) {
	n.marks[column] = append(n.marks[column], mark{t, 1})
}

// take counts an event and tells whether it was a late send.
func (n *number) take(ev *event.Event, watermark int64) bool {
	n.dirty = true
	t, c := ev.Time, n.talks[ev.Contact]
	if c == nil && ev.HasContact {
		c = &talk{never, never, never, never}
		n.talks[ev.Contact] = c
	}
	switch ev.Type {
	case event.TypeSent:
		if ev.Held {
			n.count("held", t)
		} else if ev.IsSend() {
			return n.send(ev, c, watermark)
		}
	case event.TypeStatus:
		n.delivery(ev)
	case event.TypeReceived:
		n.count("received", t)
		c.inbound(t)
		for i := range n.sends {
			if s := &n.sends[i]; s.fate == "pending" && s.contact == ev.Contact && s.at <= t && t <= s.at+48*hour {
				n.settle(s, "answered", t)
			}
		}
		n.prefer(c, ev.Text, t)
	case event.TypePreference:
		n.prefer(c, ev.Preference, t)
	case event.TypeBlock:
		n.count("blocks", t)
	case event.TypeReport:
		n.count("reports", t)
	case event.TypeProfile:
		n.profile(ev)
	case event.TypeQuality:
		if t >= n.ratedAt {
			n.rating, n.ratedAt = ev.Rating, t
		}
	case event.TypeConnection: // Reading: the last connection is the one applied last.
		n.ipCountry = ev.IPCountry
		if ev.IPHash != 0 {
			n.ipHash = ev.IPHash
		}
	case event.TypeGroup:
		n.marks["added"] = append(n.marks["added"], mark{t, ev.NonContactsAdded})
	case event.TypeAccount:
		n.account.update(ev)
	}
	return false
}

// inbound moves the newest run of inbounds [F, L].
func (c *talk) inbound(r int64) {
	c.newest = max(c.newest, r)
	switch {
	case c.first == never || r > c.last+day:
		c.first, c.last = r, r
	case r > c.last:
		c.last = r
	case c.first-day <= r && r < c.first:
		c.first = r
	}
}

func (n *number) prefer(c *talk, p event.Preference, t int64) {
	switch p {
	case event.PreferenceStop:
		n.count("stops", t)
		c.stopAt = t
	case event.PreferenceResume:
		c.stopAt = never
	}
}

// send counts a send and tells whether it is late.
func (n *number) send(ev *event.Event, c *talk, watermark int64) bool {
	t, late := ev.Time, watermark != never && ev.Time < watermark-day
	s := send{
		at: t, era: n.account.era(now(n.clock)), contact: ev.Contact, fingerprint: ev.Fingerprint, media: ev.MediaHash,
		links: slices.Clone(ev.Links), template: templateKey(ev), portfolio: n.portfolio, service: ev.IsService(),
		initiated:  c.first == never || t < c.first || t > c.last+day || late,
		optInGiven: ev.OptIn != event.OptInNone, refused: ev.OptIn == event.OptInFalse,
	}
	if n.country != 0 && ev.ContactCountry != 0 {
		s.known, s.abroad = true, ev.ContactCountry != n.country
	} else if n.country != 0 && ev.ContactCalling != 0 {
		s.known, s.abroad = true, !ev.ContactCalling.Includes(n.country)
	}
	for column, counts := range map[string]bool{
		"sent": true, "initiated": s.initiated, "late": late, "templates_sent": ev.HasTemplate,
		"sent_after_stop": c.stopAt != never && c.stopAt <= t &&
			(s.initiated || ev.HasTemplate && ev.Template.Category == event.CategoryMarketing),
	} {
		if counts {
			n.count(column, t)
		}
	}
	if s.initiated && t >= n.newest {
		if n.newest != never {
			n.gaps = append(n.gaps, t-n.newest)
		}
		n.newest = t
	}
	if t > n.newestSend {
		if last := max(n.newestSend, n.lastActiveAt); last != never && t-last >= 180*day {
			n.wake = t
		}
		n.newestSend = t
	}
	if s.initiated && !late && !s.service {
		s.fate = "pending"
		if c.first != never && t < c.first && c.first <= t+48*hour {
			n.settle(&s, "answered", c.first)
		}
	}
	n.sends = append(n.sends, s)
	return late
}

// settle ends a send's wait at time t.
func (n *number) settle(s *send, fate string, t int64) {
	s.fate = fate
	n.count(fate, t)
}

// expire ends at tick i the wait of what has waited 48 h.
func (n *number) expire(i int64) {
	for k := range n.sends {
		if s := &n.sends[k]; s.fate == "pending" && s.at+48*hour <= i {
			n.settle(s, "unanswered", s.at+48*hour)
			n.dirty = true
		}
	}
}

// delivery counts a delivery status; a failed one withdraws a pending send.
func (n *number) delivery(ev *event.Event) {
	switch ev.Status {
	case event.StatusDelivered, event.StatusRead:
		n.count(ev.Status.String(), ev.Time)
	case event.StatusFailed:
		n.count("failed_"+event.ClassifyError(ev.ErrorCode).String(), ev.Time)
		if ev.ErrorCode == 131048 {
			n.count("spam", ev.Time)
		}
		var newest *send
		for i := range n.sends {
			if s := &n.sends[i]; s.fate == "pending" && s.contact == ev.Contact && (newest == nil || s.at >= newest.at) {
				newest = s
			}
		}
		if newest != nil {
			n.settle(newest, "withdrawn", ev.Time)
		}
	}
}

// profile keeps what a profile says and leaves what it does not.
func (n *number) profile(ev *event.Event) {
	n.country = ev.Country
	if ev.HasRegistered {
		n.registeredAt = ev.RegisteredAt
	}
	if ev.HasLastActive {
		n.lastActiveAt = ev.LastActiveAt
	}
	if ev.Connection != event.ConnectionNone {
		n.connection = ev.Connection
	}
	if ev.Origin != event.OriginNone {
		n.origin = ev.Origin
	}
}

// account is the state of an account; expires is never if it has no end, end
// the last end that was settled.
type account struct {
	state            event.State
	at, expires, end int64
	strikes          []int64
}

func limits(s event.State) bool { return s == event.StateRestricted || s == event.StateBanned }

func (a *account) update(ev *event.Event) {
	if ev.Time < a.at {
		return
	}
	held := limits(a.state) && (a.expires == never || ev.Time < a.expires)
	switch {
	case limits(a.state) && !held:
		a.end = a.expires
	case held && !limits(ev.State):
		a.end = ev.Time
	}
	if limits(ev.State) && !held {
		a.strikes = append(a.strikes, ev.Time)
	}
	a.state, a.at, a.expires = ev.State, ev.Time, never
	if ev.HasExpires {
		a.expires = max(ev.ExpiresAt, ev.Time)
	}
}

// holds gives what holds at the clock.
func (a *account) holds(m *moment) event.State {
	until := a.expires
	if a.state == event.StateWarned && until == never {
		until = a.at + 7*day
	}
	if a.state == event.StateReinstated || until != never && m.reached(until) {
		return event.StateNone
	}
	return a.state
}

// era gives the contract's E at the clock, never if there is none.
func (a *account) era(m *moment) int64 {
	if limits(a.state) && a.expires != never && m.reached(a.expires) {
		return a.expires
	}
	return a.end
}

// templateKey names the template of an event, empty if it has none.
func templateKey(ev *event.Event) string {
	if !ev.HasTemplate && ev.Type != event.TypeTemplate {
		return ""
	}
	return string(ev.Template.Name) + "/" + string(ev.Template.Language)
}
