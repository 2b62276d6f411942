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

// Conversation is one pair of number and contact in Replies. What Find and Begin return is
// valid until something changes in that conversation, and what Open returns as long as it is remembered.
type Conversation uint32

const (
	none     = math.MinInt64
	noNumber = math.MaxUint32

	// fullBit is set in a Conversation that has a record; the rest is its slot. Without it, it is the slot
	// of one of its sends.
	fullBit = 1 << 31

	// maxBare is how many sends a bare conversation has. With one more a record is worth its 40 bytes: shared by
	// so many, and with one entry of the index in place of theirs, a send takes less than 32. Where all have maxBare
	// it is up to 32.5, since what shares its buckets fills them less evenly.
	maxBare = 6
)

// Replies tracks what waits for a reply: for each conversation the newest run
// of inbounds, the preference applied last, and the pending sends, with a wheel of
// minutes that finds what expires.
//
// Most conversations are one send to somebody who has not been written to before. Such a *bare* one
// is known by its pending sends alone, and gone when the last of them expires. All of it together takes at most
// 32 bytes a pending send from six million on, and below that up to 3 MB more (TestPendingTakesAtMost32Bytes): 24.4 for the send (pendingSends) and 6.6 to 7 for its entry
// in the index (Index). An inbound or a preference, or more than maxBare sends, make a conversation
// *full*: it gets a record (conversation) and is remembered until Sweep comes by.
//
// A send reads one line of memory that nothing asked for before, that of the index, and what expires as well;
// all else lies next to what was used just before.
type Replies struct {
	index       Index // number and contact: of a bare conversation each send, else its record
	sends       pendingSends
	full        Slots[conversation]
	preferences Slots[preference]
	pressure    []Maximum // by number: pending sends of its conversations
	maxima      Maxima
	bare        int // conversations
	pending     int
	applied     uint64 // preferences applied
	sweepAt     uint32

	swept   int64 // the watermark of the last Sweep; this and the next are no state
	touched uint64
}

// key returns the number and contact of an entry of the index.
func (r *Replies) key(ref uint32) Key {
	if ref&fullBit != 0 {
		v := r.full.Look(ref &^ fullBit)
		return Key{v.contact, uint64(v.number)}
	}
	p := r.sends.look(ref)
	return Key{p.who, uint64(p.of)}
}

// hash fills in the hashes of entries of the index.
func (r *Replies) hash(entries []IndexEntry) {
	for i := range entries { // so that many keys are on their way from memory at once
		if ref := entries[i].Ref; ref&fullBit == 0 {
			r.touched += r.sends.look(ref).who
		}
	}
	for i := range entries {
		entries[i].Hash = r.key(entries[i].Ref).hash()
	}
}

// Find returns the conversation of a number and a contact, if it is known.
func (r *Replies) Find(number uint32, contact uint64) (Conversation, bool) {
	k := Key{contact, uint64(number)}
	w := r.index.Probe(k.hash())
	for ref, ok := w.Next(); ok; ref, ok = w.Next() {
		if r.key(ref) == k {
			return Conversation(ref), true
		}
	}
	if r.index.Spills() {
		for ref, i := r.index.Spilled(k.hash(), 0); i > 0; ref, i = r.index.Spilled(k.hash(), i) {
			if r.key(ref) == k {
				return Conversation(ref), true
			}
		}
	}
	return 0, false
}

// sendsOf returns the sends of a bare conversation, also those that failed.
func (r *Replies) sendsOf(c Conversation, k Key, h uint64, sends *[maxBare]uint32) (n int) {
	if !r.sends.look(uint32(c)).shares() {
		sends[0] = uint32(c)
		return 1
	}
	return r.sendsWith(k, h, sends)
}

// sendsWith returns the sends of the bare conversation with a key.
func (r *Replies) sendsWith(k Key, h uint64, sends *[maxBare]uint32) (n int) {
	w := r.index.Probe(h)
	for ref, ok := w.Next(); ok; ref, ok = w.Next() {
		if r.key(ref) == k {
			sends[n] = ref
			n++
		}
	}
	for ref, i := r.index.Spilled(h, 0); i > 0; ref, i = r.index.Spilled(h, i) {
		if r.key(ref) == k {
			sends[n] = ref
			n++
		}
	}
	return n
}

// countPending returns how many of some sends are pending.
func (r *Replies) countPending(sends []uint32) (n uint32) {
	for _, slot := range sends {
		if r.sends.look(slot).pending() {
			n++
		}
	}
	return n
}

