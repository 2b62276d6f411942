package oracle

import (
	"math"

	"sendwatch/internal/event"
)

// compute gives the facts of section 4 by name, and a few that only factors
// need; NaN is none, the restriction is the State as a number.
func (n *number) compute(m *moment) map[string]float64 {
	f := map[string]float64{}
	in := func(column string, grain, width int64) float64 {
		var sum int64
		for _, k := range n.marks[column] {
			if m.within(k.at, grain, width) {
				sum += k.n
			}
		}
		return float64(sum)
	}
	for _, column := range []string{"sent", "initiated"} {
		f[column+"_1m"], f[column+"_1h"], f[column+"_24h"] = in(column, second, minute), in(column, second, hour), in(column, minute, day)
	}
	for suffix, width := range map[string]int64{"_7d": 7 * day, "_30d": 30 * day} {
		a, u := in("answered", hour, width), in("unanswered", hour, width)
		f["answered"+suffix], f["unanswered"+suffix], f["reply_ratio"+suffix] = a, u, ratio(a, a+u)
	}
	f["sent_7d"], f["stops_7d"], f["blocks_7d"], f["reports_7d"] = in("sent", hour, 7*day), in("stops", hour, 7*day), in("blocks", hour, 7*day), in("reports", hour, 7*day)
	f["block_rate_7d"] = ratio(f["blocks_7d"]+f["reports_7d"], f["sent_7d"])
	f["sent_after_stop_24h"], f["groups_24h"], f["spam_errors_1h"] = in("sent_after_stop", minute, day), in("added", minute, day), in("spam", second, hour)
	for c := range event.NumErrorClasses {
		f["failed_24h_"+c.String()] = in("failed_"+c.String(), minute, day)
	}
	n.fromSends(m, f)
	f["read_ratio_24h"] = min(1, ratio(in("read", minute, day), f["sent_24h"]))
	f["delivery_ratio_24h"] = min(1, ratio(max(in("delivered", minute, day), in("read", minute, day)), f["aged_24h"]))
	f["foreign_share_24h"], f["no_opt_in_share_24h"] = ratio(f["foreign_24h"], f["country_24h"]), ratio(f["no_opt_in_24h"], f["opt_in_given_24h"])
	f["invalid_share"] = ratio(f["failed_24h_contact"], f["sent_24h"])
	f["interval_cv"] = n.intervalCV(m)
	start := n.registeredAt
	if start == never {
		start = n.start
	}
	for f["day"] = 1; m.reached(max(start, n.account.era(m)) + int64(f["day"])*day); {
		f["day"]++
	}
	f["restriction"], f["strikes"], f["wake"] = float64(n.account.holds(m)), float64(len(n.account.strikes)), math.NaN()
	if n.wake != never {
		f["wake"] = float64(n.wake)
	}
	// Reading: outside the 14 days dormancy has no fact, so its value is none.
	f["dormancy"] = math.NaN()
	if n.wake != never && m.reached(n.wake) && !m.reached(n.wake+14*day) {
		f["dormancy"] = f["initiated_24h"]
	}
	return f
}

// fromSends sets the facts that need more of a send than its time.
func (n *number) fromSends(m *moment, f map[string]float64) {
	fingerprints, links, media, waiting := map[uint64]float64{}, map[uint64]float64{}, map[uint64]float64{}, map[uint64]float64{}
	hours, recent := map[int64]bool{}, map[uint64]float64{}
	add := func(name string, counts bool) {
		if counts {
			f[name]++
		}
	}
	for _, s := range n.sends {
		in24h, in1h, in10m := m.within(s.at, minute, day), m.within(s.at, second, hour), m.within(s.at, second, 10*minute)
		add("aged_24h", in24h && m.reached((s.at/minute+60)*minute))
		if s.fate == "pending" {
			waiting[s.contact]++
		}
		if !s.initiated {
			continue
		}
		add("initiated_10m", in10m)
		if in1h && !s.service {
			fingerprints[s.fingerprint]++
			if in10m {
				recent[s.fingerprint]++
			}
		}
		if in1h {
			for _, l := range s.links {
				links[l]++
			}
		}
		if in24h && s.media != 0 {
			media[s.media]++
		}
		if m.within(s.at, hour, day) {
			hours[s.at/hour] = true
		}
		add("country_24h", in24h && s.known)
		add("foreign_24h", in24h && s.abroad)
		add("opt_in_given_24h", in24h && s.optInGiven)
		add("no_opt_in_24h", in24h && s.refused)
	}
	f["identical_1h"], f["conversation_pressure"], f["active_hours_24h"] = largest(fingerprints), largest(waiting), float64(len(hours))
	f["media_repeat_24h"], f["link_repeat_1h"] = largest(media), largest(links)
	for fingerprint, count := range fingerprints {
		if count == f["identical_1h"] {
			f["identical_10m"] = max(f["identical_10m"], recent[fingerprint])
		}
	}
}

// intervalCV is the coefficient of variation of the last 20 gaps, NaN for none.
func (n *number) intervalCV(m *moment) float64 {
	if len(n.gaps) < 20 || m.reached(n.newest+day) {
		return math.NaN()
	}
	var sum, squares float64
	for _, g := range n.gaps[len(n.gaps)-20:] {
		sum += float64(g)
	}
	for _, g := range n.gaps[len(n.gaps)-20:] {
		squares += (float64(g) - sum/20) * (float64(g) - sum/20)
	}
	if sum == 0 || sum/20 > float64(10*minute) {
		return math.NaN()
	}
	return math.Sqrt(squares/20) / (sum / 20)
}

// ratio is NaN, which is none, where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

func largest[K comparable](counts map[K]float64) float64 {
	var most float64
	for _, c := range counts {
		most = max(most, c)
	}
	return most
}
