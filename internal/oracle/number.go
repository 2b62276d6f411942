package oracle

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sendwatch/internal/event"
)

// number is everything that ever happened to one number. start is the time of
// its first event, newest that of the send from which its gaps run on. The state
// of its account holds from since to until; lastEnd is the last end so settled.
type number struct {
	subject
	waba, portfolio                                                 string
	start, newest, newestSend, wake, ratedAt, since, until, lastEnd int64
	state                                                           event.State
	marks                                                           map[string][]mark // by what was counted
	sends                                                           []send
	talks                                                           map[uint64]*talk
	gaps                                                            []float64
	known                                                           event.Event // what its profile and connection said last, field by field
}

// mark is a time at which something was counted, how many, and of which key.
type mark struct{ at, n, key int64 }

// send is one send. era is the contract's E when it was applied; fate is pending,
// answered, unanswered, withdrawn or, of one that is not tracked, empty.
type send struct {
	at, era                   int64
	contact, fingerprint      uint64
	template, portfolio, fate string
	initiated                 bool
}

// talk is what is known of one conversation: F, L, the newest inbound, and the
// time of the stop that was the preference applied last.
type talk struct{ first, last, newest, stopAt int64 }

// count notes one of something, of a key where its kinds are counted apart.
func (n *number) count(what string, counts bool, t int64, key uint64) {
	if counts {
		n.marks[what] = append(n.marks[what], mark{t, 1, int64(key)})
	}
}

// take lets an event happen; watermark is the one before it.
func (n *number) take(ev *event.Event, watermark int64) {
	t, c := ev.Time, get(n.talks, ev.Contact, talk{})
	k := &n.known // what an event does not speak of is zero in it
	k.Country, k.Connection, k.Origin = cmp.Or(ev.Country, k.Country), cmp.Or(ev.Connection, k.Connection), cmp.Or(ev.Origin, k.Origin)
	k.RegisteredAt, k.LastActiveAt = cmp.Or(ev.RegisteredAt, k.RegisteredAt), cmp.Or(ev.LastActiveAt, k.LastActiveAt)
	k.IPCountry, k.IPHash = cmp.Or(ev.IPCountry, k.IPCountry), cmp.Or(ev.IPHash, k.IPHash)
	switch ev.Type {
	case event.TypeSent:
		if n.count("held", ev.Held, t, 0); ev.IsSend() {
			n.send(ev, c, t < watermark-day)
		}
	case event.TypeStatus:
		n.count(ev.Status.String(), ev.Status == event.StatusDelivered || ev.Status == event.StatusRead, t, 0)
		if ev.Status == event.StatusFailed {
			n.fail(ev)
		}
	case event.TypeReceived:
		n.count("received", true, t, 0)
		if c.newest = max(c.newest, t); c.first == 0 || t > c.last+day {
			c.first, c.last = t, t
		} else if t >= c.first-day {
			c.first, c.last = min(c.first, t), max(c.last, t)
		}
		n.settle("answered", t, func(s *send) bool { return s.contact == ev.Contact && s.at <= t && t <= s.at+48*hour })
	case event.TypeBlock, event.TypeReport:
		n.count("blocks", ev.Type == event.TypeBlock, t, 0)
		n.count("reports", ev.Type == event.TypeReport, t, 0)
	case event.TypeQuality:
		if t >= n.ratedAt {
			k.Rating, n.ratedAt = ev.Rating, t
		}
	case event.TypeGroup:
		n.marks["groups"] = append(n.marks["groups"], mark{t, ev.NonContactsAdded, 0})
	case event.TypeAccount:
		n.update(ev)
	}
	if preference := cmp.Or(ev.Text, ev.Preference); preference == event.PreferenceStop {
		n.count("stops", true, t, 0)
		c.stopAt = t
	} else if preference == event.PreferenceResume {
		c.stopAt = 0
	}
}

