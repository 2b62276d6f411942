package window

import "math/bits"

// LinkAge is how long a link holds after it was seen last, in ms (contract,
// section 9).
const LinkAge = 30 * 24 * 60 * 60 * 1000

// Links ties identifiers of an owner's contacts to other ones: from each at most
// one link goes out, to the identifier that it leads to. A link passes once it was
// seen LinkAge ago; the caller then deletes it, or has it held, which exempts it
// from time until it is seen again.
//
// A link is one cell of 24 bytes of an open-addressing table, and nothing else:
//
//	+------+------+---------------------------------+------------------+
//	| from | to   | owner + 1, the top bit for held | seen, ms mod 2^32|
//	| 8    | 8    | 4                               | 4                |
//	+------+------+---------------------------------+------------------+
//
// Instead of a queue with an entry a link, the table is read once a day of event
// time for what passes within the next day: that is the agenda. The time it was
// seen fits in 32 bits (49.7 days) because what is not held was seen within the
// LinkAge before reference, or within a day after it.
type Links struct {
	cells     []link
	n         int
	reference int64
	horizon   int64     // what passes before it is on the agenda
	agenda    []passing // a binary heap, earliest first
}

type link struct {
	from, to uint64
	owner    uint32 // 0: the cell is free
	seen     uint32
}

// passing is a link on the agenda. One that was seen again or has gone is found
// out when its turn comes.
type passing struct {
	at    int64
	from  uint64
	owner uint32
}

const (
	held      = 1 << 31
	agendaAge = 24 * 60 * 60 * 1000
	minLinks  = 64
)

// Len returns the number of links.
func (l *Links) Len() int { return l.n }

// To returns the identifier that a link leads to, false if none goes out.
func (l *Links) To(owner uint32, from uint64) (uint64, bool) {
	if c := l.find(owner, from); c != nil {
		return c.to, true
	}
	return 0, false
}

// Put adds a link seen at a time that is at most LinkAge before the watermark w.
// None may go out from its identifier.
func (l *Links) Put(owner uint32, from, to uint64, seen, w int64) {
	if l.n == 0 {
		l.restart(w)
	}
	if (l.n+1)*5 > len(l.cells)*4 {
		l.resize(max(minLinks, len(l.cells)+len(l.cells)/4))
	}
	l.place(link{from: from, to: to, owner: owner + 1, seen: uint32(seen)})
	l.n++
	l.schedule(owner, from, seen)
}

// Renew renews a link: it was seen at the larger of the time that it was seen
// before and seen. It reports whether the link was held until now.
func (l *Links) Renew(owner uint32, from uint64, seen int64) (wasHeld bool) {
	c := l.find(owner, from)
	wasHeld = c.owner&held != 0
	if !wasHeld && l.seenAt(c) >= seen {
		return false
	}
	c.owner &^= held
	c.seen = uint32(seen)
	l.schedule(owner, from, seen)
	return wasHeld
}

// Held reports whether a link is held.
func (l *Links) Held(owner uint32, from uint64) bool {
	c := l.find(owner, from)
	return c != nil && c.owner&held != 0
}

// Hold exempts a link from time.
func (l *Links) Hold(owner uint32, from uint64) { l.find(owner, from).owner |= held }

// Release takes the exemption from a link: it has passed.
func (l *Links) Release(owner uint32, from uint64) {
	c := l.find(owner, from)
	c.owner &^= held
	c.seen = uint32(l.reference - LinkAge)
}

// Passed reports whether a link goes out that has passed at the watermark w.
func (l *Links) Passed(owner uint32, from uint64, w int64) bool {
	c := l.find(owner, from)
	return c != nil && c.owner&held == 0 && l.seenAt(c)+LinkAge <= w
}

// NextPassing returns the watermark from which on Passing has to be asked.
func (l *Links) NextPassing() int64 {
	switch {
	case l.n == 0:
		return Never
	case len(l.agenda) > 0:
		return min(l.agenda[0].at, l.horizon)
	}
	return l.horizon
}

// Passing returns a link that has passed at the watermark w, in any order, false
// if there is none. The caller deletes it or has it held before it asks again,
// and asks until there is none before it renews or puts one.
func (l *Links) Passing(w int64) (owner uint32, from uint64, ok bool) {
	if w >= l.horizon && w < Never-agendaAge {
		l.plan(w + agendaAge)
	}
	for len(l.agenda) > 0 && l.agenda[0].at <= w {
		next := l.pop()
		if l.Passed(next.owner, next.from, w) {
			return next.owner, next.from, true
		}
	}
	l.reference = max(l.reference, w)
	return 0, 0, false
}

