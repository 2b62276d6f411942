package window

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// happened is one event of the naive model: a slice of everything.
type happened struct {
	at   int64
	cols Columns
	n    uint64
}

// TestSlidingCountsAgainstSlice moves a clock and adds events in any order, and compares
// each window's totals and the next change with a count over a slice.
func TestSlidingCountsAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const cols = 3
		windows := []Window{{40, cols}, {12, 1}, {3, 2}} // the shorter ones keep totals of the first columns alone
		logs := NewSlidingPool[uint64](windows...)
		var l [2]SlidingCounts
		var sums [2][6]uint64
		var all [2][]happened
		now := [2]int64{100, 100}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 1).Draw(t, "number")
			if rapid.Bool().Draw(t, "advance") {
				now[k] += rapid.Int64Range(0, 15).Draw(t, "by")
				if rapid.IntRange(0, 9).Draw(t, "long") == 0 { // by more than a bucket in an entry has bits
					now[k] += rapid.Int64Range(1, 3).Draw(t, "times") << 6
				}
				logs.Advance(&l[k], sums[k][:], now[k])
			} else {
				h := happened{
					at:   now[k] - rapid.Int64Range(0, 60).Draw(t, "back"),
					cols: Columns(rapid.Uint32Range(1, 1<<cols-1).Draw(t, "columns")),
					n:    rapid.Uint64Range(1, 3).Draw(t, "n"),
				}
				all[k] = append(all[k], h)
				before := logs.Next(&l[k])
				logs.Add(&l[k], sums[k][:], h.cols, h.at, now[k], h.n)
				if got := min(before, logs.Leaves(h.at, now[k])); got != logs.Next(&l[k]) {
					t.Fatalf("next change at %d, by what was added at %d", logs.Next(&l[k]), got)
				}
			}
			var want [6]uint64
			next := int64(Never)
			for _, h := range all[k] {
				from := 0
				for _, w := range windows {
					if now[k]-w.Width < h.at && h.at <= now[k] {
						for col := range w.Columns {
							if h.cols>>col&1 != 0 {
								want[from+col] += h.n
							}
						}
						next = min(next, h.at+w.Width)
					}
					from += w.Columns
				}
			}
			if sums[k] != want {
				t.Fatalf("totals %v, want %v", sums[k], want)
			}
			if got := logs.Next(&l[k]); got != next {
				t.Fatalf("next change at %d, want %d", got, next)
			}
		}
	})
}

// TestMoreSetsOfColumnsThanNamed counts in more sets of columns than entries can name.
func TestMoreSetsOfColumnsThanNamed(t *testing.T) {
	logs := NewSlidingPool[uint32](Window{3600, 20}, Window{60, 20})
	var l SlidingCounts
	sums, want := make(Sums[uint32], 40), make(Sums[uint32], 40)
	for i := range 5000 {
		cols := Columns(i*7919%(1<<20-1) + 1)
		at := int64(1000 + i/10 - i%3)
		logs.Add(&l, sums, cols, at, int64(1000+i/10), uint64(i%5+1))
		for col := range 20 {
			if cols>>col&1 != 0 {
				want[col] += uint32(i%5 + 1)
			}
		}
	}
	if len(logs.sets.sets) != mostSets || !slices.Equal(sums[:20], want[:20]) {
		t.Fatalf("%d sets, sums %v, want %v", len(logs.sets.sets), sums[:20], want[:20])
	}
	logs.Advance(&l, sums, 1499+3600)
	if !slices.Equal(sums, make(Sums[uint32], 40)) || l.Len() != 0 {
		t.Errorf("%d entries and %v are left behind the window", l.Len(), sums)
	}
}

