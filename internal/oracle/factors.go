package oracle

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
)

// bound is a threshold as the contract writes it, as in ">=30"; empty is none.
type bound string

func (b bound) at() float64 {
	v, _ := strconv.ParseFloat(strings.TrimLeft(string(b), "<>="), 64)
	return v
}

func (b bound) met(v float64) bool {
	switch strings.TrimRight(string(b), "0123456789.") {
	case ">=":
		return v >= b.at()
	case ">":
		return v > b.at()
	case "<":
		return v < b.at()
	case "<=":
		return v <= b.at()
	}
	return false
}

// verdict is what an evaluation says of one factor, or of one of its keys.
type verdict struct {
	factor       event.Factor
	value        any // float64, string or nil
	sample, need float64
	warn, danger bound
	weight       float64
	pace         float64 // more in the last 10 minutes, for eta
	key          string
	level        event.Level
	points       float64 // weight x severity
}

// weigh finds the level and the points of a number against its thresholds.
func (v verdict) weigh() verdict {
	value, _ := v.value.(float64)
	switch {
	case v.value == nil || math.IsNaN(value):
		v.value = nil
	case v.sample < v.need:
	case v.danger.met(value):
		v.level, v.points = event.LevelDanger, v.weight
	case v.warn.met(value) && v.danger == "":
		v.level, v.points = event.LevelWarn, v.weight
	case v.warn.met(value):
		v.level, v.points = event.LevelWarn, v.weight*(0.25+0.75*(value-v.warn.at())/(v.danger.at()-v.warn.at()))
	}
	return v
}

// word is the verdict of a factor of words; the empty word is none.
func word(f event.Factor, key, value string, level event.Level, weight float64) verdict {
	v := verdict{factor: f, key: key, value: value, level: level, points: weight * []float64{0, 0.5, 1}[level]}
	if value == "" {
		v.value = nil
	}
	return v
}

// table gives the numeric rows of section 5 with the values of the facts.
func table(f map[string]float64, official bool) []verdict {
	volume := [2]bound{">150", ">=200"}
	switch {
	case f["day"] <= 3:
		volume = [2]bound{">50", ">100"}
	case f["day"] <= 7:
		volume = [2]bound{">100", ">=200"}
	case f["day"] > 21:
		volume = [2]bound{}
	}
	all := []verdict{
		{event.FactorVelocityHour, f["initiated_1h"], 0, 0, ">=30", ">60", 20, f["initiated_10m"], "", 0, 0},
		{event.FactorVelocityBurst, f["initiated_1m"], 0, 0, ">=3", ">=5", 10, 0, "", 0, 0},
		{event.FactorDailyVolume, f["initiated_24h"], 0, 0, volume[0], volume[1], 20, f["initiated_10m"], "", 0, 0},
		{event.FactorReplyRatio, f["reply_ratio_7d"], f["answered_7d"] + f["unanswered_7d"], 50, "<0.30", "<0.15", 25, 0, "", 0, 0},
		{event.FactorUnanswered, 1 - f["reply_ratio_30d"], f["answered_30d"] + f["unanswered_30d"], 100, ">0.50", ">0.85", 15, 0, "", 0, 0},
		{event.FactorMechanicalTiming, f["interval_cv"], 0, 0, "<0.20", "<0.10", 15, 0, "", 0, 0},
		{event.FactorActiveHours, f["active_hours_24h"], f["initiated_24h"], 50, ">8", ">=20", 5, 0, "", 0, 0},
		{event.FactorConversationPressure, f["conversation_pressure"], 0, 0, ">=3", ">=5", 5, 0, "", 0, 0},
		{event.FactorGroupAdd, f["groups_24h"], 0, 0, ">=10", ">=50", 10, 0, "", 0, 0},
		{event.FactorBlockRate, f["block_rate_7d"], f["sent_7d"], 100, ">=0.01", ">=0.02", 25, 0, "", 0, 0},
		{event.FactorOptOut, f["sent_after_stop_24h"], 0, 0, "", ">=1", 15, 0, "", 0, 0},
		{event.FactorOptIn, f["no_opt_in_share_24h"], f["opt_in_given_24h"], 50, ">=0.05", ">=0.20", 10, 0, "", 0, 0},
		{event.FactorDelivery, f["delivery_ratio_24h"], f["aged_24h"], 100, "<0.90", "<0.75", 10, 0, "", 0, 0},
		{event.FactorInvalidContacts, f["invalid_share"], f["sent_24h"], 100, ">=0.03", ">=0.08", 5, 0, "", 0, 0},
		{event.FactorIdenticalBatch, f["identical_1h"], 0, 0, ">=12", ">=15", 15, f["identical_10m"], "", 0, 0},
		{event.FactorMediaRepeat, f["media_repeat_24h"], 0, 0, ">=100", ">=200", 5, 0, "", 0, 0},
		{event.FactorLinkRepeat, f["link_repeat_1h"], 0, 0, ">=15", ">=30", 5, 0, "", 0, 0},
		{event.FactorNumberAge, f["day"], 0, 0, "<=10", "", 10, 0, "", 0, 0},
		{event.FactorForeignContacts, f["foreign_share_24h"], f["country_24h"], 50, ">0.30", ">0.60", 5, 0, "", 0, 0},
		{event.FactorDormancy, f["dormancy"], 0, 0, ">=20", ">50", 10, 0, "", 0, 0},
		{event.FactorSpamErrors, f["spam_errors_1h"], 0, 0, ">=1", ">=3", 25, 0, "", 0, 0},
		{event.FactorAccountErrors, f["failed_24h_account"], 0, 0, "", ">=1", 40, 0, "", 0, 0},
	}
	for i := range all {
		v := &all[i]
		if !official {
			break
		}
		switch v.factor {
		case event.FactorVelocityHour, event.FactorVelocityBurst, event.FactorDailyVolume, event.FactorActiveHours,
			event.FactorMechanicalTiming, event.FactorMediaRepeat, event.FactorLinkRepeat, event.FactorForeignContacts:
			v.value, v.warn, v.danger = nil, "", ""
		case event.FactorIdenticalBatch:
			v.warn, v.danger, v.weight = ">=1000", ">=10000", 5
		case event.FactorReplyRatio:
			v.warn, v.danger, v.need, v.weight = "<0.05", "<0.01", 500, 10
		case event.FactorUnanswered:
			v.warn, v.danger, v.need, v.weight = ">0.97", ">0.995", 1000, 5
		}
	}
	return all
}

