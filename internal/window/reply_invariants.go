package window

import "sendwatch/internal/invariants"

// checkPending counts a full conversation's pending sends by their list. Of a long one
// that is done each time it has doubled.
func (r *Replies) checkPending(v *conversation) {
	if v.pending > 64 && v.pending&(v.pending-1) != 0 {
		return
	}
	n := uint32(0)
	for link := v.head; link != 0; {
		p := r.sends.look(link - 1)
		invariants.Check(p.state() == sendFull && r.full.Look(p.of) == v, "replies: what is in a conversation's list is not its own")
		link = p.next()
		n++
	}
	invariants.Check(v.pending == n, "replies: %d sends of a conversation are pending, its list has %d", v.pending, n)
	invariants.Check(r.Pressure(v.number) >= n, "replies: the pressure is %d, a conversation has %d", r.Pressure(v.number), n)
}

// checkIndex checks the part of a hash after a change, if it is its turn: by chance, since the number of entries is
// not one of steps. Each entry is of something that is remembered, and is found by its key.
func (r *Replies) checkIndex(h uint64) {
	p := r.index.part(h)
	if !invariants.Due(int(p.n), int64(h>>1)) {
		return
	}
	n := uint32(0)
	for i := range p.buckets {
		b := &p.buckets[i]
		for k, ref := range b.refs[:b.n] {
			of := r.key(ref).hash()
			home := p.home(of)
			invariants.Check(b.tags[k] == indexTag(of), "replies: an entry has another tag than its key")
			invariants.Check(r.index.part(of) == p && (uint32(i) == home || uint32(i) == p.other(home, b.tags[k])), "replies: an entry of bucket %d is not found from its home %d", i, home)
			if ref&fullBit == 0 {
				state := r.sends.look(ref).state()
				invariants.Check(state == sendBare || state == sendFailed, "replies: a send in the index is in state %d", state)
			}
			n++
		}
	}
	invariants.Check(p.n == n, "replies: a part has %d entries and counts %d", n, p.n)
}