// Delete takes a link out and moves back those behind it that its absence would
// hide.
func (l *Links) Delete(owner uint32, from uint64) {
	c := l.find(owner, from)
	if c == nil {
		return
	}
	l.n--
	size := len(l.cells)
	i := l.index(c)
	for j := next(i, size); l.cells[j].owner != 0; j = next(j, size) {
		// The cell at j may move to i if its home is not between them.
		if distance(l.home(&l.cells[j]), j, size) >= distance(i, j, size) {
			l.cells[i] = l.cells[j]
			i = j
		}
	}
	l.cells[i] = link{}
}

// seenAt returns the time at which a link that is not held was seen.
func (l *Links) seenAt(c *link) int64 {
	oldest := l.reference - LinkAge
	return oldest + int64(c.seen-uint32(oldest))
}

// restart begins an agenda at the watermark w, when there are no links.
func (l *Links) restart(w int64) {
	l.reference, l.horizon, l.agenda = w, w+agendaAge, l.agenda[:0]
}

// plan makes the agenda of what passes before the horizon.
func (l *Links) plan(horizon int64) {
	if l.n*4 < len(l.cells) && len(l.cells) > minLinks {
		l.resize(max(minLinks, l.n*2))
	}
	l.horizon = horizon
	l.agenda = l.agenda[:0]
	for i := range l.cells {
		if c := &l.cells[i]; c.owner != 0 && c.owner&held == 0 {
			l.schedule(c.owner-1, c.from, l.seenAt(c))
		}
	}
}

// schedule puts a link on the agenda if it passes before the horizon.
func (l *Links) schedule(owner uint32, from uint64, seen int64) {
	v := passing{seen + LinkAge, from, owner}
	if v.at >= l.horizon {
		return
	}
	l.agenda = append(l.agenda, v)
	h := l.agenda
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].at <= h[i].at {
			return
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

// pop takes the earliest link off the agenda.
func (l *Links) pop() passing {
	h := l.agenda
	first := h[0]
	end := len(h) - 1
	h[0] = h[end]
	l.agenda = h[:end]
	for i := 0; ; {
		down := 2*i + 1
		if down >= end {
			return first
		}
		if down+1 < end && h[down+1].at < h[down].at {
			down++
		}
		if h[i].at <= h[down].at {
			return first
		}
		h[down], h[i] = h[i], h[down]
		i = down
	}
}

// find returns the cell of a link, nil if there is none.
func (l *Links) find(owner uint32, from uint64) *link {
	if l.n == 0 {
		return nil
	}
	size := len(l.cells)
	for i := home(owner, from, size); ; i = next(i, size) {
		c := &l.cells[i]
		if c.owner == 0 {
			return nil
		}
		if c.from == from && c.owner&^held == owner+1 {
			return c
		}
	}
}

// index returns the place of a cell that find returned.
func (l *Links) index(c *link) int {
	size := len(l.cells)
	i := l.home(c)
	for &l.cells[i] != c {
		i = next(i, size)
	}
	return i
}

func (l *Links) home(c *link) int { return home(c.owner&^held-1, c.from, len(l.cells)) }

// home returns the cell that a link belongs in: the hash scaled to the size, which
// therefore need not be a power of two and can grow by a quarter.
func home(owner uint32, from uint64, size int) int {
	hi, _ := bits.Mul64(Key{from, uint64(owner)}.hash(), uint64(size))
	return int(hi)
}

func next(i, size int) int {
	if i++; i == size {
		return 0
	}
	return i
}

// distance returns how many cells j lies behind i, round the end.
func distance(i, j, size int) int {
	if j < i {
		return j - i + size
	}
	return j - i
}

func (l *Links) place(c link) {
	size := len(l.cells)
	i := l.home(&c)
	for l.cells[i].owner != 0 {
		i = next(i, size)
	}
	l.cells[i] = c
}

func (l *Links) resize(size int) {
	old := l.cells
	l.cells = make([]link, size)
	for i := range old {
		if old[i].owner != 0 {
			l.place(old[i])
		}
	}
}
