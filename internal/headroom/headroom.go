package headroom

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// every is how often the heap is looked at: it reads two counters.
	every = 250 * time.Millisecond
	// least is the room that there is always, in bytes.
	least = 128 << 20
	// share of what is alive, one part in so many, is room at least.
	share = 8
)

// Percent returns the GOGC with which a heap of which so many bytes are alive has its headroom, at most most.
func Percent(live uint64, most int) int {
	if live == 0 {
		return most
	}
	return min(most, int(max(least, live/share)*100/live))
}

// Follow keeps the collector's target, until ctx ends. Where the environment sets one it returns at once.
func Follow(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	most, set := 0, 0
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(samples)
		now := int(samples[1].Value.Uint64())
		if now != set {
			most = now // nobody has set it yet, or somebody else has
		}
		if want := Percent(samples[0].Value.Uint64(), most); want != now {
			debug.SetGCPercent(want)
			set = want
		} else {
			set = now
		}
	}
}
