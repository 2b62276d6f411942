package policy_test

import (
	"fmt"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// A policy of one's own says only what differs from the shipped one. A profile
// judges a value; the points of all factors come off the trust score.
func ExamplePolicy() {
	p, err := policy.Load([]byte(`
name: gentle
extends: default
profiles:
  community:
    factors:
      velocity_hour: {warn: ">= 20", danger: ">= 40", weight: 30}
`))
	if err != nil {
		fmt.Println(err) // every mistake, each with its line and what is accepted
		return
	}
	profile := p.Profiles[p.Index([]byte("n1"), []byte("portfolio-1"), event.ConnectionBusinessApp)]
	rule := &profile.Rules[event.FactorVelocityHour]
	for _, initiated := range []float64{10, 30, 40} {
		level, severity := rule.Judge(initiated, 0, 90)
		fmt.Printf("%s: %s, score %d\n",
			policy.Describe(event.FactorVelocityHour, event.NumberValue(initiated), rule, 90),
			level, policy.Score(rule.Weight*severity))
	}
	// Output:
	// 10 conversations begun in an hour: none, score 100
	// 30 conversations begun in an hour (warn >= 20): warn, score 81
	// 40 conversations begun in an hour (danger >= 40): danger, score 70
}
