package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"
)

// counting gives a roster whose states are numbers, each fresh one the next.
func counting(owned *int) (r *roster[int, string], fresh func() int) {
	made := 0
	r = &roster[int, string]{counted: func(n int) { *owned = n }}
	return r, func() int { made++; return made }
}

// A state whose outputs were all acknowledged is given out again for a while;
// any other is made anew.
func TestRosterKeepsWhatWasBroughtToItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var owned int
		r, fresh := counting(&owned)
		claim := func(want int, when string) {
			t.Helper()
			if got, _ := r.claim(3, fresh); got != want || owned != 1 {
				t.Errorf("%s: state %d, %d owned, want state %d", when, got, owned, want)
			}
		}
		claim(1, "at first")
		r.release(3, 1, true)
		if owned != 0 {
			t.Errorf("%d owned after it was given back", owned)
		}
		pass(parkTime - time.Second)
		claim(1, "soon after")
		r.release(3, 1, false)
		claim(2, "after an error")
		r.release(3, 2, true)
		pass(parkTime + time.Second)
		claim(3, "long after")
	})
}

// A question meets partitions that are given back and taken again all the time:
// their owner answers it, or it is told that there is none. That it reads
// nothing which the next claim writes is for the race detector to see.
func TestRosterIsAskedWhileTheGroupGathers(t *testing.T) {
	var owned int
	r, fresh := counting(&owned)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			state, asks := r.claim(0, fresh)
			select {
			case question := <-asks:
				question("this")
			case <-stop:
				return
			default:
			}
			r.release(0, state, true)
		}
	}()
	for range 1_000 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := r.ask(ctx, func(about string) {
			if about != "this" {
				t.Errorf("asked about %q", about)
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
