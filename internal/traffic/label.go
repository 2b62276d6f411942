package traffic

import (
	"fmt"
	"math/rand/v2"

	"sendwatch/internal/event"
)

// Number is what is known beforehand of one sender: who it is and what is to be
// found.
type Number struct {
	ID         string
	WABA       string
	Portfolio  string
	Country    string
	Connection event.Connection
	Profile    string       // how it behaves, as in "cold_campaign"
	Healthy    bool         // must never be raised to danger of trust_score
	Joins      int64        // ms, its first event
	Turns      int64        // ms, from when on it misbehaves; 0 if healthy
	Lacks      event.Inputs // do not reach the topic
	Expects    []Expectation
}

// Expectation is a factor that must have raised a flag by a time. A sender may
// raise others too: bad habits come in company.
type Expectation struct {
	Factor event.Factor
	By     int64 // ms, event time
}

// Portfolio is what is known beforehand of a business portfolio.
type Portfolio struct {
	ID      string
	Limit   int64 // unique contacts a moving 24 h that it is given
	Expects []Expectation
}

// share assigns each profile its part of n numbers, by the largest remainder; as
// long as n allows, none goes empty.
func share(profiles []*profile, n int) []int {
	total := 0
	for _, p := range profiles {
		total += p.share
	}
	counts, rest := make([]int, len(profiles)), n
	for i, p := range profiles {
		counts[i] = n * p.share / total
		rest -= counts[i]
	}
	for _, i := range alternate(profiles) {
		if rest > 0 && counts[i] == 0 {
			counts[i]++
			rest--
		}
	}
	given := make([]bool, len(profiles))
	for ; rest > 0; rest-- {
		best := -1
		for i, p := range profiles {
			if !given[i] && (best < 0 || n*p.share%total > n*profiles[best].share%total) {
				best = i
			}
		}
		if best < 0 { // more left over than profiles: cannot be, but must not loop
			best, given = 0, make([]bool, len(profiles))
		}
		given[best] = true
		counts[best]++
	}
	return counts
}

// alternate orders profiles as healthy, misbehaving, healthy ..., so that a
// handful of numbers has both.
func alternate(profiles []*profile) []int {
	var good, bad, mixed []int
	for i, p := range profiles {
		if p.healthy {
			good = append(good, i)
		} else {
			bad = append(bad, i)
		}
	}
	for i := 0; i < len(good) || i < len(bad); i++ {
		if i < len(good) {
			mixed = append(mixed, good[i])
		}
		if i < len(bad) {
			mixed = append(mixed, bad[i])
		}
	}
	return mixed
}

// cast decides which number behaves how: the first third of the portfolios is
// healthy throughout, in the others all kinds meet.
func cast(c Cast, n, portfolios int, rng *rand.Rand) []*profile {
	all := profiles(c)
	var good, bad []*profile
	for i, count := range share(all, n) {
		for range count {
			if all[i].healthy {
				good = append(good, all[i])
			} else {
				bad = append(bad, all[i])
			}
		}
	}
	rng.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
	pure := min(n*(portfolios/3)/portfolios, len(good))
	mixed := append(bad, good[pure:]...)
	rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return append(good[:pure:pure], mixed...)
}

// The portfolios with a trouble of their own, by index.
const (
	tightPortfolio  = 5 // has a limit far below what its numbers do
	sharedPortfolio = 6 // all its numbers share one connection
	tightLimit      = 250
	ampleLimit      = 100_000
	// sharedDanger is the number of numbers on one connection from which
	// shared_connection is certain to flag, with some to spare.
	sharedDanger = 5
)

// portfolioLabels says what is expected of the portfolios whose numbers are given.
func portfolioLabels(numbers []*number, count int, start int64) []Portfolio {
	labels := make([]Portfolio, count)
	members := make([]int, count)
	joined := make([]int64, count)
	for i := range labels {
		labels[i] = Portfolio{ID: portfolioID(i), Limit: ampleLimit}
	}
	for _, n := range numbers {
		members[n.portfolio]++
		joined[n.portfolio] = max(joined[n.portfolio], n.Joins)
		if n.target.restricted {
			l := &labels[n.portfolio]
			if len(l.Expects) == 0 {
				l.Expects = append(l.Expects, Expectation{event.FactorContagion, n.Turns + day})
			}
			l.Expects[0].By = min(l.Expects[0].By, n.Turns+day)
		}
	}
	if count > tightPortfolio {
		l := &labels[tightPortfolio]
		l.Limit = tightLimit
		l.Expects = append(l.Expects, Expectation{event.FactorLimitUsage, start + 10*day})
	}
	if count > sharedPortfolio && members[sharedPortfolio] >= sharedDanger {
		l := &labels[sharedPortfolio]
		l.Expects = append(l.Expects, Expectation{event.FactorSharedConnection, joined[sharedPortfolio] + 2*day})
	}
	return labels
}

func portfolioID(i int) string { return fmt.Sprintf("portfolio-%02d", i+1) }
