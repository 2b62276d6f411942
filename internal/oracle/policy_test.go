package oracle

import (
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestPolicyAsShipped holds the shipped policy file against section 5 as it is
// written out in the model: every factor, at and beside each threshold, at and
// beside each sample, on every day that matters, for every connection.
func TestPolicyAsShipped(t *testing.T) {
	p := policy.Default()
	for c := event.ConnectionNone; c <= event.ConnectionWebSession; c++ {
		rules := &p.Profiles[p.Index([]byte("n"), []byte("p"), c)].Rules
		for _, age := range []float64{1, 3, 4, 7, 8, 10, 11, 21, 22} {
			numbers := table(map[string]float64{"day": age}, c == event.ConnectionCloudAPI)
			for _, v := range numbers {
				off := v.value == nil
				for _, value := range []float64{0, v.warn.at(), v.danger.at(), (v.warn.at() + v.danger.at()) / 2, 1e6} {
					for _, beside := range []float64{-1, -1e-9, 0, 1e-9, 1} {
						for _, sample := range []float64{0, v.need - 1, v.need, 1e6} {
							v.value, v.sample, v.level, v.points = value+beside, sample, event.LevelNone, 0
							if off {
								v.value = nil
							}
							w := v.weigh()
							rule := &rules[v.factor]
							level, severity := rule.Judge(value+beside, sample, int64(age))
							if level != w.level || !equal(severity*rule.Weight, w.points) {
								t.Fatalf("%s of %v at %v, sample %v, day %v: the policy says %s and %v points, the contract %s and %v",
									v.factor, c, value+beside, sample, age, level, severity*rule.Weight, w.level, w.points)
							}
						}
					}
				}
			}
		}
	}
}
