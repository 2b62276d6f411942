package oracle

import (
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// portfolio is what is known of one portfolio; its facts come from its numbers.
type portfolio struct {
	id     string
	limit  int64 // 0 unknown, -1 unlimited
	status event.PortfolioStatus
	unique map[int64]int64 // by portfolio minute, as evaluated then
	seen   int             // changes at the last evaluation
	judgement
}

// evaluate computes a number's facts and verdicts at its clock and emits the
// transitions they bring about.
func (o *Oracle) evaluate(n *number) {
	o.changes++
	m := clockAt(n.clock)
	verdicts, score := o.judge(n, m)
	n.score = score
	for _, flag := range n.step(m, verdicts, o.offset) {
		flag.NumberID, flag.WABAID, flag.PortfolioID, flag.Score = n.id, n.waba, n.portfolio, score
		flag.FlagID = "number/" + n.id + "/" + flag.FlagID
		all, top := n.lastTenMinutes()
		pace := map[event.Factor]int64{event.FactorVelocityHour: all, event.FactorDailyVolume: all, event.FactorIdenticalBatch: top}
		flag.ETA = eta(flag, verdicts, pace[flag.Factor], 1)
		o.Flags = append(o.Flags, flag)
	}
}

// evaluatePortfolio does so for a portfolio at portfolio minute m.
func (o *Oracle) evaluatePortfolio(p *portfolio, clock int64) {
	p.status.Clock, p.status.Minute = clock, clock
	if p.seen == o.changes && p.asBefore(clock) {
		p.again(clock)
		p.unique[clock] = p.status.UniqueInitiated
		return
	}
	p.seen = o.changes
	m := clockAt(clock)
	s := event.PortfolioStatus{PortfolioID: p.id, Clock: clock, Minute: clock, Version: o.offset, Limit: p.limit, Score: -1}
	contacts, hashes := map[uint64]bool{}, map[uint64]int64{}
	for _, n := range o.numbers {
		for _, x := range n.sends {
			if b := x.at / minute * minute; x.initiated && x.portfolio == p.id && m.reached(b+minute) && !m.reached(b+minute+day) {
				contacts[x.contact] = true
			}
		}
		if n.portfolio != p.id {
			continue
		}
		if slices.ContainsFunc(n.account.strikes, func(t int64) bool { return m.reached(t) && !m.reached(t+7*day) }) {
			s.Restricted7d++
		}
		if n.ipHash != 0 {
			hashes[n.ipHash]++
		}
		switch event.BandOf(n.score) {
		case event.BandHigh:
			s.NumbersHigh++
		case event.BandMedium:
			s.NumbersMedium++
		case event.BandLow:
			s.NumbersLow++
		}
		if s.Score < 0 || n.score < s.Score {
			s.Score = n.score
		}
	}
	s.UniqueInitiated, s.SharedConn = int64(len(contacts)), largest(hashes)
	p.unique[clock] = s.UniqueInitiated
	usage := math.NaN()
	if p.limit > 0 {
		usage = ratio(s.UniqueInitiated, p.limit)
	}
	table := rules(event.ConnectionNone, 1)
	verdicts := []verdict{
		weigh(event.FactorLimitUsage, table[event.FactorLimitUsage], true, usage, 0),
		weigh(event.FactorContagion, table[event.FactorContagion], true, float64(s.Restricted7d), 0),
		weigh(event.FactorSharedConnection, table[event.FactorSharedConnection], true, float64(s.SharedConn), 0),
	}
	for _, flag := range p.step(m, verdicts, o.offset) {
		flag.PortfolioID, flag.FlagID = p.id, "portfolio/"+p.id+"/"+flag.FlagID
		if flag.Factor == event.FactorLimitUsage && p.limit > 0 {
			flag.Value.Number = float64(s.UniqueInitiated)
			flag.ETA = eta(flag, verdicts, s.UniqueInitiated-p.unique[clock-10*minute], float64(p.limit))
			flag.Value.Number = usage
		}
		o.Flags = append(o.Flags, flag)
	}
	for f := event.FactorLimitUsage; f < event.NumFactors; f++ {
		s.Levels[f-event.FactorLimitUsage] = p.level(f)
	}
	p.status = s
}

// eta gives the seconds until a flag at warn reaches danger when pace more come
// every 10 minutes, -1 for none. The least count at danger is found by trying.
func eta(flag event.Flag, verdicts []verdict, pace int64, unit float64) int64 {
	if flag.Level != event.LevelWarn || pace <= 0 || flag.Value.Kind != event.ValueNumber {
		return -1
	}
	for _, v := range verdicts {
		if v.factor != flag.Factor || v.danger.op == "" {
			continue
		}
		least := int64(0)
		for !v.danger.met(float64(least) / unit) {
			least++
		}
		seconds := (max(0, least-int64(flag.Value.Number))*600 + pace - 1) / pace
		if seconds <= 3600 {
			return seconds
		}
	}
	return -1
}

// level gives a factor's flag level, of several keys the largest.
func (j *judgement) level(f event.Factor) event.Level {
	highest := event.LevelNone
	for s, e := range j.episodes {
		if s.factor == f {
			highest = max(highest, e.level)
		}
	}
	return highest
}

// NumberStatuses gives every known number as of its last evaluation, in order.
func (o *Oracle) NumberStatuses() []event.NumberStatus {
	var all []event.NumberStatus
	for _, id := range slices.Sorted(maps.Keys(o.numbers)) {
		n := o.numbers[id]
		s := event.NumberStatus{
			NumberID: id, WABAID: n.waba, PortfolioID: n.portfolio, Clock: n.clock, Minute: n.clock / minute * minute,
			Facts: n.facts, Score: n.score, Band: event.BandOf(n.score),
		}
		for f := range event.NumNumberFactors {
			s.Levels[f] = n.level(f)
		}
		all = append(all, s)
	}
	return all
}

// PortfolioStatuses gives every portfolio that was evaluated, as of then, in order.
func (o *Oracle) PortfolioStatuses() []event.PortfolioStatus {
	var all []event.PortfolioStatus
	for _, id := range slices.Sorted(maps.Keys(o.portfolios)) {
		if p := o.portfolios[id]; p.status.PortfolioID != "" {
			all = append(all, p.status)
		}
	}
	return all
}
