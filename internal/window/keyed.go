package window

import (
	"math"
	"slices"

	"sendwatch/internal/invariants"
)

// keyedEntry counts one key's events of one bucket, in one word.
//
//	| slot 32 | bucket 20 | count 12 |
//
// The bucket is the lower 20 bits of floor(time / grain), as in entry; a larger count takes several entries.
type keyedEntry uint64

const (
	keyedSlotAt   = 32
	bucketBits    = 20
	keyedBucketAt = 12
	mostOfKey     = 1<<keyedBucketAt - 1
)

func keyedEntryOf(at int64, slot uint32) keyedEntry {
	return keyedEntry(slot)<<keyedSlotAt | keyedEntry(at)&(1<<bucketBits-1)<<keyedBucketAt | 1
}

func (e keyedEntry) slot() uint32 { return uint32(e >> keyedSlotAt) }

func (e keyedEntry) n() uint32 { return uint32(e) & mostOfKey }

// keyedSlot is a key that has events in a window, half a line of memory.
type keyedSlot struct {
	key   uint64
	owner uint32
	note  uint32 // the caller's
	in    [windowsOfKeys]keyedIn
}

// keyedIn is what a key has in one window.
type keyedIn struct {
	count  uint32
	newest newestEntry
}

// newestEntry says where a key's newest entry may be: the lower 8 bits of its bucket, and the lower 24 of its place, counted from
// the log's very first. Whether it is there the entry says itself; another bucket's is not worth a look at the log.
type newestEntry uint32

func newestEntryOf(at int64, place uint32) newestEntry {
	return newestEntry(at&0xff)<<24 | newestEntry(place&(1<<24-1))
}

// in returns the index of the entry in a log whose first entries are gone, false if it is not of a bucket.
func (e newestEntry) in(at int64, gone uint32) (i uint32, ok bool) {
	return (uint32(e) - gone) & (1<<24 - 1), uint32(e>>24) == uint32(at&0xff)
}

// windowsOfKeys is how many windows a key can be in.
const windowsOfKeys = 2

// KeyedCounts is a sliding window of counts by key with their maximum. It belongs
// to one number.
type KeyedCounts struct {
	ring Ring
	max  Maximum
	keys uint32
	gone uint32 // entries that left at the front; wraps round

	clock int64 // the clock's bucket when an event was added last: no entry is newer, and none was outside of the window
}

// at returns the bucket of an entry.
func (l *KeyedCounts) at(e keyedEntry) int64 {
	return l.clock - int64((uint64(l.clock)-uint64(e>>keyedBucketAt))&(1<<bucketBits-1))
}

// Top returns the largest count of a key.
func (l *KeyedCounts) Top() uint32 { return l.max.Top() }

// Keys returns the number of keys in the window.
func (l *KeyedCounts) Keys() int { return int(l.keys) }

// nearby is how many entries of a bucket are looked at for a key's own.
const nearby = 8

// Keyed is the pool of the KeyedCounts of one kind: one window, width buckets wide.
type Keyed struct {
	keys   *keyIndex
	window int // which of the key's it is
	pool   Pool[keyedEntry]
	maxima Maxima
	n      int // keys in the windows of all numbers
	width  int64
	noTop  bool
	merges int64 // Merging; 0 if each bucket has entries of its own

	limit   uint32 // keys a number, 0 for none
	dropped int64  // events that were not counted because of it

	recent []uint64 // scratch of TopSince
}

// keyIndex finds the keys of a Keyed, or of two of them (Beside).
type keyIndex struct {
	slots   Slots[keyedSlot]
	index   Index // key, number
	touched uint64
}

// hashOf returns the hash of a key of a number.
func (x *keyIndex) hashOf(slot uint32) uint64 {
	k := x.slots.Look(slot)
	return Key{k.key, uint64(k.owner)}.hash()
}

// hash fills in the hashes of entries of the index.
func (x *keyIndex) hash(entries []IndexEntry) {
	for i := range entries { // so that many keys are on their way from memory at once
		x.touched += x.slots.Look(entries[i].Ref).key
	}
	for i := range entries {
		entries[i].Hash = x.hashOf(entries[i].Ref)
	}
}

