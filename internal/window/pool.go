package window

import (
	"math/bits"

	"sendwatch/internal/flat"
)

// Ring is the handle of a double-ended queue whose elements lie in a Pool. The
// zero Ring is empty and owns no memory. It is a plain value: copying it does
// not copy the elements.
type Ring struct {
	off  uint32 // of the block: its chunk in the upper half, its place there in the lower
	head uint32 // of the first element in the block
	n    uint32
	cap  uint32 // a power of two, 0 if the ring owns no block
}

// Len returns the number of elements.
func (r *Ring) Len() int { return int(r.n) }

// Pool is an arena of rings of T: the elements of all rings lie in few chunks of
// memory, in blocks of a power of two, and freed blocks are used again. Chunks are
// never moved; a block that is larger than a chunk is a chunk of its own.
type Pool[T any] struct {
	chunks [][]T
	open   uint32       // the chunk that blocks are cut from
	used   uint32       // elements of it that are in blocks
	n      int          // elements in blocks, used or free
	free   [32][]uint32 // offsets of free blocks by log2 of their size
	holds  []flat.Holds // of each chunk, nil for none
}

const (
	// firstBlock is the capacity of a ring's first block. Two, because most
	// numbers of a large portfolio are idle and hold one or two entries a log.
	firstBlock = 2
	chunkBits  = 16
	chunkSize  = 1 << chunkBits
	chunkMask  = chunkSize - 1
)

// block returns the ring's block.
func (p *Pool[T]) block(r *Ring) []T {
	at := r.off & chunkMask
	if p.holds != nil && r.cap > 0 {
		p.keep(r.off>>chunkBits, at, at+r.cap-1)
	}
	return p.chunks[r.off>>chunkBits][at : at+r.cap]
}

// At returns the i-th element from the front, which may be written. It is valid until the
// pool grows.
func (p *Pool[T]) At(r *Ring, i int) *T {
	chunk, at := r.off>>chunkBits, r.off&chunkMask+((r.head+uint32(i))&(r.cap-1))
	if p.holds != nil {
		p.keep(chunk, at, at)
	}
	return &p.chunks[chunk][at]
}

// Look returns the i-th element from the front, which may not be written. It is valid until
// the pool grows. It is inlined, which At is not: most looks at a log only read.
func (p *Pool[T]) Look(r *Ring, i int) *T {
	return &p.chunks[r.off>>chunkBits][r.off&chunkMask+((r.head+uint32(i))&(r.cap-1))]
}

// keep has a snapshot copy what it holds around some elements of a chunk.
func (p *Pool[T]) keep(chunk, first, last uint32) {
	if int(chunk) < len(p.holds) && p.holds[chunk].KeepRange(first, last) {
		p.holds = nil
	}
}

// PushBack appends v.
func (p *Pool[T]) PushBack(r *Ring, v T) {
	if r.n == r.cap {
		p.grow(r)
	}
	*p.At(r, int(r.n)) = v
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

// DropFront removes the first n elements, of which there are as many; the last one to go
// frees the block.
func (p *Pool[T]) DropFront(r *Ring, n uint32) {
	r.head = (r.head + n) & (r.cap - 1)
	r.n -= n
	if r.n == 0 {
		p.Free(r)
	}
}

// Insert puts v before the i-th element by moving those behind it, in one piece
// or, where the block's end lies among them, in two.
func (p *Pool[T]) Insert(r *Ring, i int, v T) {
	p.PushBack(r, v)
	if i == int(r.n)-1 {
		return
	}
	block := p.block(r)
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

// Len returns the number of elements that the pool's blocks hold, used or not.
func (p *Pool[T]) Len() int { return p.n }

// grow moves the ring into a block of twice the size.
func (p *Pool[T]) grow(r *Ring) {
	next := Ring{cap: max(firstBlock, r.cap*2), n: r.n}
	next.off = p.take(next.cap)
	if r.n > 0 {
		to, from := p.block(&next), p.block(r)
		copied := copy(to, from[r.head:])
		copy(to[copied:], from[:r.head])
	}
	p.Free(r)
	*r = next
}

// take returns the offset of a free block of the given size.
func (p *Pool[T]) take(size uint32) uint32 {
	class := bits.TrailingZeros32(size)
	if free := p.free[class]; len(free) > 0 {
		p.free[class] = free[:len(free)-1]
		return free[len(free)-1]
	}
	p.n += int(size)
	if size > chunkSize {
		p.chunks = append(p.chunks, make([]T, size))
		return uint32(len(p.chunks)-1) << chunkBits
	}
	if len(p.chunks) == 0 {
		p.chunks = append(p.chunks, nil)
	}
	if p.used+size > chunkSize {
		p.freeRest()
		p.open, p.used = uint32(len(p.chunks)), 0
		p.chunks = append(p.chunks, make([]T, chunkSize))
	}
	off := p.open<<chunkBits | p.used
	p.used += size
	// Only the first chunk is ever smaller than a chunk: pools that stay small do.
	if c := &p.chunks[p.open]; int(p.used) > len(*c) {
		*c = append(*c, make([]T, int(p.used)-len(*c))...)
	}
	return off
}

// freeRest makes free blocks of what is left of the open chunk.
func (p *Pool[T]) freeRest() {
	c := &p.chunks[p.open]
	if len(*c) < chunkSize {
		*c = append(*c, make([]T, chunkSize-len(*c))...)
	}
	for p.used < chunkSize {
		class := bits.TrailingZeros32(p.used)
		p.free[class] = append(p.free[class], p.open<<chunkBits|p.used)
		p.n += 1 << class
		p.used += 1 << class
	}
}
