package oracle

import (
	"slices"

	"sendwatch/internal/event"
)

// what is something that is counted at a time of its own.
type what int

// The first of them are the columns of number_minutes.
const (
	sent what = iota
	initiated
	held
	late
	delivered
	read
	received
	failed // of the first error class; the others follow
	_
	_
	_
	_
	_
	_
	_
	answered
	unanswered
	withdrawn
	blocks
	reports
	stops
	sentAfterStop
	templatesSent
	groups // no column
	spam   // no column
	numWhats
)

// columns gives the name of each count in number_minutes.
func (w what) column() string {
	if w >= failed && w < answered {
		return "failed_" + event.ErrorClass(w-failed).String()
	}
	return map[what]string{
		sent: "sent", initiated: "initiated", held: "held", late: "late", delivered: "delivered", read: "read",
		received: "received", answered: "answered", unanswered: "unanswered", withdrawn: "withdrawn", blocks: "blocks",
		reports: "reports", stops: "stops", sentAfterStop: "sent_after_stop", templatesSent: "templates_sent",
	}[w]
}

// mark is one thing that was counted.
type mark struct {
	what what
	at   int64
	n    int64
}

// send is one send. fate is pending, answered, unanswered or withdrawn, or
// untracked.
type send struct {
	at, era     int64 // era: the E of the contract when it was applied
	contact     uint64
	fingerprint uint64
	template    string // name/language, empty without one
	service     bool
	initiated   bool
	media       uint64
	links       []uint64
	optIn       event.OptIn
	known       bool // both countries were
	abroad      bool
	portfolio   string
	fate        what
}

const (
	untracked what = -1
	pending   what = -2
)

// talk is what is known of one conversation.
type talk struct {
	first, last int64 // F and L of the newest run of inbounds
	stopAt      int64 // time of the stop that was the preference applied last
}

// number is everything that ever happened to one number.
type number struct {
	id, waba, portfolio string
	clock, start        int64
	marks               []mark
	sends               []send
	talks               map[uint64]*talk
	gaps                []int64
	newest              int64 // initiated send, by time
	newestSend          int64 // any send, by time
	wake                int64

	country                  event.Country
	connection               event.Connection
	origin                   event.Origin
	registeredAt, lastActive int64
	ipCountry                event.Country
	ipHash                   uint64
	ipAt, ipHashAt, ratedAt  int64
	rating                   event.Rating
	account                  account

	judgement
	facts event.Facts
	score int
}

func newNumber(id string, t int64) *number {
	return &number{
		id: id, clock: t, start: t, talks: map[uint64]*talk{}, newest: never, newestSend: never, wake: never,
		registeredAt: never, lastActive: never, ipAt: never, ipHashAt: never, ratedAt: never,
		account: account{at: never, expires: never, end: never}, judgement: judgement{episodes: newEpisodes()},
	}
}

func (n *number) mark(w what, t int64) { n.marks = append(n.marks, mark{w, t, 1}) }

// count counts an event and tells whether it was a late send.
func (n *number) count(ev *event.Event, watermark int64) bool {
	n.dirty = true
	t := ev.Time
	talk := n.talks[ev.Contact]
	if talk == nil && ev.HasContact {
		talk = newTalk()
		n.talks[ev.Contact] = talk
	}
	switch ev.Type {
	case event.TypeSent:
		if ev.Held {
			n.mark(held, t)
		} else if ev.IsSend() {
			return n.send(ev, talk, watermark)
		}
	case event.TypeStatus:
		n.status(ev)
	case event.TypeReceived:
		n.mark(received, t)
		talk.inbound(t)
		for i := range n.sends {
			s := &n.sends[i]
			if s.fate == pending && s.contact == ev.Contact && s.at <= t && t <= s.at+patience {
				n.settle(s, answered, t)
			}
		}
		n.prefer(talk, ev.Text, t)
	case event.TypePreference:
		n.prefer(talk, ev.Preference, t)
	case event.TypeBlock:
		n.mark(blocks, t)
	case event.TypeReport:
		n.mark(reports, t)
	case event.TypeProfile:
		n.profile(ev)
	case event.TypeQuality:
		if t >= n.ratedAt {
			n.rating, n.ratedAt = ev.Rating, t
		}
	case event.TypeConnection:
		n.connect(ev)
	case event.TypeGroup:
		n.marks = append(n.marks, mark{groups, t, ev.NonContactsAdded})
	case event.TypeAccount:
		n.account.update(ev)
	}
	return false
}

func newTalk() *talk { return &talk{first: never, last: never, stopAt: never} }

