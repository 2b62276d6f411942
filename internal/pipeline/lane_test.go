package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// Jobs are done one after another in their order, beside who gives them; only a job for
// which there is no room is waited for.
func TestLaneDoesJobsInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const room = 3
		l := newLane(room, time.Now)
		start := time.Now()
		var done []int
		for i := range 10 {
			if full := i >= room; l.full() != full && i <= room {
				t.Errorf("job %d: full is %v", i, !full)
			}
			if err := l.give(t.Context(), func(context.Context) error {
				<-time.After(time.Second)
				done = append(done, i)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if waited, want := time.Since(start), time.Duration(max(0, i+1-room))*time.Second; waited != want {
				t.Errorf("job %d was taken after %s, want %s", i, waited, want)
			}
		}
		if since := l.waitingSince(); time.Since(since) != 0 {
			t.Errorf("the job under way began at %s, now is %s", since, time.Now())
		}
		l.join()
		if !slices.Equal(done, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("done in the order %v", done)
		}
		if !l.waitingSince().IsZero() || l.full() {
			t.Error("no job is left, and one is under way")
		}
		if err := l.give(t.Context(), func(context.Context) error { done = nil; return nil }); err != nil {
			t.Fatal(err)
		}
		if l.join(); done != nil {
			t.Error("a job that was given to an empty lane was not done")
		}
	})
}

// A job that fails is the last: those behind it are not done, who waits for room gets the
// error, and so does who comes later.
func TestLaneEndsWithAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newLane(2, time.Now)
		refused := errors.New("refused")
		never := func(context.Context) error { t.Error("a job behind one that failed was done"); return nil }
		_ = l.give(t.Context(), func(context.Context) error { <-time.After(time.Second); return refused })
		_ = l.give(t.Context(), never)
		if err := l.give(t.Context(), never); !errors.Is(err, refused) {
			t.Errorf("who waited for room got %v", err)
		}
		l.join()
		if err := l.give(t.Context(), never); !errors.Is(err, refused) {
			t.Errorf("who came later got %v", err)
		}
		select {
		case <-l.failed:
		default:
			t.Error("it does not say that it has failed")
		}
	})
}

// Who waits for room gives up with its context.
func TestLaneGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newLane(1, time.Now)
		hang := make(chan struct{})
		_ = l.give(t.Context(), func(context.Context) error { <-hang; return nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.give(ctx, func(context.Context) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(hang)
		l.join()
	})
}
