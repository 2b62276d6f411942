package window

import "sendwatch/internal/flat"

// segments is an array of T that grows without moving what it holds: it lies in
// parts of one size, and only the first of them, while it is small, is ever copied.
// A slice that doubles copied 70 MB in one event among a million numbers, which took
// seconds on a busy machine, and a sixth of an event's time was spent in copies.
type segments[T any] struct {
	parts [][]T
	n     uint32
	holds []flat.Holds // of each part, nil for none
}

// A part has 8,192 elements: large enough that the list of parts stays in the cache,
// small enough that a new one costs microseconds.
const (
	segmentBits = 13
	segmentSize = 1 << segmentBits
	segmentMask = segmentSize - 1
)

// at returns the i-th element, which may be written. It is valid until push is called.
func (s *segments[T]) at(i uint32) *T {
	if s.holds != nil {
		s.keep(i)
	}
	return &s.parts[i>>segmentBits][i&segmentMask]
}

// look returns the i-th element, which may not be written.
func (s *segments[T]) look(i uint32) *T { return &s.parts[i>>segmentBits][i&segmentMask] }

// keep has a snapshot copy what it holds around the i-th element.
func (s *segments[T]) keep(i uint32) {
	if part := int(i >> segmentBits); part < len(s.holds) && s.holds[part].Keep(i&segmentMask) {
		s.holds = nil
	}
}

// len returns how many elements there are.
func (s *segments[T]) len() uint32 { return s.n }

// push appends the zero T and returns it.
func (s *segments[T]) push() *T {
	i := s.n
	s.n++
	part := int(i >> segmentBits)
	if part == len(s.parts) {
		var fresh []T
		if part > 0 {
			fresh = make([]T, 0, segmentSize)
		}
		s.parts = append(s.parts, fresh)
	}
	p := &s.parts[part]
	var zero T
	if at := int(i & segmentMask); at < len(*p) { // memory of before clear
		if s.holds != nil {
			s.keep(i)
		}
		(*p)[at] = zero
	} else {
		*p = append(*p, zero)
	}
	return &(*p)[i&segmentMask]
}

// clear takes all elements out and keeps the memory.
func (s *segments[T]) clear() { s.n = 0 }
