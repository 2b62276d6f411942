package window

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"sendwatch/internal/flat"

	"pgregory.net/rapid"
)

// linksStart is a watermark to begin with.
const linksStart = 1_790_000_000_000

// spreadID returns identifiers as a keyed hash does.
func spreadID(i uint64) uint64 { return Key{i, 7}.hash() }

// bytes returns the memory that the links take.
func (l *Links) bytes() int {
	t := &l.table
	n := cap(t.shelves)*int(unsafe.Sizeof(linkShelf{})) + cap(t.chunks.blocks)*int(unsafe.Sizeof([]linkChunk{})) + cap(l.passing.tree)*8
	for _, b := range t.chunks.blocks {
		n += cap(b) * int(unsafe.Sizeof(linkChunk{}))
	}
	return n
}

// TestLinksTakeAtMost24Bytes adds links one by one and takes them out again, the
// oldest first, and looks after every one of both at all the memory there is. Below
// 8,000 links the memory that does not depend on their number shows.
func TestLinksTakeAtMost24Bytes(t *testing.T) {
	const atMost, from = 24, 8000
	if size := unsafe.Sizeof(linkChunk{}); size != 1024 {
		t.Errorf("a chunk takes %d bytes, want what memory is handed out in", size)
	}
	most := uint64(1_000_000)
	if testing.Short() {
		most = 100_000
	}
	var l Links
	shelves, chunks, bytes := 0, uint32(0), 0
	look := func(doing string) {
		if l.table.chunks.n != chunks || len(l.table.shelves) != shelves {
			shelves, chunks, bytes = len(l.table.shelves), l.table.chunks.n, l.bytes()
		}
		if n := l.Len(); n >= from && bytes > atMost*n {
			t.Fatalf("%s: %d links take %d bytes, %.2f each", doing, n, bytes, float64(bytes)/float64(n))
		}
	}
	before := heldBytes()
	for i := range most {
		l.Put(uint32(i%400), spreadID(i), i, linksStart, linksStart)
		look("adding")
	}
	// What the structure says of itself is what the heap has grown by.
	held := int(heldBytes() - before)
	if off := held - l.bytes(); max(off, -off) > l.bytes()/50 {
		t.Errorf("the heap holds %d bytes more, the links take %d", held, l.bytes())
	}
	if held > atMost*l.Len() {
		t.Errorf("%d links hold %d bytes of the heap, %.2f each", l.Len(), held, float64(held)/float64(l.Len()))
	}
	for i := range most {
		l.Delete(uint32(i%400), spreadID(i))
		look("taking out")
	}
	if left := l.bytes(); left > 16<<10 {
		t.Errorf("without links %d bytes are left", left)
	}
	runtime.KeepAlive(&l)
}

