package oracle

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/oracle/randlog"
)

var (
	seeds    = flag.Int("seeds", 200, "how many random logs to compare the engine and the model on")
	shrinks  = flag.Bool("shrink", true, "make a log on which they differ small")
	seedFrom = flag.Uint64("seed-from", 1, "the first of their seeds")
)

// TestEngineAgrees compares the engine with the model, fact by fact, row by row
// and flag by flag, on random logs. A log on which they differ is made small and
// printed; run it again with -seed-from SEED -seeds 1.
func TestEngineAgrees(t *testing.T) {
	failed := 0
	for i := range *seeds {
		seed := *seedFrom + uint64(i)
		lines := randlog.Log(seed)
		first := differ(lines, seed)
		if first == "" {
			continue
		}
		if failed++; failed > 1 || !*shrinks {
			t.Errorf("seed %d (%d lines) differs: %s", seed, len(lines), first)
			continue
		}
		kind, _, _ := strings.Cut(first, " ")
		small := shrink(lines, func(lines []string) bool { return strings.HasPrefix(differ(lines, seed), kind) })
		t.Errorf("seed %d (%d lines) differs: %s\n\nmade small (%d lines): %s\n%s",
			seed, len(lines), first, len(small), differ(small, seed), strings.Join(small, "\n"))
	}
}

// TestEngineAgreesOnExamples does the same on the worked examples.
func TestEngineAgreesOnExamples(t *testing.T) {
	for _, name := range []string{"tiny", "one", "many", "long"} {
		log, err := os.ReadFile(filepath.Join("..", "engine", "testdata", "examples", name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(strings.Split(string(log), "\n"), 0); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// shrink leaves out lines for as long as the rest still fails (Zeller and
// Hildebrandt, delta debugging, 2002).
func shrink(lines []string, fails func([]string) bool) []string {
	for size := len(lines) / 2; size > 0; {
		smaller := false
		for start := 0; start < len(lines); {
			rest := append(append([]string{}, lines[:start]...), lines[min(len(lines), start+size):]...)
			if fails(rest) {
				lines, smaller = rest, true
			} else {
				start += size
			}
		}
		if !smaller || size > 1 {
			size /= 2
		}
	}
	return lines
}

// TestShrink makes sure that what fails is kept and what does not matter goes.
func TestShrink(t *testing.T) {
	lines := strings.Split(strings.Repeat("x", 50)+"a"+strings.Repeat("x", 30)+"b", "")
	got := shrink(lines, func(l []string) bool {
		s := strings.Join(l, "")
		return strings.Contains(s, "a") && strings.HasSuffix(s, "b")
	})
	if strings.Join(got, "") != "ab" {
		t.Fatalf("got %q, want the two lines that matter", got)
	}
}
