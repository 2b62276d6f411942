package oracle

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// TestExamples holds the model against logs whose results an independent
// program computed.
func TestExamples(t *testing.T) {
	for _, name := range []string{"tiny", "one", "many", "long", "who", "early"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("..", "engine", "testdata", "examples", name)
			log, err := os.ReadFile(filepath.Join(dir, "events.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			o := runReference(strings.Split(string(log), "\n"))
			for file, rows := range map[string][]Row{
				"number_minutes.ndjson": o.NumberMinutes(), "fingerprint_hours.ndjson": o.FingerprintHours(),
				"number_status.ndjson": o.NumberStatus(), "portfolio_status.ndjson": o.PortfolioStatus(),
				"flags.ndjson": o.Flags, "summary.json": {o.summary()},
			} {
				want := readRows(t, filepath.Join(dir, "expected", file))
				compareRows(t, file, want, rows)
			}
		})
	}
}

func readRows(t *testing.T, path string) []Row {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []Row
	for line := range bytes.Lines(data) {
		var r Row
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, r)
	}
	return all
}

// compareRows compares the columns that the expected rows have.
func compareRows(t *testing.T, file string, want, got []Row) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", file, len(got), len(want))
	}
	shown := 0
	for i := range min(len(want), len(got)) {
		var g Row
		data, err := json.Marshal(got[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatal(err)
		}
		for k, w := range want[i] {
			if k == "key" && w == nil {
				w = ""
			}
			if !same(w, g[k]) && shown < 10 {
				t.Errorf("%s: row %d: %s is %v, want %v in\n got %v\nwant %v", file, i, k, g[k], w, g, want[i])
				shown++
			}
		}
		for k := range g {
			if _, ok := want[i][k]; !ok && shown < 10 && !slices.Contains([]string{"offset", "sequence", "episode"}, k) {
				t.Errorf("%s: row %d: unexpected %s in %v, want %v", file, i, k, g, want[i])
				shown++
			}
		}
	}
}

func same(a, b any) bool {
	x, ok := a.(float64)
	y, both := b.(float64)
	if ok && both {
		return x == y || math.Abs(x-y) <= 1e-12*math.Max(math.Abs(x), math.Abs(y))
	}
	return a == b
}

func (w *reference) summary() Row {
	return Row{
		"rejected": w.classes[event.ClassRejected], "ignored": w.classes[event.ClassIgnored],
		"duplicate": w.classes[event.ClassDuplicate], "applied": w.classes[event.ClassApplied], "late": w.late(),
	}
}
