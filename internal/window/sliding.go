package window

import (
	"math"
	"math/bits"

	"sendwatch/internal/invariants"
)

// Columns is a set of columns, a bit each: what one event counts in. There are at most 20.
type Columns uint32

// Entry counts the events of one bucket that count in the same columns, in one word: most events of a
// number count in the same few, so that one entry of all of them is a quarter of the entries, and of the steps, that one of
// each column would be; and what leaves the windows is read from memory that nobody has looked at for as long.
//
//	| columns 20 | bucket 20 | power of two 6 | count 18 |
//
// The bucket is the lower 20 bits of floor(time / grain): no window is wider, so that they say which bucket it is to who
// knows the log's newest one. A count is so many times a power of two; larger ones take several entries.
type Entry uint64

const (
	columnsAt  = 44
	bucketAt   = 24
	bucketBits = 20
	powerAt    = 18
	mostCount  = 1<<powerAt - 1 // of an entry whose power is none
)

// entryOf returns an entry for as much of n as one can have.
func entryOf(at int64, cols Columns, n uint64) (e Entry, counted uint64) {
	power := max(0, bits.Len64(n)-powerAt)
	e = Entry(cols)<<columnsAt | Entry(at)&(1<<bucketBits-1)<<bucketAt | Entry(power)<<powerAt | Entry(n>>power)
	return e, n >> power << power
}

func (e Entry) cols() Columns { return Columns(e >> columnsAt) }

func (e Entry) n() uint64 {
	return uint64(e) & mostCount << (uint64(e) >> powerAt & (1<<(bucketAt-powerAt) - 1))
}

// mayCount reports whether n more events of some columns can be counted by adding them to the entry.
func (e Entry) mayCount(cols Columns, n uint64) bool {
	return e.cols() == cols && uint64(e)>>powerAt&(1<<(bucketAt-powerAt)-1) == 0 && uint64(e)&mostCount+n <= mostCount
}

// SlidingCounts keeps counts by bucket of event time, sorted, and a cursor for each
// window over it, so that one log serves several windows. It belongs to one
// number; its entries lie in a Pool shared by all.
type SlidingCounts struct {
	ring   Ring
	cursor [MaxWindows]uint32 // entries from the front that lie outside of the window
	clock  int64              // the clock's bucket when an event was added last: no entry is newer, and none was outside of all windows
}

// at returns the bucket of an entry.
func (l *SlidingCounts) at(e Entry) int64 {
	return l.clock - int64((uint64(l.clock)-uint64(e>>bucketAt))&(1<<bucketBits-1))
}

// MaxWindows is the most windows that one log serves.
const MaxWindows = 3

// Never is a time that does not come.
const Never = math.MaxInt64

// Total is what a log's totals are of. 32 bits are enough for what counts by one: a number sends a thousand messages a second
// at most (Meta, Cloud API, throughput), which are 2.6 thousand million in 30 days.
type Total interface{ uint32 | uint64 }

// SlidingPool is the pool of the logs of one kind, all with the same windows.
type SlidingPool[T Total] struct {
	pool    Pool[Entry]
	windows [MaxWindows]slidingWindow // longest first
	n       int                       // windows
}

// Window is how wide a window is, in buckets, of which there are less than 2^20, and of how many columns, from the first
// on, it keeps totals: nobody asks a short window for all of them, and each total is
// 8 bytes a number that every event passes.
type Window struct {
	Width   int64
	Columns int
}

type slidingWindow struct {
	Window
	from int     // its first total
	cols Columns // those it keeps totals of
}

// NewSlidingPool makes a pool for logs with the given windows, longest first, at most
// MaxWindows.
func NewSlidingPool[T Total](windows ...Window) SlidingPool[T] {
	s := SlidingPool[T]{n: len(windows)}
	from := 0
	for k, w := range windows {
		s.windows[k] = slidingWindow{w, from, 1<<w.Columns - 1}
		from += w.Columns
	}
	return s
}

// Sums is where a log's totals lie: for each window, longest first, one count for each
// of its columns.
type Sums[T Total] []T

// change adds to, or takes from, the totals of an entry's columns.
func change[T Total](w *slidingWindow, sums Sums[T], cols Columns, by T) {
	for left := cols & w.cols; left != 0; left &= left - 1 {
		sums[w.from+bits.TrailingZeros32(uint32(left))] += by
	}
}

// Add counts n events, at least one, of the columns cols in bucket at. now is the clock's bucket, to
// which the log has been advanced; at is at most now. Events of a bucket that come to 2^18 or more take a second
// entry.
func (s *SlidingPool[T]) Add(l *SlidingCounts, sums Sums[T], cols Columns, at, now int64, n uint64) {
	if at <= now-s.windows[0].Width {
		return
	}
	if invariants.Enabled {
		defer s.checkSums(l, sums, now)
	}
	for k := range s.n {
		if w := &s.windows[k]; at > now-w.Width {
			change(w, sums, cols, T(n))
		}
	}
	l.clock = now
	i := int(l.ring.n)
	for ; i > 0; i-- {
		e := *s.pool.Look(&l.ring, i-1)
		bucket := l.at(e)
		if bucket < at {
			break
		}
		if bucket == at && e.mayCount(cols, n) {
			*s.pool.At(&l.ring, i-1) += Entry(n)
			return
		}
	}
	// The scan stopped at the first place for the bucket; entries are sorted by
	// bucket alone, so any place among equals will do.
	for n > 0 {
		e, counted := entryOf(at, cols, n)
		n -= counted
		s.pool.Insert(&l.ring, i, e)
		for k := range s.n {
			if at <= now-s.windows[k].Width {
				l.cursor[k]++
			}
		}
	}
}

// Leaves returns the bucket at which what lies in bucket at leaves the next of the
// windows, Never if it lies in none: Next without a look at the log.
func (s *SlidingPool[T]) Leaves(at, now int64) int64 {
	for k := s.n - 1; k >= 0; k-- {
		if w := s.windows[k].Width; at > now-w {
			return at + w
		}
	}
	return Never
}

// Advance moves the clock's bucket to now and takes what leaves each window off
// its totals.
func (s *SlidingPool[T]) Advance(l *SlidingCounts, sums Sums[T], now int64) {
	if l.ring.n == 0 {
		return
	}
	for k := range s.n {
		w := &s.windows[k]
		for l.cursor[k] < l.ring.n {
			e := *s.pool.Look(&l.ring, int(l.cursor[k]))
			if l.at(e) > now-w.Width {
				break
			}
			change(w, sums, e.cols(), -T(e.n()))
			l.cursor[k]++
		}
	}
	if drop := l.cursor[0]; drop > 0 {
		s.pool.DropFront(&l.ring, drop)
		for k := range s.n {
			l.cursor[k] -= drop
		}
	}
	if invariants.Enabled {
		s.checkSums(l, sums, now)
	}
}

// Next returns the bucket at which the next entry leaves one of the windows,
// Never if none will.
func (s *SlidingPool[T]) Next(l *SlidingCounts) int64 {
	next := int64(Never)
	for k := range s.n {
		if l.cursor[k] < l.ring.n {
			next = min(next, l.at(*s.pool.Look(&l.ring, int(l.cursor[k])))+s.windows[k].Width)
		}
	}
	return next
}

// Entries returns the number of entries that the pool's memory holds.
func (s *SlidingPool[T]) Entries() int { return s.pool.Len() }
