package window

import (
	"sendwatch/internal/flat"
	"sendwatch/internal/invariants"
)

// Seen remembers 128-bit ids for the generation in which they were seen and the one after
// it. Ids are hashes, so that all their bits are as good as any.
//
// An id lies in 16 bytes, and those of both generations lie together: to look one up
// takes one line of memory, where two tables of keys took two, and of 24 bytes a key. What
// a generation leaves behind is taken out part by part, when a part is first looked
// at in a later one.
//
// It grows as Table does, by extendible hashing: a part that is full is split in two.
type Seen struct {
	directory  []uint32 // by the upper bits of an id
	parts      []seenPart
	shift      uint8 // 64 minus the bits of the directory
	generation int64
	added      int // in this generation
}

// seenPart is the ids that agree in the upper bits.
type seenPart struct {
	cells      []seenID
	n          int
	generation int64 // as of which it was last looked at
	bits       uint8 // how many upper bits agree
	holds      flat.Holds
}

// seenID is an id but for its two lowest bits: one says that the place is taken, the
// other which of two generations saw it.
type seenID struct{ a, b uint64 }

// taken marks a place that holds an id.
const taken = 2

func newSeenID(a, b uint64, generation int64) seenID {
	return seenID{a, b&^3 | taken | uint64(generation)&1}
}

// same reports whether two are one id, of whichever generation.
func (c seenID) same(d seenID) bool { return c.a == d.a && (c.b^d.b)&^1 == 0 }

// Begin begins a generation: what was seen in the one just before it is still known, all
// else is forgotten.
func (s *Seen) Begin(generation int64) {
	before := s.added
	if generation != s.generation+1 {
		before = 0
	}
	s.generation, s.added = generation, 0
	if len(s.parts) > 1 && before*8 < len(s.parts)*partCells {
		s.shrink()
	}
}

// Add remembers an id in the present generation; false if it is known.
func (s *Seen) Add(a, b uint64) bool {
	if len(s.parts) == 0 {
		s.directory, s.shift = []uint32{0}, 64
		s.parts = []seenPart{{cells: make([]seenID, minCells), generation: s.generation}}
	}
	id := newSeenID(a, b, s.generation)
	p := s.part(a)
	i, known := p.find(id)
	if known {
		return false
	}
	s.added++
	if (p.n+1)*4 <= len(p.cells)*3 {
		p.put(i, id)
		return true
	}
	p = s.room(a)
	i, _ = p.find(id)
	p.put(i, id)
	return true
}

// part returns the part that an id lies in, without what is forgotten.
func (s *Seen) part(a uint64) *seenPart {
	p := &s.parts[s.directory[a>>s.shift]]
	if p.generation != s.generation {
		p.forget(s.generation)
	}
	return p
}

// find returns the place of an id, or the free one where it belongs.
func (p *seenPart) find(id seenID) (i uint64, known bool) {
	mask := uint64(len(p.cells) - 1)
	for i = id.a & mask; ; i = (i + 1) & mask {
		c := p.cells[i]
		if c.b == 0 {
			return i, false
		}
		if c.same(id) {
			return i, true
		}
	}
}

func (p *seenPart) put(i uint64, id seenID) {
	p.holds.KeepAll()
	p.cells[i] = id
	p.n++
	if invariants.Enabled {
		at, found := p.find(id)
		invariants.Check(found && at == i, "seen ids: the one at %d is found at %d", i, at)
	}
}

// forget takes out what the generation does not know any more.
func (p *seenPart) forget(generation int64) {
	older := generation - p.generation
	p.generation = generation
	p.holds.KeepAll()
	if older >= 2 || p.n == 0 {
		clear(p.cells)
		p.n = 0
		return
	}
	// What is left moves within the part: from behind a free place on, each id that stays is
	// put again, at its home or between its home and where it was.
	mask := uint64(len(p.cells) - 1)
	first := uint64(0)
	for p.cells[first].b != 0 {
		first++
	}
	p.n = 0
	for k := range uint64(len(p.cells)) {
		i := (first + k) & mask
		c := p.cells[i]
		p.cells[i] = seenID{}
		if c.b == 0 || c.b&1 == uint64(generation)&1 { // of the generation before the last
			continue
		}
		at, _ := p.find(c)
		p.cells[at] = c
		p.n++
	}
}

// room makes room for one more id in its part and returns the part.
func (s *Seen) room(a uint64) *seenPart {
	p := s.part(a)
	for (p.n+1)*4 > len(p.cells)*3 {
		if len(p.cells) < partCells || p.bits == 64-s.shift && len(s.directory) >= skewedDirectory*len(s.parts) {
			p.resize(len(p.cells) * 2)
			continue
		}
		s.split(a)
		p = s.part(a)
	}
	return p
}

// resize makes a part larger.
func (p *seenPart) resize(size int) {
	old := p.cells
	p.cells, p.n, p.holds = make([]seenID, size), 0, flat.Holds{}
	for _, c := range old {
		p.take(c)
	}
}

// take puts an id of another part, or of this one before it grew.
func (p *seenPart) take(c seenID) {
	if c.b == 0 {
		return
	}
	i, _ := p.find(c)
	p.put(i, c)
}

// split makes two parts of the one that an id lies in, by the next bit.
func (s *Seen) split(a uint64) {
	at := s.directory[a>>s.shift]
	if s.parts[at].bits == 64-s.shift {
		wide := make([]uint32, 2*len(s.directory))
		for i := range wide {
			wide[i] = s.directory[i/2]
		}
		s.directory = wide
		s.shift--
	}
	old := s.parts[at]
	next := old.bits + 1
	half := seenPart{cells: make([]seenID, len(old.cells)), bits: next, generation: s.generation}
	s.parts[at] = half
	half.cells = make([]seenID, len(old.cells))
	s.parts = append(s.parts, half)
	// The upper half of the directory's entries for the old part is the new one's.
	span := uint64(1) << (64 - s.shift - old.bits)
	first := a >> s.shift &^ (span - 1)
	for i := first + span/2; i < first+span; i++ {
		s.directory[i] = uint32(len(s.parts) - 1)
	}
	for _, c := range old.cells {
		p := &s.parts[at]
		if c.a>>(64-next)&1 == 1 {
			p = &s.parts[len(s.parts)-1]
		}
		p.take(c)
	}
}

// shrink lets go of memory that was made for many more ids than are known.
func (s *Seen) shrink() {
	old := *s
	*s = Seen{generation: old.generation}
	for i := range old.parts {
		p := &old.parts[i]
		p.forget(s.generation)
		for _, c := range p.cells {
			if c.b == 0 {
				continue
			}
			s.Add(c.a, c.b)
			q := s.part(c.a)
			at, _ := q.find(c)
			q.cells[at] = c // of its own generation
		}
	}
	s.added = 0
}
