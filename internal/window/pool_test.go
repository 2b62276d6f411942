package window

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sendwatch/internal/flat"
)

// TestPoolOfLongRings plays many steps on rings that grow beyond several lists of pages and shrink again, and compares each with
// a slice; in between the pool is copied. In the end nothing is in use.
func TestPoolOfLongRings(t *testing.T) {
	for _, whole := range []uint32{0, everyBlock} {
		testPoolOfLongRings(t, whole)
	}
}

func testPoolOfLongRings(t *testing.T, whole uint32) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 5))
	pool := Pool[int]{whole: whole}
	var rings [6]Ring
	var want [len(rings)][]int
	for step := range 20_000 {
		k := random.IntN(len(rings))
		r, w := &rings[k], &want[k]
		n := len(*w)
		grows := step/1000%2 == 0 // a time to grow, and one to shrink
		switch op := random.IntN(10); {
		case op < 2, grows && op < 6:
			for range random.IntN(60) {
				pool.PushBack(r, step)
				*w = append(*w, step)
			}
		case op == 6:
			i := random.IntN(n + 1)
			pool.Insert(r, i, step)
			*w = slices.Insert(*w, i, step)
		case op == 7 && n > 0:
			i := random.IntN(n)
			pool.Remove(r, i)
			*w = slices.Delete(*w, i, i+1)
		case n > 0:
			drop := random.IntN(min(n, 200)) + 1
			pool.DropFront(r, uint32(drop))
			*w = (*w)[drop:]
		}
		if step%5000 == 0 {
			again := Pool[int]{whole: whole}
			if err := flat.Read(flat.Append(nil, pool.Copy), again.Copy); err != nil {
				t.Fatal(err)
			}
			pool = again
		}
		if r.Len() != len(*w) {
			t.Fatalf("step %d: ring %d has %d elements, want %d", step, k, r.Len(), len(*w))
		}
		for i, v := range *w {
			if got := *pool.Look(r, i); got != v || *pool.At(r, i) != v {
				t.Fatalf("step %d: element %d of %d of ring %d is %d, want %d", step, i, len(*w), k, got, v)
			}
		}
	}
	for k := range rings {
		pool.Free(&rings[k])
	}
	if n := pool.elements.inUse(); n != 0 {
		t.Errorf("%d elements are in blocks of nobody", n)
	}
	if n := pool.pages.inUse(); n != 0 {
		t.Errorf("%d places of lists are nobody's", n)
	}
}

// inUse returns how many elements are in blocks that are not free.
func (a *arena[T]) inUse() int {
	n := a.n
	for class, blocks := range a.free {
		n -= len(blocks) << class
	}
	return n
}

// TestLongRingsTakeWhatTheyHold lets a thousand rings grow side by side, as the logs of numbers do on their first day,
// to 1,400 elements each.
func TestLongRingsTakeWhatTheyHold(t *testing.T) {
	var pool Pool[uint64]
	rings := make([]Ring, 1000)
	for range 1400 {
		for k := range rings {
			pool.PushBack(&rings[k], 1)
		}
	}
	if took, most := pool.Len(), 1400*len(rings)*11/10; took > most {
		t.Errorf("they take %d elements, want %d at most", took, most)
	}
}
