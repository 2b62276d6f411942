package engine_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// A question takes nothing away: who is asked after every event writes the same
// rows and flags as who is never asked.
func TestStatusesTakesNoRowAway(t *testing.T) {
	play := func(ask bool) event.Output {
		e := engine.New(engine.Config{Policy: policy.Default(), PaneBits: 16})
		var out, answer event.Output
		at := int64(1_760_000_040_000)
		for i := range int64(400) {
			ev := event.Event{
				Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: at, NumberID: fmt.Appendf(nil, "n%d", i%3),
				Contact: uint64(i), HasContact: true, Kind: event.KindText, Fingerprint: uint64(i % 7),
			}
			e.Apply(&ev, i, at, &out)
			at += 17_000
			if ask {
				answer.Reset()
				e.Statuses(&answer)
				if n := len(answer.NumberStatuses); n > 3 {
					t.Fatalf("asked for 3 numbers, got %d statuses", n)
				}
			}
		}
		e.Flush(&out)
		slices.SortFunc(out.NumberStatuses, func(a, b event.NumberStatus) int {
			return cmp.Or(cmp.Compare(a.NumberID, b.NumberID), cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Version, b.Version))
		})
		return out
	}
	// The version only says which of equal rows is newer; here each stands alone.
	ignore := cmpopts.IgnoreFields(event.NumberStatus{}, "Version")
	if diff := gocmp.Diff(play(false), play(true), ignore, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("asking changed what was written (-never +always):\n%s", diff)
	}
}
