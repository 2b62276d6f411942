package window

import (
	"math"

	"sendwatch/internal/invariants"
)

// Times of the contract, in ms: how long a contact has to answer, and how long
// the customer service window stays open after their last message.
const (
	ReplyWindow   = 48 * 60 * 60 * 1000
	ServiceWindow = 24 * 60 * 60 * 1000
	minute        = 60 * 1000
)

// Outcome is what became of a tracked send.
type Outcome uint8

// A tracked send is answered by an inbound, unanswered after 48 hours, or
// withdrawn because it failed.
const (
	Answered Outcome = iota
	Unanswered
	Withdrawn
)

// Resolved is a tracked send that is pending no more.
type Resolved struct {
	Number      uint32
	Contact     uint64
	Fingerprint uint64
	Sent        int64 // event time of the send, ms
	At          int64 // when it resolved, ms
	Outcome     Outcome
}

// Conversation is a slot of Replies: one pair of number and contact.
type Conversation uint32

type conversation struct {
	contact uint64
	// The newest run of inbounds [first, last], in ms; none if last is never.
	first, last int64
	preferred   uint64 // when the preference was applied, in order; 0 if none was
	stopAt      int64  // the time of that preference if it is a stop, else none
	number      uint32 // free if noNumber
	held        uint32 // links that are held because they lead here and this is a stop
	pending     uint32
	head        uint32 // of the list of pending sends, newest applied first; slot + 1
}

type pendingSend struct {
	sent        int64
	fingerprint uint64
	conv        uint32 // resolved if noNumber
	next, prev  uint32 // in the conversation, slot + 1
	due         uint32 // next with the same minute of expiry, slot + 1
}

const (
	none     = math.MinInt64
	noNumber = math.MaxUint32
	// dueMinutes is the size of the wheel of expiry: a send is tracked if it is
	// at most 24 h behind the watermark and expires at a tick, which is 10
	// minutes behind it, after 48 h. 2,892 minutes are alive at once.
	dueMinutes = 4096
)

// Replies tracks what waits for a reply: for each conversation the newest run
// of inbounds, the preference applied last, and the pending sends, with a wheel of
// minutes that finds what expires. A resolved send stays in the wheel until its
// minute comes, because taking it out would need a second list.
type Replies struct {
	convs    Slots[conversation]
	index    Table // contact, number -> conversation
	sends    Slots[pendingSend]
	due      [dueMinutes]uint32 // by minute of expiry, slot + 1
	pressure []Maximum          // by number: pending sends of its conversations
	maxima   Maxima
	pending  int
	applied  uint64 // preferences applied
	sweepAt  uint32
}

// Find returns the conversation of a number and a contact, if it is known.
func (r *Replies) Find(number uint32, contact uint64) (Conversation, bool) {
	slot, ok := r.index.Get(Key{contact, uint64(number)})
	return Conversation(slot), ok
}

// Open returns the conversation of a number and a contact, new if need be.
func (r *Replies) Open(number uint32, contact uint64) Conversation {
	if c, ok := r.Find(number, contact); ok {
		return c
	}
	return r.Begin(number, contact)
}

// Begin opens a conversation that is not known, as Find has said.
func (r *Replies) Begin(number uint32, contact uint64) Conversation {
	slot := r.convs.New()
	*r.convs.At(slot) = conversation{
		contact: contact, number: number, first: none, last: none, stopAt: none,
	}
	r.index.Put(Key{contact, uint64(number)}, slot)
	for len(r.pressure) <= int(number) {
		r.pressure = append(r.pressure, Maximum{})
	}
	return Conversation(slot)
}

// forget drops a run of inbounds that ended more than ReplyWindow before the
// watermark, as moved by the current event.
func (v *conversation) forget(watermark int64) {
	if v.last != none && v.last < watermark-ReplyWindow {
		v.first, v.last = none, none
	}
}

// InWindow reports whether a send at s is in the customer service window, given
// the watermark before it and that as moved by it.
func (r *Replies) InWindow(c Conversation, s, before, watermark int64) bool {
	v := r.convs.At(uint32(c))
	v.forget(watermark)
	return v.last != none && v.first <= s && s <= v.last+ServiceWindow && s >= before-ServiceWindow
}

// StoppedAt returns the time of the stop that holds, false if none does.
func (r *Replies) StoppedAt(c Conversation) (int64, bool) {
	at := r.convs.Look(uint32(c)).stopAt
	return at, at != none
}

// Preferred reports whether a stop or a resume was ever applied.
func (r *Replies) Preferred(c Conversation) bool { return r.convs.At(uint32(c)).preferred != 0 }

// NextPreference begins a preference: Stop and Resume apply it, to one
// conversation or to several.
func (r *Replies) NextPreference() { r.applied++ }

// Stop sets the stop that holds from the given time.
func (r *Replies) Stop(c Conversation, at int64) {
	v := r.convs.At(uint32(c))
	v.preferred, v.stopAt = r.applied, at
}

