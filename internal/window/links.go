package window

import "sendwatch/internal/invariants"

// LinkAge is how long a link holds after it was seen last, in ms (contract,
// section 9).
const LinkAge = 30 * 24 * 60 * 60 * 1000

// Links ties identifiers of an owner's contacts to other ones: from each at most
// one link goes out, to the identifier that it leads to. A link passes once it was
// seen LinkAge ago; the caller then deletes it, or has it held, which exempts it
// from time until it is seen again.
//
// All of it together takes at most 24 bytes a link from some 8,000 links on, however
// many there were before: 22 for the link (linkChunk), and the rest for free places, for the
// shelves (linkShelves) and for when something passes (passing, and due in linkShelf). Nothing takes
// time by the number of links: adding one, or finding those that have passed, looks at some
// thousand of them at most.
type Links struct {
	table   linkShelves
	times   linkTimes
	passing earliest // by shelf, when the first of its links may pass

	// The watermark of the last Passing that returned a link: until the next one, links that
	// have passed by then may be there, though nothing is due. For checks alone.
	deciding int64
}

// Len returns the number of links.
func (l *Links) Len() int { return l.table.n }

// To returns the identifier that a link leads to, false if none goes out.
func (l *Links) To(owner uint32, from uint64) (uint64, bool) {
	if p, ok := l.find(owner, from); ok {
		return p.cell().to(), true
	}
	return 0, false
}

// Put adds a link seen at a time that is less than LinkAge before the watermark w,
// and not after it. None may go out from its identifier. It reports false, and adds
// none, for owners above 16,777,215, which a link has no room for.
func (l *Links) Put(owner uint32, from, to uint64, seen, w int64) bool {
	if owner >= maxLinkOwners {
		return false
	}
	l.times.advance(w)
	h := linkHash(owner, from)
	for l.table.crowded(h) {
		from, to := l.table.split()
		l.passing.resize(len(l.table.shelves))
		l.passing.set(int(to), l.passing.at(int(from)))
	}
	p := l.table.insert(owner, h, to, l.times.pack(seen))
	l.expect(p)
	if invariants.Enabled {
		l.checkAfter(p.shelf, h)
	}
	return true
}

// Renew renews a link, if one goes out, at the watermark w: it was seen at the
// larger of the time that it was seen before and seen. It returns where it leads
// and whether it was held until now.
func (l *Links) Renew(owner uint32, from uint64, seen, w int64) (to uint64, wasHeld, ok bool) {
	p, ok := l.find(owner, from)
	if !ok {
		return 0, false, false
	}
	l.times.advance(w)
	c := p.cell()
	if wasHeld = c.seen == seenHeld; wasHeld {
		c.seen = l.times.pack(seen)
		l.expect(p)
	} else if l.times.seen(c.seen) < seen {
		c.seen = l.times.pack(seen)
	}
	return c.to(), wasHeld, true
}

// Held reports whether a link is held.
func (l *Links) Held(owner uint32, from uint64) bool {
	p, ok := l.find(owner, from)
	return ok && p.cell().seen == seenHeld
}

// Hold exempts a link from time.
func (l *Links) Hold(owner uint32, from uint64) {
	if p, ok := l.find(owner, from); ok {
		p.cell().seen = seenHeld
	}
}

// Release takes the exemption from a link: it has passed.
func (l *Links) Release(owner uint32, from uint64) {
	if p, ok := l.find(owner, from); ok {
		p.cell().seen = l.times.oldestPacked
		l.expect(p)
	}
}

// Passed reports whether a link goes out that has passed at the watermark w.
func (l *Links) Passed(owner uint32, from uint64, w int64) bool {
	p, ok := l.find(owner, from)
	return ok && l.times.passes(p.cell().seen) <= w
}

// NextPassing returns the watermark from which on Passing has to be asked.
func (l *Links) NextPassing() int64 {
	_, at := l.passing.first()
	return at
}

// Passing returns a link that has passed at the watermark w, in any order, false
// if there is none. The caller deletes it or has it held before it asks again,
// and asks until there is none before it renews or puts one.
func (l *Links) Passing(w int64) (owner uint32, from uint64, ok bool) {
	for {
		shelf, at := l.passing.first()
		if at > w {
			break
		}
		p, next, ok := l.passed(uint32(shelf), w)
		if ok {
			owner, h := l.table.whose(p)
			l.deciding = w
			return owner, linkFrom(owner, h), true
		}
		l.passing.set(shelf, next)
	}
	l.times.advance(w)
	l.deciding = 0
	return 0, 0, false
}

// Delete takes a link out.
func (l *Links) Delete(owner uint32, from uint64) {
	p, ok := l.find(owner, from)
	if !ok {
		return
	}
	l.table.remove(p)
	if invariants.Enabled {
		l.checkAfter(p.shelf, linkHash(owner, from))
	}
	for l.table.sparse() {
		from, to := l.table.join(&l.times)
		l.passing.set(int(to), min(l.passing.at(int(from)), l.passing.at(int(to))))
		l.passing.set(int(from), Never)
		l.passing.resize(len(l.table.shelves))
	}
}

// passed returns a link of a shelf that has passed at the watermark w; if there
// is none, when the first of them will, or a little earlier. It looks at those boxes alone that may
// have one, and counts on it that the link is deleted or held.
func (l *Links) passed(shelf uint32, w int64) (p spot, next int64, ok bool) {
	s := &l.table.shelves[shelf]
	next = Never
	for group, due := range s.due {
		at := l.times.bound(due)
		if at <= w {
			p, at = l.passedOf(shelf, uint32(group), w)
			s.due[group] = l.times.packBound(at)
			if p.chunk != nil {
				return p, 0, true
			}
		}
		next = min(next, at)
	}
	return spot{}, next, false
}

// passedOf returns a link of a group of boxes that has passed, if there is one, and
// when the first of the others passes.
func (l *Links) passedOf(shelf, group uint32, w int64) (p spot, others int64) {
	s := &l.table.shelves[shelf]
	others = Never
	for box := group * groupBoxes; box < (group+1)*groupBoxes; box++ {
		for i, end, _ := s.box(box); i < end; i++ {
			c, k := l.table.place(s, i)
			at := l.times.passes(c.cells[k].seen)
			if at <= w && p.chunk == nil {
				p = spot{shelf, box, c, k}
			} else {
				others = min(others, at)
			}
		}
	}
	return p, others
}

// expect notes when a link passes that is new or not held any more.
func (l *Links) expect(p spot) {
	at := l.times.passes(p.cell().seen)
	if due := &l.table.shelves[p.shelf].due[p.box/groupBoxes]; at < l.times.bound(*due) {
		*due = l.times.packBound(at)
	}
	if at < l.passing.at(int(p.shelf)) {
		l.passing.set(int(p.shelf), at)
	}
}

func (l *Links) find(owner uint32, from uint64) (spot, bool) {
	return l.table.find(owner, linkHash(owner, from))
}
