package webhook

import (
	"regexp"
	"strings"
)

// person is the one at the other end, by up to two identifiers.
type person struct {
	phone string // a phone number, an address or an id of the provider's
	user  string // a business-scoped user id
}

// userID is a business-scoped user id: the country, ENT for the parent's, and
// up to 128 letters and digits (Meta, business-scoped user ids, 2026-05-28).
var userID = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)

// see adds an identifier, in whichever field it came: a business-scoped id in a
// phone's place is one all the same. The first of each sort stays; "" is none.
func (p *person) see(ids ...string) {
	for _, id := range ids {
		switch id = plain(id); {
		case id == "":
		case userID.MatchString(id):
			if p.user == "" {
				p.user = id
			}
		case p.phone == "":
			p.phone = id
		}
	}
}

func (p *person) none() bool { return p.phone == "" && p.user == "" }

// contact returns what stands as the contact: the phone, else the user id.
func (p *person) contact() string { return first(p.phone, p.user) }

// address is a WhatsApp address, with the device that it may name.
var address = regexp.MustCompile(`^\+?([0-9]+)(:[0-9]+)?(\.[0-9]+)?(:[0-9]+)?@(s\.whatsapp\.net|c\.us|hosted|lid|hosted\.lid)$`)

// spaced is a phone number as people write it.
var spaced = regexp.MustCompile(`^[+ ().-]*[0-9][0-9 ().-]*$`)

// plain brings an identifier to the form that the contract's section 9 starts
// from: no channel in front, no device, no punctuation. Which forms are one
// account (Brazil, Mexico ...) is for the decoder.
func plain(id string) string {
	id = strings.TrimSpace(id)
	id = strings.TrimPrefix(id, "whatsapp:")
	if m := address.FindStringSubmatch(id); m != nil {
		if strings.HasSuffix(m[5], "lid") {
			return m[1] + "@lid"
		}
		return m[1]
	}
	if spaced.MatchString(id) {
		return digits(id)
	}
	if id == "+" {
		return ""
	}
	return id
}

// digits keeps the ASCII digits.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// chat is what an address of a chat stands for.
type chat uint8

const (
	chatPerson chat = iota
	chatGroup
	chatNobody // a broadcast list, a channel, a bot, a call link
)

func chatOf(id string) chat {
	_, server, ok := strings.Cut(id, "@")
	switch {
	case !ok:
		return chatPerson
	case server == "g.us":
		return chatGroup
	case server == "broadcast", server == "newsletter", server == "bot", server == "call", server == "msgr":
		return chatNobody
	}
	return chatPerson
}

// hidden reports whether an address is an account's hidden id.
func hidden(id string) bool { return strings.HasSuffix(id, "@lid") }

// resolve returns the person of several addresses of one account: the phone if
// there is one, now or from an earlier body. A pair of phone and hidden id is
// learnt.
func (c *call) resolve(number string, ids ...string) person {
	var p person
	var lid string
	for _, id := range ids {
		switch id = plain(id); {
		case hidden(id):
			lid = first(lid, id)
		default:
			p.see(id)
		}
	}
	if lid == "" {
		return p
	}
	if p.phone+"@lid" == lid {
		p.phone = "" // the hidden id once more, bare: it would pass as a phone
	}
	if p.phone == "" {
		p.phone = first(c.known(FactPhone, lid), lid)
	} else {
		c.learn(Fact{Kind: FactPhone, Key: lid, Value: p.phone, NumberID: number})
	}
	return p
}
