package oracle

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"sendwatch/internal/event"
)

// bound is a threshold; the zero value is none.
type bound struct {
	op string
	at float64
}

func (b bound) met(v float64) bool {
	switch b.op {
	case ">=":
		return v >= b.at
	case ">":
		return v > b.at
	case "<":
		return v < b.at
	case "<=":
		return v <= b.at
	}
	return false
}

// rule is a row of the table in section 5. need is the least sample.
type rule struct {
	warn, danger bound
	need, weight float64
}

// rules gives section 5 for a number on a day of its life. A factor that the
// profile has off is not in it.
func rules(connection event.Connection, age float64) map[event.Factor]rule {
	r := map[event.Factor]rule{
		event.FactorVelocityHour:         {bound{">=", 30}, bound{">", 60}, 0, 20},
		event.FactorVelocityBurst:        {bound{">=", 3}, bound{">=", 5}, 0, 10},
		event.FactorDailyVolume:          {bound{}, bound{}, 0, 20},
		event.FactorReplyRatio:           {bound{"<", 0.30}, bound{"<", 0.15}, 50, 25},
		event.FactorUnanswered:           {bound{">", 0.50}, bound{">", 0.85}, 100, 15},
		event.FactorMechanicalTiming:     {bound{"<", 0.20}, bound{"<", 0.10}, 0, 15},
		event.FactorActiveHours:          {bound{">", 8}, bound{">=", 20}, 50, 5},
		event.FactorConversationPressure: {bound{">=", 3}, bound{">=", 5}, 0, 5},
		event.FactorGroupAdd:             {bound{">=", 10}, bound{">=", 50}, 0, 10},
		event.FactorBlockRate:            {bound{">=", 0.01}, bound{">=", 0.02}, 100, 25},
		event.FactorOptOut:               {bound{}, bound{">=", 1}, 0, 15},
		event.FactorOptIn:                {bound{">=", 0.05}, bound{">=", 0.20}, 50, 10},
		event.FactorDelivery:             {bound{"<", 0.90}, bound{"<", 0.75}, 100, 10},
		event.FactorInvalidContacts:      {bound{">=", 0.03}, bound{">=", 0.08}, 100, 5},
		event.FactorIdenticalBatch:       {bound{">=", 12}, bound{">=", 15}, 0, 15},
		event.FactorMediaRepeat:          {bound{">=", 100}, bound{">=", 200}, 0, 5},
		event.FactorLinkRepeat:           {bound{">=", 15}, bound{">=", 30}, 0, 5},
		event.FactorNumberAge:            {bound{"<=", 10}, bound{}, 0, 10},
		event.FactorForeignContacts:      {bound{">", 0.30}, bound{">", 0.60}, 50, 5},
		event.FactorDormancy:             {bound{">=", 20}, bound{">", 50}, 0, 10},
		event.FactorSpamErrors:           {bound{">=", 1}, bound{">=", 3}, 0, 25},
		event.FactorAccountErrors:        {bound{}, bound{">=", 1}, 0, 40},
		event.FactorLimitUsage:           {bound{">=", 0.80}, bound{">=", 0.95}, 0, 0},
		event.FactorContagion:            {bound{">=", 1}, bound{">=", 2}, 0, 0},
		event.FactorSharedConnection:     {bound{">=", 3}, bound{">=", 10}, 0, 0},
	}
	switch {
	case age <= 3:
		r[event.FactorDailyVolume] = rule{bound{">", 50}, bound{">", 100}, 0, 20}
	case age <= 7:
		r[event.FactorDailyVolume] = rule{bound{">", 100}, bound{">=", 200}, 0, 20}
	case age <= 21:
		r[event.FactorDailyVolume] = rule{bound{">", 150}, bound{">=", 200}, 0, 20}
	}
	if connection == event.ConnectionCloudAPI {
		for _, off := range []event.Factor{
			event.FactorVelocityHour, event.FactorVelocityBurst, event.FactorDailyVolume, event.FactorActiveHours,
			event.FactorMechanicalTiming, event.FactorMediaRepeat, event.FactorLinkRepeat, event.FactorForeignContacts,
		} {
			delete(r, off)
		}
		r[event.FactorIdenticalBatch] = rule{bound{">=", 1000}, bound{">=", 10000}, 0, 5}
		r[event.FactorReplyRatio] = rule{bound{"<", 0.05}, bound{"<", 0.01}, 500, 10}
		r[event.FactorUnanswered] = rule{bound{">", 0.97}, bound{">", 0.995}, 1000, 5}
	}
	return r
}

// verdict is what an evaluation says of one factor, or of one of its keys.
type verdict struct {
	subject
	value  event.Value
	level  event.Level
	points float64 // weight x severity
	danger bound
}

