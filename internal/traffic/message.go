package traffic

import "sendwatch/internal/event"

// reachOut begins a conversation with the contact whose turn it is.
func (n *number) reachOut(t int64) bool {
	if t < n.silent {
		n.plan(t)
		return false
	}
	n.last = t
	n.plan(t)
	c := n.contactNext()
	if _, stop := n.stopped[c]; stop && !n.p.ignoresStop {
		return false // nobody left to write to
	}
	m := n.newMessage()
	if n.p.category == event.CategoryMarketing && n.rng.IntN(400) == 0 {
		// WhatsApp holds it back for a while; once let go it comes as an event of its own.
		n.schedule(action{at: t + 5*minute + n.rng.Int64N(20*minute), do: doSend, contact: c, message: m, depth: 255})
		return n.writeSent(t, c, m, true, true)
	}
	n.outcome(t, c, m, 0)
	return n.writeSent(t, c, m, true, false)
}

// sendAgain writes to a contact outside its turn: one that has not answered, one
// that asked to stop, or a message that was held.
func (n *number) sendAgain(a action) bool {
	if _, stop := n.stopped[a.contact]; stop && !n.p.ignoresStop {
		return false
	}
	m, depth := n.newMessage(), a.depth
	if depth == 255 {
		m, depth = a.message, 0
	}
	n.outcome(a.at, a.contact, m, depth)
	return n.writeSent(a.at, a.contact, m, true, false)
}

// outcome draws what becomes of an outreach message: whether it fails, arrives,
// is read and answered, and what else the contact does.
func (n *number) outcome(t int64, c, m uint32, insisted uint8) {
	n.newChats++
	if code := n.failure(c); code != 0 {
		n.schedule(action{at: t + second/2 + n.lognormal(2*second, .8), do: doStatus, contact: c, message: m, arg: code, depth: uint8(event.StatusFailed)})
		return
	}
	read := n.statuses(t, c, m)
	if n.p.blocks > 0 && n.rng.Float64() < n.p.blocks {
		n.schedule(action{at: read + n.lognormal(minute, 1), do: doBlock, contact: c})
	}
	if n.p.reports > 0 && n.rng.Float64() < n.p.reports {
		n.schedule(action{at: read + n.lognormal(minute, 1), do: doReport, contact: c})
	}
	share := n.replyShare(c, t)
	if insisted > 0 {
		share /= 4
	}
	if n.rng.Float64() < share {
		n.reply(t, c, m)
	} else if int(insisted) < n.p.insists {
		again := t + 2*hour + n.rng.Int64N(3*hour)
		n.schedule(action{at: again, do: doSend, contact: c, depth: insisted + 1})
	}
}

// reply schedules a contact's answer, which may be the wish to stop.
func (n *number) reply(t int64, c, m uint32) {
	a := action{at: n.replyAt(t), do: doInbound, contact: c, message: m}
	if n.rng.Float64() < n.p.stop {
		a.arg = wishStop
		if n.p.connection == event.ConnectionCloudAPI && n.rng.IntN(2) == 0 {
			a.do = doWish
		}
	}
	n.schedule(a)
}

// failure draws an error code of a send, 0 if it does not fail.
func (n *number) failure(c uint32) int32 {
	u := n.rng.Float64()
	refused := n.p.refused
	if c&isStranger == 0 {
		refused = 0
	}
	for _, f := range [...]struct {
		share float64
		code  int32
	}{
		{n.p.failContact, 131026},
		{n.p.failSpam, event.CodeSpam},
		{refused, event.CodeReachout},
		{n.p.failAccount, 131031},
		{n.fatigue(), 131049},
		{.0015, 130472},
		{.001, 131000},
		{.0004, 131056},
		{.0002, 131047},
	} {
		if u < f.share {
			return f.code
		}
		u -= f.share
	}
	return 0
}

// fatigue is the share of marketing that WhatsApp withholds from people who get
// too much of it.
func (n *number) fatigue() float64 {
	if n.p.category == event.CategoryMarketing {
		return .01
	}
	return 0
}

// statuses schedules sent, delivered and read, and returns the time at which the
// contact has seen the message, or might have.
func (n *number) statuses(t int64, c, m uint32) int64 {
	status := func(at int64, s event.Status) {
		n.schedule(action{at: at, do: doStatus, contact: c, message: m, depth: uint8(s)})
	}
	status(t+200+n.rng.Int64N(second), event.StatusSent)
	if n.rng.Float64() < n.p.undelivered {
		return t + hour
	}
	arrived := t + second + n.lognormal(2*second, 1)
	if n.rng.IntN(40) == 0 { // the phone was off
		arrived = t + n.lognormal(50*minute, 1.2)
	}
	switch u := n.rng.Float64(); {
	case u < n.p.read*.015: // read at once: no delivered comes
		status(arrived, event.StatusRead)
	case u < n.p.read:
		seen := arrived + second + n.lognormal(8*minute, 1.7)
		status(arrived, event.StatusDelivered)
		status(seen, event.StatusRead)
		return seen
	default:
		status(arrived, event.StatusDelivered)
	}
	return arrived
}

// maxDepth ends the longest chat.
const maxDepth = 12

// visited is a contact who writes first.
func (n *number) visited(a action) bool {
	if n.p.visits > 0 {
		n.schedule(action{at: n.steady(a.at, n.p.visits*n.size, n.p.visitHours), do: doVisit})
	} else {
		return false
	}
	a.contact = n.contact(uint32(n.rng.IntN(n.p.book)))
	a.message, a.arg = 0, wishNone
	return n.inbound(a)
}

// inbound is a message of a contact, mostly to be answered.
func (n *number) inbound(a action) bool {
	if a.arg != wishNone {
		n.heed(a)
	} else if a.depth < maxDepth && n.p.category != event.CategoryAuthentication && n.rng.Float64() < n.answers() {
		n.schedule(action{at: a.at + 10*second + n.lognormal(2*minute, 1), do: doAnswer, contact: a.contact, depth: a.depth + 1})
	}
	if n.style.pairs && n.rng.IntN(500) == 0 {
		n.schedule(action{at: a.at + minute + n.rng.Int64N(day), do: doAlias, contact: a.contact})
	}
	return n.writeReceived(a)
}

// answers is the share of inbounds that the number answers.
func (n *number) answers() float64 {
	if n.p.healthy {
		return .92
	}
	return .5
}

// answer continues a chat inside the customer service window.
func (n *number) answer(a action) bool {
	m := n.newMessage()
	if n.rng.IntN(30) == 0 {
		return n.writeReaction(a.at, a.contact, m)
	}
	n.statuses(a.at, a.contact, m)
	if n.rng.Float64() < .6-.04*float64(a.depth) {
		n.schedule(action{at: a.at + 8*second + n.lognormal(80*second, 1.1), do: doInbound, contact: a.contact, message: m, depth: a.depth})
	}
	return n.writeSent(a.at, a.contact, m, false, false)
}

// heed remembers what a contact asked for; who ignores it writes again once the
// customer service window has closed.
func (n *number) heed(a action) {
	if a.arg == wishResume {
		delete(n.stopped, a.contact)
		return
	}
	n.stopped[a.contact] = struct{}{}
	if n.p.ignoresStop {
		n.schedule(action{at: a.at + 26*hour + n.rng.Int64N(12*hour), do: doSend, contact: a.contact})
	} else if n.rng.IntN(20) == 0 {
		n.schedule(action{at: a.at + 2*day + n.rng.Int64N(7*day), do: doInbound, contact: a.contact, arg: wishResume})
	}
}

func (n *number) newMessage() uint32 {
	n.messages++
	return n.messages
}
