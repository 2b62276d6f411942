package window

import "sendwatch/internal/invariants"

// What time does to Replies: pending sends expire, conversations are forgotten.

// Expire makes unanswered what is still pending of the minute of expiry that
// ends at tick (a full minute, ms). Ticks are to come one by one. The latest applied come first.
func (r *Replies) Expire(tick int64, dst []Resolved) []Resolved {
	due := r.sends.dueAt(tick)
	for due.newest != 0 {
		chunk := due.newest - 1
		dst = r.expireChunk(chunk, dst)
		r.sends.drop(due)
	}
	return dst
}

// expireChunk makes unanswered what is still pending of a chunk, and takes it out of all else.
func (r *Replies) expireChunk(chunk uint32, dst []Resolved) []Resolved {
	c := r.sends.lookChunk(chunk)
	for i := range c.sends[:c.n] { // so that many lines are on their way from memory at once
		switch p := &c.sends[i]; p.state() {
		case sendBare, sendFailed:
			r.touched += r.index.Touch(Key{p.who, uint64(p.of)}.hash())
		case sendFull:
			r.touched += r.full.Look(p.of).contact
		}
	}
	for i := int(c.n) - 1; i >= 0; i-- {
		slot := chunk<<placeBits | uint32(i)
		p := r.sends.at(slot)
		sent := r.sends.sent(p)
		switch p.state() {
		case sendBare:
			dst = append(dst, Resolved{p.of, p.who, p.fingerprint, sent, sent + ReplyWindow, Unanswered})
			left := r.forgetSend(slot, p)
			r.movePressure(p.of, left+1, left)
		case sendFailed:
			r.forgetSend(slot, p)
		case sendFull:
			v := r.full.At(p.of)
			dst = append(dst, Resolved{v.number, v.contact, p.fingerprint, sent, sent + ReplyWindow, Unanswered})
			r.unlink(v, p)
			r.setPending(v, v.pending-1)
		}
	}
	return dst
}

// forgetSend takes a send of a bare conversation out of the index, and with the last one the
// conversation. It returns how many of the others are pending.
func (r *Replies) forgetSend(slot uint32, p *pendingSend) (pending uint32) {
	k := Key{p.who, uint64(p.of)}
	h := k.hash()
	r.index.Remove(h, slot)
	p.setState(sendGone)
	if invariants.Enabled {
		r.checkIndex(h)
	}
	if !p.shares() {
		r.bare--
		return 0
	}
	var sends [maxBare]uint32
	n := r.sendsWith(k, h, &sends)
	if n == 0 {
		r.bare--
	}
	return r.countPending(sends[:n])
}

// Expiring appends the numbers of which something expires at tick, some of them
// more than once.
func (r *Replies) Expiring(tick int64, dst []uint32) []uint32 {
	for link := r.sends.dueAt(tick).newest; link != 0; {
		c := r.sends.lookChunk(link - 1)
		for i := int(c.n) - 1; i >= 0; i-- {
			switch p := &c.sends[i]; p.state() {
			case sendBare:
				dst = append(dst, p.of)
			case sendFull:
				dst = append(dst, r.full.Look(p.of).number)
			}
		}
		link = c.older
	}
	return dst
}

// Waiting reports whether a tick to come may find anything to expire.
func (r *Replies) Waiting() bool { return r.sends.used > 0 }

// Sweep looks at the next n full conversations and forgets those that can change no
// answer any more: nothing pending, no preference, and the last inbound 48 h or more
// before the watermark. (A send is tracked, or in a window, only within 24 h
// of the watermark, and a window reaches 24 h past the last inbound.)
func (r *Replies) Sweep(watermark int64, n int) {
	r.swept = watermark
	for range min(n, int(r.full.End())) {
		r.sweepAt++
		if r.sweepAt >= r.full.End() {
			r.sweepAt = 0
		}
		v := r.full.Look(r.sweepAt)
		if !v.idle(watermark) {
			continue
		}
		h := Key{v.contact, uint64(v.number)}.hash()
		r.index.Remove(h, r.sweepAt|fullBit)
		if invariants.Enabled {
			r.checkIndex(h)
		}
		r.full.At(r.sweepAt).number = noNumber
		r.full.Free(r.sweepAt)
	}
}

// idle reports whether a conversation is one that can be forgotten.
func (v *conversation) idle(watermark int64) bool {
	return v.number != noNumber && v.head == 0 && v.preference == 0 && (v.last == none || v.last < watermark-ReplyWindow)
}