// weigh compares a number with a rule (contract, section 5, "Severity").
func weigh(f event.Factor, r rule, on bool, value, sample float64) verdict {
	v := verdict{subject: subject{factor: f}, danger: r.danger}
	if !on || math.IsNaN(value) {
		return v
	}
	v.value = event.NumberValue(value)
	switch {
	case sample < r.need:
	case r.danger.met(value):
		v.level, v.points = event.LevelDanger, r.weight
	case r.warn.met(value) && r.danger.op == "":
		v.level, v.points = event.LevelWarn, r.weight
	case r.warn.met(value):
		v.level, v.points = event.LevelWarn, r.weight*(0.25+0.75*(value-r.warn.at)/(r.danger.at-r.warn.at))
	}
	return v
}

// word is the verdict of a factor of words.
func word(f event.Factor, key string, value event.Value, level event.Level, weight float64) verdict {
	return verdict{subject: subject{f, key}, value: value, level: level, points: weight * []float64{0, 0.5, 1}[level]}
}

// judge gives the verdicts of a number in the order of section 5, and its score.
func (o *Oracle) judge(n *number, m *moment) ([]verdict, int) {
	f := n.compute(m)
	n.facts = f
	table := rules(n.connection, f[event.FactDay])
	var all []verdict
	add := func(factor event.Factor, value, sample float64) {
		r, on := table[factor]
		all = append(all, weigh(factor, r, on, value, sample))
	}
	resolved7d := f[event.FactAnswered7d] + f[event.FactUnanswered7d]
	resolved30d := f[event.FactAnswered30d] + f[event.FactUnanswered30d]
	add(event.FactorVelocityHour, f[event.FactInitiated1h], 0)
	add(event.FactorVelocityBurst, f[event.FactInitiated1m], 0)
	add(event.FactorDailyVolume, f[event.FactInitiated24h], 0)
	add(event.FactorReplyRatio, f[event.FactReplyRatio7d], resolved7d)
	add(event.FactorUnanswered, 1-f[event.FactReplyRatio30d], resolved30d)
	add(event.FactorMechanicalTiming, f[event.FactIntervalCV], 0)
	add(event.FactorActiveHours, f[event.FactActiveHours24h], f[event.FactInitiated24h])
	add(event.FactorConversationPressure, f[event.FactConversationPressure], 0)
	add(event.FactorGroupAdd, f[event.FactGroups24h], 0)
	var sent7d int64
	for _, s := range n.sends {
		if m.within(s.at, hour, 7*day) {
			sent7d++
		}
	}
	add(event.FactorBlockRate, f[event.FactBlockRate7d], float64(sent7d))
	add(event.FactorOptOut, f[event.FactSentAfterStop24h], 0)
	add(event.FactorOptIn, f[event.FactNoOptInShare24h], f[event.FactOptInGiven24h])
	add(event.FactorDelivery, f[event.FactDeliveryRatio24h], f[event.FactAged24h])
	add(event.FactorInvalidContacts, ratio(int64(f[event.FactFailed24hContact]), int64(f[event.FactSent24h])), f[event.FactSent24h])
	add(event.FactorIdenticalBatch, f[event.FactIdentical1h], 0)
	add(event.FactorMediaRepeat, f[event.FactMediaRepeat24h], 0)
	add(event.FactorLinkRepeat, f[event.FactLinkRepeat1h], 0)
	add(event.FactorNumberAge, f[event.FactDay], 0)
	var voip, region, quality, restriction, restart event.Level
	if n.origin == event.OriginVoIP {
		voip = event.LevelDanger
	}
	all = append(all, word(event.FactorOrigin, "", wordOf(n.origin.String()), voip, 5))
	if n.country != 0 && n.ipCountry != 0 && n.country != n.ipCountry {
		region = event.LevelDanger
	}
	all = append(all, word(event.FactorRegion, "", wordOf(n.ipCountry.String()), region, 10))
	add(event.FactorForeignContacts, f[event.FactForeignShare24h], f[event.FactCountry24h])
	// Reading: outside the 14 days dormancy has no fact, so its value is none.
	awake := math.NaN()
	if n.wake != never && m.reached(n.wake) && !m.reached(n.wake+14*day) {
		awake = f[event.FactInitiated24h]
	}
	add(event.FactorDormancy, awake, 0)
	switch n.rating {
	case event.RatingYellow:
		quality = event.LevelWarn
	case event.RatingRed:
		quality = event.LevelDanger
	}
	all = append(all, word(event.FactorQuality, "", wordOf(n.rating.String()), quality, 20))
	all = append(all, o.judgeTemplates(n, m)...)
	add(event.FactorSpamErrors, f[event.FactSpamErrors1h], 0)
	add(event.FactorAccountErrors, f[event.FactFailed24hAccount], 0)
	holds := n.account.holds(m)
	switch {
	case limits(holds):
		restriction = event.LevelDanger
	case holds == event.StateWarned:
		restriction = event.LevelWarn
	}
	all = append(all, word(event.FactorRestriction, "", wordOf(holds.String()), restriction, 60))
	var value event.Value
	count, restart, watching := n.restart(m)
	if watching {
		value = event.NumberValue(float64(count))
	}
	all = append(all, word(event.FactorRestart, "", value, restart, 20))

	var lost float64
	worst := map[event.Factor]float64{} // of several keys the largest counts
	for _, v := range all {
		worst[v.factor] = max(worst[v.factor], v.points)
	}
	for f := range event.NumFactors {
		lost += worst[f]
	}
	lost = math.Round(lost*1e6) / 1e6
	score := int(math.Floor(max(0, 100-lost) + 0.5))
	trust := event.LevelNone
	switch {
	case score < 40:
		trust = event.LevelDanger
	case score < 70:
		trust = event.LevelWarn
	}
	return append(all, word(event.FactorTrustScore, "", event.NumberValue(float64(score)), trust, 0)), score
}

