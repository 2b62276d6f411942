package clickhouse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"sendwatch/internal/event"
)

// monthEdge is 2026-10-31 22:00 UTC: what is made lies on both sides of the
// edge between two months, which are partitions of the tables.
const monthEdge = 1_793_484_000_000

const (
	msMinute = 60_000
	msHour   = 60 * msMinute
)

// made returns rows as an engine might write them at the end of a log: for every
// key the fullest version.
func made(r *rand.Rand) *event.Output {
	out := new(event.Output)
	n := func(limit int) int64 { return r.Int64N(int64(limit)) }
	number := func() string { return fmt.Sprintf("n%d", n(3)) }
	at := func(unit int64) int64 { return monthEdge + n(4*msHour)/unit*unit }
	pane := func() event.Pane {
		p := n(4)
		return event.Pane{Partition: 0, Pane: p, Version: p*1000 + 999}
	}
	once := make(map[string]bool)
	fresh := func(key ...any) bool {
		k := fmt.Sprint(key...)
		defer func() { once[k] = true }()
		return !once[k]
	}
	for range 60 {
		m := event.NumberMinute{Pane: pane(), NumberID: number(), Minute: at(msMinute), PortfolioID: "p1"}
		m.Sent, m.Initiated, m.Read, m.Answered, m.Unanswered = 1+n(9), n(9), n(9), n(3), n(3)
		m.Failed[n(int(event.NumErrorClasses))] = n(4)
		for range n(5) {
			m.Contacts = append(m.Contacts, uint64(n(30))*0x0123_4567_89ab_cdef)
		}
		slices.Sort(m.Contacts)
		m.Contacts = slices.Compact(m.Contacts)
		if fresh("m", m.NumberID, m.Minute, m.Pane) {
			out.NumberMinutes = append(out.NumberMinutes, m)
		}
	}
	for range 40 {
		f := event.FingerprintHour{Pane: pane(), NumberID: number(), Hour: at(msHour), Fingerprint: uint64(n(3)) << 60, PortfolioID: "p1", Template: "a/en"}
		f.Sent, f.Initiated, f.Answered, f.Unanswered = 1+n(9), n(9), n(4), n(4)
		if fresh("f", f.NumberID, f.Hour, f.Fingerprint, f.Pane) {
			out.FingerprintHours = append(out.FingerprintHours, f)
		}
	}
	for range 30 {
		s := event.NumberStatus{NumberID: number(), Minute: at(msMinute), WABAID: "w1", PortfolioID: "p1", Score: int(n(101))}
		s.Version, s.Clock, s.Band = (s.Minute-monthEdge)/msMinute, s.Minute+n(msMinute), event.BandOf(s.Score)
		for f := range event.NumFacts {
			s.Facts[f] = float64(n(4))
		}
		s.Facts[event.FactReplyRatio7d], s.Facts[event.FactWake] = math.NaN(), math.NaN()
		s.Top = []event.Contribution{{Factor: event.FactorReplyRatio, Points: 12.5}, {Factor: event.FactorTemplateQuality, Key: "a/en", Points: 5}}
		s.Levels[event.FactorReplyRatio] = event.LevelWarn
		s.Silences[event.FactorDelivery], s.AnsweredSender = event.Silence(n(int(event.NumSilences))), n(2) == 0
		if fresh("s", s.NumberID, s.Minute) {
			out.NumberStatuses = append(out.NumberStatuses, s)
		}
	}
	for range 30 {
		c := event.ContactOutcome{Pane: pane(), NumberID: number(), PortfolioID: "p1", Contact: uint64(n(4)), Answered: n(2), Unanswered: n(3), LastSent: at(1)}
		if c.UnansweredSince = c.Unanswered; n(2) == 0 {
			c.LastReceived, c.UnansweredSince = at(1), n(int(c.Unanswered)+1)
		}
		if fresh("c", c.NumberID, c.Contact, c.Pane) {
			out.ContactOutcomes = append(out.ContactOutcomes, c)
		}
	}
	for i := range int64(10) {
		p := event.PortfolioStatus{PortfolioID: "p1", Minute: at(msMinute), UniqueInitiated: n(900), Limit: []int64{-1, 0, 1000}[n(3)], Score: int(n(102)) - 1}
		p.Version, p.Clock = (p.Minute-monthEdge)/msMinute, p.Minute
		if fresh("p", p.Minute) {
			out.PortfolioStatus = append(out.PortfolioStatus, p)
		}
		f := event.Flag{
			FlagID: fmt.Sprint("flag", i/3), Sequence: i % 3, NumberID: fmt.Sprint("n", i/3), PortfolioID: "p1", EventTime: monthEdge + i*msHour/2,
			EmittedAt: monthEdge, Factor: event.FactorVelocityHour, Level: event.LevelDanger, Transition: event.TransitionRaised, ETA: -1,
			Value: event.NumberValue(61), Warn: event.NumberValue(30), Danger: event.NumberValue(60), PolicyVersion: "v1", Advice: "Slow down.",
			Position: event.Position{Topic: "sendwatch.events", Offset: i},
		}
		f.Evidence.Counts = []event.NamedCount{{Name: "initiated_1h", Value: 61}}
		out.Flags = append(out.Flags, f)
		out.AccountEvents = append(out.AccountEvents, event.AccountEvent{
			Position: event.Position{Topic: "sendwatch.events", Offset: i}, Time: at(1), Type: event.TypeAccount, ID: fmt.Sprint("e", i),
			WABAID: "w1", Scope: "waba", State: "restricted", Restrict: []string{"RESTRICTED_BIZ"},
		})
	}
	return out
}

