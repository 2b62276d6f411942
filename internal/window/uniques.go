package window

import (
	"math/bits"
	"sort"

	"sendwatch/internal/invariants"
)

// ExactUniques is up to how many distinct keys of a window are best counted one
// by one: more than the 100,000 unique contacts of WhatsApp's largest messaging
// limit, so that the count of a portfolio with a limit is exact until well beyond it.
// Above it the standard error is at most half a per cent (see Uniques).
const ExactUniques = 1 << 17

// Uniques is the pool of the logs that count the distinct keys of a moving
// window, width buckets wide. A key is kept once, in the list of the newest
// bucket it was seen in, and leaves when that bucket does.
//
// The count is exact as long as no more than a given number of keys is kept. If
// Advance finds more, it thins: bucket by bucket, from the newest to the oldest,
// it raises a bucket's sampling level v to
//
//	floor(log2(1 + r / share)), share = 3/8 of the exact number,
//
// where r is the number of keys in this bucket and all newer ones. At level v
// the keys stay whose mixed bits end in v zeros, and each stands for 2^v. So the
// newest keys are always exact, older ones are an ever smaller sample, and each
// doubling of the window's keys costs one share more of memory.
//
// With n_b keys in bucket b the variance of the estimate is the sum of
// n_b (2^v - 1), which is at most that of n_b r_b / share: of n keys in many
// small buckets n^2 / (2 share), in a single one n^2 / share. For ExactUniques
// that is a standard error of 0.32 to 0.45 %. It holds for every n, also when a
// day of millions leaves the window and a few remain. One level for the whole
// window, the simpler way, would know these few by the sample that the millions
// needed.
//
// What is kept after Advance does not depend on the order in which keys were
// added since the one before: levels change only there, and an older bucket never
// has a lower one than a newer, so that a key which fails at its newest bucket
// fails at every older one too.
type Uniques struct {
	keys  Slots[uniqueKey]
	table Table
	runs  Pool[uniqueRun]
	cuts  Pool[int64]
	width int64
	exact uint32
	share uint64
}

// uniqueKey is a key that is kept.
type uniqueKey struct {
	key        uint64
	at         int64  // the newest bucket that it was seen in
	next, prev uint32 // in the list of that bucket: slot + 1, 0 at the ends
}

// uniqueRun is the list of a bucket's keys.
type uniqueRun struct {
	at    int64
	head  uint32 // slot + 1, 0 for none
	n     uint32
	level uint8
}

// UniqueCounts is the distinct keys of one owner's window.
type UniqueCounts struct {
	runs  Ring // uniqueRun, by bucket; some may be empty, after Advance not the first
	cuts  Ring // int64, rising: the i-th from the back, from 1, is the newest bucket at level i or above
	owner uint32
	kept  uint32
}

// NewUniques makes a pool for windows of width buckets, in each of which as many
// distinct keys as exact says are counted one by one.
func NewUniques(width int64, exact int) Uniques {
	return Uniques{width: width, exact: uint32(exact), share: uint64(max(exact*3/8, 1))}
}

// Add counts a key in bucket at. One from before the window goes
// with the next Advance.
func (s *Uniques) Add(l *UniqueCounts, owner uint32, key uint64, at int64) {
	l.owner = owner
	slot, known := s.table.Get(Key{key, uint64(owner)})
	switch {
	case known && at <= s.keys.At(slot).at:
		return
	case known: // its new bucket's level is no higher than that of the old
		k := s.keys.At(slot)
		s.takeOut(s.runs.At(&l.runs, s.place(l, k.at)), k)
	case !passes(key, s.level(l, at)):
		return
	default:
		slot = s.keys.New()
		s.keys.At(slot).key = key
		s.table.Put(Key{key, uint64(owner)}, slot)
		l.kept++
	}
	s.link(l, slot, at)
}

// Advance moves the clock's bucket to now: keys last seen before the window
// leave, and where too many are kept they are thinned.
func (s *Uniques) Advance(l *UniqueCounts, now int64) {
	from := now - s.width + 1
	for l.runs.n > 0 && s.runs.At(&l.runs, 0).at < from {
		s.forget(l, s.runs.At(&l.runs, 0), 64)
		s.runs.PopFront(&l.runs)
	}
	for l.cuts.n > 0 && *s.cuts.At(&l.cuts, 0) < from {
		s.cuts.PopFront(&l.cuts)
	}
	if l.kept > s.exact {
		s.thin(l)
	}
	for l.runs.n > 0 && s.runs.At(&l.runs, 0).n == 0 {
		s.runs.PopFront(&l.runs)
	}
	if invariants.Enabled {
		s.checkKept(l, now)
	}
}

