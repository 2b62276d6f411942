package window

import (
	"bytes"
	"math/bits"
	"slices"
)

// linkShelves is the hash table of Links. What a hash table mostly costs is its free
// cells: one that grows by a quarter at 80 % has 0.25 to 0.56 of them a link. Here one
// to three in a hundred places are free, however many links there are.
//
// A shelf is a bucket of linear hashing (Litwin, 1980): the table grows by one
// shelf, which takes over half of the links of another one, and shrinks by one, so
// that no step costs more than some thousand links, and nothing is ever there
// twice. The links of a shelf lie in chunks, box by box:
//
//	chunks   |         0         |         1         | ...
//	places   | a a a . b b . c c c c c c . . d d d d | ...
//
// Behind its links each box has some free places. A link goes to the first of
// them; if a box has none, it gets the nearest one of the shelf, to which each box in
// between moves one of its links from one end to the other (order in a box means
// nothing). When few places are left, the shelf gets one more chunk, and its boxes are
// laid out again, with the free places spread evenly.
//
// Tried and rejected: free places at the end of the shelf alone (each link that is added or
// removed moves one of every box behind it: twice the time among a million links), and
// shelves of half the length (0.5 bytes a link more, and no faster).
type linkShelves struct {
	shelves []linkShelf
	chunks  linkChunks
	n       int
}

// linkShelf is one bucket of the linear hashing.
type linkShelf struct {
	chunks [shelfChunks]uint32    // the first used of them, in the order of the places
	due    [shelfGroups]uint16    // of each group of boxes: linkTimes.packBound of when its first link passes
	starts [shelfBoxes + 1]uint16 // the first place of each box, and the end of the last one
	free   [shelfBoxes]uint8      // places at the end of each box
	n      uint16                 // links
	used   uint16                 // chunks
}

const (
	shelfBoxes  = 128 // boxOf
	groupBoxes  = 2
	shelfGroups = shelfBoxes / groupBoxes
	minShelves  = 2 // so that where a link lies tells the last bit of its hash

	// shelfLinks is how many links a shelf has on average. Just before its turn to be
	// split it has twice as many, with a standard deviation of 64.
	shelfLinks = 2048
	// shelfChunks has room for 4,600 links, eight deviations above that.
	shelfChunks = 100

	// A shelf gets a chunk when it has leastFree places left, since the last ones are
	// far from most boxes, and gives one back at mostFree. It has some more free then than
	// the chunk has, so that it does not get one again at once.
	leastFree = 4
	mostFree  = leastFree + chunkLinks + 6

	// maxLinkOwners is how many owners a link can tell apart.
	maxLinkOwners = 1 << 24
)

// spot is where a link lies.
type spot struct {
	shelf, box uint32
	chunk      *linkChunk
	k          uint32 // in the chunk
}

func (p spot) cell() *linkCell { return &p.chunk.cells[p.k] }

// whose returns the owner and the hash of the link at a spot.
func (t *linkShelves) whose(p spot) (owner uint32, h uint64) {
	key := p.cell().key()
	return uint32(p.chunk.owners[p.k])<<16 | uint32(key)&0xffff,
		uint64(p.box)<<57 | uint64(p.chunk.tags[p.k])<<49 | key>>16<<1 | uint64(p.shelf)%minShelves
}

// shelfOf returns the shelf of a hash: by so many of its last bits that there is
// at least one shelf each, or by one bit less where a shelf has not been split yet.
func (t *linkShelves) shelfOf(h uint64) uint32 {
	last := uint32(len(t.shelves) - 1)
	mask := uint32(1)<<bits.Len32(last) - 1
	if s := uint32(h) & mask; s <= last {
		return s
	}
	return uint32(h) & (mask >> 1)
}

// sibling returns the shelf that a shelf was split off from.
func sibling(shelf uint32) uint32 { return shelf &^ (1 << (bits.Len32(shelf) - 1)) }

// place returns where the i-th place of a shelf is.
func (t *linkShelves) place(s *linkShelf, i uint32) (*linkChunk, uint32) {
	return t.chunks.at(s.chunks[i/chunkLinks]), i % chunkLinks
}

// move copies n links to places that are free, of the same shelf or of another one.
func (t *linkShelves) move(to *linkShelf, place uint32, from *linkShelf, link, n uint32) {
	for n > 0 {
		c, k := t.place(to, place)
		f, i := t.place(from, link)
		m := min(n, chunkLinks-k, chunkLinks-i)
		copy(c.cells[k:k+m], f.cells[i:i+m])
		copy(c.tags[k:k+m], f.tags[i:i+m])
		copy(c.owners[k:k+m], f.owners[i:i+m])
		place, link, n = place+m, link+m, n-m
	}
}

