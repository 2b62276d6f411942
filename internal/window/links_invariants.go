package window

import "sendwatch/internal/invariants"

// checkAfter checks the shelf of a change to the link with the hash, if it is its turn:
// by chance, since the number of links is not one of steps.
func (l *Links) checkAfter(shelf uint32, h uint64) {
	if invariants.Due(int(l.table.shelves[shelf].n), int64(h>>1)) {
		l.check(shelf)
	}
}

// check walks a shelf and counts again what it says of its links.
func (l *Links) check(shelf uint32) {
	t := &l.table
	s := &t.shelves[shelf]
	invariants.Check(uint32(s.starts[shelfBoxes]) == s.places(), "links: the boxes of shelf %d end at %d of %d places", shelf, s.starts[shelfBoxes], s.places())
	invariants.Check(s.places() < uint32(s.n)+mostFree, "links: %d links have %d places", s.n, s.places())
	for i := range s.used {
		invariants.Check(t.chunks.at(s.chunks[i]).shelf == shelf, "links: chunk %d of shelf %d is another one's", i, shelf)
	}
	n := uint16(0)
	for box := range uint32(shelfBoxes) {
		start, end, next := s.box(box)
		invariants.Check(start <= end && end <= next, "links: box %d is [%d %d %d]", box, start, end, next)
		due := l.times.bound(s.due[box/groupBoxes])
		invariants.Check(l.passing.at(int(shelf))>>dueBits <= due>>dueBits, "links: a group of shelf %d is due at %d, the shelf at %d", shelf, due, l.passing.at(int(shelf)))
		for i := start; i < end; i++ {
			c, k := t.place(s, i)
			p := spot{shelf, box, c, k}
			owner, h := t.whose(p)
			found, ok := t.find(owner, h)
			invariants.Check(ok && found == p, "links: what lies in box %d of shelf %d is not found there", box, shelf)
			passes := l.times.passes(p.cell().seen)
			invariants.Check(due <= passes || passes <= l.deciding, "links: a link passes at %d, its group is due at %d", passes, due)
			n++
		}
	}
	invariants.Check(n == s.n, "links: shelf %d has %d links and counts %d", shelf, n, s.n)
}
