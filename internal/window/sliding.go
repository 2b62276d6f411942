package window

import (
	"math"
	"math/bits"
	"slices"

	"sendwatch/internal/invariants"
)

// Columns is a set of columns, a bit each: what one event counts in. There are at most 20.
type Columns uint32

// entry counts the events of one bucket that count in the same columns, in half a word: most events of a
// number count in the same few, so that one entry of all of them is a quarter of the entries, and of the steps, that one of
// each column would be; and what leaves the windows is read from memory that nobody has looked at for as long.
//
//	| bucket | set of columns 7 | power 3 | count |
//
// The bucket is the lower bits of floor(time / grain), as many as the widest window needs: they say which bucket it is to who
// knows the log's newest one, 12 of them for an hour of seconds. The columns are one of the sets that the pool has met. The count has the bits that are
// left, 10 then, and is so many times a power of two; larger counts take several entries.
type entry uint32

const (
	setBits   = 7
	powerBits = 3
	mostSets  = 1 << setBits
)

// columnSets are the sets of columns that events count in, each of which an entry names by its place. Events know few:
// some dozens. Should there be more, what counts in further ones has an entry for each of its columns, whose sets come first.
type columnSets struct {
	sets   []Columns
	recent [64]uint8 // places by a hash of the set
}

// find returns the place of a set, false if there is no room for it.
func (c *columnSets) find(cols Columns) (place int, ok bool) {
	recent := &c.recent[uint32(cols)*0x9e3779b1>>26]
	if place = int(*recent); c.sets[place] == cols {
		return place, true
	}
	place = slices.Index(c.sets, cols)
	if place < 0 {
		if len(c.sets) == mostSets {
			return 0, false
		}
		place = len(c.sets)
		c.sets = append(c.sets, cols)
	}
	*recent = uint8(place)
	return place, true
}

// entryFormat is where the parts of an entry lie.
type entryFormat struct {
	bucketAt, setAt, powerAt uint8 // above the count
}

func newEntryFormat(width int64) entryFormat {
	bucket := uint8(max(bits.Len64(uint64(width)), 1))
	return entryFormat{bucketAt: 32 - bucket, setAt: 32 - bucket - setBits, powerAt: 32 - bucket - setBits - powerBits}
}

// entry returns an entry for as much of n as one can have.
func (f *entryFormat) entry(at int64, set int, n uint64) (e entry, counted uint64) {
	power := 0
	for n>>(power*int(f.powerAt)) >= 1<<f.powerAt && power < 1<<powerBits-1 {
		power++
	}
	shift := power * int(f.powerAt)
	n = min(n>>shift, 1<<f.powerAt-1)
	return entry(at)<<f.bucketAt | entry(set)<<f.setAt | entry(power)<<f.powerAt | entry(n), n << shift
}

// set returns the place of an entry's set of columns.
func (f *entryFormat) set(e entry) int { return int(e >> f.setAt & (mostSets - 1)) }

// n returns the count of an entry.
func (f *entryFormat) n(e entry) uint64 {
	return uint64(e) & (1<<f.powerAt - 1) << (uint(e>>f.powerAt&(1<<powerBits-1)) * uint(f.powerAt))
}

// mayCount reports whether n more events of a set can be counted by adding them to the entry.
func (f *entryFormat) mayCount(e entry, set int, n uint64) bool {
	return uint64(e<<(32-f.bucketAt)>>(32-f.bucketAt))>>f.powerAt == uint64(set)<<powerBits && uint64(e)&(1<<f.powerAt-1)+n < 1<<f.powerAt
}

// at returns the bucket of an entry of a log.
func (f *entryFormat) at(l *SlidingCounts, e entry) int64 {
	return l.clock - int64((uint32(l.clock)-uint32(e>>f.bucketAt))&(1<<(32-f.bucketAt)-1))
}

// SlidingCounts keeps counts by bucket of event time, sorted, and a cursor for each
// window over it, so that one log serves several windows. It belongs to one
// number; its entries lie in a Pool shared by all.
type SlidingCounts struct {
	ring   Ring
	cursor [MaxWindows]uint32 // entries from the front that lie outside of the window
	clock  int64              // the clock's bucket when an event was added last: no entry is newer, and none was outside of all windows
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
	pool    Pool[entry]
	sets    columnSets
	format  entryFormat
	windows [MaxWindows]slidingWindow // longest first
	n       int                       // windows
}

// Window is how wide a window is, in buckets, of which there are less than 2^18, and of how many columns, from the first
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
	s.pool.whole = everyBlock
	from := 0
	for k, w := range windows {
		s.windows[k] = slidingWindow{w, from, 1<<w.Columns - 1}
		from += w.Columns
	}
	s.format = newEntryFormat(windows[0].Width)
	for col := range windows[0].Columns {
		s.sets.sets = append(s.sets.sets, 1<<col)
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
// which the log has been advanced; at is at most now.
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
	if set, ok := s.sets.find(cols); ok {
		s.add(l, set, at, now, n)
		return
	}
	for left := cols; left != 0; left &= left - 1 {
		s.add(l, bits.TrailingZeros32(uint32(left)), at, now, n)
	}
}

// add counts n events of a set of columns in the log.
func (s *SlidingPool[T]) add(l *SlidingCounts, set int, at, now int64, n uint64) {
	f := &s.format
	i, tried := int(l.ring.n), 0
	for ; i > 0 && tried < nearby; i-- {
		e := *s.pool.Look(&l.ring, i-1)
		bucket := f.at(l, e)
		if bucket < at {
			break
		}
		if bucket > at {
			continue
		}
		if f.mayCount(e, set, n) {
			*s.pool.At(&l.ring, i-1) += entry(n)
			return
		}
		tried++ // of a busy bucket: an entry more, which counts as well, rather than a walk through all
	}
	// The scan stopped at a place for the bucket; entries are sorted by
	// bucket alone, so any place among equals will do.
	for n > 0 {
		e, counted := f.entry(at, set, n)
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
			if s.format.at(l, e) > now-w.Width {
				break
			}
			change(w, sums, s.sets.sets[s.format.set(e)], -T(s.format.n(e)))
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
			next = min(next, s.format.at(l, *s.pool.Look(&l.ring, int(l.cursor[k])))+s.windows[k].Width)
		}
	}
	return next
}

// Entries returns the number of entries that the pool's memory holds.
func (s *SlidingPool[T]) Entries() int { return s.pool.Len() }
