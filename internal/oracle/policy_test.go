package oracle

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// policyWords are the policy's names of words that only the model calls otherwise.
var policyWords = map[string]string{"early": policy.WordRestartEarly, "later": policy.WordRestartLate, "differs": policy.WordRegion}

// TestPolicyAsShipped holds the shipped policy file against section 5 as it is
// written out for the model: every factor, at and beside each threshold, at and
// beside each sample, on every day that matters, for every connection.
func TestPolicyAsShipped(t *testing.T) {
	p := policy.Default()
	for c := event.ConnectionNone; c <= event.ConnectionWebSession; c++ {
		profile := "community"
		if c == event.ConnectionCloudAPI {
			profile = "cloud_api"
		}
		shipped := &p.Profiles[p.Index([]byte("n"), []byte("p"), c)].Rules
		seen := map[event.Factor]bool{}
		for _, r := range rules {
			if strings.Contains(r.Profile, profile) || r.Profile == "template" {
				factor, _ := event.ParseFactor(r.Factor)
				seen[factor] = true
				r.holdPolicy(t, factor, &shipped[factor], profile)
			}
		}
		if want := int(event.FactorTrustScore); len(seen) != want {
			t.Errorf("the model has %d factors of numbers for %v, want %d", len(seen), c, want)
		}
	}
}

// holdPolicy compares what a row says of its factor with what the policy's rule does.
func (r *rule) holdPolicy(t *testing.T, factor event.Factor, shipped *policy.Rule, profile string) {
	t.Helper()
	if profile = cmp.Or(map[string]string{"template": "template"}[r.Profile], profile); !r.Warn.numeric() && !r.Danger.numeric() {
		for _, word := range append(r.Warn.words(), append(r.Danger.words(), "else")...) {
			v := ofFactor(weigh(nil, map[string]string{r.Fact: word}, profile), factor)
			level, severity := shipped.JudgeWord(cmp.Or(policyWords[word], word))
			if level != v.level || !equal(severity*shipped.Weight, v.points) {
				t.Errorf("%s of %s: the policy says %s and %v points, the contract %s and %v", factor, word, level, severity*shipped.Weight, v.level, v.points)
			}
		}
		return
	}
	if r.Profile == "template" {
		return // how often a template was paused is a word to the policy
	}
	for _, age := range []float64{1, 3, 4, 7, 8, 10, 11, 21, 22} {
		for _, value := range []float64{0, r.Warn.at(), r.Danger.at(), (r.Warn.at() + r.Danger.at()) / 2, 1e6} {
			for _, beside := range []float64{-1, -1e-9, 0, 1e-9, 1} {
				if value+beside < 0 {
					continue
				}
				for _, sample := range []float64{0, r.Least - 1, r.Least, 1e6} {
					facts := map[string]float64{"day": age, r.Sample: sample, r.Fact: value + beside, "off": math.NaN()}
					facts[""] = 0 // names no fact
					v := ofFactor(weigh(facts, nil, profile), factor)
					level, severity := shipped.Judge(facts[r.Fact], facts[r.Sample], int64(age))
					if level != v.level || !equal(severity*shipped.Weight, v.points) {
						t.Fatalf("%s of %s at %v, sample %v, day %v: the policy says %s and %v points, the contract %s and %v",
							factor, profile, value+beside, sample, age, level, severity*shipped.Weight, v.level, v.points)
					}
				}
			}
		}
	}
}

// TestCircumstancesAsShipped holds what the policy silences and holds at warn
// against the columns of the model's table, at the edge of each condition.
func TestCircumstancesAsShipped(t *testing.T) {
	p := policy.Default()
	for why, in := range map[string]struct{ at, beside policy.Circumstances }{
		"blind_inbound":   {policy.Circumstances{Inputs: event.AllInputs &^ event.InputInbound}, policy.Circumstances{}},
		"blind_status":    {policy.Circumstances{Inputs: event.AllInputs &^ event.InputStatus}, policy.Circumstances{}},
		"blind_account":   {policy.Circumstances{Inputs: event.AllInputs &^ event.InputAccount}, policy.Circumstances{}},
		"blind_template":  {policy.Circumstances{Inputs: event.AllInputs &^ event.InputTemplate}, policy.Circumstances{}},
		"no_status":       {policy.Circumstances{}, policy.Circumstances{Statuses24h: 1}},
		"unjoined":        {policy.Circumstances{Unlinked7d: 10, Received7d: 40}, policy.Circumstances{Unlinked7d: 10, Received7d: 41}},
		"answered_sender": {policy.Circumstances{Awaited: 52, Answered7d: 13}, policy.Circumstances{Awaited: 49, Answered7d: 49}},
		"unregistered":    {policy.Circumstances{}, policy.Circumstances{RegistrationIsKnown: true}},
	} {
		for i, c := range []policy.Circumstances{in.at, in.beside} {
			c.Inputs = cmp.Or(c.Inputs, event.AllInputs)
			c.Statuses24h = max(c.Statuses24h, uint64(one(why != "no_status")))
			c.RegistrationIsKnown = c.RegistrationIsKnown || why != "unregistered"
			set := p.Silent(&c) | p.AtMostWarn(&c)
			for f := range event.NumNumberFactors {
				want := i == 0 && slices.ContainsFunc(rules, func(r rule) bool {
					return r.Factor == f.String() && (slices.Contains(r.Silent, why) || slices.Contains(r.Tempered, why))
				})
				if set.Has(f) != want {
					t.Errorf("%s by %s: the policy says %t of %+v, the contract %t", f, why, set.Has(f), c, want)
				}
			}
		}
	}
}

func ofFactor(all []verdict, f event.Factor) (of verdict) {
	for _, v := range all {
		if v.factor == f {
			of = v
		}
	}
	return of
}

func (b bound) numeric() bool { return strings.ContainsAny(string(b), "<>") }

func (b bound) words() []string {
	if b == "" {
		return nil
	}
	return strings.Split(string(b), "|")
}
