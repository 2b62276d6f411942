package pipeline

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/checkpoint"
)

// hanging is a store one of whose steps gets no answer, whatever its context says, until the test
// lets it go on.
type hanging struct {
	mu   sync.Mutex
	step string        // the next one of this name hangs
	goOn chan struct{} // closed when it goes on
}

func (h *hanging) do(name, _ string, do func() error) error {
	h.mu.Lock()
	hangs := h.step == name
	if hangs {
		h.step = ""
	}
	h.mu.Unlock()
	if hangs {
		<-h.goOn
	}
	return do()
}

// next has the next step of a name hang, until the returned function is called.
func (h *hanging) next(step string) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.step, h.goOn = step, make(chan struct{})
	return sync.OnceFunc(func() { close(h.goOn) })
}

// again joins with a new claim whenever the one before has ended, as a group does after a
// rebalance. revoke ends the present claim and returns how long it took to be given back.
type again struct {
	log *fakeLog

	mu    sync.Mutex
	end   context.CancelFunc
	ended chan struct{}
}

func (a *again) join(ctx context.Context, serve Serve) error {
	for ctx.Err() == nil {
		claim, end := context.WithCancel(ctx)
		ended := make(chan struct{})
		a.mu.Lock()
		a.end, a.ended = end, ended
		a.mu.Unlock()
		_ = serve(claim, Claim{Topic: a.log.topic, Committed: FromStart}, a.log)
		close(ended)
	}
	return nil
}

func (a *again) revoke() time.Duration {
	a.mu.Lock()
	end, ended := a.end, a.ended
	a.mu.Unlock()
	began := time.Now()
	end()
	<-ended
	return time.Since(began)
}

// A store that does not answer keeps no partition from being given back in time, and what is
// left behind of a save or a claim harms neither the next claim nor what comes of it.
func TestStoreThatHangs(t *testing.T) {
	for _, c := range []struct{ name, step string }{
		{"a save, writing", checkpoint.StepWrite},
		{"a save, syncing", checkpoint.StepSync},
		{"a save, looking for a newer owner", checkpoint.StepList},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { hangInSave(t, c.step) })
		})
	}
	t.Run("a claim", func(t *testing.T) { bubble(t, hangInClaim) })
}

// hungCase is a partition whose store can be made to hang.
func hungCase(t *testing.T) (*keptCase, *hanging) {
	c, h := newKeptCase(t), &hanging{}
	var err error
	if c.store, err = checkpoint.OpenFolder(c.folder, h.do); err != nil {
		t.Fatal(err)
	}
	return c, h
}

func hangInSave(t *testing.T, step string) {
	want := uninterrupted(t, 60)
	c, h := hungCase(t)
	n, group := c.process(), &again{log: c.log}
	whileRunning(t, n.Run, group.join, func() {
		c.sends(20)
		elapse(time.Minute)
		release := h.next(step)
		defer release()
		c.sends(20)
		elapse(time.Minute) // it is being saved
		if n.Status()[0].Checkpoint.Saving.IsZero() || n.Status()[0].Next != 40 {
			t.Fatalf("%+v: no save is under way", n.Status()[0])
		}
		if took := group.revoke(); took != n.drain {
			t.Errorf("given back after %v, want %v", took, n.drain)
		}
		elapse(time.Minute) // the next claim has read what is there
		if got := c.committed(); got != 40 {
			t.Errorf("the next claim committed %d, want 40", got)
		}
		release() // and now it is written
		elapse(time.Minute)
		c.sends(20)
		elapse(time.Minute)
	})
	c.mustGoOn(t, want)
}

func hangInClaim(t *testing.T) {
	want := uninterrupted(t, 60)
	c, h := hungCase(t)
	n, group := c.process(), &again{log: c.log}
	release := h.next(checkpoint.StepLink)
	defer release()
	whileRunning(t, n.Run, group.join, func() {
		c.sends(40)
		elapse(time.Minute)
		if s := n.Status()[0]; s.State != StateOpening || s.Fetched {
			t.Errorf("%s, the lag is known: %v; want neither while the store is waited for", s.State, s.Fetched)
		}
		if took := group.revoke(); took != 0 {
			t.Errorf("given back after %v, want at once", took)
		}
		elapse(time.Minute)
		release()
		elapse(time.Minute)
		c.sends(20)
		elapse(time.Minute)
		if s := n.Status()[0]; !s.Fetched || s.Lag != 0 {
			t.Errorf("a lag of %d, known: %v; want none", s.Lag, s.Fetched)
		}
	})
	c.mustGoOn(t, want)
}

// mustGoOn fails unless all flags are there, no other is, and another process goes on at the end.
func (c *keptCase) mustGoOn(t *testing.T, want []string) {
	t.Helper()
	got := slices.Compact(slices.Sorted(slices.Values(values(c.writer.topic("flags")))))
	if d := cmp.Diff(slices.Sorted(slices.Values(want)), got); d != "" || len(want) < 2 {
		t.Errorf("flags (-uninterrupted +hung):\n%s", d)
	}
	c.run(t, c.process(), func() { elapse(time.Minute) })
	if at := c.log.opened[len(c.log.opened)-1]; at != 60 {
		t.Errorf("the next process went on at %d, want 60", at)
	}
}
