package window

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"sendwatch/internal/flat"
)

// Index finds what lies in slots of the caller's by the hash of its key: the sends and conversations of Replies by number and
// contact, the keys of Keyed, names. It holds no keys, since each lies with what is found: an entry is 4 bytes that say where
// that is, and 8 bits of the hash, so that few others are looked at. Equal keys may have several entries.
//
// An entry lies in one of two buckets, the home of its hash or the other one that follows from that and the tag (cuckoo
// hashing with partial keys; Fan and others, 2014). So nobody looks further than at two lines of memory, a bucket
// being one of 64 bytes with room for 12, also of what is not there, as most contacts of a send are not. A new entry goes to
// the emptier one. If both are full, which four in ten find at 96 %, one of theirs moves to its own other one.
//
//	+------------------+---------------+-------+---+
//	| refs, 12 times 4 | tags, 12 of 1 | n, 1  |   |
//	| 48               | 12            | 1     | 3 |
//	+------------------+---------------+-------+---+
//
// It grows as Table does, part by part, but 96 % of its places may be taken, each part grows once before it is split, and
// not all do so at once (sizes): 6.6 to 7 bytes an entry, where doubling would come to 11.1. For a part that
// grows, the keys of its entries are looked up, some two thousand: some 50 us.
//
// Of one hash there is room for 24 entries. Who makes texts of one hash, which is none of a cipher, may have more: those lie in a list
// that is looked through, so that they are found slowly and take no memory that doubles for each.
//
// Tried and rejected: the next bucket that is not full, as in Table, with a count in each full one of what lies behind it. At 92 %
// and after some turnover, nearly every bucket had such a count, and to find none took a walk through most of a part.
// Two bits more of the hash of each entry, in the three bytes that are free, so that of the keys that are not there one in 43 looks at another one's
// memory in place of one in 11: sends that fail among 100 million took 2 to 4 % less time, those that expire none, an event of sends-5000 2 % more.
type Index struct {
	directory []uint32
	parts     []indexPart
	holds     []flat.Holds // of each part, nil for none
	shift     uint8        // 64 minus the bits of the directory
	spill     []IndexEntry // for which their two buckets have no room
	moving    []IndexEntry
}

// indexPart is the entries whose hashes agree in the upper bits.
type indexPart struct {
	buckets []indexBucket
	n       uint32
	bits    uint8 // how many upper bits agree
}

// indexBucket is one line of memory.
type indexBucket struct {
	refs [bucketEntries]uint32
	tags [bucketEntries]uint8
	n    uint8
	_    [3]uint8
}

// IndexEntry is an entry on its way from one part to another.
type IndexEntry struct {
	Hash uint64 // for the caller to fill in
	Ref  uint32 // what was put
}

const (
	bucketEntries = 12

	// mostMoves is how many entries move for a new one before its part grows instead. Up to four have been seen to.
	mostMoves = 64

	mostFull      = 96  // percent of the places of a part
	fewestBuckets = 4   // the first size of a part
	doubleUpTo    = 128 // buckets; from here on a part has sizes
	roomAfter     = 92  // percent of the places of a half that are taken, at most
)

// indexTag returns the tag of a hash. It shares no bit with those that choose part and bucket.
func indexTag(h uint64) uint8 { return uint8(h >> 32) }

// home returns the bucket of a hash.
func (p *indexPart) home(h uint64) uint32 {
	return uint32(uint64(uint32(h)) * uint64(len(p.buckets)) >> 32)
}

// other returns the other bucket of an entry that lies in one: of both it is the other one of each other.
func (p *indexPart) other(bucket uint32, tag uint8) uint32 {
	size := uint32(len(p.buckets))
	sum := uint32(tag) * size >> 8
	if sum < bucket {
		sum += size
	}
	return sum - bucket
}

// changed returns the part that a hash lies in, to be written.
func (x *Index) changed(h uint64) *indexPart {
	at := x.directory[h>>x.shift]
	if int(at) < len(x.holds) {
		x.holds[at].KeepAll()
	}
	return &x.parts[at]
}

// part returns the part that a hash lies in, to be read. The index has parts.
func (x *Index) part(h uint64) *indexPart { return &x.parts[x.directory[h>>x.shift]] }

// alike returns a bit for each entry with a tag.
func (b *indexBucket) alike(tag uint8) uint32 {
	const ones, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	zeros := func(x uint64) uint32 { // a bit for each byte that is 0
		x = ^((x&low + low) | x | low)
		return uint32(x >> 7 * 0x0102040810204080 >> 56)
	}
	first := zeros(binary.LittleEndian.Uint64(b.tags[:8]) ^ uint64(tag)*ones)
	last := zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:])) ^ uint64(tag)*ones)
	return (first | last<<8) & (1<<b.n - 1)
}