// find returns the slot of a key of a number, if it has one.
func (x *keyIndex) find(owner uint32, key uint64) (slot uint32, ok bool) {
	h := Key{key, uint64(owner)}.hash()
	w := x.index.Probe(h)
	for slot, ok = w.Next(); ok; slot, ok = w.Next() {
		if k := x.slots.Look(slot); k.key == key && k.owner == owner {
			return slot, true
		}
	}
	if x.index.Spills() {
		for slot, i := x.index.Spilled(h, 0); i > 0; slot, i = x.index.Spilled(h, i) {
			if k := x.slots.Look(slot); k.key == key && k.owner == owner {
				return slot, true
			}
		}
	}
	return 0, false
}

// A KeySlot is a key of a number that has events in a window, until it has none.
type KeySlot uint32

// NoKey is no KeySlot.
const NoKey = KeySlot(math.MaxUint32)

// Limit bounds how many keys a number has in its window at a time; 0 takes the
// bound away. An event of one more key is not counted, but in Dropped.
func (s *Keyed) Limit(keys int) { s.limit = uint32(min(max(keys, 0), math.MaxUint32)) }

// Dropped returns how many events the limit has left out.
func (s *Keyed) Dropped() int64 { return s.dropped }

// KeyedOption changes what a Keyed keeps.
type KeyedOption func(*Keyed)

// WithoutTop keeps no largest count: Top is 0. A maximum takes memory by the
// largest count, which is a million where one template is sent all day.
func WithoutTop(s *Keyed) { s.noTop = true }

// Beside counts the same keys as another Keyed does, which is asked for each of them first:
// a key is looked up once for both windows, and what both know of it lies in one place. A send of
// a template counts in two windows: two tables were two lines of memory more an event.
func Beside(first *Keyed) KeyedOption {
	return func(s *Keyed) { s.keys, s.window = first.keys, first.window+1 }
}

// Merging has one entry count a key's events of a run of so many buckets, at the newest of them, where that entry is one
// of the newest of the log: who sends the same all day has 25 entries in place of 1,440. Which keys are in the window stays exact;
// a count may have events in it that left it, of the run that is leaving.
func Merging(buckets int64) KeyedOption { return func(s *Keyed) { s.merges = buckets } }

// NewKeyed returns a pool for counts by key whose window is width buckets wide.
func NewKeyed(width int64, options ...KeyedOption) Keyed {
	s := Keyed{width: width}
	for _, set := range options {
		set(&s)
	}
	if s.keys == nil {
		s.keys = new(keyIndex)
	}
	return s
}

// Add counts one event of a key in bucket at, and reports whether it did: not if the
// bucket has left the window, or the limit is reached. owner is the number; now is the
// clock's bucket, to which the log has been advanced; at is at most now. It returns the key's
// slot, NoKey if it has none.
func (s *Keyed) Add(l *KeyedCounts, owner uint32, key uint64, at, now int64) (slot KeySlot, counted bool) {
	found, ok := s.keys.find(owner, key)
	if ok {
		return KeySlot(found), s.AddTo(l, KeySlot(found), at, now)
	}
	if at <= now-s.width || s.full(l) {
		return NoKey, false
	}
	found = s.keys.slots.New()
	*s.keys.slots.At(found) = keyedSlot{key: key, owner: owner}
	s.keys.index.Put(Key{key, uint64(owner)}.hash(), found, s.keys.hash)
	return KeySlot(found), s.AddTo(l, KeySlot(found), at, now)
}

// full reports whether one key more would be beyond the limit; then an event is dropped.
func (s *Keyed) full(l *KeyedCounts) bool {
	if s.limit == 0 || l.keys < s.limit {
		return false
	}
	s.dropped++
	return true
}

