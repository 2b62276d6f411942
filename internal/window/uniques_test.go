package window

import (
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// uniqueSeen is one key in one bucket.
type uniqueSeen struct {
	key uint64
	at  int64
}

// uniqueModel remembers of every key the newest bucket, and forgets nothing but
// what has left the window.
type uniqueModel map[uint64]int64

func (m uniqueModel) add(v uniqueSeen) {
	if at, ok := m[v.key]; !ok || at < v.at {
		m[v.key] = v.at
	}
}

func (m uniqueModel) advance(from int64) {
	maps.DeleteFunc(m, func(_ uint64, at int64) bool { return at < from })
}

// TestUniquesAgainstMap adds keys of two owners in any order of time and moves
// the clock. Up to the limit, count and next change are those of a map.
func TestUniquesAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const width = 20
		uniques := NewUniques(width, 60)
		var logs [2]UniqueCounts
		models := [2]uniqueModel{{}, {}}
		now := [2]int64{100, 100}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 1).Draw(t, "owner")
			if rapid.Bool().Draw(t, "advance") {
				now[k] += rapid.Int64Range(0, 12).Draw(t, "by")
			} else {
				v := uniqueSeen{rapid.Uint64Range(0, 59).Draw(t, "key"), now[k] - rapid.Int64Range(0, 30).Draw(t, "back")}
				models[k].add(v)
				uniques.Add(&logs[k], uint32(k), v.key, v.at)
			}
			uniques.Advance(&logs[k], now[k])
			models[k].advance(now[k] - width + 1)
			next := int64(Never)
			for _, at := range models[k] {
				next = min(next, at+width)
			}
			if got := uniques.Count(&logs[k]); got != int64(len(models[k])) || uniques.Next(&logs[k]) != next {
				t.Fatalf("%d keys, next change at %d, want %d and %d", got, uniques.Next(&logs[k]), len(models[k]), next)
			}
		}
		if want := len(models[0]) + len(models[1]); uniques.keys.Len() != want {
			t.Fatalf("%d keys are kept, want %d", uniques.keys.Len(), want)
		}
	})
}

// TestUniquesSample passes the limit again and again, with keys in two orders
// into two pools. Both keep the same, after each Advance: of the keys of the
// window those that pass the level of their newest bucket, which is never higher
// than that of an older one. A second Advance changes nothing.
func TestUniquesSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const width, exact = 15, 32
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		pools := [2]Uniques{NewUniques(width, exact), NewUniques(width, exact)}
		var logs [2]UniqueCounts
		model := uniqueModel{}
		now := int64(100)
		sampled := false
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Int64Range(0, 3).Draw(t, "by")
			batch := make([]uniqueSeen, rapid.IntRange(0, 200).Draw(t, "batch"))
			for i := range batch {
				batch[i] = uniqueSeen{random.Uint64N(3000), now - min(random.Int64N(3), random.Int64N(20))*random.Int64N(12)}
				model.add(batch[i])
			}
			model.advance(now - width + 1)
			for k := range pools {
				for _, v := range batch {
					pools[k].Add(&logs[k], 7, v.key, v.at)
				}
				pools[k].Advance(&logs[k], now)
				random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
			}
			checkSample(t, &pools[0], &logs[0], model, now)
			checkSample(t, &pools[1], &logs[1], model, now)
			sampled = sampled || logs[0].cuts.n > 0
			count, kept := pools[0].Count(&logs[0]), pools[0].keys.Len()
			if pools[1].Count(&logs[1]) != count {
				t.Fatalf("counts %d and %d after other orders", count, pools[1].Count(&logs[1]))
			}
			pools[0].Advance(&logs[0], now)
			if pools[0].Count(&logs[0]) != count || pools[0].keys.Len() != kept {
				t.Fatalf("a second Advance makes %d of %d", pools[0].Count(&logs[0]), count)
			}
		}
		if !sampled && len(model) > exact {
			t.Fatalf("%d keys and none was dropped", len(model))
		}
	})
}