// TestLinksStayWhileTheyGrow adds, renews, holds, takes out and lets pass some ten thousand
// links, so that shelves split, join and get and give chunks, and compares all
// with a map.
func TestLinksStayWhileTheyGrow(t *testing.T) {
	type key struct {
		owner uint32
		from  uint64
	}
	type value struct {
		to   uint64
		seen int64
		held bool
	}
	r := rand.New(rand.NewPCG(1, 2))
	var l Links
	want := map[key]value{}
	var keys []key // of want, and some that have gone
	w := int64(linksStart)
	splits, joins := 0, 0
	gone := func(k key) {
		before := len(l.table.shelves)
		l.Delete(k.owner, k.from)
		joins += before - len(l.table.shelves)
		delete(want, k)
	}
	for step := range 200_000 {
		w += r.Int64N(60_000)
		if step%50_000 > 40_000 { // a quarter of the links passes
			w += LinkAge / 40_000
		}
		if w >= l.NextPassing() {
			for owner, from, ok := l.Passing(w); ok; owner, from, ok = l.Passing(w) {
				k := key{owner, from}
				v := want[k]
				if v.held || v.seen+LinkAge > w {
					t.Fatalf("step %d: %v passed, which is %+v", step, k, v)
				}
				if from%16 == 0 {
					l.Hold(owner, from)
					v.held = true
					want[k] = v
				} else {
					gone(k)
				}
			}
		}
		if step%3 == 0 && len(keys) > 0 {
			k := keys[r.IntN(len(keys))]
			v, known := want[k]
			switch seen := w - r.Int64N(LinkAge); {
			case !known:
				if _, ok := l.To(k.owner, k.from); ok {
					t.Fatalf("step %d: %v is back", step, k)
				}
			case step%2 == 0:
				gone(k)
			default:
				to, wasHeld, ok := l.Renew(k.owner, k.from, seen, w)
				if !ok || to != v.to || wasHeld != v.held {
					t.Fatalf("step %d: renewed %v to %d %v %v, want %+v", step, k, to, wasHeld, ok, v)
				}
				if v.held || seen > v.seen {
					v.seen = seen
				}
				v.held = false
				want[k] = v
			}
			continue
		}
		k := key{uint32(r.IntN(1000)), spreadID(r.Uint64())}
		v := value{to: r.Uint64(), seen: w - r.Int64N(LinkAge)}
		before := len(l.table.shelves)
		if !l.Put(k.owner, k.from, v.to, v.seen, w) {
			t.Fatalf("step %d: no room", step)
		}
		splits += len(l.table.shelves) - before
		want[k] = v
		keys = append(keys, k)
		if step%20_000 != 0 {
			continue
		}
		if l.Len() != len(want) {
			t.Fatalf("step %d: %d links, want %d", step, l.Len(), len(want))
		}
		for shelf := range l.table.shelves {
			l.check(uint32(shelf))
		}
		for k, v := range want {
			if to, ok := l.To(k.owner, k.from); !ok || to != v.to || l.Held(k.owner, k.from) != v.held || l.Passed(k.owner, k.from, w) {
				t.Fatalf("step %d: %v leads to %d %v, want %+v", step, k, to, ok, v)
			}
		}
	}
	if splits < 15 || joins < 5 {
		t.Errorf("shelves were split %d times and joined %d times", splits, joins)
	}
}

// TestLinksThatShareAShelf has more links than a shelf has room for in one shelf and
// one box, as no keyed hash will: the table is split until they fit.
func TestLinksThatShareAShelf(t *testing.T) {
	const n = 3 * shelfChunks * chunkLinks
	var l Links
	from := func(i uint64) uint64 { return linkFrom(5, 9<<57|i<<12) } // their last 12 bits are equal
	for i := range uint64(n) {
		if i%3 == 0 { // one in three shares no more than the box
			continue
		}
		l.Put(5, from(i), i, linksStart, linksStart)
	}
	for i := range uint64(n) {
		if to, ok := l.To(5, from(i)); ok != (i%3 != 0) || ok && to != i {
			t.Fatalf("link %d leads to %d %v", i, to, ok)
		}
	}
	for i := range uint64(n) {
		l.Delete(5, from(i))
	}
	if l.Len() != 0 || len(l.table.shelves) != minShelves {
		t.Errorf("%d links and %d shelves are left", l.Len(), len(l.table.shelves))
	}
}

// TestLinksHaveNoRoomForSomeOwners tells the owners apart that a link has room for, and
// refuses the others.
func TestLinksHaveNoRoomForSomeOwners(t *testing.T) {
	var l Links
	owners := []uint32{0, 1, 1 << 16, 1<<16 + 1, 1<<24 - 1}
	for _, o := range owners {
		if !l.Put(o, 77, uint64(o)+1, linksStart, linksStart) {
			t.Errorf("no room for owner %d", o)
		}
	}
	for _, o := range owners {
		if to, ok := l.To(o, 77); !ok || to != uint64(o)+1 {
			t.Errorf("the link of owner %d leads to %d %v", o, to, ok)
		}
	}
	if l.Put(1<<24, 77, 1, linksStart, linksStart) || l.Len() != len(owners) {
		t.Error("an owner got a link that would be another one's")
	}
}

