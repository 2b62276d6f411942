package window

// What touches memory that is about to be used, so that it is in a cache by then. What these
// methods return has no meaning: it is there so that the look is not left out.

// Touch looks at the place of a key.
func (t *Table) Touch(k Key) uint64 {
	if t.n == 0 {
		return 0
	}
	h := k.hash()
	cells := t.part(h).cells
	return cells[h&uint64(len(cells)-1)].key.A
}

// Touch looks at the place of an id.
func (s *Seen) Touch(a uint64) uint64 {
	if len(s.parts) == 0 {
		return 0
	}
	cells := s.parts[s.directory[a>>s.shift]].cells
	return cells[a&uint64(len(cells)-1)].a
}

// Touch looks at the newest entry of a log.
func (s *SlidingPool) Touch(l *SlidingCounts) uint64 {
	if l.ring.n == 0 {
		return 0
	}
	return s.pool.At(&l.ring, int(l.ring.n-1)).V
}

// Len returns the number of entries of a log.
func (l *SlidingCounts) Len() int { return l.ring.Len() }

// Touch looks at the place of a key of a number.
func (s *Keyed) Touch(owner uint32, key uint64) uint64 {
	return s.table.Touch(Key{key, uint64(owner)})
}

// TouchIndex looks at where a conversation is found.
func (r *Replies) TouchIndex(number uint32, contact uint64) uint64 {
	return r.index.Touch(Key{contact, uint64(number)})
}

// Touch looks at a conversation.
func (r *Replies) Touch(number uint32, contact uint64) uint64 {
	slot, ok := r.index.Get(Key{contact, uint64(number)})
	if !ok {
		return 0
	}
	return r.convs.At(slot).contact
}
