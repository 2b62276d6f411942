package window

import "math/bits"

// Ring is the handle of a double-ended queue whose elements lie in a Pool. The
// zero Ring is empty and owns no memory. It is a plain value: copying it does
// not copy the elements.
type Ring struct {
	off  uint32 // of the block in the pool's memory
	head uint32 // of the first element in the block
	n    uint32
	cap  uint32 // a power of two, 0 if the ring owns no block
}

// Len returns the number of elements.
func (r *Ring) Len() int { return int(r.n) }

// Pool is an arena of rings of T: all elements of all rings lie in one slice,
// in blocks of a power of two, and freed blocks are used again.
type Pool[T any] struct {
	mem  []T
	free [32][]uint32 // offsets of free blocks by log2 of their size
}

// firstBlock is the capacity of a ring's first block. Two, because most
// numbers of a large portfolio are idle and hold one or two entries a log.
const firstBlock = 2

// At returns the i-th element from the front. It is valid until the pool grows.
func (p *Pool[T]) At(r *Ring, i int) *T {
	return &p.mem[r.off+((r.head+uint32(i))&(r.cap-1))]
}

// PushBack appends v.
func (p *Pool[T]) PushBack(r *Ring, v T) {
	if r.n == r.cap {
		p.grow(r)
	}
	p.mem[r.off+((r.head+r.n)&(r.cap-1))] = v
	r.n++
}

// PopFront removes the first element; the last one to go frees the block.
func (p *Pool[T]) PopFront(r *Ring) {
	r.head = (r.head + 1) & (r.cap - 1)
	r.n--
	if r.n == 0 {
		p.Free(r)
	}
}

// Insert puts v before the i-th element by moving those behind it, in one piece
// or, where the block's end lies among them, in two.
func (p *Pool[T]) Insert(r *Ring, i int, v T) {
	p.PushBack(r, v)
	block := p.mem[r.off : r.off+r.cap]
	from, to := (r.head+uint32(i))&(r.cap-1), (r.head+r.n-1)&(r.cap-1)
	if from > to {
		copy(block[1:to+1], block[:to])
		block[0] = block[r.cap-1]
		to = r.cap - 1
	}
	copy(block[from+1:to+1], block[from:to])
	block[from] = v
}

// Remove takes the i-th element out by moving those behind it.
func (p *Pool[T]) Remove(r *Ring, i int) {
	for j := i; j < int(r.n)-1; j++ {
		*p.At(r, j) = *p.At(r, j+1)
	}
	r.n--
	if r.n == 0 {
		p.Free(r)
	}
}

// Free empties the ring and frees its block.
func (p *Pool[T]) Free(r *Ring) {
	if r.cap > 0 {
		class := bits.TrailingZeros32(r.cap)
		p.free[class] = append(p.free[class], r.off)
	}
	*r = Ring{}
}

// Len returns the number of elements that the pool's memory holds, used or not.
func (p *Pool[T]) Len() int { return len(p.mem) }

// grow moves the ring into a block of twice the size.
func (p *Pool[T]) grow(r *Ring) {
	next := Ring{cap: max(firstBlock, r.cap*2), n: r.n}
	next.off = p.block(next.cap)
	for i := range int(r.n) {
		p.mem[next.off+uint32(i)] = *p.At(r, i)
	}
	p.Free(r)
	*r = next
}

// block returns the offset of a free block of the given size.
func (p *Pool[T]) block(size uint32) uint32 {
	class := bits.TrailingZeros32(size)
	if free := p.free[class]; len(free) > 0 {
		p.free[class] = free[:len(free)-1]
		return free[len(free)-1]
	}
	off := uint32(len(p.mem))
	if need := len(p.mem) + int(size); need <= cap(p.mem) {
		p.mem = p.mem[:need]
	} else {
		p.mem = append(p.mem, make([]T, size)...)
	}
	return off
}
