package backtest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// LogConfig says which labelled log.
type LogConfig struct {
	Seed    uint64
	Numbers int // senders that traffic plays; of the usual cast some go out under one name
	Days    int
	// Cast is who they are, and with it by which hidden rule they are restricted.
	Cast traffic.Cast
	// StopWords and ResumeWords are those by which contacts opt out and in.
	StopWords, ResumeWords []string
}

// Label is what became of one number.
type Label struct {
	ID      string
	Profile string // how traffic makes it behave
	Healthy bool
	Joins   int64 // ms, its first event
	Turns   int64 // ms, from when on it means to misbehave; 0 if healthy
	// Began is when it first does, ms: the first message to a stranger, where the
	// log knows strangers; 0 if it never did.
	Began int64
	// Restricted is when its restrictions took effect, ms, in order. Cause is
	// what weighed most in the first.
	Restricted []int64
	Cause      Cause
}

// rule decides whom WhatsApp restricts. It knows only what happens, not what
// anybody makes of it.
type rule interface {
	// watch takes in an event and reports whether it makes the number restricted.
	watch(ev *event.Event, r *traffic.Record) (Cause, bool)
	// review draws how long a decision of t takes until it takes effect, ms.
	review(t int64) int64
	// again readies it for the next offence and returns how many there were before.
	again() int
}

// Log is a stream of records in which the hidden rule restricts numbers. It
// belongs to one goroutine.
type Log struct {
	traffic *traffic.Generator
	cast    traffic.Cast
	end     int64
	decoder *codec.Decoder
	ev      event.Event
	senders []*sender
	due     []decision // by time

	ahead traffic.Record // read and not yet handed out
	held  bool
	over  bool
	value []byte // the restriction being written
	guest []byte // the record of a guest being rewritten
}

// decision is a restriction that is on its way.
type decision struct {
	at     int64
	sender *sender
	cause  Cause
}

// sender is a number as the log shows it.
type sender struct {
	label    Label
	number   traffic.Number
	host     *sender // under whose name its events go out; itself, if nobody's
	rng      *rand.Rand
	rule     rule
	official bool
	tells    bool  // its gateway hands on blocks and reports
	obeys    bool  // stops while restricted
	ramp     int64 // ms from the start of misbehaviour until it does all that it means to do
	decided  bool
	until    int64 // restricted before this
}

// How senders differ. WhatsApp reports to nobody blocks and reports, so that few
// gateways can hand them on.
const (
	tellingShare = .3
	obeyingShare = .6
	gradualShare = .7 // of misbehaving numbers take days to get going
	rampLeast    = 2  // days
	rampMost     = 12
	rampFrom     = .1 // the share of what it means to do with which it begins
	hostShare    = .6 // of countries have their healthy shops under one roof
	abroadShare  = .3 // of these serve a second country
	guestsMost   = 11
)

// How a decision comes about and how long it holds: a review takes minutes to
// hours; the apps restrict for one to three days, then a week, then for good; the
// official ladder has 1, 3, 5, 7 and 30 days.
var (
	reviewMedian = float64(30 * minute)
	ladder       = []int64{2 * day, 7 * day, 1000 * day}
	official     = []int64{day, 3 * day, 5 * day, 7 * day, 30 * day, 1000 * day}
)

