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

// Len returns the number of entries of a log.
func (l *KeyedCounts) Len() int { return l.ring.Len() }

// Touch looks at the place of an id.
func (s *Seen) Touch(a uint64) uint64 {
	if len(s.parts) == 0 {
		return 0
	}
	cells := s.parts[s.directory[a>>s.shift]].cells
	return cells[a&uint64(len(cells)-1)].a
}

// Touch looks at the newest entry of a log, and at those that leave windows next if the log
// is about to be advanced.
func (s *SlidingPool[T]) Touch(l *SlidingCounts, advances bool) uint64 {
	if l.ring.n == 0 {
		return 0
	}
	sum := *s.pool.Look(&l.ring, int(l.ring.n-1))
	for k := range s.n {
		if advances && l.cursor[k] < l.ring.n {
			sum += *s.pool.Look(&l.ring, int(l.cursor[k]))
		}
	}
	return uint64(sum)
}

// Len returns the number of entries of a log.
func (l *SlidingCounts) Len() int { return l.ring.Len() }

// TouchIndex looks at where a key of a number is found.
func (s *Keyed) TouchIndex(owner uint32, key uint64) uint64 {
	return s.keys.index.Touch(Key{key, uint64(owner)}.hash())
}

// TouchKey looks at what is known of a key of a number, and returns the note that is kept
// with it, 0 if it is not known.
func (s *Keyed) TouchKey(owner uint32, key uint64) (note uint32) {
	slot, ok := s.keys.find(owner, key)
	if !ok {
		return 0
	}
	return s.keys.slots.Look(slot).note
}

// Touch looks at the newest entry of a log, and at the oldest if the log is about to be advanced.
func (s *Keyed) Touch(l *KeyedCounts, advances bool) uint64 {
	if l.ring.n == 0 {
		return 0
	}
	sum := uint64(*s.pool.Look(&l.ring, int(l.ring.n-1))) + s.maxima.touch(&l.max)
	if advances {
		sum += uint64(*s.pool.Look(&l.ring, 0))
	}
	return sum
}

// TouchIndex looks at where a conversation is found.
func (r *Replies) TouchIndex(number uint32, contact uint64) uint64 {
	return r.index.Touch(Key{contact, uint64(number)}.hash())
}

// Touch looks at a conversation, and at the number's pressure.
func (r *Replies) Touch(number uint32, contact uint64) uint64 {
	sum := uint64(0)
	if int(number) < len(r.pressure) {
		sum = r.maxima.touch(&r.pressure[number])
	}
	if c, ok := r.Find(number, contact); ok { // which looks at it
		sum += uint64(c)
	}
	return sum
}

// touch looks at how many keys have the largest count.
func (s *Maxima) touch(m *Maximum) uint64 {
	if m.top == 0 {
		return 0
	}
	return uint64(*s.pool.Look(&m.counts, int(m.top)-1))
}

// Touch looks at the newest bucket.
func (p *AgePool) Touch(a *Ages) uint64 {
	if a.ring.n == 0 {
		return 0
	}
	return uint64(p.pool.Look(&a.ring, int(a.ring.n-1)).at)
}

// TouchSwept looks at the full conversations that the next n looked at by Sweep are, and at where those are found
// that it will forget.
func (r *Replies) TouchSwept(n int) uint64 {
	sum, at := uint64(0), r.sweepAt
	for range min(n, int(r.full.End())) {
		if at++; at >= r.full.End() {
			at = 0
		}
		v := r.full.Look(at)
		sum += v.contact
		if v.idle(r.swept) {
			sum += r.index.Touch(Key{v.contact, uint64(v.number)}.hash())
		}
	}
	return sum
}