// AddTo is Add for a key that has a slot.
func (s *Keyed) AddTo(l *KeyedCounts, slot KeySlot, at, now int64) (counted bool) {
	if at <= now-s.width {
		return false
	}
	k := &s.keys.slots.At(uint32(slot)).in[s.window]
	if k.count == 0 {
		if s.full(l) {
			return false
		}
		l.keys++
		s.n++
	}
	l.clock = now
	k.count++
	s.move(l, k.count-1, k.count)
	if invariants.Enabled {
		defer s.checkKey(l, uint32(slot), now)
	}
	// The key remembers its newest entry, because looking for it among all keys
	// of the bucket would take a message of many links the square of their
	// number. A late event may have moved it: then a few places are tried, and
	// after that the key gets a second entry for the bucket, which counts as well.
	if i, ok := k.newest.in(at, l.gone); ok && i < l.ring.n {
		if e := *s.pool.Look(&l.ring, int(i)); e.slot() == uint32(slot) && l.at(e) == at && e.n() < mostOfKey {
			*s.pool.At(&l.ring, int(i))++
			return true
		}
	}
	if s.merges > 0 && s.merge(l, k, uint32(slot), at) {
		return true
	}
	i := s.place(l, at)
	for j := i; j > 0 && i-j < nearby; j-- {
		e := *s.pool.Look(&l.ring, int(j)-1)
		if l.at(e) != at {
			break
		}
		if e.slot() == uint32(slot) && e.n() < mostOfKey {
			*s.pool.At(&l.ring, int(j)-1)++
			k.newest = newestEntryOf(at, l.gone+j-1)
			return true
		}
	}
	k.newest = newestEntryOf(at, l.gone+i)
	s.pool.Insert(&l.ring, int(i), keyedEntryOf(at, uint32(slot)))
	return true
}

// merge counts an event in an entry of its key and its run of buckets, if one of the newest entries is that. An entry
// of an older bucket comes to the event's, behind those before it.
func (s *Keyed) merge(l *KeyedCounts, k *keyedIn, slot uint32, at int64) bool {
	n := int(l.ring.n)
	for j := n - 1; j >= max(n-nearby, 0); j-- {
		e := *s.pool.Look(&l.ring, j)
		was := l.at(e)
		switch {
		case was/s.merges < at/s.merges:
			return false
		case e.slot() != slot || was/s.merges > at/s.merges || e.n() == mostOfKey:
			continue
		}
		newest := max(was, at)
		for ; j+1 < n; j++ {
			next := *s.pool.Look(&l.ring, j+1)
			if l.at(next) > newest {
				break
			}
			*s.pool.At(&l.ring, j) = next
		}
		*s.pool.At(&l.ring, j) = keyedEntryOf(newest, slot) + keyedEntry(e.n())
		k.newest = newestEntryOf(newest, l.gone+uint32(j))
		return true
	}
	return false
}

// Reorders reports whether an event that was just counted may have moved the first entry of the log.
func (s *Keyed) Reorders(l *KeyedCounts) bool { return s.merges > 0 && l.ring.n <= nearby }

// Note returns where the caller may keep a word with a key. Of a new one it is 0.
func (s *Keyed) Note(slot KeySlot) *uint32 { return &s.keys.slots.At(uint32(slot)).note }

// Leaves returns the bucket at which what lies in bucket at leaves the window.
func (s *Keyed) Leaves(at int64) int64 { return at + s.width }

