package window

import (
	"math"

	"sendwatch/internal/invariants"
)

// Entry counts one column's events of one bucket of event time.
type Entry struct {
	At int64  // bucket: floor(time / grain)
	V  uint64 // the column in the upper 8 bits, the count below
}

const countBits = 56

func (e *Entry) col() uint8 { return uint8(e.V >> countBits) }
func (e *Entry) n() uint64  { return e.V & (1<<countBits - 1) }

// SlidingCounts keeps counts by bucket of event time, sorted, and a cursor for each
// window over it, so that one log serves several windows. It belongs to one
// number; its entries lie in a Pool shared by all.
type SlidingCounts struct {
	ring   Ring
	cursor [MaxWindows]uint32 // entries from the front that lie outside of the window
}

// MaxWindows is the most windows that one log serves.
const MaxWindows = 3

// Never is a time that does not come.
const Never = math.MaxInt64

// SlidingPool is the pool of the logs of one kind: their windows' widths in buckets,
// longest first, and the number of columns.
type SlidingPool struct {
	pool   Pool[Entry]
	widths []int64
	cols   int
}

// NewSlidingPool makes a pool for logs with the given number of columns and the given
// windows: widths in buckets, longest first, at most MaxWindows.
func NewSlidingPool(cols int, widths ...int64) SlidingPool {
	return SlidingPool{widths: widths, cols: cols}
}

// Sums is where a log's totals lie: for each window, longest first, one count a
// column. Its length is the number of windows times the number of columns.
type Sums []uint64

// Add counts n events of column col in bucket at. now is the clock's bucket, to
// which the log has been advanced; at is at most now. n is less than 2^56;
// a bucket's column that comes to more takes a second entry.
func (s *SlidingPool) Add(l *SlidingCounts, sums Sums, col uint8, at, now int64, n uint64) {
	if at <= now-s.widths[0] {
		return
	}
	if invariants.Enabled {
		defer s.checkSums(l, sums, now)
	}
	for k, w := range s.widths {
		if at > now-w {
			sums[k*s.cols+int(col)] += n
		}
	}
	i := int(l.ring.n)
	for ; i > 0; i-- {
		e := s.pool.At(&l.ring, i-1)
		if e.At < at {
			break
		}
		if e.At == at && e.col() == col && e.n()+n < 1<<countBits {
			e.V += n
			return
		}
	}
	// The scan stopped at the first place for the bucket; entries are sorted by
	// bucket alone, so any place among equals will do.
	s.pool.Insert(&l.ring, i, Entry{at, uint64(col)<<countBits | n})
	for k, w := range s.widths {
		if at <= now-w {
			l.cursor[k]++
		}
	}
}

// Advance moves the clock's bucket to now and takes what leaves each window off
// its totals.
func (s *SlidingPool) Advance(l *SlidingCounts, sums Sums, now int64) {
	if l.ring.n == 0 {
		return
	}
	for k, w := range s.widths {
		for l.cursor[k] < l.ring.n {
			e := s.pool.At(&l.ring, int(l.cursor[k]))
			if e.At > now-w {
				break
			}
			sums[k*s.cols+int(e.col())] -= e.n()
			l.cursor[k]++
		}
	}
	for drop := l.cursor[0]; drop > 0; drop-- {
		s.pool.PopFront(&l.ring)
		for k := range s.widths {
			l.cursor[k]--
		}
	}
	if invariants.Enabled {
		s.checkSums(l, sums, now)
	}
}

// Next returns the bucket at which the next entry leaves one of the windows,
// Never if none will.
func (s *SlidingPool) Next(l *SlidingCounts) int64 {
	next := int64(Never)
	for k, w := range s.widths {
		if l.cursor[k] < l.ring.n {
			next = min(next, s.pool.At(&l.ring, int(l.cursor[k])).At+w)
		}
	}
	return next
}

// Entries returns the number of entries that the pool's memory holds.
func (s *SlidingPool) Entries() int { return s.pool.Len() }
