package engine

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestWhatDoesNotPassAGateIsNothing judges values around every threshold of the shipped
// policies, on several days of life: what a rule says anything of has to pass.
func TestWhatDoesNotPassAGateIsNothing(t *testing.T) {
	policies := []*policy.Policy{policy.Default()}
	for _, name := range []string{"tuned.yaml", "watchful.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "schemas", "policy", name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Load(text)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, p)
	}
	passed, judged := 0, 0
	for _, p := range policies {
		gates := newGates(p)
		for k := range p.Profiles {
			for f := range event.FactorTrustScore {
				r := &p.Profiles[k].Rules[f]
				for _, x := range valuesAround(r) {
					v := evaluation{}
					v.value[f], v.sample[f] = x, math.Inf(1)
					pass := gates.pass(number{standing: &standing{profile: int32(k)}}, &v).Has(f)
					judged++
					if pass {
						passed++
						continue
					}
					for _, day := range []int64{1, 3, 7, 8, 30, 90, 1000} {
						if level, severity := r.Judge(x, math.Inf(1), day); level != event.LevelNone || severity != 0 {
							t.Errorf("%s of %s at %v on day %d is %s with %v and does not pass", f, p.Profiles[k].Name, x, day, level, severity)
						}
					}
				}
			}
		}
	}
	if passed == 0 || passed == judged {
		t.Errorf("%d of %d values pass", passed, judged)
	}
}

// TestWordsThatDoNotPassAGate judges every word that a number may have by the rules of the default policy.
func TestWordsThatDoNotPassAGate(t *testing.T) {
	p := policy.Default()
	gates := newGates(p)
	passed := map[event.Factor]int{}
	for k := range p.Profiles {
		for w := range uint8(8) {
			v := evaluation{state: event.State(w)}
			n := number{standing: &standing{profile: int32(k), origin: event.Origin(w), rating: event.Rating(w)}}
			pass := gates.pass(n, &v)
			for f, word := range map[event.Factor]string{
				event.FactorOrigin: n.origin.String(), event.FactorQuality: n.rating.String(), event.FactorRestriction: v.state.String(),
			} {
				r := &p.Profiles[k].Rules[f]
				level, severity := r.JudgeWord(word)
				if says := level != event.LevelNone || severity != 0; says != pass.Has(f) {
					t.Errorf("%s of %s: %q is %s with %v, and passes: %v", f, p.Profiles[k].Name, word, level, severity, pass.Has(f))
				} else if says {
					passed[f]++
				}
			}
		}
	}
	if len(passed) != 3 {
		t.Errorf("words pass of %v", passed)
	}
}

// valuesAround returns values at, below and above the thresholds of a rule, and some far off.
func valuesAround(r *policy.Rule) []float64 {
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 0.5, 1, 1e9}
	near := func(t *policy.Threshold) {
		if t.Op != policy.OpNone {
			values = append(values, t.Value, math.Nextafter(t.Value, math.Inf(1)), math.Nextafter(t.Value, math.Inf(-1)))
		}
	}
	near(&r.Warn)
	near(&r.Danger)
	for k := range r.Steps {
		near(&r.Steps[k].Warn)
		near(&r.Steps[k].Danger)
	}
	return values
}
