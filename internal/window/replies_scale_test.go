package window

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"sendwatch/internal/flat"
)

// bytes returns the memory that the conversations and what is pending take.
func (r *Replies) bytes() int {
	n := int(unsafe.Sizeof(*r)) + cap(r.index.directory)*4 + cap(r.index.parts)*int(unsafe.Sizeof(indexPart{}))
	for i := range r.index.parts {
		n += cap(r.index.parts[i].buckets) * int(unsafe.Sizeof(indexBucket{}))
	}
	for _, block := range r.sends.blocks {
		n += len(block)*int(unsafe.Sizeof(sendChunk{})) + 24
	}
	for _, part := range r.full.mem.parts {
		n += cap(part) * int(unsafe.Sizeof(conversation{}))
	}
	return n + cap(r.full.free)*4 + cap(r.pressure)*int(unsafe.Sizeof(Maximum{})) + cap(r.index.moving)*int(unsafe.Sizeof(IndexEntry{}))
}

// TestPendingTakesAtMost32Bytes makes sends, one by one and evenly over 48 hours, to contacts to each of whom so many are sent,
// and looks at all the memory there is meanwhile, while their number grows to five times as many; then it goes on while as many
// expire. What does not depend on their number is a chunk for each of the 2,890 minutes that may be all but empty, and a block that is not full, 4 MB:
// two thirds of a byte each at six million.
func TestPendingTakesAtMost32Bytes(t *testing.T) {
	const from, most, fixed = 200_000, 1_000_000, 2890*1024 + blockChunks*1024 + 64<<10
	if size := unsafe.Sizeof(sendChunk{}); size != 1024 {
		t.Errorf("a chunk takes %d bytes, want 1024", size)
	}
	if size := unsafe.Sizeof(indexBucket{}); size != 64 {
		t.Errorf("a bucket takes %d bytes, want a line of memory", size)
	}
	for each, atMost := range map[uint64]float64{1: 31.5, 2: 31.5, maxBare: 32.5, maxBare + 1: 31.5, 100: 31.5} {
		before := heldBytes()
		var r Replies
		var resolved []Resolved
		last := int64(benchStart / minute)
		for i := range uint64(most + most/10) {
			now := benchStart + int64(i)*(ReplyWindow+10*minute)/most
			for ; last < now/minute; last++ {
				resolved = r.Expire((last-10)*minute, resolved[:0])
			}
			number, contact := uint32(i/each%1000), spreadID(i/each)
			if c, ok := r.Find(number, contact); ok {
				r.Track(c, now, now, i, nil)
			} else {
				r.BeginPending(number, contact, now, i)
			}
			if n := r.Pending(); n >= from && i%1000 == 0 && float64(r.bytes()-fixed) > atMost*float64(n) {
				t.Fatalf("%d to each: %d pending take %d bytes and %.2f each", each, n, fixed, float64(r.bytes()-fixed)/float64(n))
			}
		}
		resolved = nil
		held := int(heldBytes() - before)
		if off := held - r.bytes(); max(off, -off) > held/50 {
			t.Errorf("%d to each: the heap holds %d bytes more, the pending sends take %d", each, held, r.bytes())
		}
		if float64(held-fixed) > atMost*float64(r.Pending()) {
			t.Errorf("%d to each: %d pending hold %d bytes of the heap and %.2f each", each, r.Pending(), fixed, float64(held-fixed)/float64(r.Pending()))
		}
		runtime.KeepAlive(&r)
	}
}

// replyModel is many conversations as lists.
type replyModel struct {
	all map[[2]uint64]*naive
	due map[int64][]*naive // who has had a send of a minute of expiry
	key map[*naive][2]uint64
}

func (m *replyModel) of(number uint32, contact uint64) *naive {
	k := [2]uint64{uint64(number), contact}
	c := m.all[k]
	if c == nil {
		c = &naive{}
		m.all[k], m.key[c] = c, k
	}
	return c
}

