package main

import (
	"strings"
	"testing"

	"sendwatch/internal/replay"
)

// TestReplayHints speaks up where a run did nothing of what was asked, and only there.
func TestReplayHints(t *testing.T) {
	for _, c := range []struct {
		summary replay.Summary
		until   int64
		want    string
	}{
		{replay.Summary{Applied: 5, Rejected: 1, Watermark: 1000}, 0, ""},
		{replay.Summary{Applied: 5, Watermark: 1000}, 2000, ""},
		{replay.Summary{Rejected: 9}, 0, "No record was applied"},
		{replay.Summary{Applied: 5, Watermark: 1_760_000_000_000}, 1000, "--until lies before the watermark, 2025-10-09T08:53:20Z"},
	} {
		got := strings.Join(hints(&replay.Result{Summary: c.summary}, c.until), "\n")
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%+v until %d: hints %q, want %q", c.summary, c.until, got, c.want)
		}
	}
}

// TestReplayHintsAtPartitionsOneAfterAnother names the line and the way out.
func TestReplayHintsAtPartitionsOneAfterAnother(t *testing.T) {
	jumps := []replay.Jump{{File: "dump.ndjson", Line: 601, Back: 90 * 60 * 1000}}
	got := strings.Join(hints(&replay.Result{Summary: replay.Summary{Applied: 5}, Jumps: jumps}, 0), "\n")
	for _, want := range []string{"1h30m", "line 601 of dump.ndjson", "--merge"} {
		if !strings.Contains(got, want) {
			t.Errorf("hints %q lack %q", got, want)
		}
	}
}

// TestAnomalies names the kinds of anomalies there were, and says nothing of others.
func TestAnomalies(t *testing.T) {
	for want, found := range map[string]map[string]int64{
		"":                 {"reply": 0, "status": 0},
		"move 2, status 1": {"reply": 0, "status": 1, "move": 2},
	} {
		if got := anomalies(&replay.Summary{Anomalies: found}); got != want {
			t.Errorf("%v: %q, want %q", found, got, want)
		}
	}
}