// checkSample compares what is kept with the model, and the count with it.
func checkSample(t *rapid.T, s *Uniques, l *UniqueCounts, model uniqueModel, now int64) {
	t.Helper()
	want, count := 0, int64(0)
	next := int64(Never)
	for key, at := range model {
		level := s.level(l, at)
		_, kept := s.table.Get(Key{key, 7})
		if kept != passes(key, level) {
			t.Fatalf("key %d of bucket %d at level %d: kept is %v", key, at, level, kept)
		}
		if kept {
			want++
			count += 1 << level
			next = min(next, at+s.width)
		}
	}
	if s.keys.Len() != want || int(l.kept) != want || s.Count(l) != count || s.Next(l) != next {
		t.Fatalf("%d and %d keys, count %d, next %d, want %d, %d, %d", s.keys.Len(), l.kept, s.Count(l), s.Next(l), want, count, next)
	}
	for at := now - s.width + 2; at <= now; at++ {
		if s.level(l, at) > s.level(l, at-1) {
			t.Fatalf("bucket %d has level %d, that before it %d", at, s.level(l, at), s.level(l, at-1))
		}
	}
}

// uniqueLoad is a window full of contacts: a steady flow of new ones, of which
// each bucket repeats some that the last ones brought, so that the true number
// is known without counting.
type uniqueLoad struct {
	width     int64
	perBucket []uint64 // new keys of each bucket
	repeats   uint64   // keys from before that each bucket repeats
}

// play runs a load through the window and, every so many buckets where a sample
// decides, reports the estimate beside the truth and how many keys are kept.
func (u uniqueLoad) play(seed uint64, every int, report func(got, want float64, kept int)) {
	uniques := NewUniques(u.width, ExactUniques)
	var l UniqueCounts
	// Keys are numbers in a row from a start by seed: bucket b brings those up
	// to ends[b] and repeats the last ones before.
	first := rand.New(rand.NewPCG(seed, 1)).Uint64()
	ends := []uint64{0}
	for b, n := range u.perBucket {
		begin := ends[b]
		end := begin + n
		ends = append(ends, end)
		for k := begin - min(begin, u.repeats); k < end; k++ {
			uniques.Add(&l, 1, first+k, int64(b))
		}
		uniques.Advance(&l, int64(b))
		if (b+1)%every == 0 && l.cuts.n > 0 {
			out := ends[max(0, b+1-int(u.width))]
			report(float64(uniques.Count(&l)), float64(end-out+min(out, u.repeats)), uniques.keys.Len())
		}
	}
}

// flow returns the new keys of each bucket for a number of windows, each with its
// total.
func flow(width int64, totals ...uint64) []uint64 {
	var list []uint64
	for _, total := range totals {
		for b := range uint64(width) {
			w := uint64(width)
			list = append(list, total*(b+1)/w-total*b/w)
		}
	}
	return list
}

// TestUniquesError holds the promise on portfolios beyond the exact number: at
// least 95 of 100 estimates are within 1 % of the truth, also while a busy day
// leaves the window and a quiet one remains, and when all comes in one bucket.
func TestUniquesError(t *testing.T) {
	const width = 96
	burst := func(total, after uint64) []uint64 {
		list := flow(width, after, after)
		list[width/3] += total
		return list
	}
	quarter := func(total uint64) []uint64 { return flow(width, total, total)[:width*5/4] }
	loads := []struct {
		name  string
		seeds uint64
		load  uniqueLoad
	}{
		{"150 thousand", 42, uniqueLoad{width, quarter(150_000), 500}},
		{"300 thousand", 24, uniqueLoad{width, quarter(300_000), 1_000}},
		{"a million", 3, uniqueLoad{width, quarter(1_000_000), 3_000}},
		{"400 thousand, then 30 thousand", 16, uniqueLoad{width, flow(width, 400_000, 30_000), 500}},
		{"300 thousand in a bucket", 16, uniqueLoad{width, burst(300_000, 20_000), 100}},
		{"half a million by minute, then 20 thousand", 4, uniqueLoad{24 * 60, flow(24*60, 500_000, 20_000), 30}},
	}
	for _, c := range loads {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seeds := c.seeds
			if testing.Short() {
				seeds = max(4, seeds/5)
			}
			far, all, squares, largest := 0, 0, 0.0, 0
			for seed := range seeds {
				c.load.play(seed, int(c.load.width)/12, func(got, want float64, kept int) {
					off := got/want - 1
					all++
					squares += off * off
					largest = max(largest, kept)
					if math.Abs(off) > 0.01 {
						far++
					}
				})
			}
			t.Logf("%d estimates, %d beyond 1 %%, standard error %.3f %%, at most %d keys kept", all, far, 100*math.Sqrt(squares/float64(all)), largest)
			if far*20 > all || all == 0 {
				t.Errorf("%d of %d estimates are more than 1 %% off, want at most one in twenty", far, all)
			}
		})
	}
}