func (m *replyModel) track(c *naive, p naiveSend) {
	c.pending = append(c.pending, p)
	m.due[ceilMinute(p.sent)] = append(m.due[ceilMinute(p.sent)], c)
}

func (m *replyModel) expire(tick int64) (out []Resolved) {
	last := (tick - ReplyWindow) / minute
	for _, c := range m.due[last] {
		k := m.key[c]
		c.pending = slices.DeleteFunc(c.pending, func(p naiveSend) bool {
			if ceilMinute(p.sent) == last {
				out = append(out, Resolved{uint32(k[0]), k[1], p.fp, p.sent, p.sent + ReplyWindow, Unanswered})
				return true
			}
			return false
		})
	}
	delete(m.due, last)
	return out
}

func (c *naive) withdraw(number uint32, contact uint64, at int64) []Resolved {
	newest := -1
	for i, p := range c.pending {
		if newest < 0 || p.sent >= c.pending[newest].sent {
			newest = i
		}
	}
	if newest < 0 {
		return nil
	}
	p := c.pending[newest]
	c.pending = slices.Delete(c.pending, newest, newest+1)
	return []Resolved{{number, contact, p.fp, p.sent, at, Withdrawn}}
}

// TestRepliesStayWhileTheyGrow plays some hundred thousand steps on some ten thousand conversations, so that the index grows and
// its parts split: sends in bursts at one time, late ones, answers, failures, preferences, merges, minutes
// and sweeps, and compares all of it with lists. Now and then a snapshot is finished after more
// steps; it must be the state as it was, and every second time it is what the test goes on with.
func TestRepliesStayWhileTheyGrow(t *testing.T) {
	steps := 400_000
	if testing.Short() {
		steps = 100_000
	}
	random := rand.New(rand.NewPCG(7, 11))
	r := &Replies{}
	m := &replyModel{all: map[[2]uint64]*naive{}, due: map[int64][]*naive{}, key: map[*naive][2]uint64{}}
	w := int64(benchStart)
	var got, want []Resolved
	var snapshot *flat.Snapshot
	var asItWas, memory []byte
	newest := uint64(100)
	check := func(step int, what string) {
		if !slices.Equal(sortResolved(got), sortResolved(want)) {
			t.Fatalf("step %d: %s resolved %v, want %v", step, what, got, want)
		}
	}
	for step := range steps {
		before := w
		if step%3 == 0 {
			forward := random.Int64N(4000) / 1000 * 1000 // whole seconds, so that many have one time
			if step%100_000 > 90_000 {                   // and much expires
				forward *= 100
			}
			for tick := floorMinute(w) + minute; tick <= w+forward; tick += minute {
				got, want = r.Expire(tick-10*minute, got[:0]), m.expire(tick-10*minute)
				check(step, "a tick")
			}
			w += forward
		}
		if newest++; random.IntN(3) > 0 {
			newest--
		}
		contact := spreadID(newest - random.Uint64N(min(newest, 20_000)))
		if random.IntN(4) == 0 {
			contact = spreadID(newest - random.Uint64N(8)) // those with many
		}
		number := uint32(contact % 30)
		at := w
		if random.IntN(5) == 0 {
			at -= random.Int64N(30*hourMS) / 1000 * 1000
		}
		c := m.of(number, contact)
		c.forget(w)
		conv, known := r.Find(number, contact)
		if !known && (len(c.pending) > 0 || c.received || c.preferred > 0) {
			t.Fatalf("step %d: a conversation was forgotten", step)
		}
		wantIn := c.received && c.first <= at && at <= c.last+ServiceWindow && at >= before-ServiceWindow
		if in := known && r.InWindow(conv, at, before, w); in != wantIn {
			t.Fatalf("step %d: in window is %v, want %v", step, in, wantIn)
		}
		if stop, stopped := r.StoppedAt(conv); known && (stopped != (c.preferred > 0 && c.stopAt != none) || stopped && stop != c.stopAt) {
			t.Fatalf("step %d: stopped %v at %d, want %+v", step, stopped, stop, c)
		}
		if known && r.Held(conv) != c.held {
			t.Fatalf("step %d: %d links are held, want %d", step, r.Held(conv), c.held)
		}
		got, want = got[:0], nil
		switch what := random.IntN(100); {
		case what < 70:
			if at < before-ServiceWindow {
				continue
			}
			p := naiveSend{at, uint64(step)}
			if known {
				got = r.Track(conv, at, w, p.fp, got)
			} else {
				r.BeginPending(number, contact, at, p.fp)
			}
			if c.received && at < c.first && c.first <= at+ReplyWindow {
				want = []Resolved{{number, contact, p.fp, at, c.first, Answered}}
			} else {
				m.track(c, p)
			}
		case what < 85:
			if known {
				got = r.Withdraw(conv, at, got)
			}
			want = c.withdraw(number, contact, at)
		case what < 93:
			if !known {
				conv = r.Begin(number, contact)
			}
			got, want = r.Inbound(conv, at, w, got), c.inbound(number, contact, at)
		case what < 95:
			c.preferred, c.stopAt = step+1, none
			r.NextPreference()
			if o := r.Open(number, contact); random.IntN(2) == 0 {
				c.stopAt = at
				r.Stop(o, at)
				r.Hold(o, 1)
				c.held++
			} else {
				r.Resume(o)
			}
		default:
			other := contact
			for other == contact || uint32(other%30) != number {
				other = spreadID(newest - random.Uint64N(min(newest, 20_000)))
			}
			b := m.of(number, other)
			b.forget(w)
			moved := c.pending
			b.held, c.held = b.held+c.held, 0
			got, want = r.Merge(r.Open(number, contact), r.Open(number, other), w, got), b.merge(c, number, other)
			for _, p := range moved {
				m.due[ceilMinute(p.sent)] = append(m.due[ceilMinute(p.sent)], b)
			}
		}
		check(step, "an event")
		r.Sweep(w, 2)
		switch step % 20_000 {
		case 19_000:
			asItWas = flat.Append(nil, r.Copy)
			snapshot = flat.Begin(memory, r.Copy)
		case 19_999:
			snapshot.Finish()
			if memory = snapshot.Bytes(); !bytes.Equal(memory, asItWas) {
				t.Fatalf("step %d: the snapshot is not the state as it was", step)
			}
			if again := (&Replies{}); step%40_000 > 20_000 {
				if err := flat.Read(flat.Append(nil, r.Copy), again.Copy); err != nil {
					t.Fatal(err)
				}
				r = again
			}
		}
		if step%10_000 == 0 {
			m.compare(t, r, w)
		}
	}
	if len(r.index.parts) < 2 || len(r.index.parts[0].buckets) < doubleUpTo {
		t.Errorf("the index has %d parts: it has not grown as much as it should", len(r.index.parts))
	}
}

// compare compares all conversations.
func (m *replyModel) compare(t *testing.T, r *Replies, w int64) {
	t.Helper()
	pending, pressure := 0, map[uint32]uint32{}
	for k, c := range m.all {
		number := uint32(k[0])
		pending += len(c.pending)
		pressure[number] = max(pressure[number], uint32(len(c.pending)))
		_, known := r.Find(number, k[1])
		if c.forget(w); !known && (len(c.pending) > 0 || c.received || c.preferred > 0) {
			t.Fatalf("a conversation with %d pending was forgotten", len(c.pending))
		}
	}
	if r.Pending() != pending {
		t.Fatalf("%d pending, want %d", r.Pending(), pending)
	}
	known := map[Key]bool{}
	for i := range r.index.parts {
		for _, b := range r.index.parts[i].buckets {
			for _, ref := range b.refs[:b.n] {
				known[r.key(ref)] = true
			}
		}
	}
	if r.Conversations() != len(known) {
		t.Fatalf("%d conversations, the index has %d", r.Conversations(), len(known))
	}
	for number, want := range pressure {
		if got := r.Pressure(number); got != want {
			t.Fatalf("the pressure of number %d is %d, want %d", number, got, want)
		}
	}
}
