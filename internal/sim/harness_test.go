package sim

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sendwatch/internal/checkpoint"
)

// TestTheDeadDoNothing makes sure that a step of a process which dies before the step is done is not
// done: after a power cut nobody would know of what it leaves, and the next process would go on from it.
func TestTheDeadDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{plan: &plan{seed: 1}, healed: make(chan struct{})}
		w.disk = newDisk(w)
		w.setTrouble(trouble{latency: 20 * time.Millisecond, store: 1000})
		for i := range 50 { // whose fates differ
			p := &process{world: w, name: fmt.Sprint("P", i), dying: make(chan struct{}), counts: map[string]int{}, cancel: func() {}}
			done := false
			go func() { _ = p.step(checkpoint.StepUnlink, "", func() error { done = true; return nil }) }()
			synctest.Wait() // it waits out its latency
			if done {
				continue
			}
			p.kill()
			elapse(time.Minute)
			if synctest.Wait(); done {
				t.Errorf("%s was dead when its step was done", p.name)
			}
		}
	})
}

// TestNoFaultAfterTheLast makes sure that a trigger which was met before the end of all that goes wrong, and whose
// answer comes after it, does nothing.
func TestNoFaultAfterTheLast(t *testing.T) {
	w := &world{healed: make(chan struct{})}
	p := &process{world: w}
	acts := 0
	trig := &trigger{do: func(*process) { acts++ }}
	p.act(trig)
	close(w.healed)
	p.act(trig)
	if acts != 1 {
		t.Errorf("a trigger acted %d times, want once: before the end", acts)
	}
}