// TestLinksAreReadBack writes links and goes on with what was read.
func TestLinksAreReadBack(t *testing.T) {
	var l, again Links
	for i := range uint64(20_000) {
		l.Put(uint32(i%3), spreadID(i), i, linksStart+int64(i), linksStart+20_000)
	}
	if err := flat.Read(flat.Append(nil, l.Copy), again.Copy); err != nil {
		t.Fatal(err)
	}
	w := int64(linksStart + LinkAge + 9_999)
	for _, links := range []*Links{&l, &again} {
		for owner, from, ok := links.Passing(w); ok; owner, from, ok = links.Passing(w) {
			links.Delete(owner, from)
		}
		for i := range uint64(30_000) {
			links.Put(5, spreadID(i), i, w, w)
		}
		if links.Len() != 40_000 || links.NextPassing() > linksStart+LinkAge+10_000 {
			t.Errorf("%d links, the next passes at %d", links.Len(), links.NextPassing())
		}
		for i := range uint64(20_000) {
			if to, ok := links.To(uint32(i%3), spreadID(i)); ok != (i > 9_999) || ok && to != i {
				t.Fatalf("link %d leads to %d %v", i, to, ok)
			}
		}
	}
	if l.bytes() < again.bytes() {
		t.Errorf("what was read takes %d bytes, what was written %d", again.bytes(), l.bytes())
	}
}

func TestLinkFromUndoesLinkHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owner, from := rapid.Uint32().Draw(t, "owner"), rapid.Uint64().Draw(t, "from")
		if got := linkFrom(owner, linkHash(owner, from)); got != from {
			t.Fatalf("%x, want %x", got, from)
		}
	})
}

// TestBlocksFollowEachOther walks the chunks: each is the next place of its block, or the
// first of the next one.
func TestBlocksFollowEachOther(t *testing.T) {
	block, place, size := uint32(0), uint32(0), uint32(2)
	for chunk := range uint32(100_000) {
		if place == size {
			block, place = block+1, 0
		}
		b, p, s := blockOf(chunk)
		if b != block || p != place {
			t.Fatalf("chunk %d is the %d of block %d, want the %d of %d", chunk, p, b, place, block)
		}
		if place == 0 {
			if s < size || s > 2*size || chunk > 512 && s*128 > chunk {
				t.Fatalf("block %d from chunk %d on has %d", b, chunk, s)
			}
			size = s
		}
		place++
	}
}

// TestLinkTimes packs and unpacks whatever is within LinkAge of the reference.
func TestLinkTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var times linkTimes
		w := rapid.Int64Range(1, 1<<43).Draw(t, "watermark")
		times.advance(w)
		seen := w - rapid.OneOf(rapid.Int64Range(0, LinkAge), rapid.Just(int64(LinkAge))).Draw(t, "ago")
		packed := times.pack(seen)
		if packed == seenHeld {
			t.Fatal("a time looks held")
		}
		if got := times.seen(packed); got != seen {
			t.Fatalf("seen at %d, want %d", got, seen)
		}
		at := times.passes(packed)
		if at != seen+LinkAge {
			t.Fatalf("passes at %d, want %d", at, seen+LinkAge)
		}
		if got := times.bound(times.packBound(at)); got > at || got <= at-1<<dueBits {
			t.Fatalf("bound %d of %d", got, at)
		}
	})
	var times linkTimes
	if times.passes(seenHeld) != Never || times.bound(times.packBound(Never)) != Never {
		t.Error("what is held passes")
	}
}

// TestEarliestAgainstSlice sets times, grows and shrinks, and looks for the smallest in
// a slice.
func TestEarliestAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e earliest
		var want []int64
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch n := len(want); rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				want = append(want, Never)
				e.resize(len(want))
			case 1:
				if n > 1 {
					e.set(n-1, Never)
					want = want[:n-1]
					e.resize(n - 1)
				}
			default:
				if n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "place")
					want[i] = rapid.Int64Range(0, 9).Draw(t, "time")
					e.set(i, want[i])
				}
			}
			least := int64(Never)
			for i, v := range want {
				if e.at(i) != v {
					t.Fatalf("place %d has %d, want %d", i, e.at(i), v)
				}
				least = min(least, v)
			}
			i, at := e.first()
			if at != least || at != Never && want[i] != at {
				t.Fatalf("first %d at %d of %v", at, i, want)
			}
		}
	})
}