// Resume takes the stop away.
func (r *Replies) Resume(c Conversation) {
	v := r.convs.At(uint32(c))
	v.preferred, v.stopAt = r.applied, none
}

// Held returns how many links are held because they lead to the conversation.
func (r *Replies) Held(c Conversation) int { return int(r.convs.At(uint32(c)).held) }

// Hold changes that number.
func (r *Replies) Hold(c Conversation, by int) {
	v := r.convs.At(uint32(c))
	v.held = uint32(int(v.held) + by)
}

// Merge makes the conversation from part of the conversation to, at the watermark
// as moved by the current event (contract, section 9): the preference applied
// last holds for both, the pending sends and the later run of inbounds become
// to's, and this run answers what it answers. What was resolved is appended to dst.
func (r *Replies) Merge(from, to Conversation, watermark int64, dst []Resolved) []Resolved {
	a, b := r.convs.At(uint32(from)), r.convs.At(uint32(to))
	a.forget(watermark)
	b.forget(watermark)
	b.held, a.held = b.held+a.held, 0
	if a.preferred > b.preferred {
		b.preferred, b.stopAt = a.preferred, a.stopAt
	} else {
		a.preferred, a.stopAt = b.preferred, b.stopAt
	}
	r.movePending(from, to)
	b.joinRun(a.first, a.last)
	a.first, a.last = none, none
	if b.last == none {
		return dst
	}
	left := b.pending
	for link := b.head; link != 0; {
		slot := link - 1
		p := r.sends.At(slot)
		link = p.next
		at := b.first
		if p.sent >= at || at > p.sent+ReplyWindow {
			at = b.last
			if p.sent > at || at > p.sent+ReplyWindow {
				continue
			}
		}
		dst = append(dst, Resolved{b.number, b.contact, p.fingerprint, p.sent, at, Answered})
		r.unlink(b, slot)
		left--
	}
	r.setPending(b, left)
	return dst
}

// joinRun takes another run of inbounds in: the one with the later end stays, and
// begins with the other if that reaches to within the window before it.
func (v *conversation) joinRun(first, last int64) {
	if last == none {
		return
	}
	if v.last == none {
		v.first, v.last = first, last
		return
	}
	if last > v.last {
		v.first, v.last, first, last = first, last, v.first, v.last
	}
	if last >= v.first-ServiceWindow {
		v.first = min(v.first, first)
	}
}

// movePending makes the pending sends of one conversation another's, in front of
// its own: in the list only equal times have an order, and those Withdraw looks up
// in the wheel.
func (r *Replies) movePending(from, to Conversation) {
	a, b := r.convs.At(uint32(from)), r.convs.At(uint32(to))
	if a.head == 0 {
		return
	}
	last := a.head - 1
	for link := a.head; link != 0; link = r.sends.At(link - 1).next {
		last = link - 1
		r.sends.At(last).conv = uint32(to)
	}
	r.sends.At(last).next = b.head
	if b.head != 0 {
		r.sends.At(b.head - 1).prev = last + 1
	}
	b.head, a.head = a.head, 0
	n := a.pending
	r.setPending(a, 0)
	r.setPending(b, b.pending+n)
}

// Track makes an initiated send at s pending, unless a known inbound answers
// it at once, at the watermark as moved by the send. What was resolved is appended to
// dst.
func (r *Replies) Track(c Conversation, s, watermark int64, fingerprint uint64, dst []Resolved) []Resolved {
	v := r.convs.At(uint32(c))
	v.forget(watermark)
	if v.last != none && s < v.first && v.first <= s+ReplyWindow {
		return append(dst, Resolved{v.number, v.contact, fingerprint, s, v.first, Answered})
	}
	slot := r.sends.New()
	bucket := r.bucket(s)
	*r.sends.At(slot) = pendingSend{sent: s, fingerprint: fingerprint, conv: uint32(c), next: v.head, due: *bucket}
	*bucket = slot + 1
	if v.head != 0 {
		r.sends.At(v.head - 1).prev = slot + 1
	}
	v.head = slot + 1
	r.setPending(v, v.pending+1)
	return dst
}

// bucket returns the list of what expires with a send at s, newest applied first.
func (r *Replies) bucket(s int64) *uint32 { return &r.due[ceilMinute(s)%dueMinutes] }

// Inbound takes a message from the contact at time at: it moves the newest
// run of inbounds, one that the watermark as moved by the message has left behind
// forgotten, and answers what it answers.
func (r *Replies) Inbound(c Conversation, at, watermark int64, dst []Resolved) []Resolved {
	v := r.convs.At(uint32(c))
	v.forget(watermark)
	switch {
	case v.last == none || at > v.last+ServiceWindow:
		v.first, v.last = at, at
	case at > v.last:
		v.last = at
	case v.first-ServiceWindow <= at && at < v.first:
		v.first = at
	}
	left := v.pending
	for link := v.head; link != 0; {
		slot := link - 1
		p := r.sends.At(slot)
		link = p.next
		if p.sent <= at && at <= p.sent+ReplyWindow {
			dst = append(dst, Resolved{v.number, v.contact, p.fingerprint, p.sent, at, Answered})
			r.unlink(v, slot)
			left--
		}
	}
	r.setPending(v, left)
	return dst
}