// send counts a send.
func (n *number) send(ev *event.Event, c *talk, late bool) {
	t, initiated := ev.Time, late || c.first == 0 || ev.Time < c.first || ev.Time > c.last+day
	known := initiated && n.known.Country != 0 && (ev.ContactCountry != 0 || ev.ContactCalling != 0)
	home := ev.ContactCountry == n.known.Country || ev.ContactCountry == 0 && ev.ContactCalling.Includes(n.known.Country)
	n.count("sent", true, t, 0)
	n.count("initiated", initiated, t, 0)
	n.count("late", late, t, 0)
	n.count("templates_sent", ev.HasTemplate, t, 0)
	n.count("sent_after_stop", c.stopAt != 0 && c.stopAt <= t && (initiated || ev.Template.Category == event.CategoryMarketing), t, 0)
	n.count("country", known, t, 0)
	n.count("foreign", known && !home, t, 0)
	n.count("opt_in_given", initiated && ev.OptIn != event.OptInNone, t, 0)
	n.count("no_opt_in", initiated && ev.OptIn == event.OptInFalse, t, 0)
	n.count("identical", initiated && !ev.IsService(), t, ev.Fingerprint)
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
	s := send{t, era, ev.Contact, ev.Fingerprint, ev.Template.Key(), n.portfolio, "", initiated}
	if initiated && !late && !ev.IsService() {
		s.fate = "pending"
	}
	n.sends = append(n.sends, s)
	if t < c.first && c.first <= t+48*hour {
		n.settle("answered", c.first, func(p *send) bool { return p == &n.sends[len(n.sends)-1] })
	}
}

// settle ends the wait of the pending sends that are meant: at time t, or at the
// end of their 48 h if t is 0.
func (n *number) settle(fate string, t int64, meant func(*send) bool) {
	for i := range n.sends {
		if s := &n.sends[i]; s.fate == "pending" && meant(s) {
			s.fate, n.next = fate, never
			n.count(fate, true, cmp.Or(t, s.at+48*hour), 0)
		}
	}
}