// start is when every labelled log begins.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// NewLog makes a log that stands before its first record.
func NewLog(c LogConfig) (*Log, error) {
	if c.Days < 1 || c.Days > 366 {
		return nil, fmt.Errorf("backtest: Days is %d; use 1 to 366", c.Days)
	}
	end := start.Add(time.Duration(c.Days) * 24 * time.Hour)
	g, err := traffic.New(traffic.Config{Seed: c.Seed, Numbers: c.Numbers, Cast: c.Cast, Start: start, End: end})
	if err != nil {
		return nil, err
	}
	l := &Log{
		traffic: g, cast: c.Cast, end: end.UnixMilli(),
		decoder: codec.NewDecoder(codec.Config{StopWords: c.StopWords, ResumeWords: c.ResumeWords}),
	}
	for i, n := range g.Numbers() {
		rng := rand.New(rand.NewPCG(c.Seed^0x5eed, uint64(i)+1))
		s := &sender{
			number: n, rng: rng, official: n.Connection == event.ConnectionCloudAPI,
			tells: rng.Float64() < tellingShare, obeys: rng.Float64() < obeyingShare,
			label: Label{ID: n.ID, Profile: n.Profile, Healthy: n.Healthy, Joins: n.Joins, Turns: n.Turns},
		}
		if gradual, days := rng.Float64() < gradualShare, rng.Float64(); gradual && c.Cast == traffic.CastUsual {
			s.ramp = int64((rampLeast + (rampMost-rampLeast)*days) * float64(day))
		}
		if c.Cast == traffic.CastHard {
			s.rule = newStrangersRule(rng, n.Joins)
		} else {
			s.rule = newJudge(rng, s.official, n.Joins)
		}
		s.host = s
		l.senders = append(l.senders, s)
	}
	if c.Cast == traffic.CastUsual {
		l.house(rand.New(rand.NewPCG(c.Seed^0x5eed, 0)))
	}
	return l, nil
}

// house puts healthy shops under one number, of one country or of two: heavy
// traffic of customers who answer, partly abroad, against which false alarms can
// show.
func (l *Log) house(rng *rand.Rand) {
	countries := map[string]bool{}
	for _, s := range l.senders {
		countries[s.number.Country] = true
	}
	roof, last := map[string]string{}, "" // country -> the country under whose roof its shops are
	for _, c := range slices.Sorted(maps.Keys(countries)) {
		if rng.Float64() >= hostShare {
			continue
		}
		roof[c] = c
		if last != "" && rng.Float64() < abroadShare {
			roof[c] = roof[last]
		}
		last = c
	}
	hosts, guests := map[string]*sender{}, map[string]int{}
	for _, s := range l.senders {
		n := &s.number
		under := roof[n.Country]
		if !n.Healthy || s.official || n.Profile == "newcomer" || under == "" {
			continue
		}
		host := hosts[under]
		if host == nil || guests[under] == guestsMost {
			hosts[under], guests[under] = s, 0
			continue
		}
		s.host = host
		host.label.Profile = "shared_shop"
		guests[under]++
	}
}

// Labels says what became of the numbers, once the log has been read.
func (l *Log) Labels() []Label {
	var list []Label
	for _, s := range l.senders {
		if s.host == s {
			list = append(list, s.label)
		}
	}
	return list
}

// Start and End return the log's bounds, ms.
func (l *Log) Start() int64 { return l.traffic.Start() }

// End returns the time before which the last record arrives, ms.
func (l *Log) End() int64 { return l.end }

// Next returns the next record in order of arrival, false at the end. Its byte
// slices are valid until the next call.
func (l *Log) Next(r *traffic.Record) bool {
	for {
		if !l.held && !l.over {
			l.held = l.traffic.Next(&l.ahead)
			l.over = !l.held
		}
		if len(l.due) > 0 && (!l.held || l.due[0].at <= l.ahead.Time) {
			d := l.due[0]
			l.due = slices.Delete(l.due, 0, 1)
			if d.at >= l.end {
				continue
			}
			l.restrict(d, r)
			if d.sender.number.Lacks.Has(event.InputAccount) {
				continue // nothing tells of it
			}
			return true
		}
		if !l.held {
			return false
		}
		l.held = false
		if l.shows(&l.ahead) {
			*r = l.ahead
			return true
		}
	}
}

