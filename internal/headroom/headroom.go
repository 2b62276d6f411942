package headroom

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// every is how often the heap is looked at: it reads three counters.
	every = 250 * time.Millisecond
	// least is the room that there is always, in bytes.
	least = 128 << 20
	// share of what is alive, one part in so many, is room at most, if that is more.
	share = 8
	// apart is how far two collections are apart that need no more room than that.
	apart = 20 * time.Second
	// forget is in how long most of a rate is forgotten that there was.
	forget = 20 * time.Second
)

// Percent returns the GOGC with which a heap of which so many bytes are alive, and which allocates so many a second, has
// its headroom, at most most.
func Percent(live uint64, rate float64, most int) int {
	if live == 0 {
		return most
	}
	room := max(least, min(float64(live)/share, rate*apart.Seconds()))
	return min(most, int(math.Ceil(room*100/float64(live)))) // not 0, which would collect all the time
}

// Keeper keeps the collector's target. The zero Keeper is ready.
type Keeper struct {
	samples   [3]metrics.Sample
	most, set int
	allocated uint64
	rate      float64 // bytes a second, of late at most
}

// Look looks at the heap, when so much time has passed since the last look, and sets the target.
func (k *Keeper) Look(passed time.Duration) {
	if k.samples[0].Name == "" {
		k.samples[0].Name, k.samples[1].Name, k.samples[2].Name = "/gc/heap/live:bytes", "/gc/gogc:percent", "/gc/heap/allocs:bytes"
	}
	metrics.Read(k.samples[:])
	live, now, allocated := k.samples[0].Value.Uint64(), int(k.samples[1].Value.Uint64()), k.samples[2].Value.Uint64()
	if passed > 0 && k.allocated > 0 {
		k.rate = max(float64(allocated-k.allocated)/passed.Seconds(), k.rate*(1-min(1, passed.Seconds()/forget.Seconds())))
	}
	k.allocated = allocated
	if now != k.set {
		k.most = now // nobody has set it yet, or somebody else has
	}
	k.set = now
	// To set it stops the world: a little more room than there must be is not worth that.
	if want := Percent(live, k.rate, k.most); want > now || want < now-now/8 {
		debug.SetGCPercent(want)
		k.set = want
	}
}

// Wanted reports whether the environment sets no target, which would hold.
func Wanted() bool { return os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" }

// Follow keeps the collector's target, until ctx ends. Where the environment sets one it returns at once.
func Follow(ctx context.Context) {
	if !Wanted() {
		return
	}
	var k Keeper
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.Look(every)
		}
	}
}
