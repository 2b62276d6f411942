package oracle

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sendwatch/internal/oracle/randlog"
)

var (
	seeds    = flag.Int("seeds", 0, "how many random logs each test compares with the model; 0 for its own number")
	shrinks  = flag.Bool("shrink", true, "make the first log on which they differ small")
	seedFrom = flag.Uint64("seed-from", 1, "the first of their seeds")
)

// shrinkTime is for how long a log is made smaller. One through a broker takes
// a second a try.
const shrinkTime = 3 * time.Minute

// agree runs random logs, as many as given unless the flag says otherwise, each
// as a subtest named after its seed. differ returns the first difference from the
// model, in words, and empty words if there is none. The first log on which they
// differ is made small and printed, with the command that runs it again.
func agree(t *testing.T, ordinary int, differ func(t *testing.T, lines []string, seed uint64) string) {
	t.Helper()
	if *seeds > 0 {
		ordinary = *seeds
	}
	var shown atomic.Bool
	for i := range ordinary {
		seed := *seedFrom + uint64(i)
		t.Run(fmt.Sprint("seed_", seed), func(t *testing.T) {
			t.Parallel()
			lines := randlog.Log(seed)
			first := differ(t, lines, seed)
			if first == "" {
				return
			}
			name, _, _ := strings.Cut(t.Name(), "/")
			t.Errorf("seed %d (%d lines) differs: %s\nrun it again with: go test ./internal/oracle -run '^%s$' -seeds 1 -seed-from %d",
				seed, len(lines), first, name, seed)
			if !*shrinks || shown.Swap(true) {
				return
			}
			kind, _, _ := strings.Cut(first, " ")
			last, started := first, time.Now()
			small := shrink(lines, func(lines []string) bool {
				if time.Since(started) > shrinkTime {
					return false
				}
				d := differ(t, lines, seed)
				if !strings.HasPrefix(d, kind) {
					return false
				}
				last = d
				return true
			})
			t.Errorf("made small (%d lines): %s\n%s", len(small), last, strings.Join(small, "\n"))
		})
	}
}

// TestEngineAgrees compares the engine with the model, fact by fact, row by row
// and flag by flag, on random logs. Its own logs bring every factor to every level
// that it has, and reach every rule that wanted names.
func TestEngineAgrees(t *testing.T) {
	const own = 200
	var logs atomic.Int64
	reached := &coverage{}
	if *seeds != 0 { // what other logs reach, nobody asks
		reached = nil
	}
	t.Cleanup(func() {
		if reached == nil || logs.Load() < own { // other logs, or some of its own
			return
		}
		for _, what := range reached.missing(wanted()) {
			t.Errorf("no log reaches %q: make some that do", what)
		}
	})
	agree(t, own, func(_ *testing.T, lines []string, seed uint64) string {
		logs.Add(1)
		w, first := holdEngine(lines, seed, reached)
		for _, flag := range w.Flags {
			if reached == nil {
				break
			}
			reached.note("flag ", flag["factor"], " ", flag["level"])
			if flag["eta"] != nil {
				reached.note("eta")
			}
		}
		return first
	})
}

// TestEngineAgreesOnExamples does the same on the worked examples.
func TestEngineAgreesOnExamples(t *testing.T) {
	for _, name := range []string{"tiny", "one", "many", "long", "who", "early"} {
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
