package oracle

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
)

// The tables of sections 4 and 5 as data. section4 has the codes of each class of
// errors, the priors of the nowcasts (m, and a of each class of delay), and facts
// that are sums and ratios of others.
var (
	//go:embed section4.json
	section4JSON string
	//go:embed section5.json
	section5JSON string
	section4     = parse[struct {
		Classes map[int64]string
		Priors  map[string]struct {
			M float64
			A []float64
		}
		Sums, Ratios map[string][]string
	}](section4JSON)
	rules = parse[[]rule](section5JSON)
)

// rule is a row of section 5: of which profiles and days of life it is, the fact
// that is compared and the one that is the value, the fact that is the sample and
// how large it must be, the fact that is the pace of an eta, and the facts that
// make it silent or keep it at most at warn where they are not 0.
type rule struct {
	Profile, Factor, Fact, Value, Sample, Pace string
	From, To, Least, Weight                    float64
	Warn, Danger                               bound
	Silent, Tempered                           []string
}

// bound is a threshold as in ">=30", or words as in "restricted|banned".
type bound string

func parse[T any](table string) (v T) {
	if err := json.Unmarshal([]byte(table), &v); err != nil {
		panic(err)
	}
	return v
}

// windows are named in a fact's name.
var windows = []struct {
	name         string
	grain, width int64
}{
	{"_1m", second, minute}, {"_10m", second, 10 * minute}, {"_1h", second, hour}, {"_60m", minute, hour}, {"_24h", minute, day}, {"_7d", hour, 7 * day}, {"_30d", hour, 30 * day},
}

// counted are the facts of section 4, and what is counted beside them.
var counted = func() []string {
	names := []string{"sent_7d", "sent_60m", "initiated_10m", "read_24h", "delivered_24h"}
	for fact := range event.NumFacts {
		names = append(names, fact.String())
	}
	return names
}()

// marksOf is, by fact and window, what would be counted in it: the fact's name without the window's.
var marksOf = func() map[string][]string {
	all := map[string][]string{}
	for _, fact := range append([]string{"delays_30d", "identical_10m"}, counted...) {
		for _, w := range windows {
			all[fact] = append(all[fact], strings.Replace(fact, w.name, "", 1))
		}
	}
	return all
}()

// tally counts by key what lies in a window; the fact's name says what and which.
func (n *number) tally(m *moment, fact string) map[int64]float64 {
	byKey := map[int64]float64{}
	for i, what := range marksOf[fact] {
		for _, k := range n.marks[what] {
			if m.within(k.at, windows[i].grain, windows[i].width) {
				byKey[k.key] += float64(k.n)
			}
		}
	}
	return byKey
}