// inbound moves the newest run of inbounds (contract, section 1, "window").
func (c *talk) inbound(r int64) {
	switch {
	case c.first == never || r > c.last+day:
		c.first, c.last = r, r
	case r > c.last:
		c.last = r
	case c.first-day <= r && r < c.first:
		c.first = r
	}
}

// prefer notes a stop or a resume.
func (n *number) prefer(c *talk, p event.Preference, t int64) {
	switch p {
	case event.PreferenceStop:
		n.mark(stops, t)
		c.stopAt = t
	case event.PreferenceResume:
		c.stopAt = never
	}
}

// send counts a send and tells whether it is late.
func (n *number) send(ev *event.Event, c *talk, watermark int64) bool {
	t := ev.Time
	isLate := watermark != never && t < watermark-day
	s := send{
		at: t, era: n.account.era(clockAt(n.clock)), contact: ev.Contact, fingerprint: ev.Fingerprint,
		template: templateKey(ev), service: ev.IsService(), media: ev.MediaHash, links: slices.Clone(ev.Links),
		optIn: ev.OptIn, portfolio: n.portfolio, fate: untracked,
	}
	s.initiated = c.first == never || t < c.first || t > c.last+day || isLate
	s.known, s.abroad = n.abroad(ev)
	n.mark(sent, t)
	if s.initiated {
		n.mark(initiated, t)
	}
	if isLate {
		n.mark(late, t)
	}
	if ev.HasTemplate {
		n.mark(templatesSent, t)
	}
	if c.stopAt != never && c.stopAt <= t && (s.initiated || ev.HasTemplate && ev.Template.Category == event.CategoryMarketing) {
		n.mark(sentAfterStop, t)
	}
	if s.initiated && t >= n.newest {
		if n.newest != never {
			n.gaps = append(n.gaps, t-n.newest)
		}
		n.newest = t
	}
	n.wakeUp(t)
	if s.initiated && !isLate && !s.service {
		s.fate = pending
		if c.first != never && t < c.first && c.first <= t+patience {
			n.settle(&s, answered, c.first)
		}
	}
	n.sends = append(n.sends, s)
	return isLate
}

// wakeUp notes the first send after half a year of silence.
func (n *number) wakeUp(t int64) {
	if t <= n.newestSend {
		return
	}
	if last := max(n.newestSend, n.lastActive); last != never && t-last >= 180*day {
		n.wake = t
	}
	n.newestSend = t
}

// abroad tells whether both countries are known, and whether they differ.
func (n *number) abroad(ev *event.Event) (known, abroad bool) {
	switch {
	case n.country == 0:
		return false, false
	case ev.ContactCountry != 0:
		return true, ev.ContactCountry != n.country
	case ev.ContactCalling != 0:
		return true, !ev.ContactCalling.Includes(n.country)
	}
	return false, false
}

// settle ends a send's wait at time t.
func (n *number) settle(s *send, fate what, t int64) {
	s.fate = fate
	n.mark(fate, t)
}

// status counts a delivery status; a failed one withdraws a pending send.
func (n *number) status(ev *event.Event) {
	switch ev.Status {
	case event.StatusDelivered:
		n.mark(delivered, ev.Time)
	case event.StatusRead:
		n.mark(read, ev.Time)
	case event.StatusFailed:
		n.mark(failed+what(event.ClassifyError(ev.ErrorCode)), ev.Time)
		if ev.ErrorCode == event.CodeSpam {
			n.mark(spam, ev.Time)
		}
		var newest *send
		for i := range n.sends {
			s := &n.sends[i]
			if s.fate == pending && s.contact == ev.Contact && (newest == nil || s.at >= newest.at) {
				newest = s
			}
		}
		if newest != nil {
			n.settle(newest, withdrawn, ev.Time)
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
		n.lastActive = ev.LastActiveAt
	}
	if ev.Connection != event.ConnectionNone {
		n.connection = ev.Connection
	}
	if ev.Origin != event.OriginNone {
		n.origin = ev.Origin
	}
}

// connect keeps the last connection. Reading: "last" is the one applied last.
func (n *number) connect(ev *event.Event) {
	n.ipCountry = ev.IPCountry
	if ev.IPHash != 0 {
		n.ipHash = ev.IPHash
	}
}

// expire ends at tick i the wait of what has waited long enough.
func (n *number) expire(i int64) {
	for k := range n.sends {
		if s := &n.sends[k]; s.fate == pending && s.at+patience <= i {
			n.settle(s, unanswered, s.at+patience)
			n.dirty = true
		}
	}
}

// account is the state of an account (contract, section 4, "restriction").
type account struct {
	state       event.State
	at, expires int64 // expires is never if it has no end
	end         int64 // the last end that was settled
	strikes     []int64
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