// TestKeyedAgainstSlice does the same for counts by key and their maximum.
func TestKeyedAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const width = 20
		keyed := NewKeyed(width)
		var l [2]KeyedCounts
		type sent struct {
			at  int64
			key uint64
		}
		var all [2][]sent
		now := [2]int64{100, 100}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 1).Draw(t, "number")
			before := l[k].Keys()
			if rapid.Bool().Draw(t, "advance") {
				now[k] += rapid.Int64Range(0, 12).Draw(t, "by")
				left := keyed.Advance(&l[k], now[k])
				if left != (l[k].Keys() < before) {
					t.Fatalf("left is %v, keys went from %d to %d", left, before, l[k].Keys())
				}
			} else {
				s := sent{now[k] - rapid.Int64Range(0, 30).Draw(t, "back"), rapid.Uint64Range(0, 4).Draw(t, "key")}
				all[k] = append(all[k], s)
				if _, got := keyed.Add(&l[k], uint32(k), s.key, s.at, now[k]); got != (s.at > now[k]-width) {
					t.Fatalf("an event at %d, now %d: counted is %v", s.at, now[k], got)
				}
			}
			counts, recent := map[uint64]uint32{}, map[uint64]uint32{}
			next := int64(Never)
			var top uint32
			for _, s := range all[k] {
				if now[k]-width < s.at {
					counts[s.key]++
					top = max(top, counts[s.key])
					next = min(next, s.at+width)
				}
				if now[k]-5 < s.at {
					recent[s.key]++
				}
			}
			if l[k].Top() != top || l[k].Keys() != len(counts) || keyed.Next(&l[k]) != next {
				t.Fatalf("top %d keys %d next %d, want %d %d %d", l[k].Top(), l[k].Keys(), keyed.Next(&l[k]), top, len(counts), next)
			}
			for key := range uint64(5) {
				if got := keyed.Count(uint32(k), key); got != counts[key] {
					t.Fatalf("key %d is %d, want %d", key, got, counts[key])
				}
			}
			got := keyed.Since(&l[k], now[k]-5, nil)
			if len(got) != len(recent) {
				t.Fatalf("%d recent keys, want %d", len(got), len(recent))
			}
			for _, c := range got {
				if recent[c.Key] != c.Count {
					t.Fatalf("recent key %d is %d, want %d", c.Key, c.Count, recent[c.Key])
				}
			}
			checkLargest(t, &keyed, &l[k], counts)
			checkTopSince(t, &keyed, &l[k], now[k]-5, counts, recent)
		}
	})
}

// checkLargest compares the largest counts of a window with those of all, sorted.
func checkLargest(t *rapid.T, keyed *Keyed, l *KeyedCounts, counts map[uint64]uint32) {
	var want []KeyCount
	for key, n := range counts {
		want = append(want, KeyCount{key, n})
	}
	slices.SortFunc(want, func(a, b KeyCount) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key)) })
	want = want[:min(len(want), 3)]
	var room [3]KeyCount
	if got := room[:keyed.Largest(l, room[:])]; !slices.Equal(got, want) {
		t.Fatalf("the largest are %v, want %v", got, want)
	}
}

// checkTopSince compares the recent count of the largest keys with that of a look at each.
func checkTopSince(t *rapid.T, keyed *Keyed, l *KeyedCounts, after int64, counts, recent map[uint64]uint32) {
	var want uint32
	for key, n := range counts {
		if n == l.Top() {
			want = max(want, recent[key])
		}
	}
	if got := keyed.TopSince(l, after); got != want {
		t.Fatalf("the largest keys have %d recent events at most, want %d", got, want)
	}
}

// A bucket whose count outgrows an entry goes on in another one: nothing spills
// into the columns above it.
func TestLogsHugeCounts(t *testing.T) {
	const huge = 1<<53 - 1
	logs := NewSlidingPool[uint64](Window{10, 2}, Window{5, 2})
	sums := make(Sums[uint64], 4)
	var l SlidingCounts
	for range 20 {
		logs.Add(&l, sums, 1<<1, 100, 100, huge)
	}
	if sums[0] != 0 || sums[1] != 20*huge || sums[3] != 20*huge {
		t.Fatalf("sums are %v, want %d in both windows of column 1", sums, uint64(20*huge))
	}
	logs.Advance(&l, sums, 105)
	if sums[1] != 20*huge || sums[3] != 0 {
		t.Errorf("sums are %v after the short window, want only the long one's", sums)
	}
	logs.Advance(&l, sums, 110)
	if sums[0]|sums[1]|sums[2]|sums[3] != 0 {
		t.Errorf("sums are %v after both windows, want none", sums)
	}
}

