package backtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// TestStrangersRule sends what the stories tell of: the hazard of a week of 25
// first messages a day is about one, a new SIM spends half of that on its first
// day, and people who know the sender cost nothing.
func TestStrangersRule(t *testing.T) {
	type story struct {
		name           string
		born, linked   int64
		day            int // first messages
		gap            int64
		days           int64
		stranger       bool
		least, atMost  float64
		complainsEvery int
	}
	for _, s := range []story{
		{name: "a week of 25 a day", born: -900 * day, linked: -900 * day, day: 25, gap: 20 * minute, days: 7, stranger: true, complainsEvery: 33, least: .8, atMost: 1.2},
		{name: "the same on a new session", born: -900 * day, linked: 0, day: 25, gap: 20 * minute, days: 7, stranger: true, complainsEvery: 33, least: 2, atMost: 3},
		{name: "17 from a new SIM", born: 0, linked: 0, day: 17, gap: 3 * minute, days: 1, stranger: true, least: .4, atMost: .6},
		{name: "150 in an hour", born: -900 * day, linked: -900 * day, day: 150, gap: 22 * second, days: 1, stranger: true, least: .6, atMost: 1.2},
		{name: "customers", born: -900 * day, linked: -900 * day, day: 200, gap: minute, days: 28, least: 0, atMost: .02},
	} {
		r := newStrangersRule(rand.New(rand.NewPCG(1, 1)), 0)
		r.luck, r.patience = 1, math.Inf(1)
		r.watch(&event.Event{Type: event.TypeProfile, HasRegistered: true, RegisteredAt: s.born}, &traffic.Record{Time: 1})
		r.watch(&event.Event{Type: event.TypeConnection, HasLinked: true, LinkedAt: s.linked}, &traffic.Record{Time: 1})
		n := 0
		for d := range s.days {
			for i := range int64(s.day) {
				n++
				r.watch(&event.Event{Type: event.TypeSent, Kind: event.KindText}, &traffic.Record{
					Time:   d*day + i*s.gap + 2,
					Hidden: traffic.Hidden{Contact: 1, Stranger: s.stranger, Complains: s.complainsEvery > 0 && n%s.complainsEvery == 0},
				})
			}
		}
		total := 0.
		for _, spent := range r.spent {
			total += spent
		}
		if total < s.least || total > s.atMost {
			t.Errorf("%s: a hazard of %.3f, want %g to %g", s.name, total, s.least, s.atMost)
		}
	}
}

// TestStrangersRuleAgain restricts a number, and is harder on it the next time.
func TestStrangersRuleAgain(t *testing.T) {
	r := newStrangersRule(rand.New(rand.NewPCG(1, 1)), 0)
	r.luck, r.patience = 1, refusalHazard*1.5
	refused := &event.Event{Type: event.TypeStatus, Status: event.StatusFailed, ErrorCode: event.CodeReachout}
	if _, hit := r.watch(refused, &traffic.Record{Time: 100 * day}); hit {
		t.Fatal("restricted after the first refusal")
	}
	if cause, hit := r.watch(refused, &traffic.Record{Time: 100*day + 1}); !hit || cause != CauseRefusals {
		t.Fatalf("restricted %v for %s, want refusals", hit, cause)
	}
	if n := r.again(); n != 0 || r.susceptible(100*day) != againTimes {
		t.Errorf("%d offences before the first, then %g times as susceptible, want 0 and %g", n, r.susceptible(100*day), againTimes)
	}
	if n := r.again(); n != 1 {
		t.Errorf("%d offences before the second, want 1", n)
	}
}

// TestPatience draws it for many numbers: 1 in the mean, and seldom next to nothing.
func TestPatience(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const draws = 20_000
	sum, short := 0., 0
	for range draws {
		x := patienceOf(rng)
		sum += x
		if x < .2 {
			short++
		}
	}
	if mean := sum / draws; math.Abs(mean-1) > .02 || short > draws*4/100 {
		t.Errorf("a patience of %.3f in the mean, below 0.2 in %d of %d; want 1 and at most 4 in 100", mean, short, draws)
	}
}

// TestReview asks how soon a decision takes effect: of new numbers and sessions
// within hours, of others in every second case only days later.
func TestReview(t *testing.T) {
	for _, c := range []struct {
		name         string
		born, linked int64
		slow         float64
	}{
		{name: "an old number", born: -900 * day, linked: -900 * day, slow: slowShare},
		{name: "a new number", born: -day, linked: -900 * day},
		{name: "a new session", born: -900 * day, linked: -day},
	} {
		r := newStrangersRule(rand.New(rand.NewPCG(3, 3)), 0)
		r.born, r.linked = c.born, c.linked
		const draws = 4_000
		late := 0
		for range draws {
			if r.review(1) > day {
				late++
			}
		}
		if got := float64(late) / draws; math.Abs(got-c.slow) > .03 {
			t.Errorf("%s: %.3f of the decisions take more than a day, want %g", c.name, got, c.slow)
		}
	}
}
