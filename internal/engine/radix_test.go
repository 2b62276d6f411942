package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRadixSortsByTheUpperHalf sorts few and many keys of small and large numbers beside a
// stable sort by comparison.
func TestRadixSortsByTheUpperHalf(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var r radix
	for _, n := range []int{0, 1, 2, fewKeys - 1, fewKeys, 5_000} {
		for _, numbers := range []uint64{1, 7, 2048, 2049, 1 << 22, 1 << 32} {
			keys := make([]uint64, n)
			for k := range keys {
				keys[k] = random.Uint64N(numbers)<<32 | uint64(random.Uint32())
			}
			want := slices.Clone(keys)
			slices.SortStableFunc(want, func(a, b uint64) int { return int(a>>32) - int(b>>32) })
			if got := r.sort(keys); !slices.Equal(got, want) {
				t.Fatalf("%d keys of %d numbers are not sorted by them, or equal ones have changed places", n, numbers)
			}
		}
	}
}
