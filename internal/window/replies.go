package window

import "math"

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

// Settled is a tracked send that is pending no more.
type Settled struct {
	Number      uint32
	Contact     uint64
	Fingerprint uint64
	Sent        int64 // event time of the send, ms
	At          int64 // when it settled, ms
	Outcome     Outcome
}

// Conversation is a slot of Replies: one pair of number and contact.
type Conversation uint32

type conversation struct {
	contact uint64
	// The newest run of inbounds [first, last], in ms; none if last is never.
	first, last int64
	stopAt      int64  // time of the stop that holds, none if never
	number      uint32 // free if noNumber
	pending     uint32
	head        uint32 // of the list of pending sends, newest applied first; slot + 1
}

type pendingSend struct {
	sent        int64
	fingerprint uint64
	conv        uint32 // settled if noNumber
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
// of inbounds, the stop that holds, and the pending sends, with a wheel of
// minutes that finds what expires. A settled send stays in the wheel until its
// minute comes, because taking it out would need a second list.
type Replies struct {
	convs    Slots[conversation]
	index    Table // contact, number -> conversation
	sends    Slots[pendingSend]
	due      [dueMinutes]uint32 // by minute of expiry, slot + 1
	pressure []Maximum          // by number: pending sends of its conversations
	maxima   Maxima
	pending  int
	sweepAt  uint32
}

// Find returns the conversation of a number and a contact, if it is known.
func (r *Replies) Find(number uint32, contact uint64) (Conversation, bool) {
	slot, ok := r.index.Get(Key{contact, uint64(number)})
	return Conversation(slot), ok
}

// Open returns the conversation of a number and a contact, new if need be.
func (r *Replies) Open(number uint32, contact uint64) Conversation {
	key := Key{contact, uint64(number)}
	slot, ok := r.index.Get(key)
	if !ok {
		slot = r.convs.New()
		*r.convs.At(slot) = conversation{
			contact: contact, number: number, first: none, last: none, stopAt: none,
		}
		r.index.Put(key, slot)
		for len(r.pressure) <= int(number) {
			r.pressure = append(r.pressure, Maximum{})
		}
	}
	return Conversation(slot)
}

// InWindow reports whether a send at s is in the customer service window, given
// the watermark before it.
func (r *Replies) InWindow(c Conversation, s, watermark int64) bool {
	v := r.convs.At(uint32(c))
	return v.last != none && v.first <= s && s <= v.last+ServiceWindow && s >= watermark-ServiceWindow
}

// StoppedAt returns the time of the stop that holds, false if none does.
func (r *Replies) StoppedAt(c Conversation) (int64, bool) {
	at := r.convs.At(uint32(c)).stopAt
	return at, at != none
}

// Stop sets the stop that holds from the given time.
func (r *Replies) Stop(c Conversation, at int64) { r.convs.At(uint32(c)).stopAt = at }

// Resume takes the stop away.
func (r *Replies) Resume(c Conversation) { r.convs.At(uint32(c)).stopAt = none }

// Track makes an initiated send at s pending, unless a known inbound answers
// it at once. What settled is appended to dst.
func (r *Replies) Track(c Conversation, s int64, fingerprint uint64, dst []Settled) []Settled {
	v := r.convs.At(uint32(c))
	if v.last != none && s < v.first && v.first <= s+ReplyWindow {
		return append(dst, Settled{v.number, v.contact, fingerprint, s, v.first, Answered})
	}
	slot := r.sends.New()
	bucket := &r.due[ceilMinute(s)%dueMinutes]
	*r.sends.At(slot) = pendingSend{sent: s, fingerprint: fingerprint, conv: uint32(c), next: v.head, due: *bucket}
	*bucket = slot + 1
	if v.head != 0 {
		r.sends.At(v.head - 1).prev = slot + 1
	}
	v.head = slot + 1
	r.setPending(v, v.pending+1)
	return dst
}

// Inbound tells of a message from the contact at time at: it moves the newest
// run of inbounds and answers what it answers.
func (r *Replies) Inbound(c Conversation, at int64, dst []Settled) []Settled {
	v := r.convs.At(uint32(c))
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
			dst = append(dst, Settled{v.number, v.contact, p.fingerprint, p.sent, at, Answered})
			r.unlink(v, slot)
			left--
		}
	}
	r.setPending(v, left)
	return dst
}

// Withdraw settles the newest pending send of the conversation, the later
// applied of equals, at the time of the failure.
func (r *Replies) Withdraw(c Conversation, at int64, dst []Settled) []Settled {
	v := r.convs.At(uint32(c))
	if v.head == 0 {
		return dst
	}
	newest := v.head - 1
	for link := r.sends.At(newest).next; link != 0; link = r.sends.At(link - 1).next {
		if r.sends.At(link-1).sent > r.sends.At(newest).sent {
			newest = link - 1
		}
	}
	p := r.sends.At(newest)
	r.unlink(v, newest)
	r.setPending(v, v.pending-1)
	return append(dst, Settled{v.number, v.contact, p.fingerprint, p.sent, at, Withdrawn})
}

// Expire makes unanswered what is still pending of the minute of expiry that
// ends at tick (a full minute, ms). Ticks are to come one by one.
func (r *Replies) Expire(tick int64, dst []Settled) []Settled {
	bucket := &r.due[((tick-ReplyWindow)/minute)%dueMinutes]
	for *bucket != 0 {
		slot := *bucket - 1
		p := r.sends.At(slot)
		*bucket = p.due
		if p.conv != noNumber {
			v := r.convs.At(p.conv)
			dst = append(dst, Settled{v.number, v.contact, p.fingerprint, p.sent, p.sent + ReplyWindow, Unanswered})
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
// answer any more: nothing pending, no stop, and the last inbound 48 h or more
// before the watermark. (A send is tracked, or in a window, only within 24 h
// of the watermark, and a window reaches 24 h past the last inbound.)
func (r *Replies) Sweep(watermark int64, n int) {
	for range min(n, int(r.convs.End())) {
		r.sweepAt++
		if r.sweepAt >= r.convs.End() {
			r.sweepAt = 0
		}
		v := r.convs.At(r.sweepAt)
		if v.number == noNumber || v.head != 0 || v.stopAt != none {
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
}

// ceilMinute returns the number of the first full minute at or after t.
func ceilMinute(t int64) int64 { return (t + minute - 1) / minute }