// box returns where a box's links begin and end, and where its free places do.
func (s *linkShelf) box(b uint32) (start, end, next uint32) {
	start, next = uint32(s.starts[b]), uint32(s.starts[b+1])
	return start, next - uint32(s.free[b]), next
}

// places returns how many places a shelf has, free or not.
func (s *linkShelf) places() uint32 { return uint32(s.used) * chunkLinks }

// find returns where a link lies, false if there is none.
func (t *linkShelves) find(owner uint32, h uint64) (spot, bool) {
	if t.n == 0 {
		return spot{}, false
	}
	shelf := t.shelfOf(h)
	s := &t.shelves[shelf]
	box, tag, key := boxOf(h), tagOf(h), keyOf(owner, h)
	at, end, _ := s.box(box)
	for at < end {
		c, k := t.place(s, at)
		stop := min(chunkLinks, k+end-at)
		at += stop - k
		for k < stop {
			i := bytes.IndexByte(c.tags[k:stop], tag)
			if i < 0 {
				break
			}
			k += uint32(i)
			if c.cells[k].key() == key && c.owners[k] == uint8(owner>>16) {
				return spot{shelf, box, c, k}, true
			}
			k++
		}
	}
	return spot{}, false
}

// insert adds a link that is not there to a table that is not crowded, and returns where
// it lies.
func (t *linkShelves) insert(owner uint32, h, to uint64, seen uint32) spot {
	shelf, box := t.shelfOf(h), boxOf(h)
	s := &t.shelves[shelf]
	if uint32(s.n)+leastFree >= s.places() && s.used < shelfChunks {
		t.extend(shelf)
		t.raise(s)
	}
	t.makeRoom(s, box)
	_, end, _ := s.box(box)
	s.free[box]--
	s.n++
	t.n++
	c, k := t.place(s, end)
	key := keyOf(owner, h)
	c.cells[k] = linkCell{uint32(key), uint32(key >> 32), uint32(to), uint32(to >> 32), seen}
	c.tags[k], c.owners[k] = tagOf(h), uint8(owner>>16)
	return spot{shelf, box, c, k}
}

// makeRoom moves the nearest free place of a shelf, which has one, to a box.
func (t *linkShelves) makeRoom(s *linkShelf, box uint32) {
	for i := uint32(0); ; i++ {
		switch above, below := box+i, box-i; {
		case above < shelfBoxes && s.free[above] > 0:
			s.free[above]--
			_, end, _ := s.box(above)
			c, k := t.place(s, end-1)
			for b := above; b > box; b-- {
				f, i := t.place(s, uint32(s.starts[b]))
				c.copyLink(k, f, i)
				c, k = f, i
				s.starts[b]++
			}
			s.free[box]++
			return
		case below < shelfBoxes && s.free[below] > 0:
			s.free[below]--
			c, k := t.place(s, uint32(s.starts[below+1])-1)
			for b := below + 1; b <= box; b++ {
				s.starts[b]--
				f, i := t.place(s, uint32(s.starts[b+1])-1)
				c.copyLink(k, f, i)
				c, k = f, i
			}
			s.free[box]++
			return
		}
	}
}

// remove takes out the link at a spot.
func (t *linkShelves) remove(p spot) {
	s := &t.shelves[p.shelf]
	_, end, _ := s.box(p.box)
	c, k := t.place(s, end-1)
	p.chunk.copyLink(p.k, c, k)
	s.free[p.box]++
	s.n--
	t.n--
	if s.places()-uint32(s.n) >= mostFree {
		t.lower(s, s.places()-chunkLinks)
		t.trim(s)
	}
}

// lower lays a shelf out in fewer places, the free ones spread evenly over the
// boxes. No link moves up.
func (t *linkShelves) lower(s *linkShelf, places uint32) {
	free := places - uint32(s.n)
	links, last := uint32(0), uint32(0) // before the box; where those end
	for b := range uint32(shelfBoxes) {
		start, end, _ := s.box(b)
		n := end - start
		to := min(start, links+b*free/shelfBoxes)
		m := min(n, start-to) // links from its end to its new beginning
		t.move(s, to, s, end-m, m)
		s.starts[b] = uint16(to)
		if b > 0 {
			s.free[b-1] = uint8(to - last)
		}
		links, last = links+n, to+n
	}
	s.free[shelfBoxes-1] = uint8(places - last)
	s.starts[shelfBoxes] = uint16(places)
}

// raise lays a shelf out in all of its places, the free ones spread evenly over the
// boxes. No link moves down.
func (t *linkShelves) raise(s *linkShelf) {
	free := s.places() - uint32(s.n)
	links, next := uint32(s.n), uint32(s.starts[shelfBoxes]) // up to the box; where the next one was
	s.starts[shelfBoxes] = uint16(s.places())
	for b := shelfBoxes - 1; b >= 0; b-- {
		start := uint32(s.starts[b])
		n := next - uint32(s.free[b]) - start
		links -= n
		to := max(start, links+uint32(b)*free/shelfBoxes)
		m := min(n, to-start) // links from its beginning to its new end
		t.move(s, to+n-m, s, start, m)
		s.starts[b] = uint16(to)
		s.free[b] = uint8(uint32(s.starts[b+1]) - to - n)
		next = start
	}
}

