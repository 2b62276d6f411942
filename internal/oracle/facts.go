package oracle

import (
	"math"
	"slices"

	"sendwatch/internal/event"
)

// compute gives every fact of section 4 at the moment.
func (n *number) compute(m *moment) event.Facts {
	var f event.Facts
	var in1m, in1h, in24h, in7d, in30d [numWhats]int64
	for _, k := range n.marks {
		if m.within(k.at, second, minute) {
			in1m[k.what] += k.n
		}
		if m.within(k.at, second, hour) {
			in1h[k.what] += k.n
		}
		if m.within(k.at, minute, day) {
			in24h[k.what] += k.n
		}
		if m.within(k.at, hour, 7*day) {
			in7d[k.what] += k.n
		}
		if m.within(k.at, hour, 30*day) {
			in30d[k.what] += k.n
		}
	}
	set := func(fact event.Fact, count int64) { f[fact] = float64(count) }
	set(event.FactSent1m, in1m[sent])
	set(event.FactSent1h, in1h[sent])
	set(event.FactSent24h, in24h[sent])
	set(event.FactInitiated1m, in1m[initiated])
	set(event.FactInitiated1h, in1h[initiated])
	set(event.FactInitiated24h, in24h[initiated])
	set(event.FactAnswered7d, in7d[answered])
	set(event.FactUnanswered7d, in7d[unanswered])
	set(event.FactAnswered30d, in30d[answered])
	set(event.FactUnanswered30d, in30d[unanswered])
	f[event.FactReplyRatio7d] = ratio(in7d[answered], in7d[answered]+in7d[unanswered])
	f[event.FactReplyRatio30d] = ratio(in30d[answered], in30d[answered]+in30d[unanswered])
	f[event.FactReadRatio24h] = min(1, ratio(in24h[read], in24h[sent]))
	set(event.FactBlocks7d, in7d[blocks])
	set(event.FactReports7d, in7d[reports])
	f[event.FactBlockRate7d] = ratio(in7d[blocks]+in7d[reports], in7d[sent])
	set(event.FactStops7d, in7d[stops])
	set(event.FactSentAfterStop24h, in24h[sentAfterStop])
	for c := range event.NumErrorClasses {
		set(event.FactFailed24hAccount+event.Fact(c), in24h[failed+what(c)])
	}
	set(event.FactSpamErrors1h, in1h[spam])
	set(event.FactGroups24h, in24h[groups])
	n.fromSends(m, &f, max(in24h[delivered], in24h[read]))

	f[event.FactIntervalCV] = n.intervalCV(m)
	start := n.start
	if n.registeredAt != never {
		start = n.registeredAt
	}
	start = max(start, n.account.era(m))
	age := int64(1)
	for m.reached(start + age*day) {
		age++
	}
	set(event.FactDay, age)
	set(event.FactRestriction, int64(n.account.holds(m)))
	set(event.FactStrikes, int64(len(n.account.strikes)))
	f[event.FactWake] = math.NaN()
	if n.wake != never {
		set(event.FactWake, n.wake)
	}
	return f
}

// fromSends sets the facts that need more of a send than its time.
func (n *number) fromSends(m *moment, f *event.Facts, arrived int64) {
	var aged, foreign, country, refused, given int64
	fingerprints, media, links, hours, waiting := map[uint64]int64{}, map[uint64]int64{}, map[uint64]int64{}, map[int64]int64{}, map[uint64]int64{}
	for _, s := range n.sends {
		if m.within(s.at, minute, day) && m.reached((s.at/minute+60)*minute) {
			aged++
		}
		if s.fate == pending {
			waiting[s.contact]++
		}
		if !s.initiated {
			continue
		}
		if !s.service && m.within(s.at, second, hour) {
			fingerprints[s.fingerprint]++
		}
		if m.within(s.at, second, hour) {
			for _, l := range s.links {
				links[l]++
			}
		}
		if m.within(s.at, hour, day) {
			hours[s.at/hour] = 1
		}
		if !m.within(s.at, minute, day) {
			continue
		}
		if s.media != 0 {
			media[s.media]++
		}
		if s.known {
			country++
		}
		if s.abroad {
			foreign++
		}
		if s.optIn == event.OptInFalse {
			refused++
		}
		if s.optIn != event.OptInNone {
			given++
		}
	}
	for fact, count := range map[event.Fact]int64{
		event.FactIdentical1h: largest(fingerprints), event.FactConversationPressure: largest(waiting),
		event.FactMediaRepeat24h: largest(media), event.FactLinkRepeat1h: largest(links),
		event.FactActiveHours24h: int64(len(hours)), event.FactAged24h: aged,
		event.FactForeign24h: foreign, event.FactCountry24h: country,
		event.FactNoOptIn24h: refused, event.FactOptInGiven24h: given,
	} {
		f[fact] = float64(count)
	}
	f[event.FactDeliveryRatio24h] = min(1, ratio(arrived, aged))
	f[event.FactForeignShare24h] = ratio(foreign, country)
	f[event.FactNoOptInShare24h] = ratio(refused, given)
}

