package window

import (
	"math/bits"

	"sendwatch/internal/flat"
)

// arena is memory of T in few chunks, which are never moved. It is handed out in blocks of a power of two, and a freed block is
// used again for one of its size; a block that is larger than a chunk is a chunk of its own. Where a
// block lies is one word: its chunk in the upper half, its place there in the lower.
type arena[T any] struct {
	chunks [][]T
	open   uint32       // the chunk that blocks are cut from
	used   uint32       // elements of it that are in blocks
	n      int          // elements in blocks, used or free
	free   [32][]uint32 // free blocks by log2 of their size
	holds  []flat.Holds // of each chunk, nil for none
}

const (
	chunkBits = 16
	chunkSize = 1 << chunkBits
	chunkMask = chunkSize - 1
)

// look returns the i-th element of a block, which may not be written.
func (a *arena[T]) look(off, i uint32) *T { return &a.chunks[off>>chunkBits][off&chunkMask+i] }

// at returns the i-th element of a block, which may be written.
func (a *arena[T]) at(off, i uint32) *T {
	chunk, at := off>>chunkBits, off&chunkMask+i
	if a.holds != nil {
		a.keep(chunk, at, at)
	}
	return &a.chunks[chunk][at]
}

// block returns a block of a size, which may be written.
func (a *arena[T]) block(off, size uint32) []T {
	at := off & chunkMask
	if a.holds != nil {
		a.keep(off>>chunkBits, at, at+size-1)
	}
	return a.chunks[off>>chunkBits][at : at+size]
}

// keep has a snapshot copy what it holds around some elements of a chunk.
func (a *arena[T]) keep(chunk, first, last uint32) {
	if int(chunk) < len(a.holds) && a.holds[chunk].KeepRange(first, last) {
		a.holds = nil
	}
}

// give takes a block back.
func (a *arena[T]) give(off, size uint32) {
	class := bits.TrailingZeros32(size)
	a.free[class] = append(a.free[class], off)
}

// take returns a free block of a size.
func (a *arena[T]) take(size uint32) (off uint32) {
	class := bits.TrailingZeros32(size)
	if free := a.free[class]; len(free) > 0 {
		a.free[class] = free[:len(free)-1]
		return free[len(free)-1]
	}
	a.n += int(size)
	if size > chunkSize {
		a.chunks = append(a.chunks, make([]T, size))
		return uint32(len(a.chunks)-1) << chunkBits
	}
	if len(a.chunks) == 0 {
		a.chunks = append(a.chunks, nil)
	}
	if a.used+size > chunkSize {
		a.freeRest()
		a.open, a.used = uint32(len(a.chunks)), 0
		a.chunks = append(a.chunks, make([]T, chunkSize))
	}
	off = a.open<<chunkBits | a.used
	a.used += size
	// Only the first chunk is ever smaller than a chunk: arenas that stay small do.
	if c := &a.chunks[a.open]; int(a.used) > len(*c) {
		*c = append(*c, make([]T, int(a.used)-len(*c))...)
	}
	return off
}

// freeRest makes free blocks of what is left of the open chunk.
func (a *arena[T]) freeRest() {
	c := &a.chunks[a.open]
	if len(*c) < chunkSize {
		*c = append(*c, make([]T, chunkSize-len(*c))...)
	}
	for a.used < chunkSize {
		class := bits.TrailingZeros32(a.used)
		a.free[class] = append(a.free[class], a.open<<chunkBits|a.used)
		a.n += 1 << class
		a.used += 1 << class
	}
}
