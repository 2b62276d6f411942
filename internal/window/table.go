package window

import (
	"math/bits"

	"sendwatch/internal/invariants"
)

// Key is the key of a Table: two words, compared whole, so that no two keys
// are ever taken for each other.
type Key struct{ A, B uint64 }

// Table maps keys to slots, which are indexes into a slice of the caller's. It
// is an open-addressing hash table with linear probing and back-shift deletion:
// no tombstones, so that a table that lives for months does not decay.
type Table struct {
	cells []cell
	n     int
}

// cell is one place of the table; slot is one more than the value, 0 if free.
type cell struct {
	key  Key
	slot uint32
}

// minCells is the first size. Tables are few and large.
const minCells = 64

// hash mixes both words into one by a folded multiplication (the constants are
// the fractional digits of pi, as in wyhash).
func (k Key) hash() uint64 {
	hi, lo := bits.Mul64(k.A^0x243f6a8885a308d3, k.B^0x13198a2e03707344^k.A>>29)
	hi, lo = bits.Mul64(hi^0xa4093822299f31d0, lo^0x082efa98ec4e6c89)
	return hi ^ lo
}

// Len returns the number of keys.
func (t *Table) Len() int { return t.n }

// Get returns the slot of k.
func (t *Table) Get(k Key) (uint32, bool) {
	if t.n == 0 {
		return 0, false
	}
	mask := uint64(len(t.cells) - 1)
	for i := k.hash() & mask; ; i = (i + 1) & mask {
		c := &t.cells[i]
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
	if (t.n+1)*4 > len(t.cells)*3 {
		t.resize(max(minCells, len(t.cells)*2))
	}
	t.place(cell{k, slot + 1})
	t.n++
}

// Delete takes a key out and moves back those behind it that its absence
// would hide.
func (t *Table) Delete(k Key) {
	if t.n == 0 {
		return
	}
	mask := uint64(len(t.cells) - 1)
	i := k.hash() & mask
	for t.cells[i].key != k || t.cells[i].slot == 0 {
		if t.cells[i].slot == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.n--
	for j := (i + 1) & mask; t.cells[j].slot != 0; j = (j + 1) & mask {
		home := t.cells[j].key.hash() & mask
		// The cell at j may move to i if its home is not between them.
		if (j-home)&mask >= (j-i)&mask {
			t.cells[i] = t.cells[j]
			i = j
		}
	}
	t.cells[i] = cell{}
	if invariants.Enabled && t.checked(i) {
		t.checkRun((i + 1) & mask)
		t.checkRun((i - 1) & mask)
	}
}

// Clear empties the table and keeps its memory, unless it has become much
// larger than what it held.
func (t *Table) Clear() {
	if len(t.cells) > minCells && t.n*8 < len(t.cells) {
		t.cells, t.n = nil, 0
		return
	}
	clear(t.cells)
	t.n = 0
}

func (t *Table) place(c cell) {
	mask := uint64(len(t.cells) - 1)
	i := c.key.hash() & mask
	for t.cells[i].slot != 0 {
		i = (i + 1) & mask
	}
	t.cells[i] = c
	if invariants.Enabled && t.checked(i) {
		t.checkRun(i)
	}
}

func (t *Table) resize(size int) {
	old := t.cells
	t.cells = make([]cell, size)
	for _, c := range old {
		if c.slot != 0 {
			t.place(c)
		}
	}
}
