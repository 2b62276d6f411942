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
	spare    []held    // what is left of those that were allocated together
	finished atomic.Bool
}

// pieceBytes is how large a piece is at most: copying it takes some 30 us, and a
// state of a GiB has some eight thousand.
const pieceBytes = 128 << 10

// held is a slice that a snapshot holds.
type held struct {
	of     *Snapshot
	pieces []piece
	shift  uint8 // a piece has 1 << shift elements
}

// piece is memory that is to be copied before it changes.
type piece struct {
	mu       sync.Mutex
	from, to []byte // nil once they are copied
	kept     bool   // the owner knows that they are
}

// piecesAtLeast is how many pieces are allocated together, slicesAtOnce how many slices.
const (
	piecesAtLeast = 512
	slicesAtOnce  = 128
)

// newHeld returns a held slice that has nothing yet.
func (s *Snapshot) newHeld() *held {
	if len(s.spare) == 0 {
		s.spare = make([]held, slicesAtOnce)
	}
	d := &s.spare[0]
	s.spare = s.spare[1:]
	d.of = s
	return d
}

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
	s.pieces, s.spare = nil, nil
	s.finished.Store(true)
}

// Holds says which pieces of a slice a snapshot still has to copy. The owner of the slice has one
// beside it, and calls Keep before it writes to an element. The zero Holds holds nothing. It is a
// pointer and no more, because it lies in each part of each table.
type Holds struct{ held *held }

// Keep has the piece of the i-th element copied if it is held. It reports whether the snapshot
// has ended: nothing is held any more.
func (h *Holds) Keep(i uint32) (ended bool) { return h.held != nil && h.keep(i, i) }

// KeepRange has the pieces of the elements from one to another copied, both included, as Keep.
func (h *Holds) KeepRange(first, last uint32) (ended bool) {
	return h.held != nil && h.keep(first, last)
}

// KeepAll has all pieces copied that are held.
func (h *Holds) KeepAll() {
	if h.held != nil {
		h.keep(0, ^uint32(0))
		h.held = nil
	}
}

// keep asks first whether the snapshot has ended: an owner that writes again and again to pieces which it
// has kept itself would find out from no other piece, and pay for a snapshot long after it.
func (h *Holds) keep(first, last uint32) (ended bool) {
	d := h.held
	if d.of.finished.Load() {
		h.held = nil
		return true
	}
	for k := first >> d.shift; k <= last>>d.shift && int(k) < len(d.pieces); k++ {
		if p := &d.pieces[k]; !p.kept {
			p.keep()
			p.kept = true
		}
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
	d := c.snapshot.newHeld()
	h.held = d
	for size := sizeOf[T](); size<<(d.shift+1) <= pieceBytes; {
		d.shift++
	}
	d.pieces = c.hold(bytesOf(&(*v)[0], len(*v)), sizeOf[T]()<<d.shift)
}

// hold makes pieces of memory, of so many bytes each, that the snapshot copies later to where they belong.
func (c *Copier) hold(from []byte, each int) []piece {
	at := len(c.bytes)
	c.bytes = c.bytes[:at+len(from)]
	to := c.bytes[at:]
	pieces := c.snapshot.morePieces((len(from) + each - 1) / each)
	for i := range pieces {
		n := min(each, len(from))
		pieces[i].from, pieces[i].to = from[:n:n], to[:n:n]
		from, to = from[n:], to[n:]
	}
	return pieces
}
