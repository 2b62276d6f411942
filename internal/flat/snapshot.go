package flat

import (
	"sync"
	"sync/atomic"
)

// Snapshot is a copy of a state that is made while its owner goes on changing it. Begin
// copies what is small and holds the rest; an owner copies what is held before it writes to it, and
// Finish copies what is left, in another goroutine if need be. So the owner never stands still for
// the copy of the whole: it stands for the small part, and later, here and there, for one piece.
type Snapshot struct {
	bytes    []byte
	pieces   [][]piece // some hundred at a time, so that to begin costs few allocations
	finished atomic.Bool
}

// pieceBytes is how large a piece is at most: copying it takes some 30 us, and a
// state of a GiB has some eight thousand.
const pieceBytes = 128 << 10

// piece is memory that is to be copied before it changes.
type piece struct {
	of       *Snapshot
	mu       sync.Mutex
	from, to []byte // nil once they are copied
	kept     bool   // the owner knows that they are
}

// piecesAtLeast is how many pieces are allocated together.
const piecesAtLeast = 512

// morePieces returns n new pieces.
func (s *Snapshot) morePieces(n int) []piece {
	last := len(s.pieces) - 1
	if last < 0 || cap(s.pieces[last])-len(s.pieces[last]) < n {
		s.pieces = append(s.pieces, make([]piece, 0, max(n, piecesAtLeast)))
		last++
	}
	slab := &s.pieces[last]
	from := len(*slab)
	*slab = (*slab)[:from+n]
	return (*slab)[from : from+n : from+n]
}

// keep copies the piece, unless that is done.
func (p *piece) keep() {
	p.mu.Lock()
	if p.from != nil {
		copy(p.to, p.from)
		p.from, p.to = nil, nil
	}
	p.mu.Unlock()
}

// Begin begins a snapshot of the state that visit hands over, in the memory of dst if that is
// large enough. Until Finish has returned, its bytes must stay as they are.
func Begin(dst []byte, visit func(*Copier)) *Snapshot {
	measure := Copier{way: measuring}
	visit(&measure)
	if cap(dst) < measure.size {
		dst = make([]byte, 0, measure.size+measure.size/8)
	}
	s := &Snapshot{}
	c := Copier{way: holding, bytes: dst[:0], snapshot: s}
	visit(&c)
	s.bytes = c.bytes
	return s
}

// Bytes returns the bytes of the snapshot, which are complete once Finish has returned.
func (s *Snapshot) Bytes() []byte { return s.bytes }

// Finish copies what has not been copied yet. It is safe to call it while the owner of the
// state changes it.
func (s *Snapshot) Finish() {
	for _, slab := range s.pieces {
		for i := range slab {
			slab[i].keep()
		}
	}
	s.pieces = nil
	s.finished.Store(true)
}

// Holds says which pieces of a slice a snapshot still has to copy. The owner of the slice has one
// beside it, and calls Keep before it writes to an element. The zero Holds holds nothing.
type Holds struct {
	pieces []piece
	shift  uint8 // a piece has 1 << shift elements
}

// Keep has the piece of the i-th element copied if it is held. It reports whether the snapshot
// has ended: nothing is held any more.
func (h *Holds) Keep(i uint32) (ended bool) { return h.pieces != nil && h.keep(i, i) }

// KeepRange has the pieces of the elements from one to another copied, both included, as Keep.
func (h *Holds) KeepRange(first, last uint32) (ended bool) {
	return h.pieces != nil && h.keep(first, last)
}

// KeepAll has all pieces copied that are held.
func (h *Holds) KeepAll() {
	if h.pieces != nil {
		h.keep(0, ^uint32(0))
		h.pieces = nil
	}
}

func (h *Holds) keep(first, last uint32) (ended bool) {
	for k := first >> h.shift; k <= last>>h.shift && int(k) < len(h.pieces); k++ {
		p := &h.pieces[k]
		if p.kept {
			continue
		}
		if p.of.finished.Load() {
			h.pieces = nil
			return true
		}
		p.keep()
		p.kept = true
	}
	return false
}

// Held copies a slice of plain values as Slice does. A Snapshot holds it, as h then says, and
// copies it piece by piece.
func Held[T any](c *Copier, v *[]T, h *Holds) {
	if c.way != holding {
		if c.way == reading {
			*h = Holds{}
		}
		Slice(c, v)
		return
	}
	*h = Holds{}
	c.length(len(*v))
	if len(*v) == 0 {
		return
	}
	for size := sizeOf[T](); size<<(h.shift+1) <= pieceBytes; {
		h.shift++
	}
	from := bytesOf(&(*v)[0], len(*v))
	at := len(c.bytes)
	c.bytes = c.bytes[:at+len(from)]
	to, each := c.bytes[at:], sizeOf[T]()<<h.shift
	h.pieces = c.snapshot.morePieces((len(from) + each - 1) / each)
	for i := range h.pieces {
		n := min(each, len(from))
		p := &h.pieces[i]
		p.of, p.from, p.to = c.snapshot, from[:n:n], to[:n:n]
		from, to = from[n:], to[n:]
	}
}