// judge gives the verdicts of a number, and its score (contract, section 5).
func (o *Oracle) judge(n *number, m *moment) ([]verdict, int) {
	n.facts = n.compute(m)
	var all []verdict
	for _, v := range table(n.facts, n.connection == event.ConnectionCloudAPI) {
		all = append(all, v.weigh())
	}
	all = append(append(all, o.judgeWords(n, m)...), o.judgeTemplates(n, m)...)
	var lost float64
	worst := map[event.Factor]float64{} // of several keys the largest counts
	for _, v := range all {
		worst[v.factor] = max(worst[v.factor], v.points)
	}
	for f := range event.NumFactors {
		lost += worst[f]
	}
	score := math.Floor(max(0, 100-math.Round(lost*1e6)/1e6) + 0.5)
	all = append(all, verdict{factor: event.FactorTrustScore, value: score, warn: "<70", danger: "<40"}.weigh())
	slices.SortFunc(all, compare)
	return all, int(score)
}

// compare orders verdicts as transitions are ordered: by section 5, then key.
func compare(a, b verdict) int {
	if a.factor != b.factor {
		return int(a.factor) - int(b.factor)
	}
	return strings.Compare(a.key, b.key)
}

// judgeWords gives the verdicts of the factors of words that have no key.
func (o *Oracle) judgeWords(n *number, m *moment) []verdict {
	var voip, region, restart event.Level
	if n.origin == event.OriginVoIP {
		voip = event.LevelDanger
	}
	if n.country != 0 && n.ipCountry != 0 && n.country != n.ipCountry {
		region = event.LevelDanger
	}
	holds := n.account.holds(m)
	era, count := n.account.era(m), 0.0
	watching := verdict{factor: event.FactorRestart}
	if era != never && !m.reached(era+5*day) {
		for _, s := range n.sends {
			if s.era == era && s.at >= era && s.at < era+5*day {
				count++
				restart = max(restart, event.LevelWarn)
				if s.at < era+3*day {
					restart = event.LevelDanger
				}
			}
		}
		watching = word(event.FactorRestart, "", "sends", restart, 20)
		watching.value = count
	}
	return []verdict{
		word(event.FactorOrigin, "", n.origin.String(), voip, 5),
		word(event.FactorRegion, "", n.ipCountry.String(), region, 10),
		word(event.FactorQuality, "", n.rating.String(), map[event.Rating]event.Level{event.RatingYellow: event.LevelWarn, event.RatingRed: event.LevelDanger}[n.rating], 20),
		word(event.FactorRestriction, "", holds.String(), map[event.State]event.Level{
			event.StateWarned: event.LevelWarn, event.StateRestricted: event.LevelDanger, event.StateBanned: event.LevelDanger,
		}[holds], 60),
		watching,
	}
}

// judgeTemplates gives a verdict for each template sent in 24 h. Reading: of
// status/quality an unknown one is left out together with the slash.
func (o *Oracle) judgeTemplates(n *number, m *moment) []verdict {
	found := map[string]verdict{}
	for _, s := range n.sends {
		if s.template == "" || !m.within(s.at, minute, day) {
			continue
		}
		t, level := template{}, event.LevelNone
		if known := o.templates[[2]string{n.waba, s.template}]; known != nil {
			t = *known
		}
		switch {
		case t.quality == "RED", t.status == "DISABLED", t.status == "PAUSED" && t.pauses > 1:
			level = event.LevelDanger
		case t.quality == "YELLOW", t.status == "FLAGGED", t.status == "PAUSED":
			level = event.LevelWarn
		}
		found[s.template] = word(event.FactorTemplateQuality, s.template, strings.Trim(t.status+"/"+t.quality, "/"), level, 10)
	}
	return slices.Collect(maps.Values(found))
}
