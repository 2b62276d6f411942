package engine

import (
	"math"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// quarter is the bucket in which a nowcast counts delays, in ms.
const quarter = 15 * minute

// coldFor is how long after its start a number is a cold one.
const coldFor = 7 * day

// A nowcast and the ages that feed it tell the same classes apart.
var _ [window.AgeClasses]uint32 = [policy.DelayClasses]uint32{}

// answered returns the answers in the window of hours whose totals begin at from.
func (n *number) answered(from int) uint64 {
	var sum uint64
	for _, v := range n.hourSums[from+colAnswered : from+colAnswered+policy.DelayClasses] {
		sum += v
	}
	return sum
}

// pending returns the number's pending sends.
func (n *number) pending() uint64 {
	var sum uint64
	for _, v := range n.waiting.Counts() {
		sum += uint64(v)
	}
	return sum
}

// awaited returns answered_7d + unanswered_7d + pending.
func (n *number) awaited() uint64 {
	return n.answered(hours7d) + n.hourSums[hours7d+colUnanswered] + n.pending()
}

// sends returns what a number's sends say of how long answers take.
func (n *number) sends() policy.Waiting {
	w := policy.Waiting{
		Unanswered: n.hourSums[hours30d+colUnanswered], Answered7d: n.answered(hours7d), Awaited: n.awaited(),
	}
	copy(w.Answered[:], n.hourSums[hours30d+colAnswered:])
	for k, v := range n.waiting.Counts() {
		w.Pending[k] = uint64(v)
	}
	return w
}

// estimate is a nowcast as of the last time that it was asked for. Most events of
// a number change nothing of what it follows from.
type estimate struct {
	value float64
	fresh bool
}

// replyRatioNowcast returns reply_ratio_nowcast at the number's clock.
func (e *Engine) replyRatioNowcast(n *number) float64 {
	return n.estimate(&n.nowcast, &e.policy.Nowcast)
}

// replyRatioCold returns reply_ratio_cold at the number's clock.
func (e *Engine) replyRatioCold(n *number) float64 { return n.estimate(&n.cold, &e.policy.Cold) }

func (n *number) estimate(v *estimate, prior *policy.Prior) float64 {
	if !v.fresh {
		w := n.sends()
		*v = estimate{prior.Ratio(&w), true}
	}
	return v.value
}

// waitingChanged notes that answers, silences or pending sends are other ones.
func (n *number) waitingChanged() { n.nowcast.fresh, n.cold.fresh = false, false }

// nine rounds to the nine decimals with which a nowcast is compared.
func nine(v float64) float64 { return math.Round(v*1e9) / 1e9 }

// coldUntil returns when the number's first days end: those after it was
// registered or linked, never if neither is known.
func (n *number) coldUntil() int64 {
	if start := max(n.registered, n.linked); start != never {
		return start + coldFor
	}
	return never
}

// circumstances returns what decides which factors are silent or held.
func (n *number) circumstances() policy.Circumstances {
	m, h := &n.minuteSums, &n.hourSums
	statuses := m[minutes24h+colDelivered] + m[minutes24h+colRead]
	for c := range int(event.NumErrorClasses) {
		statuses += m[minutes24h+colFailed+c]
	}
	return policy.Circumstances{
		Inputs: n.inputs, Statuses24h: statuses,
		Received7d: h[hours7d+colReceived], Unlinked7d: h[hours7d+colUnlinked],
		Answered7d: n.answered(hours7d), Awaited: n.awaited(), RegistrationIsKnown: n.registered != never,
	}
}

// nowcastEvidence returns what a flag of a nowcast shows beside the facts: the
// pending sends by their age's class, how many of them will be answered, the
// number's own waiting curve (the share of sends unanswered at that age that stay
// so), and the ratio in 48 h if nobody else answers.
func nowcastEvidence(n *number, prior *policy.Prior) []event.NamedCount {
	w := n.sends()
	curve := prior.Curve(&w)
	counts := []event.NamedCount{{Name: "expected_answers", Value: prior.Expected(&w)}}
	if w.Awaited > 0 {
		counts = append(counts, event.NamedCount{Name: "ratio_if_nobody_else_answers", Value: float64(w.Answered7d) / float64(w.Awaited)})
	}
	for k, class := range delayClasses {
		if w.Pending[k] > 0 {
			counts = append(counts, event.NamedCount{Name: "pending_" + class, Value: float64(w.Pending[k])})
		}
	}
	for k, class := range delayClasses {
		counts = append(counts, event.NamedCount{Name: "stays_unanswered_" + class, Value: curve[k]})
	}
	return counts
}

// delayClasses name the classes of delay by the quarter hours at which they begin.
var delayClasses = [policy.DelayClasses]string{"0m", "15m", "30m", "1h", "2h", "4h", "8h", "16h", "32h"}