// IndexProbe is on its way through the entries that a hash may have.
type IndexProbe struct {
	bucket, other *indexBucket
	alike, others uint32 // bits of their entries that are still to come
}

// Probe begins a way, which passes by what Spills.
func (x *Index) Probe(h uint64) (w IndexProbe) {
	if len(x.parts) == 0 {
		return w
	}
	p, tag := x.part(h), indexTag(h)
	home := p.home(h)
	other := p.other(home, tag)
	w.bucket, w.other = &p.buckets[home], &p.buckets[other]
	w.alike = w.bucket.alike(tag)
	if other != home {
		w.others = w.other.alike(tag)
	}
	return w
}

// Next returns the next entry whose key may be the one that is looked for, false if there is
// none.
func (w *IndexProbe) Next() (ref uint32, ok bool) {
	if w.alike == 0 {
		if w.others == 0 {
			return 0, false
		}
		w.bucket, w.alike, w.others = w.other, w.others, 0
	}
	k := bits.TrailingZeros32(w.alike)
	w.alike &= w.alike - 1
	return w.bucket.refs[k], true
}

// Spills reports whether there are entries that lie in no bucket, which Spilled finds and no probe.
func (x *Index) Spills() bool { return len(x.spill) > 0 }

// Spilled returns those of a hash of them, from the i-th on, and where to go on; no more if next is 0.
func (x *Index) Spilled(h uint64, i int) (ref uint32, next int) {
	for ; i < len(x.spill); i++ {
		if x.spill[i].Hash == h {
			return x.spill[i].Ref, i + 1
		}
	}
	return 0, 0
}

// Touch looks at the buckets of a hash, so that they are in a cache when it is looked for.
func (x *Index) Touch(h uint64) uint64 {
	if len(x.parts) == 0 {
		return 0
	}
	p := x.part(h)
	home := p.home(h)
	return uint64(p.buckets[home].n + p.buckets[p.other(home, indexTag(h))].n)
}

// Put adds an entry; hash fills in the hashes of others, should they have to move.
func (x *Index) Put(h uint64, ref uint32, hash func([]IndexEntry)) {
	if len(x.parts) == 0 {
		x.directory, x.parts, x.shift = []uint32{0}, []indexPart{{buckets: make([]indexBucket, fewestBuckets)}}, 64
	}
	if x.part(h).full() {
		x.grow(h, hash)
	}
	x.place(IndexEntry{h, ref}, hash)
}

// place adds an entry, and makes parts grow until all have a place.
func (x *Index) place(e IndexEntry, hash func([]IndexEntry)) {
	for {
		p := x.changed(e.Hash)
		left, ok := p.put(e.Hash, e.Ref)
		if ok {
			return
		}
		over := []IndexEntry{{Ref: left}}
		hash(over)
		e = over[0]
		if p.sparse() {
			x.spill = append(x.spill, e)
			return
		}
		x.grow(e.Hash, hash)
	}
}

// full reports whether a part is to grow before it gets one more entry.
func (p *indexPart) full() bool {
	return (int(p.n)+1)*100 > len(p.buckets)*bucketEntries*mostFull
}

// sparse reports whether a part has so few entries that those without a place have the hashes of others.
func (p *indexPart) sparse() bool { return int(p.n)*8 < len(p.buckets)*bucketEntries }

// put adds an entry. If it finds no place for all, it returns the one that is left over.
func (p *indexPart) put(h uint64, ref uint32) (left uint32, ok bool) {
	tag, at := indexTag(h), p.home(h)
	if other := p.other(at, tag); p.buckets[other].n < p.buckets[at].n {
		at = other
	}
	for moves := 0; p.buckets[at].n == bucketEntries; moves++ {
		if moves == mostMoves {
			return ref, false
		}
		// One that has a place at its other bucket makes room, or if none has, one after another.
		b := &p.buckets[at]
		k := 0
		for k < bucketEntries && p.buckets[p.other(at, b.tags[k])].n == bucketEntries {
			k++
		}
		if k == bucketEntries {
			k = moves % bucketEntries
		}
		at = p.other(at, b.tags[k])
		b.refs[k], b.tags[k], ref, tag = ref, tag, b.refs[k], b.tags[k]
	}
	b := &p.buckets[at]
	b.refs[b.n], b.tags[b.n] = ref, tag
	b.n++
	p.n++
	return 0, true
}