// TestKeyedManyKeysOfOneBucket counts as many keys in one bucket as the links of
// a few messages may be, each three times and with a late event in between. Were
// each looked for among all, that would be 10^11 steps.
func TestKeyedManyKeysOfOneBucket(t *testing.T) {
	const keys = 300_000
	keyed := NewKeyed(20)
	var l KeyedCounts
	for range 2 {
		for key := range uint64(keys) {
			keyed.Add(&l, 0, key, 100, 100)
		}
	}
	keyed.Add(&l, 0, 7, 99, 100)
	for key := range uint64(keys) {
		keyed.Add(&l, 0, key, 100, 100)
	}
	if l.Keys() != keys || l.Top() != 4 || keyed.Count(0, 7) != 4 || keyed.Count(0, 8) != 3 {
		t.Errorf("%d keys, top %d, counts %d and %d, want %d, 4, 4 and 3", l.Keys(), l.Top(), keyed.Count(0, 7), keyed.Count(0, 8), keys)
	}
	if !keyed.Advance(&l, 120) || l.Keys() != 0 || l.Top() != 0 || keyed.Len() != 0 {
		t.Errorf("%d keys and top %d are left after the window", l.Keys(), l.Top())
	}
}

// TestKeysKeepNoMaximum sends one template a hundred thousand times: where nobody
// asks for the largest count, memory does not grow with it.
func TestKeysKeepNoMaximum(t *testing.T) {
	keys := NewKeyed(20, WithoutTop)
	var l KeyedCounts
	for range 100_000 {
		keys.Add(&l, 0, 7, 100, 100)
	}
	if n := keys.maxima.pool.Len() + l.Len(); keys.Count(0, 7) != 100_000 || n != 100_000/mostOfKey+1 {
		t.Errorf("the count is %d in %d places, want 100000 in %d", keys.Count(0, 7), n, 100_000/mostOfKey+1)
	}
	if !keys.Advance(&l, 120) || keys.Len() != 0 {
		t.Errorf("%d keys are left after the window", keys.Len())
	}
}

// TestKeysOfMoreThanAnEntry counts more of two keys in one bucket than one entry has room for, in turns and late ones among them.
func TestKeysOfMoreThanAnEntry(t *testing.T) {
	keys := NewKeyed(20)
	var l KeyedCounts
	const each = 3*mostOfKey + 5
	for i := range each {
		keys.Add(&l, 0, 7, 100, 101)
		keys.Add(&l, 0, 8, 100, 101)
		if i%2 == 0 {
			keys.Add(&l, 0, 7, 101, 101)
		}
	}
	if got, want := keys.Count(0, 7), uint32(each+(each+1)/2); got != want || l.Top() != want || keys.Count(0, 8) != each {
		t.Errorf("counts %d and %d, top %d, want %d, %d and %d", got, keys.Count(0, 8), l.Top(), want, each, want)
	}
	if got := keys.TopSince(&l, 100); got != (each+1)/2 {
		t.Errorf("%d since the bucket before, want %d", got, (each+1)/2)
	}
	keys.Advance(&l, 120)
	if got := keys.Count(0, 7); got != (each+1)/2 || l.Top() != got || keys.Count(0, 8) != 0 || l.Keys() != 1 {
		t.Errorf("counts %d and %d, top %d of %d keys once the first bucket has left, want %d, 0", got, keys.Count(0, 8), l.Top(), l.Keys(), (each+1)/2)
	}
	if keys.Advance(&l, 121); keys.Len() != 0 || l.Len() != 0 {
		t.Errorf("%d keys and %d entries are left after the window", keys.Len(), l.Len())
	}
}

// TestPoolInsert inserts at every place of rings that begin at every place of
// their block, and so lie across its end in every way.
func TestPoolInsert(t *testing.T) {
	for head := range 16 {
		for n := 1; n < 16; n++ {
			for at := range n + 1 {
				var p Pool[int]
				var r Ring
				want := []int{}
				for k := range 16 + head { // a block of 16 that begins at head
					p.PushBack(&r, k)
					if r.Len() == 16 || k >= 16 {
						p.PopFront(&r)
					}
				}
				for r.Len() > n {
					p.PopFront(&r)
				}
				for k := range r.Len() {
					want = append(want, *p.At(&r, k))
				}
				i := min(at, r.Len())
				want = slices.Insert(want, i, -1)
				p.Insert(&r, i, -1)
				for k := range want {
					if r.Len() != len(want) || *p.At(&r, k) != want[k] {
						t.Fatalf("head %d, %d elements, inserted at %d: place %d is wrong, want %v", head, n, i, k, want)
					}
				}
			}
		}
	}
}
