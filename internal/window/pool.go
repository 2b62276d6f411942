package window

// Ring is the handle of a double-ended queue whose elements lie in a Pool. The
// zero Ring is empty and owns no memory. It is a plain value: copying it does
// not copy the elements.
type Ring struct {
	off  uint32 // of the block, or of the list of pages
	head uint32 // of the first element in the block
	n    uint32
	cap  uint32 // a power of two, 0 if the ring owns no block; above pageSize it has pages
}

// Len returns the number of elements.
func (r *Ring) Len() int { return int(r.n) }

// Pool keeps the elements of rings of T in an arena. A ring of up to pageSize elements is one block, which doubles as it grows. A longer
// one lies in pages, which a list of pages finds: what it has left at the front is free for others at once, and
// to grow it copies nothing but the list.
//
//	ring   | off | head 70 | n 90 | cap 256 |
//	          |
//	list   +-->| -- | -- | 1 | 2 | 3 | -- | -- | -- |     of cap / pageSize places
//	                       |   |   |
//	pages                  1   2   3                      its elements 70 to 159
//
// Blocks that doubled to the end took three times the elements of logs of a day: a half or a quarter of each was free, and behind each
// lay those that it had grown out of, which no other log wanted, since all had grown. Pages from 64 or 256 elements on are as quick as from 32,
// and take more.
//
// Logs of counts that are looked at at several places for each event have no pages (whole): to count one exactly by minute, hour and day took
// 113 ns with them, and 87 before.
type Pool[T any] struct {
	elements arena[T]
	pages    arena[uint32]
	whole    uint32 // everyBlock if each ring is one block, however long
}

const (
	// firstBlock is the capacity of a ring's first block. Two, because most
	// numbers of a large portfolio are idle and hold one or two entries a log.
	firstBlock = 2
	pageBits   = 5
	pageSize   = 1 << pageBits
	pageMask   = pageSize - 1
	firstPages = 4 // the first length of a list
	everyBlock = 1<<31 - 1
)

// paged reports whether a ring has pages.
func (p *Pool[T]) paged(r *Ring) bool { return r.cap > pageSize|p.whole }

// place returns where the i-th element from the front lies.
func (r *Ring) place(i uint32) uint32 { return (r.head + i) & (r.cap - 1) }

// page returns where the page of a place lies.
func (p *Pool[T]) page(r *Ring, place uint32) *uint32 { return p.pages.look(r.off, place>>pageBits) }

// At returns the i-th element from the front, which may be written. It is valid until the
// pool grows.
func (p *Pool[T]) At(r *Ring, i int) *T {
	at := r.place(uint32(i))
	if p.paged(r) {
		return p.elements.at(*p.page(r, at), at&pageMask)
	}
	return p.elements.at(r.off, at)
}

// Look returns the i-th element from the front, which may not be written. It is valid until
// the pool grows.
func (p *Pool[T]) Look(r *Ring, i int) *T {
	off, at := r.off, (r.head+uint32(i))&(r.cap-1)
	if r.cap > pageSize|p.whole {
		off = p.pages.chunks[off>>chunkBits][off&chunkMask+at>>pageBits]
		at &= pageMask
	}
	return &p.elements.chunks[off>>chunkBits][off&chunkMask+at]
}

// PushBack appends v.
func (p *Pool[T]) PushBack(r *Ring, v T) { *p.push(r) = v }

// push appends an element that the caller fills in.
func (p *Pool[T]) push(r *Ring) *T {
	if r.n+pageSize > r.cap && (r.n == r.cap || p.paged(r)) { // so that the first and the last page are never the same one
		p.grow(r)
	}
	at := r.place(r.n)
	r.n++
	if !p.paged(r) {
		return p.elements.at(r.off, at)
	}
	if at&pageMask == 0 {
		*p.pages.at(r.off, at>>pageBits) = p.elements.take(pageSize)
	}
	return p.elements.at(*p.page(r, at), at&pageMask)
}

// PopFront removes the first element; the last one to go frees the block.
func (p *Pool[T]) PopFront(r *Ring) { p.DropFront(r, 1) }

