package window

import "sendwatch/internal/invariants"

// conversation is the record of a full conversation.
type conversation struct {
	contact uint64
	// The newest run of inbounds [first, last], in ms; none if last is never.
	first, last int64
	number      uint32 // free if noNumber
	pending     uint32
	head        uint32 // of the list of pending sends, in any order; slot + 1
	preference  uint32 // in Replies.preferences, slot + 1; 0 if none was applied
}

// preference is what few conversations have.
type preference struct {
	applied uint64 // when it was applied, in order; 0 if none was
	stopAt  int64  // its time if it is a stop, else none
	held    uint32 // links that are held because they lead here and this is a stop
}

// conversation returns the record of a full conversation.
func (r *Replies) conversation(c Conversation) *conversation { return r.full.At(uint32(c &^ fullBit)) }

// preference returns the preference of a conversation, to be changed.
func (r *Replies) preference(c Conversation) *preference {
	v := r.conversation(r.whole(c))
	if v.preference == 0 {
		slot := r.preferences.New()
		r.preferences.At(slot).stopAt = none
		v.preference = slot + 1
	}
	return r.preferences.At(v.preference - 1)
}

// lookPreference returns the preference of a conversation, nil if it has none.
func (r *Replies) lookPreference(c Conversation) *preference {
	if c&fullBit == 0 {
		return nil
	}
	v := r.full.Look(uint32(c &^ fullBit))
	if v.preference == 0 {
		return nil
	}
	return r.preferences.Look(v.preference - 1)
}

// whole makes a conversation full that is not.
func (r *Replies) whole(c Conversation) Conversation {
	if c&fullBit != 0 {
		return c
	}
	k := r.key(uint32(c))
	h := k.hash()
	var sends [maxBare]uint32
	n := r.sendsOf(c, k, h, &sends)
	slot := r.newConversation(k)
	full := slot | fullBit
	v := r.full.At(slot)
	for i, send := range sends[:n] {
		if i == 0 {
			r.index.replace(h, send, full)
		} else {
			r.index.Remove(h, send)
		}
		p := r.sends.at(send)
		if p.state() == sendFailed {
			p.setState(sendGone)
			continue
		}
		r.link(v, slot, send, p)
		v.pending++
	}
	r.bare--
	if invariants.Enabled {
		r.checkIndex(h)
	}
	return Conversation(full)
}

// newConversation returns the slot of an empty record.
func (r *Replies) newConversation(k Key) uint32 {
	slot := r.full.New()
	*r.full.At(slot) = conversation{contact: k.A, number: uint32(k.B), first: none, last: none}
	return slot
}

// link puts a pending send in the list of a full conversation.
func (r *Replies) link(v *conversation, conv, slot uint32, p *pendingSend) {
	p.setState(sendFull)
	p.who, p.of = uint64(v.head), conv
	if v.head != 0 {
		r.sends.at(v.head - 1).setPrevious(slot + 1)
	}
	v.head = slot + 1
}

// unlink takes a send out of the list. It is gone.
func (r *Replies) unlink(v *conversation, p *pendingSend) {
	next, previous := p.next(), p.previous()
	if previous == 0 {
		v.head = next
	} else {
		r.sends.at(previous - 1).setNext(next)
	}
	if next != 0 {
		r.sends.at(next - 1).setPrevious(previous)
	}
	p.setState(sendGone)
}

// setPending notes how many sends of a full conversation are pending.
func (r *Replies) setPending(v *conversation, n uint32) {
	if v.pending == n {
		return
	}
	r.movePressure(v.number, v.pending, n)
	v.pending = n
	if invariants.Enabled {
		r.checkPending(v)
	}
}

// movePressure notes that a conversation of a number has other many pending sends.
func (r *Replies) movePressure(number, from, to uint32) {
	r.pending += int(to) - int(from)
	r.maxima.Move(&r.pressure[number], from, to)
}

// answer resolves the pending sends of a full conversation for which at says when they were
// answered, none if they were not.
func (r *Replies) answer(v *conversation, dst []Resolved, at func(sent int64) int64) []Resolved {
	left := v.pending
	for link := v.head; link != 0; {
		p := r.sends.at(link - 1)
		link = p.next()
		sent := r.sends.sent(p)
		if at := at(sent); at != none {
			dst = append(dst, Resolved{v.number, v.contact, p.fingerprint, sent, at, Answered})
			r.unlink(v, p)
			left--
		}
	}
	r.setPending(v, left)
	return dst
}

// forget drops a run of inbounds that ended more than ReplyWindow before the
// watermark, as moved by the current event.
func (v *conversation) forget(watermark int64) {
	if v.last != none && v.last < watermark-ReplyWindow {
		v.first, v.last = none, none
	}
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

// joinPreferences has the preference applied last hold for both conversations.
func (r *Replies) joinPreferences(from, to Conversation) {
	if r.lookPreference(from) == nil && r.lookPreference(to) == nil {
		return
	}
	r.preference(to)
	a, b := r.preference(from), r.preference(to)
	b.held, a.held = b.held+a.held, 0
	if a.applied > b.applied {
		b.applied, b.stopAt = a.applied, a.stopAt
	} else {
		a.applied, a.stopAt = b.applied, b.stopAt
	}
}

// movePending makes the pending sends of one full conversation another's, in front of
// its own.
func (r *Replies) movePending(from, to Conversation) {
	a, b := r.conversation(from), r.conversation(to)
	if a.head == 0 {
		return
	}
	last := a.head - 1
	for link := a.head; link != 0; link = r.sends.look(link - 1).next() {
		last = link - 1
		r.sends.at(last).of = uint32(to &^ fullBit)
	}
	r.sends.at(last).setNext(b.head)
	if b.head != 0 {
		r.sends.at(b.head - 1).setPrevious(last + 1)
	}
	b.head, a.head = a.head, 0
	n := a.pending
	r.setPending(a, 0)
	r.setPending(b, b.pending+n)
}