// Open returns the conversation of a number and a contact, new if need be. It is full.
func (r *Replies) Open(number uint32, contact uint64) Conversation {
	if c, ok := r.Find(number, contact); ok {
		return r.whole(c)
	}
	return r.Begin(number, contact)
}

// Begin opens a conversation that is not known, as Find has said. It is full.
func (r *Replies) Begin(number uint32, contact uint64) Conversation {
	k := Key{contact, uint64(number)}
	slot := r.newConversation(k)
	h := k.hash()
	r.index.Put(h, slot|fullBit, r.hash)
	r.know(number)
	if invariants.Enabled {
		r.checkIndex(h)
	}
	return Conversation(slot | fullBit)
}

// BeginPending opens a conversation that is not known, as Find has said, with a pending send at s.
func (r *Replies) BeginPending(number uint32, contact uint64, s int64, fingerprint uint64) {
	r.know(number)
	k := Key{contact, uint64(number)}
	r.addBare(k, k.hash(), s, fingerprint)
	r.bare++
	r.movePressure(number, 0, 1)
}

// addBare adds a pending send to a bare conversation.
func (r *Replies) addBare(k Key, h uint64, s int64, fingerprint uint64) *pendingSend {
	slot, p := r.sends.add(s, fingerprint, sendBare)
	p.who, p.of = k.A, uint32(k.B)
	r.index.Put(h, slot, r.hash)
	if invariants.Enabled {
		r.checkIndex(h)
	}
	return p
}

// know makes room for a number.
func (r *Replies) know(number uint32) {
	for len(r.pressure) <= int(number) {
		r.pressure = append(r.pressure, Maximum{})
	}
}

// InWindow reports whether a send at s is in the customer service window, given
// the watermark before it and that as moved by it.
func (r *Replies) InWindow(c Conversation, s, before, watermark int64) bool {
	if c&fullBit == 0 {
		return false
	}
	v := r.conversation(c)
	v.forget(watermark)
	return v.last != none && v.first <= s && s <= v.last+ServiceWindow && s >= before-ServiceWindow
}

// StoppedAt returns the time of the stop that holds, false if none does.
func (r *Replies) StoppedAt(c Conversation) (int64, bool) {
	p := r.lookPreference(c)
	if p == nil {
		return none, false
	}
	return p.stopAt, p.stopAt != none
}

// Preferred reports whether a stop or a resume was ever applied.
func (r *Replies) Preferred(c Conversation) bool {
	p := r.lookPreference(c)
	return p != nil && p.applied != 0
}

// NextPreference begins a preference: Stop and Resume apply it, to one
// conversation or to several.
func (r *Replies) NextPreference() { r.applied++ }

// Stop sets the stop that holds from the given time.
func (r *Replies) Stop(c Conversation, at int64) {
	p := r.preference(c)
	p.applied, p.stopAt = r.applied, at
}

// Resume takes the stop away.
func (r *Replies) Resume(c Conversation) {
	p := r.preference(c)
	p.applied, p.stopAt = r.applied, none
}

// Held returns how many links are held because they lead to the conversation.
func (r *Replies) Held(c Conversation) int {
	p := r.lookPreference(c)
	if p == nil {
		return 0
	}
	return int(p.held)
}

// Hold changes that number.
func (r *Replies) Hold(c Conversation, by int) {
	p := r.preference(c)
	p.held = uint32(int(p.held) + by)
}

// Merge makes the conversation from part of the conversation to, both as Open returns them, at the watermark
// as moved by the current event (contract, section 9): the preference applied
// last holds for both, the pending sends and the later run of inbounds become
// to's, and this run answers what it answers. What was resolved is appended to dst.
func (r *Replies) Merge(from, to Conversation, watermark int64, dst []Resolved) []Resolved {
	r.joinPreferences(from, to)
	a, b := r.conversation(from), r.conversation(to)
	a.forget(watermark)
	b.forget(watermark)
	r.movePending(from, to)
	b.joinRun(a.first, a.last)
	a.first, a.last = none, none
	if b.last == none {
		return dst
	}
	return r.answer(b, dst, func(sent int64) int64 {
		switch {
		case sent < b.first && b.first <= sent+ReplyWindow:
			return b.first
		case sent <= b.last && b.last <= sent+ReplyWindow:
			return b.last
		}
		return none
	})
}