// Withdraw resolves the newest pending send of the conversation, the later
// applied of equals, at the time of the failure.
func (r *Replies) Withdraw(c Conversation, at int64, dst []Resolved) []Resolved {
	v := r.convs.At(uint32(c))
	if v.head == 0 {
		return dst
	}
	newest, equals := v.head-1, 0
	for link := r.sends.At(newest).next; link != 0; link = r.sends.At(link - 1).next {
		switch at := r.sends.At(newest).sent; {
		case r.sends.At(link-1).sent > at:
			newest, equals = link-1, 0
		case r.sends.At(link-1).sent == at:
			equals++
		}
	}
	if equals > 0 { // the wheel has them in order, the later applied first
		at := r.sends.At(newest).sent
		newest = *r.bucket(at) - 1
		for p := r.sends.At(newest); p.conv != uint32(c) || p.sent != at; p = r.sends.At(newest) {
			newest = p.due - 1
		}
	}
	p := r.sends.At(newest)
	r.unlink(v, newest)
	r.setPending(v, v.pending-1)
	return append(dst, Resolved{v.number, v.contact, p.fingerprint, p.sent, at, Withdrawn})
}

// Expire makes unanswered what is still pending of the minute of expiry that
// ends at tick (a full minute, ms). Ticks are to come one by one.
func (r *Replies) Expire(tick int64, dst []Resolved) []Resolved {
	bucket := &r.due[((tick-ReplyWindow)/minute)%dueMinutes]
	for *bucket != 0 {
		slot := *bucket - 1
		p := r.sends.At(slot)
		*bucket = p.due
		if p.conv != noNumber {
			v := r.convs.At(p.conv)
			dst = append(dst, Resolved{v.number, v.contact, p.fingerprint, p.sent, p.sent + ReplyWindow, Unanswered})
			r.unlink(v, slot)
			r.setPending(v, v.pending-1)
		}
		r.sends.Free(slot)
	}
	return dst
}

// Expiring appends the numbers of which something expires at tick, some of them
// more than once.
func (r *Replies) Expiring(tick int64, dst []uint32) []uint32 {
	for link := r.due[((tick-ReplyWindow)/minute)%dueMinutes]; link != 0; {
		p := r.sends.At(link - 1)
		if p.conv != noNumber {
			dst = append(dst, r.convs.At(p.conv).number)
		}
		link = p.due
	}
	return dst
}

// Waiting reports whether a tick to come may find anything to expire.
func (r *Replies) Waiting() bool { return r.sends.Len() > 0 }

// Pressure returns the largest number of pending sends in one conversation of a
// number.
func (r *Replies) Pressure(number uint32) uint32 {
	if int(number) >= len(r.pressure) {
		return 0
	}
	return r.pressure[number].Top()
}

// Sweep looks at the next n conversations and forgets those that can change no
// answer any more: nothing pending, no preference, and the last inbound 48 h or more
// before the watermark. (A send is tracked, or in a window, only within 24 h
// of the watermark, and a window reaches 24 h past the last inbound.)
func (r *Replies) Sweep(watermark int64, n int) {
	for range min(n, int(r.convs.End())) {
		r.sweepAt++
		if r.sweepAt >= r.convs.End() {
			r.sweepAt = 0
		}
		v := r.convs.At(r.sweepAt)
		if v.number == noNumber || v.head != 0 || v.preferred != 0 {
			continue
		}
		if v.last != none && v.last >= watermark-ReplyWindow {
			continue
		}
		r.index.Delete(Key{v.contact, uint64(v.number)})
		v.number = noNumber
		r.convs.Free(r.sweepAt)
	}
}

// Conversations returns how many conversations are remembered.
func (r *Replies) Conversations() int { return r.convs.Len() }

// Pending returns how many sends wait for a reply.
func (r *Replies) Pending() int { return r.pending }

// unlink takes a send out of its conversation's list. It stays in the wheel.
func (r *Replies) unlink(v *conversation, slot uint32) {
	p := r.sends.At(slot)
	if p.prev == 0 {
		v.head = p.next
	} else {
		r.sends.At(p.prev - 1).next = p.next
	}
	if p.next != 0 {
		r.sends.At(p.next - 1).prev = p.prev
	}
	p.conv = noNumber
}

func (r *Replies) setPending(v *conversation, n uint32) {
	if v.pending == n {
		return
	}
	r.pending += int(n) - int(v.pending)
	r.maxima.Move(&r.pressure[v.number], v.pending, n)
	v.pending = n
	if invariants.Enabled {
		r.checkPending(v)
	}
}

// ceilMinute returns the number of the first full minute at or after t.
func ceilMinute(t int64) int64 { return (t + minute - 1) / minute }