// TestLinksAgainstMap puts, renews, holds and releases links while time passes in
// any steps, and compares what passes, and when, with a map.
func TestLinksAgainstMap(t *testing.T) {
	type key struct {
		owner uint32
		from  uint64
	}
	type known struct {
		to   uint64
		seen int64
		held bool
	}
	const hour = 60 * 60 * 1000
	rapid.Check(t, func(t *rapid.T) {
		var l Links
		want := map[key]known{}
		w := int64(1_790_000_000_000)
		seen := func() int64 { return w - rapid.Int64Range(0, LinkAge-1).Draw(t, "ago") }
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			k := key{rapid.Uint32Range(0, 2).Draw(t, "owner"), rapid.Uint64Range(0, 30).Draw(t, "from") << 58}
			v, ok := want[k]
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				at := seen()
				switch {
				case !ok:
					v = known{to: rapid.Uint64().Draw(t, "to"), seen: at}
					l.Put(k.owner, k.from, v.to, at, w)
				default:
					if to, was, ok := l.Renew(k.owner, k.from, at, w); !ok || was != v.held || to != v.to {
						t.Fatalf("%d held was %v %v, want %+v", to, was, ok, v)
					}
					if v.held || at > v.seen {
						v.seen = at
					}
					v.held = false
				}
				want[k] = v
			case 2:
				if ok {
					l.Delete(k.owner, k.from)
					delete(want, k)
				}
			case 3:
				if ok && v.held {
					l.Release(k.owner, k.from)
					if !l.Passed(k.owner, k.from, w) {
						t.Fatal("a link that was released has not passed")
					}
					l.Delete(k.owner, k.from)
					delete(want, k)
				}
			case 4:
				w += rapid.OneOf(rapid.Int64Range(0, 10*hour), rapid.Int64Range(0, 90*24*hour)).Draw(t, "pause")
				if w < l.NextPassing() {
					break
				}
				for {
					owner, from, ok := l.Passing(w)
					if !ok {
						break
					}
					k := key{owner, from}
					if v, known := want[k]; !known || v.held || v.seen+LinkAge > w {
						t.Fatalf("%v passed, which is %+v at %d", k, v, w)
					}
					if from>>58%3 == 0 {
						l.Hold(owner, from)
						v := want[k]
						v.held = true
						want[k] = v
					} else {
						l.Delete(owner, from)
						delete(want, k)
					}
				}
			}
			for k, v := range want {
				if to, ok := l.To(k.owner, k.from); !ok || to != v.to || l.Held(k.owner, k.from) != v.held {
					t.Fatalf("%v leads to %d %v, held %v, want %+v", k, to, ok, l.Held(k.owner, k.from), v)
				}
				if !v.held && v.seen+LinkAge <= w {
					t.Fatalf("%v should have passed at %d: %+v of %v", k, w, v, slices.Collect(maps.Keys(want)))
				}
			}
			if l.Len() != len(want) {
				t.Fatalf("%d links, want %d", l.Len(), len(want))
			}
		}
	})
}

// TestAgesOfOneBucketAreOneBucket has a hundred thousand wait since one quarter of an hour: to
// move them from class to class is one step.
func TestAgesOfOneBucketAreOneBucket(t *testing.T) {
	var pool AgePool
	var a Ages
	for range 100_000 {
		pool.Add(&a, 7, 7)
	}
	for now := int64(8); now < 500; now++ {
		pool.Advance(&a, now)
		if a.ring.n != 1 || a.counts[AgeClass(now-7)] != 100_000 {
			t.Fatalf("at %d they are in %d buckets, by class %v", now, a.ring.n, a.counts)
		}
	}
}