// Remove takes out the entry of a hash that says ref, which is there.
func (x *Index) Remove(h uint64, ref uint32) {
	p := x.changed(h)
	b, k := p.find(h, ref)
	if k < 0 {
		at := x.spilled(h, ref)
		last := len(x.spill) - 1
		x.spill[at] = x.spill[last]
		x.spill = x.spill[:last]
		return
	}
	b.n--
	b.refs[k], b.tags[k] = b.refs[b.n], b.tags[b.n]
	p.n--
}

// replace has the entry of a hash that says ref, which is there, say another one.
func (x *Index) replace(h uint64, ref, by uint32) {
	p := x.changed(h)
	b, k := p.find(h, ref)
	if k < 0 {
		x.spill[x.spilled(h, ref)].Ref = by
		return
	}
	b.refs[k] = by
}

// spilled returns which of those that lie in no bucket the entry of a hash is that says ref.
func (x *Index) spilled(h uint64, ref uint32) int { return slices.Index(x.spill, IndexEntry{h, ref}) }

// find returns where the entry of a hash that says ref is, k below zero if it is in no bucket.
func (p *indexPart) find(h uint64, ref uint32) (b *indexBucket, k int) {
	home := p.home(h)
	b = &p.buckets[home]
	if k = slices.Index(b.refs[:b.n], ref); k < 0 {
		b = &p.buckets[p.other(home, indexTag(h))]
		k = slices.Index(b.refs[:b.n], ref)
	}
	return b, k
}

// grow makes the part of a hash larger, or splits it in two by the next bit of the hash.
func (x *Index) grow(h uint64, hash func([]IndexEntry)) {
	at := x.directory[h>>x.shift]
	old := x.parts[at]
	moving := x.moving[:0]
	x.moving = nil // for the case that there is no place for all in the new ones either
	for i := range old.buckets {
		b := &old.buckets[i]
		for _, ref := range b.refs[:b.n] {
			moving = append(moving, IndexEntry{Ref: ref})
		}
	}
	hash(moving)
	if int(at) < len(x.holds) { // a snapshot has its own way to the old buckets
		x.holds[at] = flat.Holds{}
	}
	size := len(old.buckets)
	first, second := sizes(h >> (64 - old.bits))
	switch {
	case size < doubleUpTo || x.skewed(&old):
		x.parts[at].buckets = make([]indexBucket, size*2)
	case size < first:
		x.parts[at].buckets = make([]indexBucket, first)
	case size < second:
		x.parts[at].buckets = make([]indexBucket, second)
	default:
		x.split(h, moving)
	}
	x.parts[at].n = 0
	for _, e := range moving {
		x.place(e, hash)
	}
	x.moving = moving
}

// sizes returns the sizes, in buckets, that a part has one after the other before it is split. They depend on
// the bits in which its hashes agree, so that the parts of one index, all of which have about as many entries, do
// not grow at once. Each is one that memory is handed out in.
func sizes(prefix uint64) (first, second int) {
	switch prefix & 3 {
	case 0:
		return 128, 192
	case 1:
		return 160, 224
	case 2:
		return 148, 212
	}
	return 170, 256
}

// newHalf returns an empty half of a part that is split, for so many entries.
func newHalf(prefix uint64, bits uint8, entries int) indexPart {
	size, second := sizes(prefix)
	if entries*100 > size*bucketEntries*roomAfter {
		size = second
	}
	return indexPart{buckets: make([]indexBucket, size), bits: bits}
}

// split puts two empty parts in the place of the one that a hash lies in, for its entries.
func (x *Index) split(h uint64, entries []IndexEntry) {
	at := x.directory[h>>x.shift]
	old := x.parts[at].bits
	if old == 64-x.shift {
		x.double()
	}
	upper := 0
	for _, e := range entries {
		upper += int(e.Hash >> (63 - old) & 1)
	}
	prefix := h >> (64 - old) << 1
	x.parts[at] = newHalf(prefix, old+1, len(entries)-upper)
	x.parts = append(x.parts, newHalf(prefix+1, old+1, upper))
	// The upper half of the directory's entries for the old part is the new one's.
	span := uint64(1) << (64 - x.shift - old)
	first := h >> x.shift &^ (span - 1)
	for i := first + span/2; i < first+span; i++ {
		x.directory[i] = uint32(len(x.parts) - 1)
	}
}

// skewed is as that of Table.
func (x *Index) skewed(p *indexPart) bool {
	return p.bits == 64-x.shift && len(x.directory) >= skewedDirectory*len(x.parts)
}

// double doubles the directory: each entry stands twice.
func (x *Index) double() {
	wide := make([]uint32, 2*len(x.directory))
	for i := range wide {
		wide[i] = x.directory[i/2]
	}
	x.directory = wide
	x.shift--
}