// DropFront removes the first n elements, of which there are as many; the last one to go
// frees the block.
func (p *Pool[T]) DropFront(r *Ring, n uint32) {
	if n == r.n {
		p.Free(r)
		return
	}
	if p.paged(r) {
		for at := r.head &^ pageMask; at+pageSize <= r.head+n; at += pageSize {
			p.elements.give(*p.page(r, at&(r.cap-1)), pageSize)
		}
	}
	r.head = (r.head + n) & (r.cap - 1)
	r.n -= n
}

// dropBack removes the last element; the last one to go frees the block.
func (p *Pool[T]) dropBack(r *Ring) {
	if r.n == 1 {
		p.Free(r)
		return
	}
	r.n--
	if at := r.place(r.n); p.paged(r) && at&pageMask == 0 {
		p.elements.give(*p.page(r, at), pageSize)
	}
}

// Insert puts v before the i-th element by moving those behind it, in one piece
// for each page, or of a block, where its end lies among them, in two.
func (p *Pool[T]) Insert(r *Ring, i int, v T) {
	last := p.push(r)
	if i == int(r.n)-1 {
		*last = v
		return
	}
	// From the last piece to the first, each takes over the last element of the one before.
	size := r.cap
	if p.paged(r) {
		size = pageSize
	}
	for end := r.n - 1; ; {
		place := r.place(end)
		piece, to := p.piece(r, place), place&(size-1)
		if left := end - uint32(i); left <= to {
			copy(piece[to-left+1:to+1], piece[to-left:to])
			piece[to-left] = v
			return
		}
		copy(piece[1:to+1], piece[:to])
		end -= to + 1
		piece[0] = *p.Look(r, int(end))
	}
}

// piece returns the page or block of a place, which may be written.
func (p *Pool[T]) piece(r *Ring, place uint32) []T {
	if p.paged(r) {
		return p.elements.block(*p.page(r, place), pageSize)
	}
	return p.elements.block(r.off, r.cap)
}

// Remove takes the i-th element out by moving those behind it.
func (p *Pool[T]) Remove(r *Ring, i int) {
	for j := i; j < int(r.n)-1; j++ {
		*p.At(r, j) = *p.Look(r, j+1)
	}
	p.dropBack(r)
}

// Free empties the ring and frees its block or pages.
func (p *Pool[T]) Free(r *Ring) {
	switch {
	case p.paged(r):
		for at := r.head &^ pageMask; at < r.head+r.n; at += pageSize {
			p.elements.give(*p.page(r, at&(r.cap-1)), pageSize)
		}
		p.pages.give(r.off, r.cap/pageSize)
	case r.cap > 0:
		p.elements.give(r.off, r.cap)
	}
	*r = Ring{}
}

// Len returns the number of elements that the pool's blocks hold, used or not.
func (p *Pool[T]) Len() int { return p.elements.n }

// grow moves the ring into a block of twice the size, or into pages, or makes its list longer.
func (p *Pool[T]) grow(r *Ring) {
	switch {
	case p.paged(r):
		p.growList(r)
	case r.cap == pageSize && p.whole == 0:
		next := Ring{cap: firstPages * pageSize, n: r.n, off: p.pages.take(firstPages)}
		page := p.elements.take(pageSize)
		*p.pages.at(next.off, 0) = page
		p.straighten(page, r)
		*r = next
	default:
		next := Ring{cap: max(firstBlock, r.cap*2), n: r.n}
		next.off = p.elements.take(next.cap)
		p.straighten(next.off, r)
		*r = next
	}
}

// straighten copies a ring of one block to the beginning of another one, and frees its own.
func (p *Pool[T]) straighten(off uint32, r *Ring) {
	if r.cap == 0 {
		return
	}
	to, from := p.elements.block(off, r.cap), p.elements.block(r.off, r.cap)
	copied := copy(to, from[r.head:])
	copy(to[copied:], from[:r.head])
	p.elements.give(r.off, r.cap)
}

// growList doubles the list of pages.
func (p *Pool[T]) growList(r *Ring) {
	pages := r.cap / pageSize
	list := p.pages.take(2 * pages)
	to, from := p.pages.block(list, 2*pages), p.pages.block(r.off, pages)
	first := r.head / pageSize
	copied := copy(to, from[first:])
	copy(to[copied:], from[:first])
	p.pages.give(r.off, pages)
	r.off, r.head, r.cap = list, r.head&pageMask, 2*r.cap
}
