package traffic

import (
	"strconv"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// How contacts are known, as in life (contract, section 9).
const (
	byUserID   = 1. / 16 // of the contacts: a provider gives their user id where others give a phone number
	otherForm  = .5      // of the contacts in Brazil, Mexico and Argentina: another form answers than was dialled
	usernames  = .3      // of the contacts: answer an official number under their user id alone
	haveUserID = .6      // of the contacts have a user id that a gateway may give beside the number
)

// Purposes of lasting draws.
const (
	forUserID = iota
	forForm
	forUsername
	forPair
)

// userID is a contact's business-scoped user id.
func (n *number) userID(c uint32, home *place) string {
	return home.country + "." + strconv.FormatUint(mix(n.salt^uint64(c&^isWhat)<<3)|1<<63, 10)
}

// who is a contact, however it is called.
func (n *number) who(c uint32) uint64 { return mix(n.salt^uint64(c&^isWhat)) | 1 }

// home is where a contact lives.
func (n *number) home(c uint32) *place {
	if c&livesAbroad == 0 {
		return n.place
	}
	h := mix(n.salt ^ uint64(c&^(isStranger|isFaceless)))
	home := &places[h%uint64(len(places))]
	if home.calling == n.place.calling {
		home = &places[(h%uint64(len(places))+3)%uint64(len(places))]
	}
	return home
}

// phone returns a contact's phone number, as it is dialled or in the form that
// answers. The digits are a permutation of its index, so that no two contacts of a
// number are the same; the area codes are none that exist.
func (n *number) phone(c uint32, home *place, dialled bool) string {
	digits := (uint64(c&^isWhat)*48271 + n.salt>>20) % 100_000_000
	dialled = dialled || n.of(c, forForm) >= otherForm
	b := make([]byte, 0, 24)
	b = append(b, home.calling...)
	switch home.country {
	case "BR": // the ninth digit of mobile numbers
		b = append(b, "25262936395256575859"[digits/10_000_000*2:][:2]...)
		if dialled {
			b = append(b, '9')
		}
		b = append(b, '8')
		return string(appendDigits(b, digits%10_000_000, 1_000_000))
	case "MX": // the mobile prefix that calls from abroad once needed
		if dialled {
			b = append(b, '1')
		}
		b = append(b, "10"...)
	case "AR":
		if dialled {
			b = append(b, '9')
		}
		b = append(b, "10"...)
	default:
		b = append(b, "555"...)
	}
	return string(appendDigits(b, digits, 10_000_000))
}

func appendDigits(b []byte, digits, unit uint64) []byte {
	for ; unit > 0; unit /= 10 {
		b = append(b, '0'+byte(digits/unit%10))
	}
	return b
}

// dialled writes the contact of a send: its phone number or, of a few, its user id.
func (n *number) dialled(e *eventsv1.Event, c uint32) (home *place) {
	home = n.home(c)
	n.g.rec.Hidden.Contact = n.who(c)
	switch {
	case n.of(c, forUserID) < byUserID:
		e.Contact = n.userID(c, home)
	case n.style.plus:
		e.Contact = "+" + n.phone(c, home, true)
	default:
		e.Contact = n.phone(c, home, true)
	}
	return home
}

// reached writes the contact of a status: the form that answers and, where the
// gateway knows it, the user id beside it.
func (n *number) reached(e *eventsv1.Event, c uint32) {
	home := n.home(c)
	n.g.rec.Hidden.Contact = n.who(c)
	if n.of(c, forUserID) < byUserID {
		e.Contact = n.userID(c, home)
		return
	}
	e.Contact = n.phone(c, home, false)
	if n.tied(c) {
		e.ContactUserId = n.userID(c, home)
	}
}

// tied reports whether the gateway writes a contact's user id beside its number:
// official ones always do for those who answer under it alone.
func (n *number) tied(c uint32) bool {
	return c&isFaceless == 0 && (n.style.pairs && n.of(c, forPair) < haveUserID || n.hidden(c))
}

// hidden reports whether a contact answers under its user id alone.
func (n *number) hidden(c uint32) bool {
	return c&isFaceless != 0 || n.target.connection == event.ConnectionCloudAPI && n.of(c, forUsername) < usernames
}

// writtenBy writes the contact of what it did itself.
func (n *number) writtenBy(e *eventsv1.Event, c uint32) {
	n.g.rec.Hidden.Contact = n.who(c)
	if n.hidden(c) && n.of(c, forUserID) >= byUserID {
		e.ContactUserId = n.userID(c, n.home(c))
		return
	}
	n.reached(e, c)
}

// writeAlias is a provider's word that a contact has another identifier too.
func (n *number) writeAlias(a action) bool {
	home := n.home(a.contact)
	if n.of(a.contact, forUserID) < byUserID || a.contact&isFaceless != 0 {
		return false
	}
	n.g.rec.Hidden.Contact = n.who(a.contact)
	e := n.open(a.at, "contact.alias")
	e.Contact, e.PreviousUserId = n.phone(a.contact, home, false), n.userID(a.contact, home)
	return n.closeMessage(a.at)
}
