package window

// Slots hands out places in a slice of T and takes them back. Slot numbers stay
// valid until they are freed, also while the slice grows.
type Slots[T any] struct {
	mem  []T
	free []uint32
}

// New returns a slot that holds the zero T.
func (s *Slots[T]) New() uint32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		var zero T
		s.mem[slot] = zero
		return slot
	}
	var zero T
	s.mem = append(s.mem, zero)
	return uint32(len(s.mem) - 1)
}

// At returns what lies in a slot. It is valid until the next New.
func (s *Slots[T]) At(slot uint32) *T { return &s.mem[slot] }

// Free takes a slot back.
func (s *Slots[T]) Free(slot uint32) { s.free = append(s.free, slot) }

// Len returns the number of slots in use.
func (s *Slots[T]) Len() int { return len(s.mem) - len(s.free) }

// End is one more than the largest slot number ever given.
func (s *Slots[T]) End() uint32 { return uint32(len(s.mem)) }

// Clear takes all slots back and keeps the memory.
func (s *Slots[T]) Clear() {
	s.mem = s.mem[:0]
	s.free = s.free[:0]
}
