package window

// Maximum keeps the largest of many counts that change one by one. It belongs
// to one number.
type Maximum struct {
	counts Ring // element i: how many keys have the count i+1
	top    uint32
}

// Top returns the largest count, 0 if all are zero.
func (m *Maximum) Top() uint32 { return m.top }

// Maxima is the pool of Maximum.
type Maxima struct{ pool Pool[uint32] }

// Move changes one key's count from one value to another. Both may be 0.
func (s *Maxima) Move(m *Maximum, from, to uint32) {
	if to > 0 {
		for m.counts.n < to {
			s.pool.PushBack(&m.counts, 0)
		}
		*s.pool.At(&m.counts, int(to-1))++
		m.top = max(m.top, to)
	}
	if from > 0 {
		*s.pool.At(&m.counts, int(from-1))--
	}
	for m.top > 0 && *s.pool.Look(&m.counts, int(m.top-1)) == 0 {
		m.top--
	}
	if m.top == 0 {
		s.pool.Free(&m.counts)
	}
}
