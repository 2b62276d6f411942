package traffic

import (
	"strconv"
	"time"

	"sendwatch/internal/event"
)

// open begins an event of the number.
func (n *number) open(t int64, typ string) {
	n.head(t, typ)
	n.str("number_id", n.ID)
	n.str("waba_id", n.WABA)
	n.str("portfolio_id", n.Portfolio)
}

// openShared begins an event of a WABA or a portfolio, which is also its key.
func (n *number) openShared(t int64, typ, key string) {
	n.head(t, typ)
	n.g.rec.Key = []byte(key)
	n.g.rec.Shared = true
}

func (n *number) head(t int64, typ string) {
	b := append(n.g.buf[:0], `{"id":"`...)
	b = append(b, n.ID...)
	b = append(b, '-')
	b = strconv.AppendUint(b, n.events, 36)
	n.events++
	b = append(b, `","type":"`...)
	b = append(b, typ...)
	n.g.buf = append(b, '"')
	n.time("time", t)
}

// str writes a string that needs no escaping.
func (n *number) str(key, value string) {
	n.key2(key)
	b := append(n.g.buf, '"')
	b = append(b, value...)
	n.g.buf = append(b, '"')
}

func (n *number) int(key string, v int64) {
	n.key2(key)
	n.g.buf = strconv.AppendInt(n.g.buf, v, 10)
}

func (n *number) time(key string, t int64) {
	n.key2(key)
	if !n.style.rfc3339 {
		n.g.buf = strconv.AppendInt(n.g.buf, t, 10)
		return
	}
	b := append(n.g.buf, '"')
	b = time.UnixMilli(t).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	n.g.buf = append(b, '"')
}

func (n *number) raw(s string) { n.g.buf = append(n.g.buf, s...) }

func (n *number) key2(key string) {
	b := append(n.g.buf, `,"`...)
	b = append(b, key...)
	n.g.buf = append(b, `":`...)
}

// close ends an event that arrives at once.
func (n *number) close() bool {
	n.g.buf = append(n.g.buf, '}')
	n.g.rec.Value = n.g.buf
	return true
}

func (n *number) messageID(m uint32, from string) {
	b := append(n.g.buf, `,"message_id":"wamid.`...)
	b = append(b, from...)
	b = strconv.AppendUint(b, n.salt>>40, 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(m), 36)
	n.g.buf = append(b, '"')
}

// contactKey writes a contact: its phone number or, of one in sixteen, its
// business-scoped user id. The digits are a permutation of its index, so that no
// two contacts of a number are the same.
func (n *number) contactKey(c uint32, plus bool) (abroad *place) {
	h := mix(n.salt ^ uint64(c))
	home := n.place
	if c&livesAbroad != 0 {
		home = &places[h%uint64(len(places))]
		if home.calling == n.place.calling {
			home = &places[(h%uint64(len(places))+3)%uint64(len(places))]
		}
	}
	b := append(n.g.buf, `,"contact":"`...)
	digits := (uint64(c&^livesAbroad)*48271 + n.salt>>20) % 100_000_000
	switch h >> 32 % 16 {
	case 0:
		b = append(b, home.country...)
		b = append(b, '.')
		b = strconv.AppendUint(b, h|1<<63, 36)
	default:
		if plus {
			b = append(b, '+')
		}
		b = append(b, home.calling...)
		b = append(b, "555"...)
		for unit := uint64(10_000_000); unit > 0; unit /= 10 {
			b = append(b, '0'+byte(digits/unit%10))
		}
	}
	n.g.buf = append(b, '"')
	return home
}

// writeSent writes a message of the number: outreach, or an answer in a chat.
func (n *number) writeSent(t int64, c, m uint32, outreach, held bool) bool {
	n.open(t, "message.sent")
	n.messageID(m, "")
	home := n.contactKey(c, n.style.plus)
	if outreach && n.p.template() {
		n.str("kind", "template")
		n.template(n.templateNow())
	} else {
		n.words(m, outreach)
	}
	if n.style.optIn {
		if outreach && n.rng.Float64() < n.p.noOptIn {
			n.raw(`,"opt_in":false`)
		} else {
			n.raw(`,"opt_in":true`)
		}
	}
	if n.style.country {
		n.str("contact_country", home.country)
	}
	if held {
		n.raw(`,"held":true`)
	}
	return n.closeMessage(t)
}

// templateNow is the template of this run, or of this message of a steady sender.
func (n *number) templateNow() int {
	switch {
	case n.p.outreach.runs != nil:
		return int(n.run) % templatesEach
	case n.rng.IntN(5) < 3:
		return 0
	}
	return n.rng.IntN(templatesEach)
}

