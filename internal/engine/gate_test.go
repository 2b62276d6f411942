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
					v.value[f] = x
					pass := gates.pass(int32(k), &v).Has(f)
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