// crowded reports whether the table is to be split before a link with the hash is
// inserted: it has as many links as its shelves are for, or the link's shelf is
// full. (By chance that comes once in 10^14 splits; otherwise it would take identifiers
// made for it, and who can make them has the deployment's secret.)
func (t *linkShelves) crowded(h uint64) bool {
	return t.n >= len(t.shelves)*shelfLinks || len(t.shelves) < minShelves ||
		t.shelves[t.shelfOf(h)].n == shelfChunks*chunkLinks
}

// split adds a shelf, to, and moves to it what belongs there of its sibling, from.
func (t *linkShelves) split() (from, to uint32) {
	to = uint32(len(t.shelves))
	t.shelves = resized(t.shelves, len(t.shelves)+1)
	b := &t.shelves[to]
	if to < minShelves { // there are no links
		for i := range b.due {
			b.due[i] = dueNever
		}
		return to, to
	}
	from = sibling(to)
	a := &t.shelves[from]
	b.due = a.due
	bit := uint64(1) << (bits.Len32(to) - 1 + keyShift)
	t.lower(a, uint32(a.n))
	read, kept := uint32(0), uint32(0)
	for box := range uint32(shelfBoxes) {
		for end := uint32(a.starts[box+1]); read < end; read++ {
			if c, k := t.place(a, read); c.cells[k].key()&bit == 0 {
				if kept < read {
					t.move(a, kept, a, read, 1)
				}
				kept++
				continue
			}
			if uint32(b.n) == b.places() {
				t.extend(to)
			}
			t.move(b, uint32(b.n), a, read, 1)
			b.n++
		}
		a.starts[box+1], b.starts[box+1] = uint16(kept), b.n
	}
	a.n = uint16(kept)
	t.trim(a)
	t.raise(a)
	t.raise(b)
	return from, to
}

// sparse reports whether the table does without its last shelf. There are some hundred
// links between this and the next split, so that a number of links that goes up and
// down does not split and join over and over.
func (t *linkShelves) sparse() bool {
	last := len(t.shelves) - 1
	return last >= minShelves && t.n+shelfLinks/4 <= last*shelfLinks &&
		t.shelves[last].n+t.shelves[sibling(uint32(last))].n <= shelfChunks*chunkLinks
}

// join takes the last shelf, from, away and moves its links back to its sibling, to.
func (t *linkShelves) join(times *linkTimes) (from, to uint32) {
	from = uint32(len(t.shelves) - 1)
	to = sibling(from)
	a, b := &t.shelves[from], &t.shelves[to]
	t.lower(a, uint32(a.n))
	t.lower(b, uint32(b.n))
	for i := range b.due {
		if times.bound(a.due[i]) < times.bound(b.due[i]) {
			b.due[i] = a.due[i]
		}
	}
	end := uint32(b.n)
	b.n += a.n
	for b.places() < uint32(b.n) {
		t.extend(to)
	}
	write := uint32(b.n)
	for box := shelfBoxes - 1; box >= 0; box-- { // from the end, where there is room
		start := uint32(b.starts[box])
		b.starts[box+1] = uint16(write)
		n := uint32(a.starts[box+1] - a.starts[box])
		write -= n
		t.move(b, write, a, uint32(a.starts[box]), n)
		m := min(end-start, write-end)
		write -= end - start
		t.move(b, write+end-start-m, b, start, m)
		end = start
	}
	a.n = 0
	t.trim(a)
	t.raise(b)
	t.shelves = resized(t.shelves, int(from))
	return from, to
}

// extend adds a chunk to a shelf. Its places are for raise to hand out.
func (t *linkShelves) extend(shelf uint32) {
	s := &t.shelves[shelf]
	chunk := t.chunks.add()
	t.chunks.at(chunk).shelf = shelf
	s.chunks[s.used] = chunk
	s.used++
}

// trim takes the chunks at its end from a shelf that it does without. The last chunk
// of all fills the gap that each leaves.
func (t *linkShelves) trim(s *linkShelf) {
	for s.n == 0 && s.used > 0 || s.places() >= uint32(s.n)+leastFree+chunkLinks {
		s.used--
		chunk, last := s.chunks[s.used], t.chunks.n-1
		s.chunks[s.used] = 0
		if chunk != last {
			moved := t.chunks.at(last)
			*t.chunks.at(chunk) = *moved
			chunks := &t.shelves[moved.shelf].chunks
			chunks[slices.Index(chunks[:], last)] = chunk
		}
		t.chunks.drop()
	}
}
