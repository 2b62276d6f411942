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
		most int
		want int
	}{
		{0, 100, 100},
		{10 << 20, 100, 100},
		{128 << 20, 100, 100},
		{256 << 20, 100, 50},
		{512 << 20, 100, 25},
		{512 << 20, 20, 20}, // who wants less gets less
		{1 << 30, 100, 12},
		{2 << 30, 100, 12},
		{64 << 30, 100, 12},
	} {
		if got := Percent(c.live, c.most); got != c.want {
			t.Errorf("%d bytes alive, at most %d %%: %d, want %d", c.live, c.most, got, c.want)
		}
	}
}

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
