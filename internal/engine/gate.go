package engine

import (
	"cmp"
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

// profileGates are the gates of one profile. Of the factors that are judged by more than their value, a
// word passes that the rule knows, and a nowcast whose sample is large enough.
type profileGates struct {
	gates [event.FactorTrustScore]gate
	words policy.FactorSet // that are on

	origins, ratings, states uint64           // bit w: the word w passes
	nowcast, cold            float64          // samples
	monthOf                  policy.FactorSet // which of reply_ratio and unanswered are over 30 days
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
		rules := &p.Profiles[k].Rules
		all[k].origins = knownWords(&rules[event.FactorOrigin], func(w uint8) string { return event.Origin(w).String() })
		all[k].ratings = knownWords(&rules[event.FactorQuality], func(w uint8) string { return event.Rating(w).String() })
		all[k].states = knownWords(&rules[event.FactorRestriction], func(w uint8) string { return event.State(w).String() })
		for _, usual := range [...]struct {
			factor event.Factor
			days   int64
		}{{event.FactorReplyRatio, 7}, {event.FactorUnanswered, 30}} {
			if cmp.Or(rules[usual.factor].Window, usual.days) == 30 {
				all[k].monthOf |= 1 << usual.factor
			}
		}
		all[k].nowcast, all[k].cold = rules[event.FactorReplyNowcast].Sample, rules[event.FactorColdStart].Sample
	}
	return all
}

// knownWords returns which words of a list a rule does not take for none, a bit each.
func knownWords(r *policy.Rule, word func(w uint8) string) (known uint64) {
	for w := range uint8(64) {
		if level, severity := r.JudgeWord(word(w)); level != event.LevelNone || severity != 0 {
			known |= 1 << w
		}
	}
	return known
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

// pass returns the factors of an evaluation of a number that are to be judged: all others are at none.
func (g gates) pass(n number, v *evaluation) policy.FactorSet {
	p := &g[n.profile]
	passed := factorTemplateQuality // judging it brings its levels up to date
	passed |= policy.FactorSet(p.origins>>n.origin&1)<<event.FactorOrigin | policy.FactorSet(p.ratings>>n.rating&1)<<event.FactorQuality |
		policy.FactorSet(p.states>>v.state&1)<<event.FactorRestriction
	if v.word[event.FactorRegion] != "" {
		passed |= 1 << event.FactorRegion
	}
	if v.word[event.FactorRestart] != "" {
		passed |= 1 << event.FactorRestart
	}
	if share := v.value[event.FactorNewChatCap]; v.word[event.FactorNewChatCap] != "" || share == share {
		passed |= 1 << event.FactorNewChatCap
	}
	if v.sample[event.FactorReplyNowcast] >= p.nowcast {
		passed |= 1 << event.FactorReplyNowcast
	}
	if share := v.value[event.FactorColdStart]; share == share && v.sample[event.FactorColdStart] >= p.cold {
		passed |= 1 << event.FactorColdStart
	}
	passed &= p.words
	for f := range p.gates {
		if x, edge := v.value[f], &p.gates[f]; x >= edge.high || x <= edge.low {
			passed |= 1 << f
		}
	}
	return passed
}
