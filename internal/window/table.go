package window

import (
	"math/bits"

	"sendwatch/internal/flat"
	"sendwatch/internal/invariants"
)

// Key is the key of a Table: two words, compared whole, so that no two keys
// are ever taken for each other.
type Key struct{ A, B uint64 }

// Table maps keys to slots, which are indexes into a slice of the caller's. It
// is an open-addressing hash table with linear probing and back-shift deletion:
// no tombstones, so that a table that lives for months does not decay.
//
// It grows by extendible hashing: the keys lie in parts of at most partCells cells,
// found by the upper bits of their hash. A part that is full is split in two, which
// takes microseconds however large the table is; a table that doubled as a whole stood
// still for seconds at ten million keys.
//
//	directory  | 0 | 0 | 1 | 2 |      by the upper bits of the hash, here two
//	             |   |   |   |
//	parts        +-0-+   1   2        part 0 has both 00 and 01: it needs one bit
type Table struct {
	directory []uint32
	parts     []part
	shift     uint8 // 64 minus the bits of the directory
	n         int
}

// part is a table of the keys whose hashes agree in the upper bits.
type part struct {
	cells []cell
	n     int
	bits  uint8 // how many upper bits agree
	holds flat.Holds
}

// cell is one place of the table; slot is one more than the value, 0 if free.
type cell struct {
	key  Key
	slot uint32
}

// minCells is the first size of a part, partCells its last.
const (
	minCells  = 64
	partCells = 4096
)

// hash mixes both words into one by a folded multiplication (the constants are
// the fractional digits of pi, as in wyhash).
func (k Key) hash() uint64 {
	hi, lo := bits.Mul64(k.A^0x243f6a8885a308d3, k.B^0x13198a2e03707344^k.A>>29)
	hi, lo = bits.Mul64(hi^0xa4093822299f31d0, lo^0x082efa98ec4e6c89)
	return hi ^ lo
}

// Len returns the number of keys.
func (t *Table) Len() int { return t.n }

// part returns the part that the keys of a hash lie in. The table is not empty.
func (t *Table) part(hash uint64) *part { return &t.parts[t.directory[hash>>t.shift]] }

// Get returns the slot of k.
func (t *Table) Get(k Key) (uint32, bool) {
	if t.n == 0 {
		return 0, false
	}
	h := k.hash()
	cells := t.part(h).cells
	mask := uint64(len(cells) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		c := &cells[i]
		if c.slot == 0 {
			return 0, false
		}
		if c.key == k {
			return c.slot - 1, true
		}
	}
}

// Put sets the slot of a key that the table does not hold.
func (t *Table) Put(k Key, slot uint32) {
	if len(t.parts) == 0 {
		t.directory, t.parts, t.shift = []uint32{0}, []part{{cells: make([]cell, minCells)}}, 64
	}
	h := k.hash()
	p := t.part(h)
	for (p.n+1)*4 > len(p.cells)*3 {
		if len(p.cells) < partCells || t.skewed(p) {
			p.resize(len(p.cells) * 2)
		} else {
			t.split(h)
			p = t.part(h)
		}
	}
	p.place(h, cell{k, slot + 1})
	t.n++
}

// Delete takes a key out and moves back those behind it that its absence
// would hide.
func (t *Table) Delete(k Key) {
	if t.n == 0 {
		return
	}
	h := k.hash()
	p := t.part(h)
	mask := uint64(len(p.cells) - 1)
	i := h & mask
	for p.cells[i].key != k || p.cells[i].slot == 0 {
		if p.cells[i].slot == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.n--
	p.n--
	p.holds.KeepAll()
	for j := (i + 1) & mask; p.cells[j].slot != 0; j = (j + 1) & mask {
		home := p.cells[j].key.hash() & mask
		// The cell at j may move to i if its home is not between them.
		if (j-home)&mask >= (j-i)&mask {
			p.cells[i] = p.cells[j]
			i = j
		}
	}
	p.cells[i] = cell{}
	if invariants.Enabled && p.checked(i) {
		p.checkRun((i + 1) & mask)
		p.checkRun((i - 1) & mask)
	}
}

// Clear empties the table and keeps its memory, unless it has become much
// larger than what it held.
func (t *Table) Clear() {
	if len(t.parts) > 1 && t.n*8 < len(t.parts)*partCells || len(t.parts) == 1 && t.parts[0].roomy() {
		*t = Table{}
		return
	}
	for i := range t.parts {
		p := &t.parts[i]
		if p.n > 0 {
			p.holds.KeepAll()
			clear(p.cells)
			p.n = 0
		}
	}
	t.n = 0
}

// split makes two parts of the one that a hash lies in, by the next bit of the hash.
func (t *Table) split(hash uint64) {
	at := t.directory[hash>>t.shift]
	if t.parts[at].bits == 64-t.shift {
		t.double()
	}
	old := t.parts[at]
	next := old.bits + 1
	t.parts[at] = part{cells: make([]cell, len(old.cells)), bits: next}
	t.parts = append(t.parts, part{cells: make([]cell, len(old.cells)), bits: next})
	low, high := &t.parts[at], &t.parts[len(t.parts)-1]
	// The upper half of the directory's entries for the old part is the new one's.
	span := uint64(1) << (64 - t.shift - old.bits)
	first := hash >> t.shift &^ (span - 1)
	for i := first + span/2; i < first+span; i++ {
		t.directory[i] = uint32(len(t.parts) - 1)
	}
	for _, c := range old.cells {
		if c.slot == 0 {
			continue
		}
		p := low
		h := c.key.hash()
		if h>>(64-next)&1 == 1 {
			p = high
		}
		p.place(h, c)
	}
}

// skewed reports whether splitting a part would make the directory much larger than the
// keys are many: their hashes agree in so many bits that somebody has chosen them. Such a
// part grows instead, and is only slow.
func (t *Table) skewed(p *part) bool {
	return p.bits == 64-t.shift && len(t.directory) >= skewedDirectory*len(t.parts)
}

// skewedDirectory is how many entries of the directory there may be for a part; random
// hashes need fewer than eight.
const skewedDirectory = 256

// double doubles the directory: each entry stands twice.
func (t *Table) double() {
	wide := make([]uint32, 2*len(t.directory))
	for i := range wide {
		wide[i] = t.directory[i/2]
	}
	t.directory = wide
	t.shift--
}

// roomy reports whether a part is much larger than what it holds.
func (p *part) roomy() bool { return len(p.cells) > minCells && p.n*8 < len(p.cells) }

// place puts a cell of a hash where it is found.
func (p *part) place(hash uint64, c cell) {
	p.holds.KeepAll()
	mask := uint64(len(p.cells) - 1)
	i := hash & mask
	for p.cells[i].slot != 0 {
		i = (i + 1) & mask
	}
	p.cells[i] = c
	p.n++
	if invariants.Enabled && p.checked(i) {
		p.checkRun(i)
	}
}

// resize makes a part larger: the only one of a small table, or a skewed one.
func (p *part) resize(size int) {
	old := p.cells
	p.cells, p.n, p.holds = make([]cell, size), 0, flat.Holds{}
	for _, c := range old {
		if c.slot != 0 {
			p.place(c.key.hash(), c)
		}
	}
}
