package window

import (
	"testing"

	"pgregory.net/rapid"
)

// TestAgesAgainstSlice adds, removes and lets time pass in any order, and
// compares the counts, and the time of their next change, with a slice.
func TestAgesAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pool AgePool
		var ages [2]Ages
		var waiting [2][]int64
		now := int64(1000)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 1).Draw(t, "owner")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				at := now - rapid.Int64Range(0, 200).Draw(t, "age")
				pool.Add(&ages[k], at, now)
				waiting[k] = append(waiting[k], at)
			case 2:
				if n := len(waiting[k]); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "which")
					pool.Remove(&ages[k], waiting[k][i], now)
					waiting[k] = append(waiting[k][:i], waiting[k][i+1:]...)
				}
			case 3:
				now += rapid.Int64Range(0, 90).Draw(t, "pause")
				for j := range ages {
					next := pool.Next(&ages[j])
					if changed := pool.Advance(&ages[j], now); changed != (next <= now) {
						t.Fatalf("a change was foretold for %d; at %d changed is %v", next, now, changed)
					}
				}
			}
			for j := range ages {
				var want [AgeClasses]uint32
				for _, at := range waiting[j] {
					want[AgeClass(now-at)]++
				}
				if *ages[j].Counts() != want {
					t.Fatalf("counts are %v, want %v", *ages[j].Counts(), want)
				}
			}
		}
	})
}

// TestAgeClass names the edges of the classes.
func TestAgeClass(t *testing.T) {
	for age, want := range map[int64]int{-5: 0, 0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 7: 3, 8: 4, 64: 7, 127: 7, 128: 8, 255: 8, 256: 8, 1 << 40: 8} {
		if got := AgeClass(age); got != want {
			t.Errorf("an age of %d is of class %d, want %d", age, got, want)
		}
	}
}
