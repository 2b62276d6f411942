package engine

import (
	"math"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// gate says which values of a factor need judging: those from high on and those up to
// low. Between them no threshold of the factor is met, on any day of life. A rule
// takes 136 bytes, and most factors of most evaluations are far from their thresholds:
// the gates of a profile are 16 bytes a factor, and what does not pass costs two comparisons.
type gate struct{ high, low float64 }

// shut returns a gate that nothing passes.
func shut() gate { return gate{math.NaN(), math.NaN()} }

// profileGates are the gates of one profile.
type profileGates struct {
	gates [event.FactorTrustScore]gate
	words policy.FactorSet // factors that are on and judged by more than their value: they always pass
}

// gates are those of each profile of a policy, in its order.
type gates []profileGates

// newGates returns the gates of a policy.
func newGates(p *policy.Policy) gates {
	if p == nil {
		return nil
	}
	all := make(gates, len(p.Profiles))
	for k := range all {
		for f := range event.FactorTrustScore {
			r := &p.Profiles[k].Rules[f]
			g := &all[k].gates[f]
			*g = shut()
			switch {
			case !r.On:
			case notPlain.Has(f):
				all[k].words |= 1 << f
			default:
				*g = gateOf(r)
			}
		}
	}
	return all
}

// gateOf returns the gate of a rule that compares a value.
func gateOf(r *policy.Rule) gate {
	g := gate{math.Inf(1), math.Inf(-1)}
	take := func(t *policy.Threshold) {
		switch t.Op {
		case policy.OpAbove, policy.OpAtLeast:
			g.high = min(g.high, t.Value)
		case policy.OpBelow, policy.OpAtMost:
			g.low = max(g.low, t.Value)
		}
	}
	if r.Steps == nil {
		take(&r.Warn)
		take(&r.Danger)
	}
	for k := range r.Steps {
		take(&r.Steps[k].Warn)
		take(&r.Steps[k].Danger)
	}
	return g
}

// pass returns the factors of an evaluation that are to be judged, of a number with the
// given profile.
func (g gates) pass(profile int32, v *evaluation) policy.FactorSet {
	p := &g[profile]
	passed := p.words
	for f := range p.gates {
		if x, edge := v.value[f], &p.gates[f]; x >= edge.high || x <= edge.low {
			passed |= 1 << f
		}
	}
	return passed
}
