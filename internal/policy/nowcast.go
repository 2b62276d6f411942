package policy

import "math"

// DelayClasses is how many classes of delay a nowcast tells apart: the delay in
// quarter hours has so many binary digits, at most 8.
const DelayClasses = 9

// Prior is what a nowcast believes of answers before it has seen any: as if so
// many sends had been answered within each class of delay, and Unanswered more
// never. It is Kaplan and Meier's product-limit estimate of the waiting time
// (1958) that it feeds.
type Prior struct {
	Answered   [DelayClasses]float64 // a of the contract
	Unanswered float64               // m of the contract
}

// Waiting is what a number's sends say of how long answers take.
type Waiting struct {
	Answered   [DelayClasses]uint64 // answers of 30 d by their delay's class, A
	Pending    [DelayClasses]uint64 // pending sends by their age's class, P
	Unanswered uint64               // unanswered_30d, U
	Answered7d uint64
	Awaited    uint64 // answered_7d + unanswered_7d + pending
}

// Curve returns, for each class, the share of sends still unanswered at that age
// that stay so: S of the contract. With answers of its own a number's curve
// departs from the prior's.
func (p *Prior) Curve(w *Waiting) [DelayClasses]float64 {
	var curve [DelayClasses]float64
	exposed := p.Unanswered + float64(w.Unanswered) // those that waited longer than the class, and its answers
	silent := 1.0
	for k := DelayClasses - 1; k >= 0; k-- {
		answered := p.Answered[k] + float64(w.Answered[k])
		exposed += answered
		if exposed > 0 { // a prior may be all zeros
			silent *= 1 - answered/exposed
		}
		curve[k] = silent
		exposed += float64(w.Pending[k])
	}
	return curve
}

// Expected returns how many of the pending sends will be answered: X of the
// contract.
func (p *Prior) Expected(w *Waiting) float64 {
	curve := p.Curve(w)
	sum := 0.0
	for k, n := range w.Pending {
		sum += float64(n) * (1 - curve[k])
	}
	return sum
}

// Ratio returns what the reply ratio of 7 d will be once the pending sends are
// resolved: reply_ratio_nowcast or reply_ratio_cold of the contract. It is NaN
// while nothing is awaited.
func (p *Prior) Ratio(w *Waiting) float64 {
	if w.Awaited == 0 {
		return math.NaN()
	}
	return (float64(w.Answered7d) + p.Expected(w)) / float64(w.Awaited)
}
