package window

import (
	"testing"

	"pgregory.net/rapid"
)

// TestKeyedLimit counts no more keys than the limit, goes on counting those it
// has, takes new ones once old ones have left, and says how many it left out.
func TestKeyedLimit(t *testing.T) {
	k := NewKeyed(10)
	k.Limit(2)
	var l KeyedCounts
	for _, key := range []uint64{1, 2, 3, 1, 4, 2, 1} {
		k.Add(&l, 7, key, 100, 100)
	}
	if l.Keys() != 2 || l.Top() != 3 || k.Dropped() != 2 || k.Count(7, 3) != 0 {
		t.Errorf("keys %d, top %d, dropped %d, want 2, 3, 2", l.Keys(), l.Top(), k.Dropped())
	}
	k.Advance(&l, 110)
	k.Add(&l, 7, 3, 110, 110)
	if l.Keys() != 1 || k.Count(7, 3) != 1 || k.Dropped() != 2 {
		t.Errorf("after the window: keys %d, count %d, dropped %d, want 1, 1, 2", l.Keys(), k.Count(7, 3), k.Dropped())
	}
}

// TestMergingAgainstSlice counts by key in runs of five buckets: the keys that are in the window are those of a slice of
// all events, and each has its events of the window, and at most those of the run that is leaving besides.
func TestMergingAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const width, run, keys = 20, 5, 12
		keyed := NewKeyed(width, WithoutTop, Merging(run))
		var l KeyedCounts
		all := map[uint64][]int64{}
		now := int64(100)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "advance") == 0 {
				now += rapid.Int64Range(0, 12).Draw(t, "by")
				keyed.Advance(&l, now)
			} else {
				at, key := now-rapid.Int64Range(0, 30).Draw(t, "back"), rapid.Uint64Range(0, keys-1).Draw(t, "key")
				all[key] = append(all[key], at)
				if _, got := keyed.Add(&l, 1, key, at, now); got != (at > now-width) {
					t.Fatalf("an event at %d, now %d: counted is %v", at, now, got)
				}
			}
			in := 0
			for key := range uint64(keys) {
				var least, most uint32
				for _, at := range all[key] {
					if at > now-width {
						least++
					}
					if at/run >= (now-width)/run {
						most++
					}
				}
				got := keyed.Count(1, key)
				if least > 0 {
					in++
				} else {
					most = 0
				}
				if got < least || got > most {
					t.Fatalf("key %d is %d at %d, want %d to %d", key, got, now, least, most)
				}
			}
			if l.Keys() != in {
				t.Fatalf("%d keys are in the window at %d, want %d", l.Keys(), now, in)
			}
			last := int64(0)
			for i := range l.ring.Len() {
				at := l.at(*keyed.pool.Look(&l.ring, i))
				if at < last || at <= now-width {
					t.Fatalf("entry %d is of bucket %d at %d, behind one of %d", i, at, now, last)
				}
				last = at
			}
			if next := keyed.Next(&l); l.ring.Len() > 0 && next != l.at(*keyed.pool.Look(&l.ring, 0))+width {
				t.Fatalf("the next leaves at %d", next)
			}
		}
	})
}

// TestMergingTakesAnEntryARun has two keys sent in turns all day, by the minute.
func TestMergingTakesAnEntryARun(t *testing.T) {
	keyed := NewKeyed(24*60, WithoutTop, Merging(60))
	var l KeyedCounts
	for at := range int64(3 * 24 * 60) {
		keyed.Advance(&l, at)
		keyed.Add(&l, 1, uint64(at%2), at, at)
	}
	if n := l.Len(); n > 2*25 {
		t.Errorf("%d entries", n)
	}
	if a, b := keyed.Count(1, 0), keyed.Count(1, 1); a < 720 || b < 720 || a+b > 25*60 {
		t.Errorf("%d and %d events", a, b)
	}
}
