package traffic

import "strings"

// How often something is amiss on a record's way, in 2^20ths of the records that
// speak of messages. Webhooks come in any order and are repeated until they are
// acknowledged; a gateway that was offline delivers its backlog a day later.
const (
	overtakenBelow = 1 << 20 / 12      // arrives up to 5 s late
	slowBelow      = 1 << 20 / 100     // up to 2 min
	lateBelow      = 1 << 20 / 1_000   // up to 1 h
	veryLateBelow  = 1 << 20 / 7_000   // 25 to 60 h
	repeatedBelow  = 1 << 20 / 250     // comes a second time within 20 min
	brokenBelow    = 1 << 20 / 6_000   // is followed by a record that cannot be read
	unknownEach    = 3                 // of so many broken ones is of an unknown type
	oversizedEach  = 40                // of so many broken ones is too large
	oversizedBytes = 300 << 10         // above the 256 KiB that the contract allows
	bits           = uint64(1)<<20 - 1 // of one draw
)

// closeMessage ends an event that may be held up on its way, and reports whether
// it is there already.
func (n *number) closeMessage(t int64) bool {
	n.close()
	u := n.rng.Uint64()
	delay := int64(0)
	switch slow, r := u&bits, n.rng.Int64N; {
	case slow < veryLateBelow:
		delay = 25*hour + r(35*hour)
	case slow < lateBelow:
		delay = 2*minute + r(58*minute)
	case slow < slowBelow:
		delay = 5*second + r(115*second)
	case slow < overtakenBelow:
		delay = 200 + r(5*second)
	}
	if u>>20&bits < repeatedBelow {
		n.hold(t + delay + second + n.rng.Int64N(20*minute))
	}
	if u>>40&bits < brokenBelow {
		n.schedule(action{at: t + second + n.rng.Int64N(minute), do: doUnreadable})
	}
	if delay > 0 {
		n.hold(t + delay)
		return false
	}
	return true
}

// hold keeps a copy of the record at hand until it arrives.
func (n *number) hold(until int64) {
	var slot int32
	if last := len(n.free) - 1; last >= 0 {
		slot, n.free = n.free[last], n.free[:last]
	} else {
		slot = int32(len(n.delayed))
		n.delayed = append(n.delayed, held{})
	}
	h := &n.delayed[slot]
	h.value, h.hidden = append(h.value[:0], n.g.rec.Value...), n.g.rec.Hidden
	n.schedule(action{at: until, do: doDelayed, arg: slot})
}

func (n *number) deliver(slot int32) bool {
	h := &n.delayed[slot]
	n.g.buf = append(n.g.buf[:0], h.value...)
	n.g.rec.Value, n.g.rec.Hidden = n.g.buf, h.hidden
	n.free = append(n.free, slot)
	return true
}

// writeUnreadable writes what a broken gateway sends: each kind in turn, every
// number at another place of the round.
func (n *number) writeUnreadable(t int64) bool {
	turn := n.bad + n.g.rec.Number
	n.bad++
	if turn%unknownEach == 0 {
		n.open(t, "typing.started") // well-formed, of a type of the future
		return n.close()
	}
	if turn%oversizedEach == 0 {
		if n.g.pad == "" {
			n.g.pad = strings.Repeat("x", oversizedBytes)
		}
		e := n.open(t, "message.received")
		e.MessageId, e.Contact, e.Kind, e.Text = "big", "49555", "text", n.g.pad
		return n.close()
	}
	switch turn / unknownEach % 10 {
	case 0: // cut off on its way
		n.open(t, "message.status")
		n.close()
		n.g.rec.Value = n.g.buf[:len(n.g.buf)*2/3]
	case 1:
		n.g.buf = append(n.g.buf[:0], "\x00\x7f\xfe<html>502 Bad Gateway</html>"...)
		n.g.rec.Value = n.g.buf
	case 2: // no contact
		e := n.open(t, "message.sent")
		e.MessageId, e.Kind = n.messageID(0, ""), "text"
		n.close()
	case 3: // an id that is no string
		n.open(t, "message.received")
		n.closeWith(`"message_id":17,"contact":"49555","kind":"text"`)
	case 4: // a clock two years fast
		e := n.open(t+730*day, "message.received")
		e.MessageId, e.Contact, e.Kind = n.messageID(0, "i"), "4955500000000", "text"
		n.close()
	case 5: // a clock at its origin
		e := n.open(0, "message.received")
		e.MessageId, e.Contact, e.Kind = n.messageID(0, "i"), "4955500000000", "text"
		n.close()
	case 6: // a status nobody knows
		e := n.open(t, "message.status")
		e.MessageId, e.Contact, e.Status = "m", "4955500000000", "teleported"
		n.close()
	case 7: // nothing
		n.g.rec.Value = n.g.buf[:0]
	case 8: // no time
		e := n.g.event
		e.Reset()
		e.Id, e.Type, e.NumberId = "x", "message.status", n.ID
		n.close()
	case 9: // too deep
		n.open(t, "message.sent")
		n.closeWith(`"template":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40))
	}
	return true
}
