package window

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// countedNumber is a number that BenchmarkCounts counts events of.
type countedNumber struct {
	log  SlidingCounts
	sums [3]uint64 // of a day, an hour and a minute
}

// BenchmarkCounts counts events of so many numbers exactly by second, in the last day, hour and minute, all of
// them asked for at each event, as Engine.Foresee and Engine.Apply do it: the ends of the logs are touched for 16
// events at a time, then each log is moved to the event's time and the event added. A number has an event a
// minute on average, at random, so that a log holds 1,440; late has one event in a hundred up to an hour late.
// cpu-ns/op is time of the processor.
func BenchmarkCounts(b *testing.B) {
	const day, gap = 86_400, 60 // s
	type counted struct {
		number *countedNumber
		at     int64
	}
	for _, n := range []int{1_000, 20_000} {
		pool := NewSlidingPool[uint64](Window{day, 1}, Window{3600, 1}, Window{60, 1})
		numbers := make([]countedNumber, n)
		random := rand.New(rand.NewPCG(1, 1))
		events := int64(0)
		now := func() int64 { return benchStart/1000 + events*gap/int64(n) }
		total := uint64(0)
		count := func(batch []counted, late bool) {
			for i := range batch {
				e := &batch[i]
				e.number, e.at = &numbers[random.IntN(n)], now()
				if late && random.IntN(100) == 0 {
					e.at -= random.Int64N(3600)
				}
				events++
			}
			for i := range batch {
				total += batch[i].number.sums[0] + uint64(batch[i].number.log.cursor[0])
			}
			for i := range batch {
				total += pool.Touch(&batch[i].number.log, true)
			}
			for i := range batch {
				e := &batch[i]
				pool.Advance(&e.number.log, e.number.sums[:], now())
				pool.Add(&e.number.log, e.number.sums[:], 1, e.at, now(), 1)
				total += e.number.sums[0] + e.number.sums[1] + e.number.sums[2]
			}
		}
		var batch [benchBatch]counted
		for range n * day / gap / benchBatch {
			count(batch[:], false)
		}
		for _, order := range []string{"in order", "late"} {
			b.Run(fmt.Sprintf("%d/%s", n, order), func(b *testing.B) {
				b.ReportAllocs()
				cpu := benchProcessor(b)
				for left := b.N; left > 0; {
					some := min(left, benchBatch)
					count(batch[:some], order == "late")
					left -= some
				}
				b.ReportMetric(float64(benchProcessor(b)-cpu)/float64(b.N), "cpu-ns/op")
			})
		}
		if total == 0 {
			b.Fatal("nothing was counted")
		}
	}
}
