package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"
)

// newAssignments returns assignments whose states are numbers, each fresh one the next.
func newAssignments(owned *int) (a *assignments[int], fresh func() int) {
	made := 0
	a = &assignments[int]{changed: func(n int) { *owned = n }}
	return a, func() int { made++; return made }
}

// A state whose outputs were all acknowledged is given out again for a while;
// any other is made again.
func TestAssignmentsKeepWhatWasFlushed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var owned int
		a, fresh := newAssignments(&owned)
		claim := func(want int, when string) {
			t.Helper()
			if got, _ := a.claim(3, fresh); got != want || owned != 1 {
				t.Errorf("%s: state %d, %d owned, want state %d", when, got, owned, want)
			}
		}
		claim(1, "at first")
		a.release(3, 1, true)
		if owned != 0 {
			t.Errorf("%d owned after it was given back", owned)
		}
		elapse(parkTime - time.Second)
		claim(1, "soon after")
		a.release(3, 1, false)
		claim(2, "after an error")
		a.release(3, 2, true)
		elapse(parkTime + time.Second)
		claim(3, "long after")
	})
}

// A question meets partitions that are given back and taken again all the time:
// their owner answers it, or the answer is that there is none. That it reads
// nothing which the next claim writes is for the race detector to see.
func TestAssignmentsAreAskedDuringRebalances(t *testing.T) {
	var owned int
	a, fresh := newAssignments(&owned)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			state, questions := a.claim(0, fresh)
			select {
			case question := <-questions:
				question()
			case <-stop:
				return
			default:
			}
			a.release(0, state, true)
		}
	}()
	for range 1_000 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := a.ask(ctx, func(state int) {
			if state != 1 {
				t.Errorf("asked about state %d, want 1", state)
			}
		})
		cancel()
		if err != nil && !errors.Is(err, errGone) {
			t.Fatalf("asked: %v, want %v", err, errGone)
		}
	}
	close(stop)
	<-stopped
}
