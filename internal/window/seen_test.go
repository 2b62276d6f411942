package window

import (
	"testing"

	"pgregory.net/rapid"
)

// seenHash spreads a small number over 64 bits, as the hash of an id is.
func seenHash(v uint64) uint64 {
	v *= 0x9e3779b97f4a7c15
	return v ^ v>>29
}

// TestSeenAgainstMaps adds ids, begins generations, and compares with two maps. Some ids
// share their upper and lower halves, so that parts fill up and places collide.
func TestSeenAgainstMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		type id struct{ a, b uint64 }
		now, past := map[id]bool{}, map[id]bool{}
		generation := rapid.Int64Range(-3, 3).Draw(t, "first")
		s.Begin(generation)
		for range rapid.IntRange(1, 6).Draw(t, "generations") {
			many := rapid.SampledFrom([]int{3, 30, 300, 4000}).Draw(t, "ids")
			spread := rapid.Bool().Draw(t, "spread")
			seed := rapid.Uint64Range(0, 3).Draw(t, "seed") * 1000
			for k := range many {
				v := id{a: uint64(k)%61 + seed, b: uint64(k/61) << 3}
				if spread {
					v = id{a: seenHash(uint64(k) + seed), b: uint64(k) << 2}
				}
				if got, want := s.Add(v.a, v.b), !now[v] && !past[v]; got != want {
					t.Fatalf("id %x in generation %d: new is %v, want %v", v, generation, got, want)
				}
				if !past[v] {
					now[v] = true
				}
			}
			by := rapid.Int64Range(1, 3).Draw(t, "by")
			if generation += by; by == 1 {
				now, past = map[id]bool{}, now
			} else {
				now, past = map[id]bool{}, map[id]bool{}
			}
			s.Begin(generation)
		}
	})
}

// TestSeenLetsGoOfMemory after a generation of many ids, whatever it still knows.
func TestSeenLetsGoOfMemory(t *testing.T) {
	var s Seen
	for k := range uint64(200_000) {
		s.Add(seenHash(k), k<<2)
	}
	full := len(s.parts)
	for generation := range int64(3) {
		s.Begin(generation + 1)
		s.Add(seenHash(9), 9<<2)
	}
	if len(s.parts)*8 > full {
		t.Errorf("%d parts of %d are left for one id", len(s.parts), full)
	}
	if s.Add(seenHash(9), 9<<2) {
		t.Error("an id of this generation is taken for new")
	}
}

// BenchmarkSeen looks up and adds ids of which a million are known, half of them twice.
func BenchmarkSeen(b *testing.B) {
	var s Seen
	for k := range uint64(1_000_000) {
		s.Add(seenHash(k), k<<2)
	}
	b.ResetTimer()
	for i := range uint64(b.N) {
		v := i * 7919 % 2_000_000
		s.Add(seenHash(v), v<<2)
	}
}