// Count returns the number of distinct keys in the window as of the last Advance.
func (s *Uniques) Count(l *UniqueCounts) int64 {
	if l.cuts.n == 0 {
		return int64(l.kept)
	}
	count := int64(0)
	for i := range l.runs.Len() {
		r := s.runs.At(&l.runs, i)
		count += int64(r.n) << r.level
	}
	return count
}

// Next returns the bucket at which the next key leaves the window, Never if none
// will, as of the last Advance.
func (s *Uniques) Next(l *UniqueCounts) int64 {
	if l.runs.n == 0 {
		return Never
	}
	return s.runs.At(&l.runs, 0).at + s.width
}

// thin raises the buckets' levels. Done twice it does nothing the second time,
// so that a look at a window in which nothing happened changes nothing.
func (s *Uniques) thin(l *UniqueCounts) {
	newer := uint64(0) // keys in newer buckets
	for i := l.runs.Len() - 1; i >= 0; i-- {
		r := s.runs.At(&l.runs, i)
		for {
			reached := newer + uint64(r.n)<<r.level
			level := max(s.level(l, r.at), uint8(bits.Len64(1+reached/s.share)-1))
			if level <= r.level {
				newer = reached
				break
			}
			s.raise(l, r.at, level)
			r.level = level
			s.forget(l, r, level)
		}
	}
}

// raise returns all buckets up to at a level of at least the given one.
func (s *Uniques) raise(l *UniqueCounts, at int64, level uint8) {
	for v := s.level(l, at) + 1; v <= level; v++ {
		if n := l.cuts.Len(); int(v) <= n {
			*s.cuts.At(&l.cuts, n-int(v)) = at
		} else {
			s.cuts.Insert(&l.cuts, 0, at)
		}
	}
}

// level returns the sampling level of a bucket.
func (s *Uniques) level(l *UniqueCounts, at int64) uint8 {
	v := 0
	for n := l.cuts.Len(); v < n && *s.cuts.At(&l.cuts, n-1-v) >= at; v++ {
	}
	return uint8(v)
}

// forget drops the keys of a bucket that do not pass a level; 64 drops all.
func (s *Uniques) forget(l *UniqueCounts, r *uniqueRun, level uint8) {
	for next := r.head; next != 0; {
		slot := next - 1
		k := s.keys.At(slot)
		next = k.next
		if level < 64 && passes(k.key, level) {
			continue
		}
		s.takeOut(r, k)
		s.table.Delete(Key{k.key, uint64(l.owner)})
		s.keys.Free(slot)
		l.kept--
	}
}

// link puts a key into the list of a bucket.
func (s *Uniques) link(l *UniqueCounts, slot uint32, at int64) {
	i := s.place(l, at)
	if i == l.runs.Len() || s.runs.At(&l.runs, i).at != at {
		s.runs.Insert(&l.runs, i, uniqueRun{at: at, level: s.level(l, at)})
	}
	r, k := s.runs.At(&l.runs, i), s.keys.At(slot)
	k.at, k.prev, k.next = at, 0, r.head
	if r.head != 0 {
		s.keys.At(r.head - 1).prev = slot + 1
	}
	r.head = slot + 1
	r.n++
}

// takeOut takes a key out of its bucket's list.
func (s *Uniques) takeOut(r *uniqueRun, k *uniqueKey) {
	if k.prev == 0 {
		r.head = k.next
	} else {
		s.keys.At(k.prev - 1).next = k.next
	}
	if k.next != 0 {
		s.keys.At(k.next - 1).prev = k.prev
	}
	r.n--
}

// place returns the index of a bucket's run, or that before which it belongs.
// Nearly all that is added goes to the newest, and where no bucket is missing
// the others' places are known from it.
func (s *Uniques) place(l *UniqueCounts, at int64) int {
	n := l.runs.Len()
	if n == 0 {
		return 0
	}
	newest := s.runs.At(&l.runs, n-1).at
	if newest < at {
		return n
	}
	if back := uint64(newest - at); back < uint64(n) && s.runs.At(&l.runs, n-1-int(back)).at == at {
		return n - 1 - int(back)
	}
	return sort.Search(n, func(i int) bool { return s.runs.At(&l.runs, i).at >= at })
}

// passes reports whether a key belongs to the sample of a level. The key's bits
// are mixed by a bijection (the finalizer of MurmurHash3), so that keys which
// are numbers in a row are a sample like any other.
func passes(key uint64, level uint8) bool {
	if level == 0 {
		return true
	}
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	return bits.TrailingZeros64(key^key>>33) >= int(level)
}
