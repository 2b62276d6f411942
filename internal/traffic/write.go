package traffic

import (
	"strconv"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// open begins an event of the number.
func (n *number) open(t int64, typ string) *eventsv1.Event {
	e := n.head(t, typ)
	e.NumberId, e.WabaId, e.PortfolioId = n.ID, n.WABA, n.Portfolio
	return e
}

// openShared begins an event of a WABA or a portfolio, which is also its key.
func (n *number) openShared(t int64, typ, key string) *eventsv1.Event {
	n.g.rec.Key = []byte(key)
	n.g.rec.Shared = true
	return n.head(t, typ)
}

// head begins an event with its id, its type and its time. It is good until the
// next.
func (n *number) head(t int64, typ string) *eventsv1.Event {
	e := n.g.event
	e.Reset()
	e.Id, e.Type, e.Time = n.ID+"-"+strconv.FormatUint(n.events, 36), typ, &t
	n.events++
	return e
}

// close ends an event that arrives at once.
func (n *number) close() bool {
	write := codec.AppendEventJSON
	if n.style.rfc3339 {
		write = codec.AppendEventJSONInRFC3339
	}
	n.g.buf = write(n.g.buf[:0], n.g.event)
	n.g.rec.Value = n.g.buf
	return true
}

// closeWith ends an event with members that no event has.
func (n *number) closeWith(members string) bool {
	n.close()
	n.g.buf = append(append(append(n.g.buf[:len(n.g.buf)-1], ','), members...), '}')
	n.g.rec.Value = n.g.buf
	return true
}

// messageID names a message of the number or, with an i, one that it received.
func (n *number) messageID(m uint32, from string) string {
	return "wamid." + from + strconv.FormatUint(n.salt>>40, 36) + "." + strconv.FormatUint(uint64(m), 36)
}

// writeSent writes a message of the number: outreach, or an answer in a chat.
func (n *number) writeSent(t int64, c, m uint32, outreach, held bool) bool {
	e := n.open(t, "message.sent")
	var home *place
	e.MessageId = n.messageID(m, "")
	home = n.dialled(e, c)
	if outreach {
		complain := n.p.complain
		if c&isStranger != 0 {
			n.g.rec.Hidden.Stranger, complain = true, strangersComplain
		}
		n.g.rec.Hidden.Complains = n.rng.Float64() < complain
	}
	if outreach && n.p.template() {
		e.Kind, e.Template = "template", n.template(n.templateNow())
	} else {
		n.words(e, m, outreach)
	}
	if n.style.optIn {
		given := !outreach || n.rng.Float64() >= n.p.noOptIn
		e.OptIn = &given
	}
	if n.style.country {
		e.ContactCountry = home.country
	}
	if held {
		e.Held = &held
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
func (n *number) words(e *eventsv1.Event, m uint32, outreach bool) {
	kind, habit := "text", n.p.content
	if !outreach && habit != manyThings {
		habit = personal
	}
	switch habit {
	case sameMedia, samePicture:
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
	e.Kind = kind
	if kind == "audio" || kind == "location" {
		return
	}
	var text []byte
	if habit == identical || habit == samePicture {
		text = n.appendOffer(text)
	} else {
		text = n.appendPersonal(text)
	}
	switch {
	case n.style.hashed: // the gateway does not give its texts away
		h := uint64(14695981039346656037)
		for _, c := range text {
			h = (h ^ uint64(c)) * 1099511628211 // FNV-1a
		}
		length := int64(len(text))
		e.ContentHash, e.TextLength = hash(h), &length
	case habit == identical || habit == samePicture:
		e.Text = string(strconv.AppendUint(append(text, ' '), uint64(10_000+m), 10))
	default:
		e.Text = string(text)
	}
	switch {
	case habit == sameLink:
		e.Links = []string{"https://offers.example/today?c=" + strconv.FormatUint(uint64(m), 10)}
	case habit == sameMedia || habit == samePicture:
		e.MediaHash = hash(n.salt)
	case kind != "text":
		e.MediaHash = hash(mix(n.salt + uint64(m)))
	}
}

// strangersComplain is the share of messages to strangers that bring a complaint
// to WhatsApp, which tells nobody.
const strangersComplain = .03

// hash writes a hash as gateways do.
func hash(h uint64) string { return strconv.FormatUint(h|1<<63, 16) }

func (n *number) writeReaction(t int64, c, m uint32) bool {
	e := n.open(t, "message.sent")
	e.MessageId, e.Kind = n.messageID(m, ""), "reaction"
	n.dialled(e, c)
	return n.closeMessage(t)
}

func (n *number) writeStatus(a action) bool {
	if n.Lacks.Has(event.InputStatus) {
		return false
	}
	e := n.open(a.at, "message.status")
	if n.style.idsPartly {
		e.WabaId, e.PortfolioId = "", ""
	}
	e.MessageId, e.Status = n.messageID(a.message, ""), event.Status(a.depth).String()
	n.reached(e, a.contact)
	if a.arg != 0 {
		code := int64(a.arg)
		e.ErrorCode = &code
	}
	return n.closeMessage(a.at)
}

func (n *number) writeReceived(a action) bool {
	if n.Lacks.Has(event.InputInbound) {
		return false
	}
	e := n.open(a.at, "message.received")
	e.MessageId = n.messageID(n.newMessage(), "i")
	n.writtenBy(e, a.contact)
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
	e.Kind, e.Text = kind, text
	if a.message != 0 && n.rng.IntN(3) == 0 {
		e.ContextMessageId = n.messageID(a.message, "")
	}
	return n.closeMessage(a.at)
}

func (n *number) writePreference(a action) bool {
	e := n.open(a.at, "contact.preference")
	n.writtenBy(e, a.contact)
	e.Preference = "stop"
	if a.arg == wishResume {
		e.Preference = "resume"
	}
	return n.closeMessage(a.at)
}

func (n *number) writeContact(a action, typ string) bool {
	e := n.open(a.at, typ)
	n.writtenBy(e, a.contact)
	return n.closeMessage(a.at)
}
