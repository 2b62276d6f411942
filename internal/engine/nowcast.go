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

// awaiting is the sums over classes of delay and age that most evaluations want,
// and the nowcasts, each as of the last time that it was asked for: most events of
// a number change nothing of what they follow from.
type awaiting struct {
	fresh                   bool
	answered7d, answered30d uint32
	pending                 uint32
	awaited                 uint32 // answered_7d + unanswered_7d + pending
	nowcast, cold           estimate
}

// estimate is a nowcast.
type estimate struct {
	fresh bool
	value float64
}

// awaitingChanged notes that answers, silences or pending sends are other ones.
func (t *traffic) awaitingChanged() {
	t.awaiting.fresh, t.awaiting.nowcast.fresh, t.awaiting.cold.fresh = false, false, false
}

// replies returns the sums of answers and pending sends at the number's clock.
func (n number) replies() *awaiting {
	a := &n.awaiting
	if a.fresh {
		return a
	}
	*a = awaiting{fresh: true}
	for k := range policy.DelayClasses {
		a.answered7d += n.hourSums[hours7d+colAnswered+k]
		a.answered30d += n.hourSums[hours30d+colAnswered+k]
		a.pending += n.waiting.Counts()[k]
	}
	a.awaited = a.answered7d + n.hourSums[hours7d+colUnanswered] + a.pending
	return a
}

// sends returns what a number's sends say of how long answers take.
func (n number) sends() policy.Waiting {
	w := policy.Waiting{
		Unanswered: uint64(n.hourSums[hours30d+colUnanswered]), Answered7d: uint64(n.replies().answered7d), Awaited: uint64(n.replies().awaited),
	}
	for k := range w.Answered {
		w.Answered[k] = uint64(n.hourSums[hours30d+colAnswered+k])
	}
	for k, v := range n.waiting.Counts() {
		w.Pending[k] = uint64(v)
	}
	return w
}

// replyRatioNowcast returns reply_ratio_nowcast at the number's clock.
func (e *Engine) replyRatioNowcast(n number) float64 {
	return n.estimate(&n.replies().nowcast, &e.policy.Nowcast)
}

// replyRatioCold returns reply_ratio_cold at the number's clock.
func (e *Engine) replyRatioCold(n number) float64 {
	return n.estimate(&n.replies().cold, &e.policy.Cold)
}

func (n number) estimate(v *estimate, prior *policy.Prior) float64 {
	if !v.fresh {
		w := n.sends()
		*v = estimate{true, prior.Ratio(&w)}
	}
	return v.value
}

// nine rounds to the nine decimals with which a nowcast is compared.
func nine(v float64) float64 { return math.Round(v*1e9) / 1e9 }

// coldUntil returns when the number's first days end: those after it was
// registered or linked, never if neither is known.
func (n number) coldUntil() int64 {
	if start := max(n.registered, n.linked); start != never {
		return start + coldFor
	}
	return never
}

// circumstances returns what decides which factors are silent or held.
func (n number) circumstances() policy.Circumstances {
	m, h := &n.minuteSums, &n.hourSums
	statuses := m[minutes24h+colDelivered] + m[minutes24h+colRead]
	for c := range int(event.NumErrorClasses) {
		statuses += m[minutes24h+colFailed+c]
	}
	replies := n.replies()
	return policy.Circumstances{
		Inputs: n.inputs, Statuses24h: statuses,
		Received7d: uint64(h[hours7d+colReceived]), Unlinked7d: uint64(h[hours7d+colUnlinked]),
		Answered7d: uint64(replies.answered7d), Awaited: uint64(replies.awaited), RegistrationIsKnown: n.registered != never,
	}
}

// nowcastEvidence returns what a flag of a nowcast shows beside the facts: the
// pending sends by their age's class, how many of them will be answered, the
// number's own waiting curve (the share of sends unanswered at that age that stay
// so), and the ratio in 48 h if nobody else answers.
func nowcastEvidence(n number, prior *policy.Prior) []event.NamedCount {
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