// TestUniquesMemory has twice as many keys every time: what is kept grows by a
// share at a time, not with the keys.
func TestUniquesMemory(t *testing.T) {
	const width, exact = 100, 1 << 12
	random := rand.New(rand.NewPCG(1, 2))
	for doublings := range 8 {
		keys := uint64(exact) << doublings
		uniques := NewUniques(width, exact)
		var l UniqueCounts
		for b, n := range flow(width, keys, keys) {
			for range n {
				uniques.Add(&l, 1, random.Uint64(), int64(b))
			}
			uniques.Advance(&l, int64(b))
			most := max(exact, int(1.1*float64(uniques.share)*(1+math.Log2(1+float64(keys)/float64(uniques.share)))))
			if kept := uniques.keys.Len(); kept > most {
				t.Fatalf("%d of %d keys are kept, want at most %d", kept, keys, most)
			}
		}
	}
}

// TestUniquesLimit counts one by one as many keys as it is told to, however they
// come, and of one more keeps a sample.
func TestUniquesLimit(t *testing.T) {
	const width, exact = 10, 1000
	for _, buckets := range []int64{1, 7} {
		uniques := NewUniques(width, exact)
		var l UniqueCounts
		for key := range uint64(exact) {
			uniques.Add(&l, 1, key, int64(key)%buckets)
		}
		uniques.Advance(&l, buckets-1)
		if got := uniques.Count(&l); got != exact || l.kept != exact {
			t.Errorf("in %d buckets: the count is %d with %d kept, want %d", buckets, got, l.kept, exact)
		}
		uniques.Add(&l, 1, exact, buckets-1)
		uniques.Advance(&l, buckets-1)
		if l.kept >= exact {
			t.Errorf("in %d buckets: %d of %d keys are kept", buckets, l.kept, exact+1)
		}
	}
}

// TestUniquesExactAgain has a day above the limit and two below: once the day
// has left the window that still needed a sample, the count is exact, and when
// all have left nothing remains.
func TestUniquesExactAgain(t *testing.T) {
	const width, exact = 50, 1000
	uniques := NewUniques(width, exact)
	var l UniqueCounts
	key := uint64(0)
	for b, n := range flow(width, 20*exact, exact/2, exact/2, 0) {
		for range n {
			key++
			uniques.Add(&l, 1, key, int64(b))
		}
		uniques.Advance(&l, int64(b))
		if b == width-1 && l.cuts.n == 0 {
			t.Fatal("nothing was dropped above the limit")
		}
		if b == 3*width-1 && (uniques.Count(&l) != exact/2 || uniques.keys.Len() != exact/2) {
			t.Fatalf("the count is %d with %d kept, want %d", uniques.Count(&l), uniques.keys.Len(), exact/2)
		}
	}
	if uniques.keys.Len() != 0 || uniques.table.Len() != 0 || l.runs != (Ring{}) || l.cuts != (Ring{}) {
		t.Errorf("%d keys are left, %d runs, %d cuts", uniques.keys.Len(), l.runs.n, l.cuts.n)
	}
}

// TestUniquesSampleOfNumbersInARow takes keys that differ in few bits: each level
// keeps about half of the one below.
func TestUniquesSampleOfNumbersInARow(t *testing.T) {
	for _, step := range []uint64{1, 2, 1 << 20, 1 << 40} {
		t.Run(strconv.FormatUint(step, 10), func(t *testing.T) {
			counts := make([]int, 8)
			for k := range uint64(1 << 16) {
				for level := range counts {
					if passes(k*step, uint8(level)) {
						counts[level]++
					}
				}
			}
			for level, n := range counts {
				want := float64(int(1<<16) >> level)
				if math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
					t.Errorf("level %d keeps %d of %d, want about %g", level, n, 1<<16, want)
				}
			}
		})
	}
}
