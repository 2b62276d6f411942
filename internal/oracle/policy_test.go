package oracle

import (
	"math"
	"strings"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

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
			if !strings.Contains(r.profiles, profile) {
				continue
			}
			seen[r.factor] = true
			for _, age := range []float64{1, 3, 4, 7, 8, 10, 11, 21, 22} {
				for _, value := range []float64{0, r.warn.at(), r.danger.at(), (r.warn.at() + r.danger.at()) / 2, 1e6} {
					for _, beside := range []float64{-1, -1e-9, 0, 1e-9, 1} {
						for _, sample := range []float64{0, r.least - 1, r.least, 1e6} {
							facts := map[string]float64{"day": age, r.sample: sample, r.fact: value + beside, "off": math.NaN()}
							facts["-"] = 0 // names no fact
							for _, v := range weigh(facts, profile) {
								level, severity := shipped[r.factor].Judge(value+beside, facts[r.sample], int64(age))
								if v.factor == r.factor && (level != v.level || !equal(severity*shipped[r.factor].Weight, v.points)) {
									t.Fatalf("%s of %v at %v, sample %v, day %v: the policy says %s and %v points, the contract %s and %v",
										r.factor, c, value+beside, sample, age, level, severity*shipped[r.factor].Weight, v.level, v.points)
								}
							}
						}
					}
				}
			}
		}
		if len(seen) != 22 {
			t.Errorf("the model has %d factors of numbers for %v, want 22", len(seen), c)
		}
	}
}
