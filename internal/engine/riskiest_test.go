package engine_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestRiskiestAgainstStatuses asks for the worst few, and for each by its id,
// and compares with all statuses sorted.
func TestRiskiestAgainstStatuses(t *testing.T) {
	log, err := os.ReadFile(filepath.Join("testdata", "examples", "many", "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog})
	var out event.Output
	run(log, e, &out, func(int64) {})
	var all event.Output
	e.Statuses(&all)
	want := all.NumberStatuses
	slices.SortStableFunc(want, func(a, b event.NumberStatus) int { return cmp.Compare(a.Score, b.Score) })
	var bands [3]int64
	for i := range want {
		bands[want[i].Band]++
	}
	for _, limit := range []int{0, 1, 3, len(want), 100} {
		var got event.Output
		if b := e.Riskiest(limit, &got); b != bands {
			t.Errorf("limit %d: bands %v, want %v", limit, b, bands)
		}
		if d := gocmp.Diff(want[:min(limit, len(want))], got.NumberStatuses, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("limit %d (-statuses +riskiest):\n%s", limit, d)
		}
	}
	var one event.Output
	if !e.Number(want[2].NumberID, &one) || one.NumberStatuses[0].NumberID != want[2].NumberID {
		t.Errorf("%s was not found by its id", want[2].NumberID)
	}
	if e.Number("stranger", &one) || e.Number("", &one) {
		t.Error("a number that is not known was found")
	}
}
