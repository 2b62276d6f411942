package sim

import (
	"flag"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds    = flag.Int("seeds", 0, "how many schedules; 0 for the ordinary number")
	seedFrom = flag.Uint64("seed-from", 1, "the seed of the first")
	trace    = flag.Bool("trace", false, "print what the processes of a schedule log")
	first    = flag.Bool("first", false, "play no more schedules once one has failed")
)

// ordinary is how many schedules the ordinary tests run.
const ordinary = 5_000

// mostMemory bounds what the heap grows to, in bytes.
const mostMemory = 1 << 30

// TestMain lets the collector run seldom: schedules are short, and what they leave is garbage. Some of it has
// finalizers and keeps a whole schedule for one more turn of the collector, which takes that for alive and lets the heap
// grow by it: without a bound 50,000 schedules came to 17 GiB.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(mostMemory)
	os.Exit(m.Run())
}

// TestSimulation plays schedules by seed: anything goes wrong at any time, then nothing
// does, and all must be ready, read to the end, and as if nothing had happened.
func TestSimulation(t *testing.T) {
	n := ordinary
	if *seeds > 0 {
		n = *seeds
	}
	var longest, failed atomic.Int64
	a := newAnswers()
	t.Run("seeds", func(t *testing.T) {
		for i := range n {
			seed := *seedFrom + uint64(i)
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				t.Parallel()
				if *first && failed.Load() > 0 {
					t.Skip("another schedule has failed")
				}
				defer func() {
					if t.Failed() {
						failed.Add(1)
					}
				}()
				took := play(t, newPlan(seed, a), "TestSimulation")
				for was := longest.Load(); int64(took) > was && !longest.CompareAndSwap(was, int64(took)); was = longest.Load() {
				}
			})
		}
	})
	if n >= 1000 && a.cuts.Load() < int64(n)/10 {
		t.Errorf("retention deleted something %d times in %d schedules", a.cuts.Load(), n)
	}
	t.Logf("%d schedules from seed %d, in which retention deleted something %d times; ready and read to the end at most %v after the last fault", n, *seedFrom, a.cuts.Load(), time.Duration(longest.Load()))
}

// play plays a plan and returns how long it took to recover, in virtual time.
func play(t *testing.T, p *plan, test string) (took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		defer w.close()
		w.run()
		w.heal()
		w.converge()
		w.judge()
		took = w.took
		if w.problem != "" {
			t.Errorf("%s\n%s\nwhat happened:\n%s\nrun it again with: go test ./internal/sim -run '^%s$' -seeds 1 -seed-from %d",
				w.problem, p, w.story(), test, p.seed)
		}
	})
	return took
}

// elapse lets virtual time pass.
func elapse(d time.Duration) { time.Sleep(d) }