// Track makes an initiated send at s pending, unless a known inbound answers
// it at once, at the watermark as moved by the send. What was resolved is appended to
// dst.
func (r *Replies) Track(c Conversation, s, watermark int64, fingerprint uint64, dst []Resolved) []Resolved {
	if c&fullBit == 0 {
		k := r.key(uint32(c))
		h := k.hash()
		var sends [maxBare]uint32
		if n := r.sendsOf(c, k, h, &sends); n < maxBare {
			pending := r.countPending(sends[:n])
			for _, slot := range sends[:n] {
				r.sends.at(slot).setShares()
			}
			r.addBare(k, h, s, fingerprint).setShares()
			r.movePressure(uint32(k.B), pending, pending+1)
			return dst
		}
		c = r.whole(c)
	}
	v := r.conversation(c)
	v.forget(watermark)
	if v.last != none && s < v.first && v.first <= s+ReplyWindow {
		return append(dst, Resolved{v.number, v.contact, fingerprint, s, v.first, Answered})
	}
	slot, p := r.sends.add(s, fingerprint, sendFull)
	r.link(v, uint32(c&^fullBit), slot, p)
	r.setPending(v, v.pending+1)
	return dst
}

// Inbound takes a message from the contact at time at: it moves the newest
// run of inbounds, one that the watermark as moved by the message has left behind
// forgotten, and answers what it answers.
func (r *Replies) Inbound(c Conversation, at, watermark int64, dst []Resolved) []Resolved {
	v := r.conversation(r.whole(c))
	v.forget(watermark)
	switch {
	case v.last == none || at > v.last+ServiceWindow:
		v.first, v.last = at, at
	case at > v.last:
		v.last = at
	case v.first-ServiceWindow <= at && at < v.first:
		v.first = at
	}
	return r.answer(v, dst, func(sent int64) int64 {
		if sent <= at && at <= sent+ReplyWindow {
			return at
		}
		return none
	})
}

// Withdraw resolves the newest pending send of the conversation, the later
// applied of equals, at the time of the failure.
func (r *Replies) Withdraw(c Conversation, at int64, dst []Resolved) []Resolved {
	if c&fullBit == 0 {
		return r.withdrawBare(c, at, dst)
	}
	v := r.conversation(c)
	if v.head == 0 {
		return dst
	}
	newest := v.head - 1
	for link := r.sends.look(newest).next(); link != 0; link = r.sends.look(link - 1).next() {
		if r.newer(link-1, newest) {
			newest = link - 1
		}
	}
	p := r.sends.at(newest)
	r.unlink(v, p)
	r.setPending(v, v.pending-1)
	return append(dst, Resolved{v.number, v.contact, p.fingerprint, r.sends.sent(p), at, Withdrawn})
}

// withdrawBare is Withdraw of a bare conversation.
func (r *Replies) withdrawBare(c Conversation, at int64, dst []Resolved) []Resolved {
	var sends [maxBare]uint32
	k := r.key(uint32(c))
	n := r.sendsOf(c, k, k.hash(), &sends)
	pending := r.countPending(sends[:n])
	if pending == 0 {
		return dst
	}
	newest := uint32(math.MaxUint32)
	for _, slot := range sends[:n] {
		if r.sends.look(slot).pending() && (newest == math.MaxUint32 || r.newer(slot, newest)) {
			newest = slot
		}
	}
	p := r.sends.at(newest)
	p.setState(sendFailed)
	r.movePressure(uint32(k.B), pending, pending-1)
	return append(dst, Resolved{uint32(k.B), k.A, p.fingerprint, r.sends.sent(p), at, Withdrawn})
}

// newer reports whether one send is newer than another one, or was applied later at the same time.
func (r *Replies) newer(slot, than uint32) bool {
	a, b := r.sends.sent(r.sends.look(slot)), r.sends.sent(r.sends.look(than))
	return a > b || a == b && r.sends.later(slot, than)
}

// Pressure returns the largest number of pending sends in one conversation of a
// number.
func (r *Replies) Pressure(number uint32) uint32 {
	if int(number) >= len(r.pressure) {
		return 0
	}
	return r.pressure[number].Top()
}

// Conversations returns how many conversations are remembered.
func (r *Replies) Conversations() int { return r.bare + r.full.Len() }

// Pending returns how many sends wait for a reply.
func (r *Replies) Pending() int { return r.pending }