// words writes kind and content of a message that is no template.
func (n *number) words(m uint32, outreach bool) {
	kind, habit := "text", n.p.content
	if !outreach && habit != manyThings {
		habit = personal
	}
	switch habit {
	case sameMedia:
		kind = "image"
	case manyThings:
		switch n.rng.IntN(12) {
		case 0:
			kind = "image"
		case 1:
			kind = "audio"
		case 2:
			kind = "location"
		case 3:
			kind = "document"
		}
	}
	n.str("kind", kind)
	if kind == "audio" || kind == "location" {
		return
	}
	if n.style.hashed {
		n.hashedText(habit)
	} else {
		b := append(n.g.buf, `,"text":"`...)
		if habit == identical {
			b = n.appendOffer(b)
			b = append(b, ' ')
			b = strconv.AppendUint(b, uint64(10_000+m), 10)
		} else {
			b = n.appendPersonal(b)
		}
		n.g.buf = append(b, '"')
	}
	switch {
	case habit == sameLink:
		n.raw(`,"links":["https://offers.example/today?c=`)
		n.g.buf = strconv.AppendUint(n.g.buf, uint64(m), 10)
		n.raw(`"]`)
	case habit == sameMedia:
		n.hash("media_hash", n.salt)
	case kind != "text":
		n.hash("media_hash", mix(n.salt+uint64(m)))
	}
}

// hashedText stands for a text that the gateway does not give away.
func (n *number) hashedText(habit content) {
	start := len(n.g.buf)
	if habit == identical {
		n.g.buf = n.appendOffer(n.g.buf)
	} else {
		n.g.buf = n.appendPersonal(n.g.buf)
	}
	h, length := uint64(14695981039346656037), len(n.g.buf)-start
	for _, c := range n.g.buf[start:] {
		h = (h ^ uint64(c)) * 1099511628211 // FNV-1a
	}
	n.g.buf = n.g.buf[:start]
	n.hash("content_hash", h)
	n.int("text_length", int64(length))
}

func (n *number) hash(key string, h uint64) {
	n.key2(key)
	b := append(n.g.buf, '"')
	b = strconv.AppendUint(b, h|1<<63, 16)
	n.g.buf = append(b, '"')
}

func (n *number) writeReaction(t int64, c, m uint32) bool {
	n.open(t, "message.sent")
	n.messageID(m, "")
	n.contactKey(c, n.style.plus)
	n.str("kind", "reaction")
	return n.closeMessage(t)
}

func (n *number) writeStatus(a action) bool {
	n.head(a.at, "message.status")
	n.str("number_id", n.ID)
	if !n.style.idsPartly {
		n.str("waba_id", n.WABA)
		n.str("portfolio_id", n.Portfolio)
	}
	n.messageID(a.message, "")
	n.contactKey(a.contact, false)
	n.str("status", event.Status(a.depth).String())
	if a.arg != 0 {
		n.int("error_code", int64(a.arg))
	}
	return n.closeMessage(a.at)
}

func (n *number) writeReceived(a action) bool {
	n.open(a.at, "message.received")
	n.messageID(n.newMessage(), "i")
	n.contactKey(a.contact, false)
	l := languages[n.place.language]
	kind, text := "text", ""
	switch u := n.rng.IntN(20); {
	case a.arg == wishStop:
		text = n.stopWord()
	case a.arg == wishResume:
		text = "START"
	case u == 0:
		kind = "image"
	case u == 1:
		kind = "audio"
	case u == 2 && a.message != 0:
		kind = "reaction"
	default:
		text = pick(n, l.replies)
	}
	n.str("kind", kind)
	if text != "" {
		n.str("text", text)
	}
	if a.message != 0 && n.rng.IntN(3) == 0 {
		b := append(n.g.buf, `,"context_message_id":"wamid.`...)
		b = strconv.AppendUint(b, n.salt>>40, 36)
		b = append(b, '.')
		b = strconv.AppendUint(b, uint64(a.message), 36)
		n.g.buf = append(b, '"')
	}
	return n.closeMessage(a.at)
}

func (n *number) writePreference(a action) bool {
	n.open(a.at, "contact.preference")
	n.contactKey(a.contact, false)
	if a.arg == wishResume {
		n.str("preference", "resume")
	} else {
		n.str("preference", "stop")
	}
	return n.closeMessage(a.at)
}

func (n *number) writeContact(a action, typ string) bool {
	n.open(a.at, typ)
	n.contactKey(a.contact, false)
	return n.closeMessage(a.at)
}
