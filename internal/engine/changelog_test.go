package engine_test

import (
	"fmt"
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestChangesAreNumberedByOffset begins in the middle of a log, as after its beginning was
// deleted: none of its changes has a number that an engine which read the whole log gave
// to an earlier record, so that a reader which knows those drops nothing that is new.
func TestChangesAreNumberedByOffset(t *testing.T) {
	const records, cut = 40, 25
	read := func(from int64) (e *engine.Engine, changes []event.PortfolioChange, before int64) {
		e = engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: 16, Feed: true})
		var out event.Output
		for i := from; i < records; i++ {
			if i == cut {
				before = e.LastChange()
			}
			ev := event.Event{
				Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: 1_760_000_000_000 + i, NumberID: []byte("n"), PortfolioID: []byte("p"),
				Contact: uint64(i + 1), HasContact: true, Kind: event.KindText, Fingerprint: 1,
			}
			e.Apply(&ev, i, ev.Time, &out)
		}
		e.Flush(&out)
		return e, out.Changes, before
	}
	whole, _, before := read(0)
	late, changes, _ := read(cut)
	if len(changes) == 0 || before == 0 {
		t.Fatalf("%d changes, the last before the cut is %d: nothing to compare", len(changes), before)
	}
	for i := range changes {
		if changes[i].Sequence <= before {
			t.Fatalf("change %d has the sequence %d, and %d was given before the cut", i, changes[i].Sequence, before)
		}
	}
	if whole.LastChange() != late.LastChange() {
		t.Errorf("the last change is %d, read from the cut %d", whole.LastChange(), late.LastChange())
	}
}
