package window

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTableAgainstMap puts, gets and deletes keys of few values, so that they
// collide and shift, and compares with a map.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table
		want := map[Key]uint32{}
		for i := range rapid.IntRange(1, 600).Draw(t, "steps") {
			k := Key{rapid.Uint64Range(0, 60).Draw(t, "a"), rapid.Uint64Range(0, 2).Draw(t, "b")}
			_, known := want[k]
			switch {
			case rapid.IntRange(0, 2).Draw(t, "delete") == 0:
				table.Delete(k)
				delete(want, k)
			case !known:
				table.Put(k, uint32(i))
				want[k] = uint32(i)
			}
			if table.Len() != len(want) {
				t.Fatalf("%d keys, want %d", table.Len(), len(want))
			}
			for k, v := range want {
				if got, ok := table.Get(k); !ok || got != v {
					t.Fatalf("%v is %d %v, want %d", k, got, ok, v)
				}
			}
			if _, ok := want[k]; !ok {
				if _, ok := table.Get(k); ok {
					t.Fatalf("%v was deleted and is there", k)
				}
			}
		}
		table.Clear()
		if _, ok := table.Get(Key{1, 1}); ok || table.Len() != 0 {
			t.Fatal("a cleared table holds a key")
		}
	})
}

// TestPoolAgainstSlices keeps several rings in one pool and compares each with
// a slice.
func TestPoolAgainstSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pool Pool[int]
		var rings [4]Ring
		var want [4][]int
		for i := range rapid.IntRange(1, 300).Draw(t, "steps") {
			k := rapid.IntRange(0, 3).Draw(t, "ring")
			n := len(want[k])
			switch op := rapid.IntRange(0, 5).Draw(t, "op"); {
			case op <= 2:
				pool.PushBack(&rings[k], i)
				want[k] = append(want[k], i)
			case op == 3 && n > 0:
				pool.PopFront(&rings[k])
				want[k] = want[k][1:]
			case op == 4:
				at := rapid.IntRange(0, n).Draw(t, "at")
				pool.Insert(&rings[k], at, i)
				want[k] = append(want[k][:at:at], append([]int{i}, want[k][at:]...)...)
			case op == 5 && n > 0:
				at := rapid.IntRange(0, n-1).Draw(t, "at")
				pool.Remove(&rings[k], at)
				want[k] = append(want[k][:at:at], want[k][at+1:]...)
			}
			for k := range rings {
				if rings[k].Len() != len(want[k]) {
					t.Fatalf("ring %d has %d elements, want %d", k, rings[k].Len(), len(want[k]))
				}
				for i, v := range want[k] {
					if got := *pool.At(&rings[k], i); got != v {
						t.Fatalf("ring %d element %d is %d, want %d", k, i, got, v)
					}
				}
			}
		}
	})
}

// TestMaximumAgainstMap moves counts up and down and compares the largest.
func TestMaximumAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var maxima Maxima
		var m Maximum
		counts := map[int]uint32{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := rapid.IntRange(0, 5).Draw(t, "key")
			to := rapid.Uint32Range(0, 9).Draw(t, "to")
			maxima.Move(&m, counts[key], to)
			counts[key] = to
			var want uint32
			for _, c := range counts {
				want = max(want, c)
			}
			if m.Top() != want {
				t.Fatalf("maximum %d, want %d", m.Top(), want)
			}
		}
	})
}

// TestChosenKeys puts keys whose hashes are all equal, which a random one never has: the
// table is slow then, and stays as small as its keys are many.
func TestChosenKeys(t *testing.T) {
	var table Table
	const n = 2 * partCells
	for b := range uint64(n) {
		table.Put(Key{A: 0x243f6a8885a308d3, B: b}, uint32(b))
	}
	if len(table.directory) > 64*skewedDirectory {
		t.Errorf("a directory of %d entries for %d keys", len(table.directory), n)
	}
	for b := range uint64(n) {
		if got, ok := table.Get(Key{A: 0x243f6a8885a308d3, B: b}); !ok || got != uint32(b) {
			t.Fatalf("key %d is %d %v", b, got, ok)
		}
	}
}