// partial returns an earlier version of every row of out that can have one: less
// of everything.
func partial(r *rand.Rand, out *event.Output) *event.Output {
	less := func(v int64) int64 { return r.Int64N(v + 1) }
	early := new(event.Output)
	for _, m := range out.NumberMinutes {
		m.Version -= 1 + r.Int64N(900)
		m.Sent, m.Initiated, m.Answered, m.PortfolioID = less(m.Sent), less(m.Initiated), less(m.Answered), ""
		m.Contacts = m.Contacts[:less(int64(len(m.Contacts)))]
		early.NumberMinutes = append(early.NumberMinutes, m)
	}
	for _, f := range out.FingerprintHours {
		f.Version -= 1 + r.Int64N(900)
		f.Sent, f.Answered = less(f.Sent), less(f.Answered)
		early.FingerprintHours = append(early.FingerprintHours, f)
	}
	for _, c := range out.ContactOutcomes {
		c.Version -= 1 + r.Int64N(900)
		c.Unanswered, c.UnansweredSince, c.LastReceived = 0, 0, 0
		early.ContactOutcomes = append(early.ContactOutcomes, c)
	}
	for _, s := range out.NumberStatuses {
		if s.Version == 0 {
			continue
		}
		s.Version, s.Score, s.Clock = less(s.Version-1), 100, s.Minute
		early.NumberStatuses = append(early.NumberStatuses, s)
	}
	return early
}

// pieces cuts out into outputs of a few rows each, in any order.
func pieces(r *rand.Rand, out *event.Output) []*event.Output {
	parts := make([]*event.Output, 2)
	for i := range parts {
		parts[i] = new(event.Output)
	}
	some := func() *event.Output { return parts[r.IntN(len(parts))] }
	for _, i := range r.Perm(len(out.NumberMinutes)) {
		p := some()
		p.NumberMinutes = append(p.NumberMinutes, out.NumberMinutes[i])
	}
	for _, i := range r.Perm(len(out.FingerprintHours)) {
		p := some()
		p.FingerprintHours = append(p.FingerprintHours, out.FingerprintHours[i])
	}
	for _, i := range r.Perm(len(out.NumberStatuses)) {
		p := some()
		p.NumberStatuses = append(p.NumberStatuses, out.NumberStatuses[i])
	}
	for _, i := range r.Perm(len(out.ContactOutcomes)) {
		p := some()
		p.ContactOutcomes = append(p.ContactOutcomes, out.ContactOutcomes[i])
	}
	for _, i := range r.Perm(len(out.PortfolioStatus)) {
		p := some()
		p.PortfolioStatus = append(p.PortfolioStatus, out.PortfolioStatus[i])
	}
	for _, i := range r.Perm(len(out.Flags)) {
		p := some()
		p.Flags = append(p.Flags, out.Flags[i])
	}
	for _, i := range r.Perm(len(out.AccountEvents)) {
		p := some()
		p.AccountEvents = append(p.AccountEvents, out.AccountEvents[i])
	}
	return parts
}
