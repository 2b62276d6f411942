package window

import "sendwatch/internal/invariants"

// What the structures of this package must hold after a change, checked where
// invariants.Enabled.

// checked reports whether a change at place i is checked: in a large table one in
// 64, since a run may be long.
func (p *part) checked(i uint64) bool { return len(p.cells) <= minCells || i&63 == 0 }

// checkRun checks that every key of the run of full cells around place i is found
// from its home: no free cell lies between them.
func (p *part) checkRun(i uint64) {
	mask := uint64(len(p.cells) - 1)
	for p.cells[(i-1)&mask].slot != 0 {
		i = (i - 1) & mask
	}
	for first := i; p.cells[i].slot != 0; i = (i + 1) & mask {
		home := p.cells[i].key.hash() & mask
		invariants.Check((i-home)&mask <= (i-first)&mask, "open addressing: the key at %d is not reached from its home %d", i, home)
	}
}

// checkSums computes the totals of a log from its entries.
func (s *SlidingPool[T]) checkSums(l *SlidingCounts, sums Sums[T], now int64) {
	if !invariants.Due(l.ring.Len(), now) {
		return
	}
	want := make(Sums[T], len(sums))
	for i := range l.ring.Len() {
		e := *s.pool.Look(&l.ring, i)
		at := s.format.at(l, e)
		invariants.Check(i == 0 || s.format.at(l, *s.pool.Look(&l.ring, i-1)) <= at, "sliding counts: entry %d is out of order", i)
		for k := range s.n {
			w := &s.windows[k]
			invariants.Check((uint32(i) < l.cursor[k]) == (at <= now-w.Width), "sliding counts: the cursor of window %d is at %d", k, l.cursor[k])
			if at > now-w.Width {
				change(w, want, s.sets.sets[s.format.set(e)], T(s.format.n(e)))
			}
		}
	}
	for i, n := range want {
		invariants.Check(sums[i] == n, "sliding counts: total %d is %d, its log has %d", i, sums[i], n)
	}
}

// checkKey counts a key's events by the log.
func (s *Keyed) checkKey(l *KeyedCounts, slot uint32, now int64) {
	if !invariants.Due(l.ring.Len(), now) {
		return
	}
	n := uint32(0)
	for i := range l.ring.Len() {
		if e := *s.pool.Look(&l.ring, i); e.slot() == slot {
			n += e.n()
		}
	}
	count := s.keys.slots.At(slot).in[s.window].count
	invariants.Check(count == n, "keyed counts: a key's count is %d, its log has %d", count, n)
	invariants.Check(s.noTop || l.Top() >= count, "keyed counts: the top is %d, a key has %d", l.Top(), count)
}

// checkKept counts the keys that are kept by the lists of the buckets.
func (s *Uniques) checkKept(l *UniqueCounts, now int64) {
	if !invariants.Due(l.runs.Len(), now) {
		return
	}
	n := uint32(0)
	for i := range l.runs.Len() {
		n += s.runs.At(&l.runs, i).n
	}
	invariants.Check(l.kept == n, "uniques: %d keys are kept, the buckets have %d", l.kept, n)
}
