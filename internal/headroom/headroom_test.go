package headroom

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		rate float64
		most int
		want int
	}{
		{0, busy, 100, 100},
		{10 << 20, busy, 100, 100},
		{128 << 20, busy, 100, 100},
		{256 << 20, busy, 100, 50},
		{512 << 20, busy, 100, 25},
		{512 << 20, busy, 20, 20}, // who wants less gets less
		{1 << 30, busy, 100, 13},
		{2 << 30, busy, 100, 13},
		{64 << 30, busy, 100, 13},
		{1 << 30, 0, 100, 13},        // 128 MiB, however little is allocated
		{8 << 30, 0, 100, 2},         //
		{8 << 30, 3 << 20, 100, 2},   // 60 MiB in 20 s
		{8 << 30, 20 << 20, 100, 5},  // 400 MiB
		{8 << 30, 40 << 20, 100, 10}, // 800 MiB
		{64 << 30, 0, 100, 1},        // and never 0
	} {
		if got := Percent(c.live, c.rate, c.most); got != c.want {
			t.Errorf("%d bytes alive, %.0f a second, at most %d %%: %d, want %d", c.live, c.rate, c.most, got, c.want)
		}
	}
}

// busy is more than any process allocates.
const busy = 64 << 30

// TestKeeperFollowsTheRate has two gibibytes alive, of which a process that allocates much may have an eighth for
// garbage, and one that does not half of that.
func TestKeeperFollowsTheRate(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	state := make([]byte, 2<<30)
	defer runtime.KeepAlive(state)
	runtime.GC()
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	var k Keeper
	allocate := func(bytes int, passed time.Duration) {
		for range bytes >> 20 {
			garbage = make([]byte, 1<<20)
		}
		k.Look(passed)
	}
	allocate(0, time.Second)
	allocate(64<<20, time.Second)
	if p := percent(); p != 13 {
		t.Errorf("with 64 MiB a second the target is %d %%", p)
	}
	for range 10 {
		allocate(1<<20, 4*time.Second)
	}
	if p := percent(); p != 7 {
		t.Errorf("40 s after that it is %d %%", p)
	}
	allocate(256<<20, 4*time.Second)
	if p := percent(); p != 13 {
		t.Errorf("and with 64 MiB a second once more %d %%", p)
	}
}

// garbage keeps what is allocated out of the stack.
var garbage []byte

// TestFollow lets half a gibibyte live, which must lower the target, and die, which must bring it back.
func TestFollow(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); Follow(ctx) }()
	until := func(what string, good func(percent uint64) bool) {
		t.Helper()
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		tick, end := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
		defer tick.Stop()
		for metrics.Read(sample); !good(sample[0].Value.Uint64()); metrics.Read(sample) {
			select {
			case <-tick.C:
			case <-end:
				t.Fatalf("%s: the target is %d %%", what, sample[0].Value.Uint64())
			}
		}
	}
	state := make([]byte, 768<<20)
	runtime.GC()
	until("with much alive", func(p uint64) bool { return p < 50 })
	runtime.KeepAlive(state) // and no longer
	runtime.GC()
	until("with nothing alive", func(p uint64) bool { return p == 100 })
	cancel()
	<-done
}
