package policy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestNowcastWithoutAPast compares with what the contract says of ten sends of
// one quarter hour, and of what the shipped priors claim.
func TestNowcastWithoutAPast(t *testing.T) {
	p := Default()
	ten := Waiting{Awaited: 10, Pending: [DelayClasses]uint64{10}}
	if got := p.Cold.Ratio(&ten); math.Round(got*1e9)/1e9 != 0.3 {
		t.Errorf("cold: %v, want 0.3", got)
	}
	if got := p.Nowcast.Ratio(&ten); math.Round(got*1e9)/1e9 != 0.4 { // 3.2 of 8
		t.Errorf("nowcast: %v, want 0.4", got)
	}
	if got := p.Nowcast.Ratio(&Waiting{}); got == got {
		t.Errorf("nothing awaited: %v, want none", got)
	}
	if got := new(Prior).Ratio(&ten); got != 0 {
		t.Errorf("without a prior: %v, want 0: nothing speaks for an answer", got)
	}
}

// TestNowcastIsTheContract compares with section 4's sums, written out term by
// term, on random counts.
func TestNowcastIsTheContract(t *testing.T) {
	prior := Default().Nowcast
	rapid.Check(t, func(t *rapid.T) {
		draw := func() (a [DelayClasses]uint64) {
			for k := range a {
				a[k] = rapid.Uint64Range(0, 50).Draw(t, "n")
			}
			return a
		}
		w := Waiting{Answered: draw(), Pending: draw(), Unanswered: rapid.Uint64Range(0, 100).Draw(t, "u")}
		for _, n := range w.Pending {
			w.Awaited += n
		}
		w.Awaited += 10
		w.Answered7d = 4
		var s [DelayClasses + 1]float64
		s[DelayClasses] = 1
		for k := DelayClasses - 1; k >= 0; k-- {
			n := prior.Unanswered + float64(w.Unanswered)
			for j := k; j < DelayClasses; j++ {
				n += prior.Answered[j] + float64(w.Answered[j])
			}
			for j := k + 1; j < DelayClasses; j++ {
				n += float64(w.Pending[j])
			}
			s[k] = s[k+1] * (1 - (prior.Answered[k]+float64(w.Answered[k]))/n)
		}
		x := 0.0
		for k, n := range w.Pending {
			x += float64(n) * (1 - s[k])
		}
		want := (4 + x) / float64(w.Awaited)
		if got := prior.Ratio(&w); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v, want %v of %+v", got, want, w)
		}
	})
}
