package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// inPortions plays a log with a budget and returns all that came out, the most
// rows that one call brought, and the calls that had more to come.
func inPortions(t *testing.T, log []byte, budget int) (all event.Output, most, unfinished int) {
	t.Helper()
	const paneBits = 4 // so that panes close on the way
	p := policy.Default()
	e := engine.New(engine.Config{Topic: "t", Policy: p, PaneBits: paneBits, Budget: budget})
	decoder := codec.NewDecoder(codec.Config{StopWords: p.StopWords, ResumeWords: p.ResumeWords})
	var portion event.Output
	take := func(more bool) bool {
		most = max(most, portion.Len())
		all.Append(&portion)
		portion.Reset()
		if more {
			unfinished++
		}
		return more
	}
	var ev event.Event
	eachLine(log, func(offset, at int64, line []byte) {
		var more bool
		if err := decoder.Decode(&ev, line, codec.ContentJSON, at); err != nil {
			more = e.Skip(event.ClassRejected, offset, at, &portion)
		} else {
			_, more = e.Apply(&ev, offset, at, &portion)
		}
		for take(more) {
			more = e.Continue(&portion)
		}
		if offset%50 == 0 {
			for take(e.Flush(&portion)) {
			}
		}
	})
	end := e.Stats().Watermark + 40*24*3_600_000
	for more := e.AdvanceTo(end, &portion); take(more); {
		more = e.Continue(&portion)
	}
	for take(e.Flush(&portion)) {
	}
	return all, most, unfinished
}

// TestABudgetChangesNoRow plays the worked examples whole and in portions: the
// same comes out in the same order, and no call brings more than a few rows
// beyond its budget (what one number's evaluation brings is not cut).
func TestABudgetChangesNoRow(t *testing.T) {
	const whatOneEvaluationBrings = 16
	for _, name := range examples {
		log, err := os.ReadFile(filepath.Join("testdata", "examples", name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		want, _, unfinished := inPortions(t, log, 0)
		if unfinished > 0 {
			t.Errorf("%s: %d calls without a budget had more to come", name, unfinished)
		}
		for _, budget := range []int{1, 3, 100} {
			got, most, unfinished := inPortions(t, log, budget)
			if d := gocmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
				t.Fatalf("%s with a budget of %d (-whole +in portions):\n%s", name, budget, d)
			}
			if most > budget+whatOneEvaluationBrings {
				t.Errorf("%s: a call with a budget of %d brought %d rows", name, budget, most)
			}
			if budget == 1 && unfinished == 0 {
				t.Errorf("%s: no call with a budget of 1 had more to come", name)
			}
		}
	}
}
