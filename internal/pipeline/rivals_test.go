package pipeline

import (
	"testing"
	"time"
)

// An operator who rewinds fences a partition's owner once, and perhaps again after a while:
// nobody contests it. Two processes of one share fence each other for as long as they run.
func TestOneFenceIsNoContest(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var r rivals
	for _, step := range []struct {
		after   time.Duration
		contest bool
	}{
		{0, false}, {10 * time.Minute, false}, {80 * time.Second, true}, {3 * time.Minute, true}, {10 * time.Minute, false},
	} {
		now = now.Add(step.after)
		r.note(now, time.Minute)
		if got := r.contest(now); got != step.contest {
			t.Errorf("fenced again after %s: contested %v, want %v", step.after, got, step.contest)
		}
	}
	r.note(now.Add(time.Second), time.Minute)
	if !r.contest(now.Add(3*time.Minute)) || r.contest(now.Add(5*time.Minute)) {
		t.Error("it is over some minutes after the last one, want it to be so, and no sooner")
	}
}