// compute sets the facts of section 4 by name, and those that only factors need;
// NaN and an empty word are none.
func (n *number) compute(m *moment) {
	f, none := map[string]float64{}, math.NaN()
	for _, name := range counted {
		f[name] = largest(n.tally(m, name))
	}
	for _, name := range []string{"off", "wake", "linked", "dormancy", "new_link", "cold_start", "restart", "interval_cv", "cap_share"} {
		f[name] = none
	}
	holds, e := n.standing(m)
	n.facts, n.words = f, map[string]string{
		"restriction": holds.String(), "origin": n.known.Origin.String(), "ip_country": n.known.IPCountry.String(), "quality": n.rating.is.String(), "cap": "",
	}
	if n.known.Country != 0 && n.known.IPCountry != 0 && n.known.Country != n.known.IPCountry {
		n.words["region"] = "differs"
	}
	f["strikes"], f["aged_24h"], f["arrived_24h"] = float64(len(n.marks["strikes"])), f["sent_24h"]-f["sent_60m"], max(f["delivered_24h"], f["read_24h"])
	for fingerprint, count := range n.tally(m, "identical_1h") {
		if count == f["identical_1h"] {
			f["identical_10m"] = max(f["identical_10m"], n.tally(m, "identical_10m")[fingerprint])
		}
	}
	pending := n.lookAtSends(m, e)
	for sum, parts := range section4.Sums {
		for _, part := range parts {
			f[sum] += f[part]
		}
	}
	for ratio, of := range section4.Ratios {
		f[ratio] = over(f[of[0]], f[of[1]])
	}
	f["read_ratio_24h"], f["delivery_ratio_24h"], f["no_reply_30d"] = min(1, f["read_ratio_24h"]), min(1, f["delivery_ratio_24h"]), 1-f["reply_ratio_30d"]
	n.nowcast(m, pending)
	if k := len(n.gaps) - 20; k > 0 && !m.reached(n.newest+day) { // the first of the list is no gap
		var sum, squares float64
		for _, g := range n.gaps[k:] {
			sum += g
		}
		for _, g := range n.gaps[k:] {
			squares += (g - sum/20) * (g - sum/20)
		}
		if sum/20 <= float64(10*minute) {
			f["interval_cv"] = over(math.Sqrt(squares/20), sum/20)
		}
	}
	for f["day"] = 1; m.reached(max(e, cmp.Or(n.known.RegisteredAt, n.start)) + int64(f["day"])*day); {
		f["day"]++
	}
	// Reading: outside their time dormancy, new_link and cold_start have no fact, so that their value is none.
	for name, since := range map[[2]string]int64{{"wake", "dormancy"}: n.wake, {"linked", "new_link"}: n.known.LinkedAt} {
		if since != 0 {
			f[name[0]] = float64(since)
			if m.within(since, 1, 14*day) {
				f[name[1]] = f["initiated_24h"]
			}
		}
	}
	if c := n.capped; c.at != 0 && (!c.is.HasCycleEnd || !m.reached(c.is.CycleEnd)) {
		if n.words["cap"] = c.is.CapStatus.String(); c.is.CapTotal > 0 {
			f["cap_share"] = float64(c.is.CapUsed) / float64(c.is.CapTotal)
		}
	}
	for _, input := range event.AllInputs.Names() {
		f["blind_"+input] = one(!slices.Contains(n.known.Inputs.Names(), input))
	}
	f["no_status"], f["unregistered"] = one(f["statuses_24h"] == 0), one(n.known.RegisteredAt == 0)
	f["unjoined"] = one(f["unlinked_7d"] >= 10 && f["unlinked_share"] >= 0.25)
	f["answered_sender"] = one(f["awaited"] >= 50 && f["answered_share"] >= 0.25)
}

// lookAtSends sets what follows from the sends one by one and returns how many are
// pending, by the class of their age.
func (n *number) lookAtSends(m *moment, e int64) map[int64]float64 {
	f, waiting, hours, pending := n.facts, map[uint64]float64{}, map[int64]bool{}, map[int64]float64{}
	if e != 0 && !m.reached(e+5*day) {
		f["restart"] = 0
	}
	for _, s := range n.sends {
		if s.outcome == "pending" {
			f["pending"]++
			waiting[s.name]++
			pending[s.delay(m)]++
		}
		if s.initiated && m.within(s.at, hour, day) {
			hours[s.at/hour] = true
		}
		if s.era == e && s.at >= e && s.at < e+5*day && !math.IsNaN(f["restart"]) {
			f["restart"]++
			if n.words["restarted"] = cmp.Or(n.words["restarted"], "later"); s.at < e+3*day {
				n.words["restarted"] = "early"
			}
		}
	}
	f["conversation_pressure"], f["active_hours_24h"] = largest(waiting), float64(len(hours))
	return pending
}

// nowcast sets what the reply ratio will be once the pending sends are resolved.
func (n *number) nowcast(m *moment, pending map[int64]float64) {
	f, answers := n.facts, n.tally(m, "delays_30d")
	for name, prior := range section4.Priors {
		atRisk, silent, expected := prior.M+f["unanswered_30d"], 1.0, 0.0
		for k := int64(8); k >= 0; k-- {
			answered := prior.A[k] + answers[k]
			atRisk += answered
			silent *= 1 - answered/atRisk
			expected += pending[k] * (1 - silent)
			atRisk += pending[k]
		}
		f[name] = over(f["answered_7d"]+expected, f["awaited"])
	}
	if start := max(n.known.RegisteredAt, n.known.LinkedAt); start != 0 && !m.reached(start+7*day) {
		f["cold_start"] = f["reply_ratio_cold"]
	}
	f["rounded_nowcast"], f["rounded_cold"] = math.Round(f["reply_ratio_nowcast"]*1e9)/1e9, math.Round(f["cold_start"]*1e9)/1e9
}

func one(holds bool) float64 { return map[bool]float64{true: 1}[holds] }

