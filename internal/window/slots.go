package window

// Slots hands out places for a T and takes them back. Slot numbers stay valid until
// they are freed.
type Slots[T any] struct {
	mem  segments[T]
	free []uint32
}

// New returns a slot that holds the zero T.
func (s *Slots[T]) New() uint32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		var zero T
		*s.mem.at(slot) = zero
		return slot
	}
	s.mem.push()
	return s.mem.len() - 1
}

// At returns what lies in a slot. It is valid until the next New.
func (s *Slots[T]) At(slot uint32) *T { return s.mem.at(slot) }

// Look returns what lies in a slot, for a caller that does not write to it. It is valid until
// the next New.
func (s *Slots[T]) Look(slot uint32) *T { return s.mem.look(slot) }

// Free takes a slot back.
func (s *Slots[T]) Free(slot uint32) { s.free = append(s.free, slot) }

// Len returns the number of slots in use.
func (s *Slots[T]) Len() int { return int(s.mem.len()) - len(s.free) }

// End is one more than the largest slot number ever given.
func (s *Slots[T]) End() uint32 { return s.mem.len() }

// Clear takes all slots back and keeps the memory.
func (s *Slots[T]) Clear() {
	s.mem.clear()
	s.free = s.free[:0]
}
