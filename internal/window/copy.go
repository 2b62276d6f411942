package window

import (
	"math/bits"
	"slices"

	"sendwatch/internal/flat"
)

// What the state of each structure is, for checkpoints. What New and the like set, the
// widths of windows and their number, is no state.

// copy hands the elements to c.
func (s *segments[T]) copy(c *flat.Copier) {
	flat.Value(c, &s.n)
	used := s.used()
	copyHeld(c, &used, &s.holds)
	if !c.Reading() {
		return
	}
	for i := range used {
		if i > 0 { // a part that is not the first never grows
			used[i] = append(make([]T, 0, segmentSize), used[i]...)
		}
	}
	s.parts = used
}

// copyHeld hands pieces of memory to c, and makes holds what a snapshot holds of each.
func copyHeld[T any](c *flat.Copier, pieces *[][]T, holds *[]flat.Holds) {
	switch {
	case c.Holding():
		*holds = make([]flat.Holds, len(*pieces))
	case c.Reading():
		*holds = nil
	}
	i := 0
	flat.Each(c, pieces, func(c *flat.Copier, piece *[]T) {
		var h flat.Holds
		flat.Held(c, piece, &h)
		if c.Holding() {
			(*holds)[i] = h
		}
		i++
	})
}

// used returns the parts without the memory behind the last element.
func (s *segments[T]) used() [][]T {
	var used [][]T
	for i := range s.parts {
		if left := int(s.n) - i*segmentSize; left > 0 {
			used = append(used, s.parts[i][:min(segmentSize, left)])
		}
	}
	return used
}

// Copy hands the slots to c.
func (s *Slots[T]) Copy(c *flat.Copier) {
	s.mem.copy(c)
	flat.Slice(c, &s.free)
}

// copy hands the elements of all blocks to c.
func (a *arena[T]) copy(c *flat.Copier) {
	flat.Value(c, &a.open)
	flat.Value(c, &a.used)
	flat.Value(c, &a.n)
	copyHeld(c, &a.chunks, &a.holds)
	for class := range a.free {
		flat.Slice(c, &a.free[class])
	}
}

// Copy hands the elements of all rings to c; the rings lie with their owners.
func (p *Pool[T]) Copy(c *flat.Copier) {
	p.elements.copy(c)
	p.pages.copy(c)
}

// Copy hands the keys to c.
func (t *Table) Copy(c *flat.Copier) {
	flat.Value(c, &t.shift)
	flat.Value(c, &t.n)
	flat.Slice(c, &t.directory)
	flat.Each(c, &t.parts, func(c *flat.Copier, p *part) {
		flat.Value(c, &p.n)
		flat.Value(c, &p.bits)
		flat.Held(c, &p.cells, &p.holds)
	})
}

// Copy hands the entries of all logs to c.
func (s *SlidingPool[T]) Copy(c *flat.Copier) {
	s.pool.Copy(c)
	flat.Slice(c, &s.sets.sets)
}

// Copy hands the entries and keys of all windows to c.
func (s *Keyed) Copy(c *flat.Copier) {
	s.pool.Copy(c)
	if s.window == 0 { // the index lies with the first that counts by it
		s.keys.slots.Copy(c)
		s.keys.index.Copy(c)
	}
	s.maxima.Copy(c)
	flat.Value(c, &s.n)
	flat.Value(c, &s.dropped)
}

// Copy hands the counts of all maxima to c.
func (s *Maxima) Copy(c *flat.Copier) { s.pool.Copy(c) }

// Copy hands the buckets of all ages to c.
func (p *AgePool) Copy(c *flat.Copier) { p.pool.Copy(c) }

// Copy hands the conversations and what is pending to c.
func (r *Replies) Copy(c *flat.Copier) {
	r.index.Copy(c)
	r.sends.copy(c)
	r.full.Copy(c)
	r.preferences.Copy(c)
	flat.Slice(c, &r.pressure)
	r.maxima.Copy(c)
	flat.Value(c, &r.bare)
	flat.Value(c, &r.pending)
	flat.Value(c, &r.applied)
	flat.Value(c, &r.sweepAt)
}

// Copy hands the entries to c.
func (x *Index) Copy(c *flat.Copier) {
	flat.Value(c, &x.shift)
	flat.Slice(c, &x.directory)
	flat.Slice(c, &x.spill)
	switch {
	case c.Holding():
		x.holds = make([]flat.Holds, len(x.parts))
	case c.Reading():
		x.holds = nil
	}
	i := 0
	flat.Each(c, &x.parts, func(c *flat.Copier, p *indexPart) {
		flat.Value(c, &p.n)
		flat.Value(c, &p.bits)
		var h flat.Holds
		flat.Held(c, &p.buckets, &h)
		if c.Holding() {
			x.holds[i] = h
		}
		i++
	})
}

// copy hands the sends to c, and of the last block no more than the chunks that were ever used.
func (s *pendingSends) copy(c *flat.Copier) {
	flat.Value(c, &s.n)
	flat.Value(c, &s.used)
	flat.Value(c, &s.free)
	flat.Value(c, &s.due)
	blocks := slices.Clone(s.blocks)
	if last := len(blocks) - 1; last >= 0 {
		blocks[last] = blocks[last][:s.n-uint32(last)*blockChunks]
	}
	copyHeld(c, &blocks, &s.holds)
	if !c.Reading() {
		return
	}
	if last := len(blocks) - 1; last >= 0 {
		size := blockChunks
		if last == 0 {
			size = max(firstChunks, 1<<bits.Len32(s.n-1))
		}
		blocks[last] = append(make([]sendChunk, 0, size), blocks[last]...)[:size]
	}
	s.blocks = blocks
}

// Copy hands the links to c.
func (l *Links) Copy(c *flat.Copier) {
	t := &l.table
	flat.Value(c, &t.n)
	flat.Slice(c, &t.shelves)
	flat.Value(c, &t.chunks.n)
	copyHeld(c, &t.chunks.blocks, &t.chunks.holds)
	flat.Value(c, &l.times)
	flat.Slice(c, &l.passing.tree)
}

// Copy hands the keys of all windows to c.
func (s *Uniques) Copy(c *flat.Copier) {
	s.keys.Copy(c)
	s.table.Copy(c)
	s.runs.Copy(c)
	s.cuts.Copy(c)
}

// Copy hands the ids of both generations to c.
func (s *Seen) Copy(c *flat.Copier) {
	flat.Slice(c, &s.directory)
	flat.Each(c, &s.parts, func(c *flat.Copier, p *seenPart) {
		flat.Held(c, &p.cells, &p.holds)
		flat.Value(c, &p.n)
		flat.Value(c, &p.generation)
		flat.Value(c, &p.bits)
	})
	flat.Value(c, &s.shift)
	flat.Value(c, &s.generation)
	flat.Value(c, &s.added)
}