// intervalCV is the coefficient of variation of the last 20 gaps, NaN for none.
func (n *number) intervalCV(m *moment) float64 {
	if len(n.gaps) < 20 || m.reached(n.newest+day) {
		return math.NaN()
	}
	last := n.gaps[len(n.gaps)-20:]
	var sum, squares float64
	for _, g := range last {
		sum += float64(g)
	}
	mean := sum / 20
	for _, g := range last {
		squares += (float64(g) - mean) * (float64(g) - mean)
	}
	if mean == 0 || mean > float64(10*minute) {
		return math.NaN()
	}
	return math.Sqrt(squares/20) / mean
}

// restart gives the sends in the five days after E, how far they alarm, and
// whether the clock is in those days at all.
func (n *number) restart(m *moment) (count int64, level event.Level, watching bool) {
	era := n.account.era(m)
	if era == never || m.reached(era+5*day) {
		return 0, event.LevelNone, false
	}
	for _, s := range n.sends {
		switch {
		case s.era != era || s.at < era || s.at >= era+5*day:
		case s.at < era+3*day:
			count, level = count+1, event.LevelDanger
		default:
			count, level = count+1, max(level, event.LevelWarn)
		}
	}
	return count, level, true
}

// lastTenMinutes counts initiated sends, and those of the top fingerprint of
// the hour, in the last 10 minutes; they are the pace of eta.
func (n *number) lastTenMinutes() (all, top int64) {
	m := clockAt(n.clock)
	inHour, recent := map[uint64]int64{}, map[uint64]int64{}
	for _, s := range n.sends {
		if !s.initiated {
			continue
		}
		ten := m.within(s.at, second, 10*minute)
		if ten {
			all++
		}
		if !s.service && m.within(s.at, second, hour) {
			inHour[s.fingerprint]++
			if ten {
				recent[s.fingerprint]++
			}
		}
	}
	for f, count := range inHour {
		if count == largest(inHour) {
			top = max(top, recent[f])
		}
	}
	return all, top
}

// Counts are the columns of a row by name, without those that are zero.
type Counts map[string]int64

// MinuteKey and HourKey are the keys of number_minutes and fingerprint_hours.
type (
	MinuteKey struct {
		Number string
		Minute int64
	}
	HourKey struct {
		Number      string
		Fingerprint uint64
		Hour        int64
		Template    string
	}
)

// NumberMinutes gives the table number_minutes (contract, section 7).
func (o *Oracle) NumberMinutes() map[MinuteKey]Counts {
	rows := map[MinuteKey]Counts{}
	add := func(k MinuteKey, column string, count int64) {
		if column != "" && count > 0 {
			if rows[k] == nil {
				rows[k] = Counts{}
			}
			rows[k][column] += count
		}
	}
	for _, n := range o.numbers {
		for _, k := range n.marks {
			add(MinuteKey{n.id, k.at / minute * minute}, k.what.column(), k.n)
		}
		seen := map[[2]uint64]bool{}
		for _, s := range n.sends {
			pair := [2]uint64{uint64(s.at / minute), s.contact}
			if s.initiated && !seen[pair] {
				seen[pair] = true
				add(MinuteKey{n.id, s.at / minute * minute}, "contacts", 1)
			}
		}
	}
	return rows
}

// FingerprintHours gives the table fingerprint_hours (contract, section 7).
func (o *Oracle) FingerprintHours() map[HourKey]Counts {
	rows := map[HourKey]Counts{}
	for _, n := range o.numbers {
		for _, s := range n.sends {
			k := HourKey{n.id, s.fingerprint, s.at / hour * hour, s.template}
			if rows[k] == nil {
				rows[k] = Counts{}
			}
			rows[k]["sent"]++
			if s.initiated {
				rows[k]["initiated"]++
			}
			if slices.Contains([]what{answered, unanswered, withdrawn}, s.fate) {
				rows[k][s.fate.column()]++
			}
		}
	}
	return rows
}

// ratio is NaN, which is none, where there is nothing to divide by.
func ratio(a, b int64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

func largest[K comparable](counts map[K]int64) int64 {
	var most int64
	for _, c := range counts {
		most = max(most, c)
	}
	return most
}