// fail counts a failed status, which withdraws a pending send.
func (n *number) fail(ev *event.Event) {
	n.count("failed_"+event.ClassifyError(ev.ErrorCode).String(), true, ev.Time, 0)
	n.count("spam_errors", ev.ErrorCode == 131048, ev.Time, 0)
	var newest *send
	for i := range n.sends {
		if s := &n.sends[i]; s.fate == "pending" && s.contact == ev.Contact && (newest == nil || s.at >= newest.at) {
			newest = s
		}
	}
	n.settle("withdrawn", ev.Time, func(s *send) bool { return s == newest })
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

// standing gives what holds at the clock, and the contract's E, 0 if there is none.
func (n *number) standing(m *moment) (holds event.State, e int64) {
	if over := m.reached(n.until); over && limits(n.state) {
		return event.StateNone, n.until
	} else if over || n.state == event.StateReinstated {
		return event.StateNone, n.lastEnd
	}
	return n.state, n.lastEnd
}

// windows gives grain and width of a window by its name in a fact's name.
var windows = map[string][2]int64{
	"_1m": {second, minute}, "_10m": {second, 10 * minute}, "_1h": {second, hour}, "_24h": {minute, day}, "_7d": {hour, 7 * day}, "_30d": {hour, 30 * day},
}

// tally counts by key what lies in a window; the fact's name says what and which.
func (n *number) tally(m *moment, fact string) map[int64]float64 {
	byKey := map[int64]float64{}
	for name, w := range windows {
		for _, k := range n.marks[strings.Replace(fact, name, "", 1)] {
			if m.within(k.at, w[0], w[1]) {
				byKey[k.key] += float64(k.n)
			}
		}
	}
	return byKey
}

// compute gives the facts of section 4 by name, and a few that only factors
// need; NaN is none, the restriction is the State as a number.
func (n *number) compute(m *moment) map[string]float64 {
	f := map[string]float64{"sent_7d": 0, "initiated_10m": 0, "read_24h": 0, "delivered_24h": 0}
	for fact := range event.NumFacts {
		f[fact.String()] = 0
	}
	for name := range f {
		f[name] = largest(n.tally(m, name))
	}
	f["off"], f["wake"], f["dormancy"], f["interval_cv"] = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	holds, e := n.standing(m)
	f["restriction"], f["strikes"] = float64(holds), float64(len(n.marks["strikes"]))
	batches, recent := n.tally(m, "identical_1h"), n.tally(m, "identical_10m")
	for fingerprint, count := range batches {
		if count == f["identical_1h"] {
			f["identical_10m"] = max(f["identical_10m"], recent[fingerprint])
		}
	}
	waiting, hours := map[uint64]float64{}, map[int64]bool{}
	for _, s := range n.sends {
		if m.within(s.at, minute, day) && m.reached((s.at/minute+60)*minute) {
			f["aged_24h"]++
		}
		if s.fate == "pending" {
			waiting[s.contact]++
		}
		if s.initiated && m.within(s.at, hour, day) {
			hours[s.at/hour] = true
		}
	}
	f["conversation_pressure"], f["active_hours_24h"] = largest(waiting), float64(len(hours))
	f["resolved_7d"], f["resolved_30d"] = f["answered_7d"]+f["unanswered_7d"], f["answered_30d"]+f["unanswered_30d"]
	f["reply_ratio_7d"], f["reply_ratio_30d"] = over(f["answered_7d"], f["resolved_7d"]), over(f["answered_30d"], f["resolved_30d"])
	f["no_reply_30d"] = 1 - f["reply_ratio_30d"]
	f["block_rate_7d"] = over(f["blocks_7d"]+f["reports_7d"], f["sent_7d"])
	f["read_ratio_24h"] = min(1, over(f["read_24h"], f["sent_24h"]))
	f["delivery_ratio_24h"] = min(1, over(max(f["delivered_24h"], f["read_24h"]), f["aged_24h"]))
	f["foreign_share_24h"], f["no_opt_in_share_24h"] = over(f["foreign_24h"], f["country_24h"]), over(f["no_opt_in_24h"], f["opt_in_given_24h"])
	f["invalid_share"] = over(f["failed_24h_contact"], f["sent_24h"])
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
	if n.wake != 0 {
		f["wake"] = float64(n.wake)
		// Reading: outside the 14 days dormancy has no fact, so its value is none.
		if m.within(n.wake, 1, 14*day) {
			f["dormancy"] = f["initiated_24h"]
		}
	}
	return f
}

// over is NaN, which is none, where there is nothing to divide by.
func over(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// section5 is the contract's table of factors. Its columns: the profiles a row is
// of, the factor, the first and the last day of life, the fact that is compared
// ("off" has no value), warn, danger, the fact that is the sample, the least sample,
// the weight, and the fact that is the pace of an eta; "-" is none.
//
//go:embed section5.txt
var section5 string

// bound is a threshold, as in ">=30", or "none".
type bound string

// rule is a row of section5; from and to are days.
type rule struct {
	factor                       event.Factor
	profiles, fact, sample, pace string
	from, to, least, weight      float64
	warn, danger                 bound
}

// rules are the rows of section5.
var rules = func() (all []rule) {
	for line := range strings.Lines(section5) {
		r, name := rule{}, ""
		_, _ = fmt.Sscan(line, &r.profiles, &name, &r.from, &r.to, &r.fact, &r.warn, &r.danger, &r.sample, &r.least, &r.weight, &r.pace)
		r.factor, _ = event.ParseFactor(name)
		all = append(all, r)
	}
	return all
}()

func (b bound) at() float64 {
	v, _ := strconv.ParseFloat(strings.TrimLeft(string(b), "<>="), 64)
	return v
}

func (b bound) met(v float64) bool {
	return b[0] == '<' && v < b.at() || b[0] == '>' && v > b.at() || b[1] == '=' && v == b.at()
}

// verdict is what an evaluation says of one factor, or of one of its keys.
type verdict struct {
	factor      event.Factor
	key         string
	value       any // float64, string or nil
	level       event.Level
	points, eta float64 // weight x severity; seconds to danger, 0 for none
}

func (v verdict) topic() [2]string { return [2]string{v.factor.String(), v.key} }

// weigh compares facts with the rules of a profile.
func weigh(f map[string]float64, profile string) (all []verdict) {
	for _, r := range rules {
		if !strings.Contains(r.profiles, profile) || f["day"] < r.from || f["day"] > r.to {
			continue
		}
		value, unit := f[r.fact], max(1, f["unit"]) // unit: what the value is a share of
		v := verdict{factor: r.factor, value: value}
		switch {
		case math.IsNaN(value):
			v.value = nil
		case f[r.sample] < r.least:
		case r.danger.met(value):
			v.level, v.points = event.LevelDanger, r.weight
		case r.warn.met(value) && r.danger == "none":
			v.level, v.points = event.LevelWarn, r.weight
		case r.warn.met(value):
			v.level, v.points = event.LevelWarn, r.weight*(0.25+0.75*(value-r.warn.at())/(r.danger.at()-r.warn.at()))
		}
		if f[r.pace] > 0 {
			least := math.Floor(r.danger.at()*unit) - 1
			for !r.danger.met(least / unit) {
				least++
			}
			v.eta = math.Ceil((least - math.Round(value*unit)) * 600 / f[r.pace])
		}
		all = append(all, v)
	}
	return all
}

// judge gives the verdicts of a number and sets its score (contract, section 5).
func (o *Oracle) judge(n *number, m *moment) []verdict {
	n.facts = n.compute(m)
	profile := map[bool]string{true: "cloud_api", false: "community"}[n.known.Connection == event.ConnectionCloudAPI]
	lost, worst := 0.0, map[event.Factor]float64{} // of several keys the largest counts
	all := append(weigh(n.facts, profile), o.words(n, m)...)
	for _, v := range all {
		lost += max(0, v.points-worst[v.factor])
		worst[v.factor] = max(worst[v.factor], v.points)
	}
	n.facts["score"] = math.Floor(max(0, 100-math.Round(lost*1e6)/1e6) + 0.5)
	n.score = n.facts["score"]
	return append(all, weigh(n.facts, "score")...)
}

// words gives the verdicts of the factors of words, and of restart.
func (o *Oracle) words(n *number, m *moment) (all []verdict) {
	word := func(f event.Factor, key string, value any, warn, danger bool, weight float64) {
		v := verdict{factor: f, key: key, value: value}
		if danger {
			v.level, v.points = event.LevelDanger, weight
		} else if warn {
			v.level, v.points = event.LevelWarn, weight/2
		}
		if value == "" {
			v.value = nil
		}
		all = append(all, v)
	}
	holds, e := n.standing(m)
	early, later, seen := 0.0, 0.0, map[string]bool{}
	for _, s := range n.sends {
		if s.era == e && s.at >= e && s.at < e+3*day {
			early++
		} else if s.era == e && s.at >= e && s.at < e+5*day {
			later++
		}
		if s.template != "" && !seen[s.template] && m.within(s.at, minute, day) {
			seen[s.template] = true
			t := get(o.templates, [2]string{n.waba, s.template}, template{})
			// Reading: of status/quality an unknown one is left out together with the slash.
			word(event.FactorTemplateQuality, s.template, strings.Trim(t.status+"/"+t.quality, "/"),
				t.quality == "YELLOW" || t.status == "FLAGGED" || t.status == "PAUSED",
				t.quality == "RED" || t.status == "DISABLED" || t.status == "PAUSED" && t.pauses > 1, 10)
		}
	}
	watched := e != 0 && !m.reached(e+5*day)
	word(event.FactorRestart, "", map[bool]any{true: early + later}[watched], watched && later > 0, watched && early > 0, 20)
	word(event.FactorOrigin, "", n.known.Origin.String(), false, n.known.Origin == event.OriginVoIP, 5)
	word(event.FactorRegion, "", n.known.IPCountry.String(), false, n.known.Country != 0 && n.known.IPCountry != 0 && n.known.Country != n.known.IPCountry, 10)
	word(event.FactorQuality, "", n.known.Rating.String(), n.known.Rating == event.RatingYellow, n.known.Rating == event.RatingRed, 20)
	word(event.FactorRestriction, "", holds.String(), holds == event.StateWarned, limits(holds), 60)
	return all
}
