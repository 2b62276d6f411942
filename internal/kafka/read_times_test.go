package kafka

import (
	"testing"

	"sendwatch/internal/event"
)

// TestACommitKnowsItsTime commits in the middle and at the end of what was fetched.
func TestACommitKnowsItsTime(t *testing.T) {
	var times readTimes
	times.note(&event.Batch{Next: 5, Records: []event.Record{{Timestamp: 100}, {Timestamp: 200}}})
	times.note(&event.Batch{Next: 5})
	times.note(&event.Batch{Next: 9, Records: []event.Record{{Timestamp: 300}}})
	for _, c := range []struct{ offset, want int64 }{{4, 0}, {5, 200}, {8, 200}, {9, 300}, {20, 300}} {
		if got := times.before(c.offset); got != c.want {
			t.Errorf("before %d the newest record is of %d, want %d", c.offset, got, c.want)
		}
	}
	for text, want := range map[string]int64{"": 0, "1772442000000": 1772442000000, "-4": 0, "by another tool": 0} {
		if got := timeOf(text); got != want {
			t.Errorf("metadata %q is the time %d, want %d", text, got, want)
		}
	}
	if timeText(0) != "" || timeOf(timeText(7)) != 7 {
		t.Error("a time is not written as it is read")
	}
}