// over is NaN, which is none, where there is nothing to divide by.
func over(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

func (b bound) at() float64 {
	v, _ := strconv.ParseFloat(strings.TrimLeft(string(b), "<>="), 64)
	return v
}

// met reports whether a fact that is a number or a word reaches the threshold.
func (b bound) met(v float64, word string) bool {
	if !strings.ContainsAny(string(b), "<>") {
		return word != "" && slices.Contains(strings.Split(string(b), "|"), word)
	}
	return b[0] == '<' && v < b.at() || b[0] == '>' && v > b.at() || b[1] == '=' && v == b.at()
}

// verdict is what an evaluation says of one factor, or of one of its keys.
type verdict struct {
	factor      event.Factor
	key         string
	value       any // float64, string or nil
	level       event.Level
	points, eta float64 // weight x severity; seconds to danger, 0 for none
	episode     *episode
}

func (v verdict) topic() [2]string { return [2]string{v.factor.String(), v.key} }

// weigh compares facts and words with the rules of a profile. Of several rules of
// a factor the highest level and the most points count.
func weigh(f map[string]float64, words map[string]string, profile string) (all []verdict) {
	holds := func(fact string) bool { return f[fact] != 0 }
	for _, r := range rules {
		if !strings.Contains(r.Profile, profile) || f["day"] < r.From || r.To != 0 && f["day"] > r.To {
			continue
		}
		fact, word, value := f[r.Fact], words[r.Fact], cmp.Or(r.Value, r.Fact)
		v := verdict{value: f[value]}
		if v.factor, _ = event.ParseFactor(r.Factor); words[value] != "" {
			v.value = words[value]
		} else if _, none := words[value]; none || math.IsNaN(f[value]) {
			v.value = nil
		}
		switch {
		case f[r.Sample] < r.Least || slices.ContainsFunc(r.Silent, holds):
		case r.Danger.met(fact, word):
			v.level, v.points = event.LevelDanger, r.Weight
		case !r.Warn.met(fact, word):
		case r.Danger == "":
			v.level, v.points = event.LevelWarn, r.Weight
		case word != "":
			v.level, v.points = event.LevelWarn, r.Weight/2
		default:
			v.level, v.points = event.LevelWarn, r.Weight*(0.25+0.75*(fact-r.Warn.at())/(r.Danger.at()-r.Warn.at()))
		}
		if slices.ContainsFunc(r.Tempered, holds) {
			v.level, v.points = min(v.level, event.LevelWarn), min(v.points, r.Weight/2)
		} else if f[r.Pace] > 0 {
			unit := max(1, f["unit"]) // what the fact is a share of
			least := math.Floor(r.Danger.at()*unit) - 1
			for !r.Danger.met(least/unit, "") {
				least++
			}
			v.eta = math.Ceil((least - math.Round(fact*unit)) * 600 / f[r.Pace])
		}
		if i := len(all) - 1; i >= 0 && all[i].factor == v.factor {
			all[i].level, all[i].points = max(all[i].level, v.level), max(all[i].points, v.points)
		} else {
			all = append(all, v)
		}
	}
	return all
}

// verdicts returns those of a number and sets its score (contract, section 5).
func (o *Oracle) verdicts(n *number, m *moment) []verdict {
	n.compute(m)
	profile := map[bool]string{true: "cloud_api", false: "community"}[n.known.Connection == event.ConnectionCloudAPI]
	all, seen := weigh(n.facts, n.words, profile), map[string]bool{"": true}
	for _, s := range n.sends {
		if seen[s.template] || !m.within(s.at, minute, day) {
			continue
		}
		t, f := get(o.templates, [2]string{n.waba, s.template}, template{}), map[string]float64{"blind_template": n.facts["blind_template"]}
		if seen[s.template] = true; t.status.is == "PAUSED" {
			if f["pauses"] = float64(t.paused); t.pauses.at != 0 {
				f["pauses"] = float64(t.pauses.is)
			}
		}
		// Reading: of status/quality an unknown one is left out together with the slash.
		v := weigh(f, map[string]string{"status": t.status.is, "rating": t.rating.is, "state": strings.Trim(t.status.is+"/"+t.rating.is, "/")}, "template")[0]
		v.key = s.template
		all = append(all, v)
	}
	lost, worst := 0.0, map[event.Factor]float64{} // of several keys the largest counts
	for _, v := range all {
		lost += max(0, v.points-worst[v.factor])
		worst[v.factor] = max(worst[v.factor], v.points)
	}
	n.facts["score"] = math.Floor(max(0, 100-math.Round(lost*1e6)/1e6) + 0.5)
	n.score = n.facts["score"]
	return append(all, weigh(n.facts, nil, "score")...)
}
