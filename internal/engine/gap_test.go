package engine_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// gapLog plays some sends and then lets time go on to an end, in one step or
// minute by minute.
func gapLog(minutes int64, step int64) (*event.Output, *event.Output) {
	const start = 1_760_000_040_000
	e := engine.New(engine.Config{Policy: policy.Default(), PaneBits: engine.WholeLog, Portfolios: true})
	var out, end event.Output
	for i := range int64(60) {
		ev := event.Event{
			Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: start + i*1000, NumberID: fmt.Appendf(nil, "n%d", i%3),
			PortfolioID: []byte("p"), Contact: uint64(i), HasContact: true, Kind: event.KindText, Fingerprint: 7,
		}
		e.Apply(&ev, i, ev.Time, &out)
	}
	for m := step; m <= minutes; m += step {
		e.AdvanceTo(start+m*60_000, &out)
	}
	e.Flush(&out)
	e.Statuses(&end)
	e.PortfolioStatuses(&end)
	return &out, &end
}

// TestGap lets 50 silent days pass in one step: what comes of it is the same as
// minute by minute.
func TestGap(t *testing.T) {
	const minutes = 50*24*60 + 7
	wantRows, want := gapLog(minutes, 1)
	gotRows, got := gapLog(minutes, minutes)
	if len(gotRows.Flags) == 0 || len(got.NumberStatuses) != 3 {
		t.Fatalf("%d flags and %d statuses: the log shows nothing", len(gotRows.Flags), len(got.NumberStatuses))
	}
	if d := gocmp.Diff(wantRows, gotRows, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
		t.Errorf("rows differ (-minute by minute +at once):\n%s", d)
	}
	if d := gocmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
		t.Errorf("last statuses differ (-minute by minute +at once):\n%s", d)
	}
}

// TestGapOfAges lets the longest time pass that an event can: 10^11 minutes, at
// which nothing is due.
func TestGapOfAges(t *testing.T) {
	e := engine.New(engine.Config{Policy: policy.Default(), Portfolios: true})
	var out event.Output
	for i, at := range []int64{1_230_768_000_000, 1<<53 - 1} {
		e.Apply(&event.Event{Type: event.TypeClock, ID: fmt.Appendf(nil, "c%d", i), Time: at}, int64(i), at, &out)
	}
	if w := e.Stats().Watermark; w != 1<<53-1 {
		t.Errorf("the watermark is %d, want %d", w, int64(1<<53-1))
	}
}