// shows lets the hidden rule look at a record and reports whether the log has it.
// It rewrites records of guests to their host's name.
func (l *Log) shows(r *traffic.Record) bool {
	s := l.senders[r.Number]
	if l.decoder.Decode(&l.ev, r.Value, codec.ContentUnknown, r.Time) != nil {
		return true // what cannot be read says nothing, and the log has it as it is
	}
	ev := &l.ev
	switch ev.Type {
	case event.TypeUnknown, event.TypeLimit, event.TypeClock:
		return true
	case event.TypeAccount:
		if l.cast == traffic.CastHard { // a restriction of before, with which a story begins
			s.rule.watch(ev, r)
			return !s.number.Lacks.Has(event.InputAccount)
		}
		return false // the platform speaks through the hidden rule alone
	case event.TypeTemplate, event.TypeQuality:
		return false
	case event.TypeStatus:
		if ev.ErrorCode == 368 || ev.ErrorCode == 131031 {
			return false
		}
	case event.TypeProfile, event.TypeConnection:
		if s.host != s {
			return false
		}
	}
	if r.Hidden.Contact != 0 && !s.means(r.Hidden.Contact, r.Time) {
		return false
	}
	h := s.host
	if r.Time < h.until && r.Hidden.Contact != 0 {
		return !h.obeys && ev.Type == event.TypeSent // nothing arrives, so nobody answers
	}
	if h.label.Began == 0 && !h.label.Healthy && r.Time >= h.label.Turns && (r.Hidden.Stranger || l.cast == traffic.CastUsual) {
		h.label.Began = r.Time
	}
	if cause, hit := h.rule.watch(ev, r); hit && !h.decided {
		h.decided = true
		l.decide(decision{r.Time + h.rule.review(r.Time), h, cause})
	}
	if !h.tells && (ev.Type == event.TypeBlock || ev.Type == event.TypeReport) {
		return false
	}
	if h != s {
		l.rename(r, &s.number, &h.number)
	}
	return true
}

// means reports whether the sender, while it is getting going, deals with a
// contact yet. More and more join, none leaves.
func (s *sender) means(contact uint64, t int64) bool {
	if s.label.Healthy || s.ramp == 0 || t < s.label.Turns {
		return true
	}
	share := rampFrom + (1-rampFrom)*float64(t-s.label.Turns)/float64(s.ramp)
	return float64(contact>>11)/(1<<53) < share
}

// decide puts a decision where its time is.
func (l *Log) decide(d decision) {
	i, _ := slices.BinarySearchFunc(l.due, d.at, func(e decision, at int64) int {
		if e.at <= at {
			return -1
		}
		return 1
	})
	l.due = slices.Insert(l.due, i, d)
}

// restrict writes the account.update of a restriction that takes effect.
func (l *Log) restrict(d decision, r *traffic.Record) {
	s := d.sender
	steps := ladder
	if s.official {
		steps = official
	}
	strikes := s.rule.again()
	s.until = d.at + steps[min(strikes, len(steps)-1)]
	if len(s.label.Restricted) == 0 {
		s.label.Cause = d.cause
	}
	s.label.Restricted = append(s.label.Restricted, d.at)
	s.decided = false
	b := append(l.value[:0], `{"id":"restriction-`...)
	b = append(b, s.number.ID...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(strikes+1), 10)
	b = append(b, `","type":"account.update","time":`...)
	b = strconv.AppendInt(b, d.at, 10)
	for _, f := range [...][2]string{
		{"number_id", s.number.ID},
		{"waba_id", s.number.WABA},
		{"portfolio_id", s.number.Portfolio},
		{"scope", "number"},
		{"state", "restricted"},
		{"reason", "spam"},
	} {
		b = append(b, `,"`...)
		b = append(b, f[0]...)
		b = append(b, `":"`...)
		b = append(b, f[1]...)
		b = append(b, '"')
	}
	b = append(b, `,"expires_at":`...)
	b = strconv.AppendInt(b, s.until, 10)
	l.value = append(b, '}')
	*r = traffic.Record{Time: d.at, Key: []byte(s.number.ID), Value: l.value}
}

// rename makes a guest's record one of its host's.
func (l *Log) rename(r *traffic.Record, guest, host *traffic.Number) {
	l.guest = append(l.guest[:0], r.Value...)
	for _, f := range [...][2]string{
		{guest.ID, host.ID},
		{guest.WABA, host.WABA},
		{guest.Portfolio, host.Portfolio},
	} {
		l.guest = bytes.Replace(l.guest, []byte(`_id":"`+f[0]+`"`), []byte(`_id":"`+f[1]+`"`), 1)
	}
	r.Value, r.Key = l.guest, []byte(host.ID)
}
