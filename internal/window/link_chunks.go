package window

import (
	"math/bits"

	"sendwatch/internal/flat"
)

// chunkLinks is how many links a chunk has room for: as many as fit in 1 KiB.
const chunkLinks = 46

// linkChunk is a run of links. A link is 22 bytes:
//
//	+--------------------+----+------+-----+-------------+
//	| key, owner & 0xffff | to | seen | tag | owner >> 16 |
//	| 6, 2                | 8  | 4    | 1   | 1           |
//	+--------------------+----+------+-----+-------------+
//
// The tags lie side by side, so that looking for a link that is not there reads
// little else.
type linkChunk struct {
	cells  [chunkLinks]linkCell
	tags   [chunkLinks]uint8
	owners [chunkLinks]uint8
	shelf  uint32   // whose chunk it is
	_      [8]uint8 // to 1 KiB, the size in which memory is handed out anyway
}

// linkCell is the most of a link, in words of 32 bits, because with longer ones it
// would take 24 bytes.
type linkCell struct {
	keyLow, keyHigh uint32 // keyOf
	toLow, toHigh   uint32
	seen            uint32 // linkTimes.pack
}

func (c *linkCell) key() uint64 { return uint64(c.keyLow) | uint64(c.keyHigh)<<32 }

func (c *linkCell) to() uint64 { return uint64(c.toLow) | uint64(c.toHigh)<<32 }

// copyLink copies the link at i of another chunk, or of this one, to k.
func (c *linkChunk) copyLink(k uint32, from *linkChunk, i uint32) {
	c.cells[k], c.tags[k], c.owners[k] = from.cells[i], from.tags[i], from.owners[i]
}

// linkChunks holds the chunks of all shelves, and no free one among them. They lie in
// blocks that never move. A block has 2 chunks, and those from the 512th chunk on
// twice as many as those from half as far, so that the memory at the end that waits for use is
// less than a 128th of the whole, and the list of blocks is short.
type linkChunks struct {
	blocks [][]linkChunk
	n      uint32
	holds  []flat.Holds // of each block, nil for none
}

// blocksOfASize is 128: of the blocks of 2 chunks there are twice as many, since none are smaller.
const blocksOfASize = 128

// blockOf returns the block that a chunk lies in, its place there, and the
// block's size.
func blockOf(chunk uint32) (block, place, size uint32) {
	shift := uint32(max(1, bits.Len32(chunk)-8))
	size = 1 << shift
	return (shift-1)*blocksOfASize + chunk>>shift, chunk & (size - 1), size
}

func (a *linkChunks) at(chunk uint32) *linkChunk {
	block, place, _ := blockOf(chunk)
	if int(block) < len(a.holds) && a.holds[block].Keep(place) {
		a.holds = nil
	}
	return &a.blocks[block][place]
}

// add returns one more chunk, the last one.
func (a *linkChunks) add() uint32 {
	block, place, size := blockOf(a.n)
	if place == 0 {
		a.blocks = resized(a.blocks, int(block)+1)
		a.blocks[block] = make([]linkChunk, size)
	}
	a.n++
	return a.n - 1
}

// drop takes the last chunk away.
func (a *linkChunks) drop() {
	a.n--
	if block, place, _ := blockOf(a.n); place == 0 {
		a.blocks = resized(a.blocks, int(block))
	}
}

// resized returns a slice with another length, in memory with at most a tenth to
// spare: append would have up to half to spare, and keep it when the slice shrinks.
func resized[T any](s []T, n int) []T {
	if n <= cap(s) && cap(s) <= n+n/10 {
		if n < len(s) {
			clear(s[n:])
		}
		return s[:n]
	}
	r := make([]T, n, n+n/16)
	copy(r, s)
	return r
}
