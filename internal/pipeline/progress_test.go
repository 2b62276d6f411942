package pipeline

import (
	"testing"
	"time"

	"sendwatch/internal/event"
)

// A process that was paused must not say that its partition is idle before it has looked:
// the portfolios role would go on without what came meanwhile.
func TestOnlyAnswersMakeAPartitionIdle(t *testing.T) {
	var s sentProgress
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	answer := func(after time.Duration, batch *event.Batch) bool {
		now = now.Add(after)
		s.noteBatch(batch, now)
		return s.quietFor() >= idleAfter
	}
	empty := &event.Batch{}
	send := &event.Event{Type: event.TypeSent}
	quiet := func(what string, times int, batch *event.Batch) {
		t.Helper()
		for i := range times {
			if answer(500*time.Millisecond, batch) {
				t.Fatalf("%s: idle after %d answers", what, i+1)
			}
		}
	}
	s.noteApplied(send)
	quiet("records", 1, empty)
	quiet("nothing since", 3, empty)
	if !answer(500*time.Millisecond, empty) {
		t.Fatal("not idle after two seconds of nothing")
	}
	s.noteApplied(send)
	quiet("records again", 1, empty)
	quiet("nothing since", 2, empty)
	if answer(10*time.Second, empty) { // an answer of before the pause
		t.Fatal("idle because of a pause")
	}
	quiet("after the pause", 3, empty)
	if !answer(500*time.Millisecond, empty) {
		t.Fatal("not idle although nothing came")
	}
	quiet("throttled", 10, &event.Batch{Throttled: time.Second})
}