// judgeTemplates gives a verdict for each template sent in 24 h.
func (o *Oracle) judgeTemplates(n *number, m *moment) []verdict {
	keys := map[string]bool{}
	for _, s := range n.sends {
		if s.template != "" && m.within(s.at, minute, day) {
			keys[s.template] = true
		}
	}
	var all []verdict
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		level, value := event.LevelNone, ""
		if t := o.templates[[2]string{n.waba, key}]; t != nil {
			switch {
			case t.quality == event.RatingRed, t.status == "DISABLED", t.status == "PAUSED" && t.pauses > 1:
				level = event.LevelDanger
			case t.quality == event.RatingYellow, t.status == "FLAGGED", t.status == "PAUSED":
				level = event.LevelWarn
			}
			// Reading: an unknown one is left out together with the slash.
			value = t.status
			if rating := t.quality.String(); value == "" {
				value = rating
			} else if rating != "" {
				value += "/" + rating
			}
		}
		all = append(all, word(event.FactorTemplateQuality, key, wordOf(value), level, 10))
	}
	return all
}

// wordOf is a word as a value, the empty one as none.
func wordOf(w string) event.Value {
	if w == "" {
		return event.Value{}
	}
	return event.WordValue(w)
}

// subject is what an episode is of, within a number or a portfolio.
type subject struct {
	factor event.Factor
	key    string
}

// episode is a subject's flag: where it stands and how it began.
type episode struct {
	level    event.Level
	began    int64
	sequence int64
	highs    [3]int64 // by level, the clock of the last evaluation that found it
}

type episodes map[subject]*episode

func newEpisodes() episodes { return episodes{} }

// judgement is a number's or a portfolio's last evaluation and its episodes.
type judgement struct {
	episodes episodes
	verdicts []verdict
	dirty    bool
	settled  bool
	next     int64 // the clock at which the verdicts may change by themselves
}

// asBefore tells whether an evaluation at the clock could only repeat the last
// one: nothing happened, no comparison with the clock turns out otherwise, and
// every flag level is the computed level, so that no older one can lapse.
func (j *judgement) asBefore(clock int64) bool { return !j.dirty && j.settled && clock < j.next }

// again notes the same verdicts at a later clock.
func (j *judgement) again(clock int64) {
	for _, v := range j.verdicts {
		if e := j.episodes[v.subject]; e != nil {
			e.highs[v.level] = clock
		}
	}
}

// step takes new verdicts and gives the transitions they bring about as flags
// with the fields of an episode filled in.
func (j *judgement) step(m *moment, found []verdict, offset int64) []event.Flag {
	clock, verdicts := m.clock, slices.Clone(found)
	j.verdicts, j.next, j.dirty, j.settled = found, m.next, false, true
	for s := range j.episodes {
		if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.subject == s }) {
			verdicts = append(verdicts, verdict{subject: s}) // a template no longer sent
		}
	}
	slices.SortStableFunc(verdicts, func(a, b verdict) int {
		if a.factor != b.factor {
			return int(a.factor) - int(b.factor)
		}
		return strings.Compare(a.key, b.key)
	})
	var flags []event.Flag
	for _, v := range verdicts {
		if !v.factor.Flags() {
			continue
		}
		e := j.episodes[v.subject]
		if e == nil {
			e = &episode{}
			j.episodes[v.subject] = e
		}
		e.highs[v.level] = clock
		level := event.LevelNone
		for l := event.LevelWarn; l <= event.LevelDanger; l++ {
			if e.highs[l] > clock-10*minute {
				level = l
			}
		}
		j.settled = j.settled && level == v.level
		if level == e.level {
			continue
		}
		flag := event.Flag{
			Factor: v.factor, Key: v.key, Value: v.value, Level: level, EventTime: clock,
			Position: event.Position{Offset: offset}, Score: -1, ETA: -1,
		}
		e.sequence++
		switch {
		case e.level == event.LevelNone:
			flag.Transition, e.began, e.sequence = event.TransitionRaised, offset, 0
		case level == event.LevelNone:
			flag.Transition = event.TransitionCleared
		case level > e.level:
			flag.Transition = event.TransitionEscalated
		default:
			flag.Transition = event.TransitionEased
		}
		flag.Sequence, flag.FlagID = e.sequence, fmt.Sprint(v.factor, "/", v.key, "/", e.began)
		e.level = level
		flags = append(flags, flag)
	}
	return flags
}
