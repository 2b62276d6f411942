package window

import "testing"

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
