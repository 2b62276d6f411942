package retry

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestPausesDoubleUpToTheirBound checks each pause against the interval it may
// be in: between half of the doubled pause and all of it.
func TestPausesDoubleUpToTheirBound(t *testing.T) {
	for _, b := range []Backoff{{}, {First: 250 * time.Millisecond, Max: 30 * time.Second}, {First: time.Hour, Max: time.Second}} {
		first, longest := b.First, b.Max
		if first == 0 {
			first, longest = DefaultFirst, DefaultMax
		}
		for round := range 2 {
			full := min(first, longest)
			for try := range 100 {
				if b.Tries() != try {
					t.Fatalf("after %d pauses Tries returns %d", try, b.Tries())
				}
				if pause := b.next(); pause < full/2 || pause > full {
					t.Fatalf("round %d: pause %d is %v, expected between %v and %v", round, try, pause, full/2, full)
				}
				full = min(2*full, longest)
			}
			b.Reset()
		}
	}
}

// TestWaitEndsWithItsContext expects the cause at once, not after the pause.
func TestWaitEndsWithItsContext(t *testing.T) {
	why := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	b := Backoff{First: time.Hour, Max: time.Hour}
	if err := b.Wait(ctx); !errors.Is(err, why) {
		t.Errorf("Wait returned %v, expected %v", err, why)
	}
}