// place returns the index behind the last entry of the bucket at or of one before.
// Most events are the newest; for late ones it halves the log, because a message
// of many links that comes late would else walk it once a link.
func (s *Keyed) place(l *KeyedCounts, at int64) uint32 {
	i := l.ring.n
	for range nearby {
		if i == 0 || l.at(*s.pool.Look(&l.ring, int(i)-1)) <= at {
			return i
		}
		i--
	}
	low, high := uint32(0), i
	for low < high {
		if middle := (low + high) / 2; l.at(*s.pool.Look(&l.ring, int(middle))) <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// Advance moves the clock's bucket to now. It reports whether a key left the
// window altogether.
func (s *Keyed) Advance(l *KeyedCounts, now int64) (left bool) {
	for l.ring.n > 0 {
		e := *s.pool.Look(&l.ring, 0)
		if l.at(e) > now-s.width {
			break
		}
		s.pool.PopFront(&l.ring)
		l.gone++
		k := &s.keys.slots.At(e.slot()).in[s.window]
		s.move(l, k.count, k.count-e.n())
		if k.count -= e.n(); k.count == 0 {
			l.keys--
			s.n--
			left = true
			s.keys.leave(e.slot())
		}
		if invariants.Enabled && k.count > 0 {
			s.checkKey(l, e.slot(), now)
		}
	}
	return left
}

// leave forgets a key that is in no window any more.
func (x *keyIndex) leave(slot uint32) {
	k := x.slots.Look(slot)
	for i := range k.in {
		if k.in[i].count > 0 {
			return
		}
	}
	x.index.Remove(x.hashOf(slot), slot)
	x.slots.Free(slot)
}

// move keeps the maximum, if anybody asks for it.
func (s *Keyed) move(l *KeyedCounts, from, to uint32) {
	if !s.noTop {
		s.maxima.Move(&l.max, from, to)
	}
}

// Next returns the bucket at which the next entry leaves the window, Never if
// none will.
func (s *Keyed) Next(l *KeyedCounts) int64 {
	if l.ring.n == 0 {
		return Never
	}
	return l.at(*s.pool.Look(&l.ring, 0)) + s.width
}

// KeyCount is a key and its events in a window.
type KeyCount struct {
	Key   uint64
	Count uint32
}

// Since appends the keys with events in the buckets after the given one, each
// once, with their counts in those buckets. It walks the log: for flags and
// evidence, not for every event.
func (s *Keyed) Since(l *KeyedCounts, after int64, dst []KeyCount) []KeyCount {
	from := len(dst)
	seen := map[uint32]int{}
	for i := int(l.ring.n) - 1; i >= 0; i-- {
		e := *s.pool.Look(&l.ring, i)
		if l.at(e) <= after {
			break
		}
		j, ok := seen[e.slot()]
		if !ok {
			j = len(dst) - from
			seen[e.slot()] = j
			dst = append(dst, KeyCount{Key: s.keys.slots.Look(e.slot()).key})
		}
		dst[from+j].Count += e.n()
	}
	return dst
}

// Largest fills in the keys with the largest counts of the window, the largest first, of
// equal counts the smaller key first, and returns how many they are. It walks the log, as
// Since does, but needs no memory: of the keys it remembers no more than it is to return. A map
// of all of them, which was sorted, was half of what a flag cost.
func (s *Keyed) Largest(l *KeyedCounts, top []KeyCount) (n int) {
	for i := range int(l.ring.n) {
		if i%touchedKeys == 0 { // so that many keys are on their way from memory at once
			for j := i; j < min(i+touchedKeys, int(l.ring.n)); j++ {
				s.keys.touched += s.keys.slots.Look(s.pool.Look(&l.ring, j).slot()).key
			}
		}
		k := s.keys.slots.Look(s.pool.Look(&l.ring, i).slot())
		v := KeyCount{k.key, k.in[s.window].count}
		at := n
		for at > 0 && v.before(top[at-1]) {
			at--
		}
		if at > 0 && top[at-1] == v || at == len(top) { // an entry of the key was met before
			continue
		}
		n = min(n+1, len(top))
		copy(top[at+1:n], top[at:])
		top[at] = v
	}
	return n
}

// touchedKeys is how many keys are touched together.
const touchedKeys = 16

// before reports whether a count is one of those that come first.
func (a KeyCount) before(b KeyCount) bool {
	return a.Count > b.Count || a.Count == b.Count && a.Key < b.Key
}

// TopSince returns the largest count, in the buckets after the given one, of the keys whose
// count of the whole window is Top. It walks these buckets.
func (s *Keyed) TopSince(l *KeyedCounts, after int64) uint32 {
	s.recent = s.recent[:0]
	for i := int(l.ring.n) - 1; i >= 0; i-- {
		e := *s.pool.Look(&l.ring, i)
		if l.at(e) <= after {
			break
		}
		if s.keys.slots.Look(e.slot()).in[s.window].count == l.Top() {
			s.recent = append(s.recent, uint64(e.slot())<<32|uint64(e.n()))
		}
	}
	slices.Sort(s.recent)
	var largest, sum uint32
	for k, v := range s.recent {
		if k > 0 && s.recent[k-1]>>32 != v>>32 {
			sum = 0
		}
		sum += uint32(v)
		largest = max(largest, sum)
	}
	return largest
}

// Count returns the events of a key in the window.
func (s *Keyed) Count(owner uint32, key uint64) uint32 {
	slot, ok := s.keys.find(owner, key)
	if !ok {
		return 0
	}
	return s.keys.slots.Look(slot).in[s.window].count
}

// Len returns the number of keys in all windows.
func (s *Keyed) Len() int { return s.n }
