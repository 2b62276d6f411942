package backtest

import (
	"math"
	"math/rand/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// What a first message to a stranger costs, as a hazard. Nobody publishes such
// figures; these follow from stories of 2025 and 2026: 20 to 30 first messages a day
// were restricted after a week (whatsmeow 1157), less than 20 from new SIMs in their
// first batch (evolution 1840), 50 in one run (evolution 2290); of equal loads those
// from sessions linked two months ago were locked and those of old ones not (Baileys
// 2707). They were set on the training seeds by the figures of the policy of version 1
// and of the one that is shipped, so that an earlier study of such portfolios and this
// one can be set beside each other: benchmarks/README.md, "Calibration".
const (
	strangerHazard  = .0025 // of each first message
	complaintHazard = .10   // of each complaint
	refusalHazard   = .03   // of each 463
	rushFrom        = 30.   // first messages to strangers an hour from which on each costs more
	rushMost        = 8.    // times as much at most

	newbornTimes = 4. // while the number is younger than a week
	youngTimes   = 1.8
	linkedTimes  = 3. // while its session is younger than two weeks
	againTimes   = 2. // once it was restricted
	voipTimes    = 1.25

	strangersEscape = .14 // of the numbers are all but overlooked
	patienceSteps   = 3
	slowShare       = .5
	slowMedian      = float64(3 * day)
	slowSpread      = .5
)

// strangersRule is the hidden rule of the hard cast: what is held against a number
// is whom it writes to, which the log does not say, and how new it is.
type strangersRule struct {
	rng          *rand.Rand
	born, linked int64
	voip         bool
	luck         float64
	patience     float64
	spent        [numCauses]float64
	strikes      int
	last         int64
	rush         meter
}

func newStrangersRule(rng *rand.Rand, joins int64) *strangersRule {
	r := &strangersRule{
		rng: rng, born: joins - 1000*day, linked: joins - 1000*day,
		luck: math.Exp(spreadLuck * rng.NormFloat64()), patience: patienceOf(rng),
	}
	if rng.Float64() < strangersEscape {
		r.luck /= 50
	}
	return r
}

// watch takes in an event that arrives as rec and reports whether it makes the
// number restricted, and why.
func (r *strangersRule) watch(ev *event.Event, rec *traffic.Record) (Cause, bool) {
	if r.last != 0 {
		r.spend(CauseUnexplained, floorHazard*float64(rec.Time-r.last)/float64(hour))
	}
	r.last = rec.Time
	switch ev.Type {
	case event.TypeProfile:
		if ev.HasRegistered {
			r.born = ev.RegisteredAt
		}
		r.voip = ev.Origin == event.OriginVoIP
	case event.TypeConnection:
		if ev.HasLinked {
			r.linked = ev.LinkedAt
		}
	case event.TypeAccount:
		r.strikes++
	case event.TypeStatus:
		if ev.Status == event.StatusFailed && ev.ErrorCode == event.CodeReachout {
			r.spend(CauseRefusals, refusalHazard*r.susceptible(rec.Time))
		}
	case event.TypeSent:
		if !ev.IsSend() {
			break
		}
		if rec.Hidden.Complains {
			r.spend(CauseComplaints, complaintHazard*r.susceptible(rec.Time))
		}
		if rec.Hidden.Stranger {
			r.rush.add(rec.Time, 1, hour)
			times := min(max(1, r.rush.value/rushFrom), rushMost)
			r.spend(CauseStrangers, strangerHazard*times*r.susceptible(rec.Time))
		}
	}
	if r.patience > 0 {
		return 0, false
	}
	top := CauseUnexplained
	for c := range numCauses {
		if r.spent[c] > r.spent[top] {
			top = c
		}
	}
	return top, true
}

func (r *strangersRule) spend(c Cause, hazard float64) {
	r.spent[c] += hazard
	r.patience -= hazard
}

// susceptible is how hard the rule is on the number as such.
func (r *strangersRule) susceptible(t int64) float64 {
	x := r.luck
	switch age := t - r.born; {
	case age < 7*day:
		x *= newbornTimes
	case age < 21*day:
		x *= youngTimes
	}
	if t-r.linked < 14*day {
		x *= linkedTimes
	}
	if r.voip {
		x *= voipTimes
	}
	if r.strikes > 0 {
		x *= againTimes
	}
	return x
}

// again readies the rule for a number's next offence and returns how many there
// were before this one.
func (r *strangersRule) again() int {
	r.strikes++
	r.patience, r.spent = patienceOf(r.rng), [numCauses]float64{}
	return r.strikes - 1
}

// patienceOf draws how much hazard a number gets away with: 1 in the mean, seldom
// next to nothing. Of one sort of story the times are alike ("after a week"), which
// those of a hazard without a memory are not.
func patienceOf(rng *rand.Rand) float64 {
	sum := 0.
	for range patienceSteps {
		sum += rng.ExpFloat64()
	}
	return sum / patienceSteps
}

// review is how long after the decision of t it takes effect: of new numbers and
// sessions at once, of others in one case of two some days later (WAHA 246 was
// banned five days after its burst).
func (r *strangersRule) review(t int64) int64 {
	quick := reviewMedian * math.Exp(r.rng.NormFloat64())
	fresh := t-r.born < 21*day || t-r.linked < 14*day
	if r.rng.Float64() >= slowShare || fresh {
		return int64(quick)
	}
	return int64(slowMedian * math.Exp(slowSpread*r.rng.NormFloat64()))
}
