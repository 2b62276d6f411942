package randlog

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// A live log is the same for a seed, in the order in which it is written, with nothing of
// a time to come, and without pauses that would look like silence.
func TestLiveIsWrittenAsTimePasses(t *testing.T) {
	start := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	live := Live{Seed: 3, Start: start, Span: 10 * time.Minute, Gap: 100 * time.Millisecond, Numbers: 10, History: 300}
	lines := live.Lines()
	if again := live.Lines(); !slices.Equal(lines, again) {
		t.Error("the same seed gave another log")
	}
	last, n := start.UnixMilli(), 0
	for i, line := range lines {
		if line.At < last || line.At-last > 2_500 {
			t.Fatalf("line %d is written at %d, after one at %d", i, line.At, last)
		}
		last = line.At
		var ev struct {
			Time int64  `json:"time"`
			Type string `json:"type"`
		}
		if json.Unmarshal([]byte(line.Text), &ev) != nil {
			continue
		}
		if ev.Type == "policy" {
			t.Errorf("line %d names a policy", i)
		}
		if ev.Time > line.At {
			t.Errorf("line %d is of %d and written at %d", i, ev.Time, line.At)
		}
		n++
	}
	if end := start.Add(live.Span).UnixMilli(); n < 3_000 || last < end-2_500 || last > end+60_000 {
		t.Errorf("%d events until %d, want some thousand until %d", n, last, end)
	}
	if later := (Live{Seed: 4, Start: start, Span: time.Minute, Gap: time.Second, Numbers: 2, History: 10}).Lines(); slices.Equal(later, lines[:min(len(lines), len(later))]) {
		t.Error("another seed gave the same log")
	}
}
