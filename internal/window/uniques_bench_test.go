package window

import (
	"runtime"
	"testing"
)

// BenchmarkUniques has a portfolio write to so many contacts a day, to each three
// times within two hours, minute by minute. Memory is what is held at the end,
// by contact of the window.
func BenchmarkUniques(b *testing.B) {
	for _, c := range []struct {
		name     string
		contacts uint64
	}{{"100k", 100_000}, {"1M", 1_000_000}} {
		b.Run(c.name, func(b *testing.B) {
			const width, again, times = 24 * 60, 60, 3
			perMinute := c.contacts / width
			before := heldBytes()
			uniques := NewUniques(width, ExactUniques)
			var l UniqueCounts
			add := func(n uint64) { // minute by minute, its contacts and those of one and two hours before
				minute, k := n/(perMinute*times), n%(perMinute*times)
				key := minute*perMinute + k%perMinute - k/perMinute*again*perMinute
				uniques.Add(&l, 1, key*0x9e3779b97f4a7c15, int64(minute))
				if k == perMinute*times-1 {
					uniques.Advance(&l, int64(minute))
				}
			}
			filled := 2 * again * perMinute * times
			for ; filled < (2*again+width)*perMinute*times; filled++ {
				add(filled)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := range uint64(b.N) {
				add(filled + n)
			}
			b.StopTimer()
			b.ReportMetric(float64(heldBytes()-before)/float64(perMinute*width), "B/contact")
			runtime.KeepAlive(&uniques)
		})
	}
}

// heldBytes returns the heap's size after a collection.
func heldBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
