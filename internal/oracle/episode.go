package oracle

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// episode is the flag of one factor and key: where it stands, where it began,
// and by level the clock of the last evaluation that computed it.
type episode struct {
	level    event.Level
	began    int64
	sequence int
	last     [3]int64
}

// judgement is the last evaluation of a number or a portfolio, and its flags.
type judgement struct {
	episodes       map[[2]string]*episode // by factor and key
	verdicts       []verdict
	dirty, settled bool
	next           int64 // the clock at which the verdicts may change by themselves
}

func newJudgement() judgement { return judgement{episodes: map[[2]string]*episode{}, dirty: true} }

func (v verdict) subject() [2]string { return [2]string{v.factor.String(), v.key} }

// repeats tells whether an evaluation at the clock can only repeat the last, and
// notes it then: nothing happened, no comparison with the clock turns out
// otherwise, and every flag level is the computed one, so that none can lapse.
func (j *judgement) repeats(clock int64) bool {
	if j.dirty || !j.settled || clock >= j.next {
		return false
	}
	for _, v := range j.verdicts {
		if e := j.episodes[v.subject()]; e != nil && v.level > event.LevelNone {
			e.last[v.level] = clock
		}
	}
	return true
}

// judged takes new verdicts and gives the transitions they bring about.
func (j *judgement) judged(m *moment, verdicts []verdict, offset int64) []Row {
	j.verdicts, j.next, j.dirty, j.settled = slices.Clone(verdicts), m.next, false, true
	for s := range j.episodes { // templates that are no longer sent
		if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.subject() == s }) {
			verdicts = append(verdicts, verdict{factor: event.FactorTemplateQuality, key: s[1]})
		}
	}
	slices.SortFunc(verdicts, compare)
	var flags []Row
	for _, v := range verdicts {
		if !v.factor.Flags() {
			continue
		}
		e := j.episodes[v.subject()]
		if e == nil {
			e = &episode{}
			j.episodes[v.subject()] = e
		}
		e.last[v.level] = m.clock
		was, level := e.level, event.LevelNone
		for l := event.LevelWarn; l <= event.LevelDanger; l++ {
			if e.last[l] > m.clock-10*minute {
				level = l
			}
		}
		j.settled = j.settled && level == v.level
		if level == was {
			continue
		}
		e.level = level
		e.sequence++
		transition := event.TransitionEased
		switch {
		case was == event.LevelNone:
			transition, e.began, e.sequence = event.TransitionRaised, offset, 0
		case level == event.LevelNone:
			transition = event.TransitionCleared
		case level > was:
			transition = event.TransitionEscalated
		}
		flags = append(flags, Row{
			"factor": v.factor.String(), "key": v.key, "transition": transition.String(), "level": level.String(),
			"event_time": m.clock, "value": v.value, "score": nil, "eta": v.eta(level), "offset": offset,
			"sequence": e.sequence, "episode": fmt.Sprint(v.subject(), e.began),
		})
	}
	return flags
}

// eta gives the seconds until a flag at warn reaches danger, nil for none.
func (v verdict) eta(level event.Level) any {
	value, ok := v.value.(float64)
	if level != event.LevelWarn || !ok || v.pace <= 0 || v.danger == "" {
		return nil
	}
	least, unit := 0.0, 1.0
	if v.factor == event.FactorLimitUsage {
		unit = v.need // the limit; the value is the share of it
		value = math.Round(value * unit)
	}
	for !v.danger.met(least / unit) {
		least++
	}
	if seconds := math.Ceil((least - value) * 600 / v.pace); seconds <= 3600 {
		return seconds
	}
	return nil
}

// level gives a factor's flag level, of several keys the largest.
func (j *judgement) level(f event.Factor) event.Level {
	highest := event.LevelNone
	for s, e := range j.episodes {
		if s[0] == f.String() {
			highest = max(highest, e.level)
		}
	}
	return highest
}

// evaluate judges a number at its clock.
func (o *Oracle) evaluate(n *number) {
	o.changes++
	m := now(n.clock)
	verdicts, score := o.judge(n, m)
	n.score = score
	for _, flag := range n.judged(m, verdicts, o.offset) {
		flag["subject"], flag["id"], flag["score"] = "number", n.id, score
		o.Flags = append(o.Flags, flag)
	}
	if o.watch != nil {
		o.watch("number", n.status())
	}
}

// portfolio is what is known of one portfolio; the rest comes from its numbers.
type portfolio struct {
	id     string
	limit  int64 // 0 unknown, -1 unlimited
	facts  Row
	unique map[int64]int // by portfolio minute, as evaluated then
	seen   int           // changes at the last evaluation
	judgement
}

// evaluatePortfolio judges a portfolio at portfolio minute clock.
func (o *Oracle) evaluatePortfolio(p *portfolio, clock int64) {
	if p.seen == o.changes && p.repeats(clock) {
		p.facts["clock"], p.unique[clock] = clock, p.unique[clock-minute]
		return
	}
	p.seen = o.changes
	m := now(clock)
	contacts, hashes := map[uint64]bool{}, map[uint64]float64{}
	bands, restricted, score := map[event.Band]int{}, 0.0, any(nil)
	for _, n := range inOrder(o.numbers) {
		for _, s := range n.sends {
			if b := s.at / minute * minute; s.initiated && s.portfolio == p.id && m.reached(b+minute) && !m.reached(b+minute+day) {
				contacts[s.contact] = true
			}
		}
		if n.portfolio != p.id {
			continue
		}
		if slices.ContainsFunc(n.account.strikes, func(t int64) bool { return m.reached(t) && !m.reached(t+7*day) }) {
			restricted++
		}
		if n.ipHash != 0 {
			hashes[n.ipHash]++
		}
		bands[event.BandOf(n.score)]++
		if score == nil || n.score < score.(int) {
			score = n.score
		}
	}
	unique := len(contacts)
	p.unique[clock] = unique
	p.facts = Row{
		"portfolio_id": p.id, "clock": clock, "unique_initiated_24h": unique, "limit": nil, "headroom": nil,
		"restricted_7d": restricted, "shared_connection": largest(hashes), "score": score,
		"numbers_high": bands[event.BandHigh], "numbers_medium": bands[event.BandMedium], "numbers_low": bands[event.BandLow],
	}
	usage := verdict{factor: event.FactorLimitUsage, warn: ">=0.80", danger: ">=0.95"}
	if p.limit != 0 {
		p.facts["limit"] = p.limit
	}
	if p.limit > 0 {
		p.facts["headroom"] = max(0, p.limit-int64(unique))
		usage.value, usage.pace = float64(unique)/float64(p.limit), float64(unique-p.unique[clock-10*minute])
		usage.sample, usage.need = float64(p.limit), float64(p.limit)
	}
	for _, flag := range p.judged(m, []verdict{
		usage.weigh(),
		verdict{factor: event.FactorContagion, value: restricted, warn: ">=1", danger: ">=2"}.weigh(),
		verdict{factor: event.FactorSharedConnection, value: largest(hashes), warn: ">=3", danger: ">=10"}.weigh(),
	}, o.offset) {
		flag["subject"], flag["id"] = "portfolio", p.id
		o.Flags = append(o.Flags, flag)
	}
	if o.watch != nil {
		o.watch("portfolio", maps.Clone(p.facts))
	}
}
