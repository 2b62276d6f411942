package codec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"sendwatch/internal/event"
)

// identifiers reads who an event is about: the contact, the business-scoped user
// id, or both. Only their hashes go further, and the country that they name.
func (d *Decoder) identifiers(ev *event.Event, isRequired bool) {
	contact, isPhone := d.phone(fieldContact)
	if !isPhone {
		contact = d.contact(fieldContact)
		isPhone = event.IsPhoneNumber(contact)
	}
	if contact != nil {
		ev.Contact, ev.HasContact = d.secret.hash(contact), true
		if isPhone {
			ev.ContactCalling = callingCodes[100*int(contact[0]-'0')+10*int(contact[1]-'0')+int(contact[2]-'0')]
		}
	}
	user := d.optional(fieldContactUserID)
	if len(user) > 0 {
		ev.UserID, ev.HasUserID = d.secret.hash(user), true
	}
	if isRequired && !ev.HasContact && !ev.HasUserID {
		d.reject(ReasonMissing, fieldContact, "required, or contact_user_id; accepted is a string that is not empty")
	}
	if !isPhone {
		if ev.ContactCountry = countryInFront(user); ev.ContactCountry == 0 {
			ev.ContactCountry = countryInFront(contact)
		}
	}
}

// callingCodes holds the calling code by the first three digits of a phone
// number, which decide (event.ParseCallingCode).
var callingCodes = newCallingCodes()

func newCallingCodes() (t [1000]event.CallingCode) {
	number := []byte("0000000")
	for i := 100; i < len(t); i++ { // no phone number begins with 0
		number[0], number[1], number[2] = byte('0'+i/100), byte('0'+i/10%10), byte('0'+i%10)
		t[i] = event.ParseCallingCode(number)
	}
	return t
}

// phone returns the canonical form of an identifier that is written as most are: 7
// to 15 digits, the first not 0, perhaps behind a `+`. It returns false for all
// else, which canonical knows; what it returns is what canonical would, and a
// phone number (event.IsPhoneNumber). The digits are looked at eight at a time.
func (d *Decoder) phone(f field) (form []byte, ok bool) {
	v := d.get(f)
	start, n := v.start(), v.end()-v.start()
	if v.kind() != plain || uint(n) > 16 {
		return nil, false
	}
	w := d.memory[start : start+16 : start+16]
	plus := 0
	if w[0] == '+' {
		plus = 1
	}
	digits := w[plus : plus+15]
	n -= plus
	high := max(n, 8) - 8
	others := notDigits(binary.LittleEndian.Uint64(digits))&bytesBelow(min(n, 8)) |
		notDigits(binary.LittleEndian.Uint64(digits[7:]))>>8&bytesBelow(high)
	if others != 0 || uint(n-7) > 15-7 || digits[0] == '0' {
		return nil, false
	}
	form = digits[:n:n]
	if keep, insert, from := nationalRule(form); keep > 0 {
		d.address = append(append(append(d.address[:0], form[:keep]...), insert...), form[from:]...)
		form = d.address
	}
	return form, true
}

// contact reads an identifier that has a canonical form, nil if it is absent. It
// is good until the next.
func (d *Decoder) contact(f field) []byte {
	s := d.optional(f)
	if len(s) == 0 {
		return nil
	}
	form, memory := canonical(s, d.address)
	d.address = memory
	if len(form) == 0 {
		d.reject(ReasonValue, f, "nothing of it is left in its canonical form; accepted is a phone number, a WhatsApp address or an id")
		return nil
	}
	return form
}

// countryInFront returns the country that two capital letters in front of the
// first `.` of an identifier name, 0 if there are none: `^[A-Z]{2}\.`.
func countryInFront(id []byte) event.Country {
	if len(id) < 3 || id[2] != '.' || id[0]-'A' > 'Z'-'A' || id[1]-'A' > 'Z'-'A' {
		return 0
	}
	k, _ := event.ParseCountry(id[:2])
	return k
}

// The hosts of WhatsApp's addresses: of phone numbers, and of ids that stand for
// one (LID).
var (
	numberHosts = [...]string{"s.whatsapp.net", "c.us", "hosted"}
	lidHosts    = [...]string{"lid", "hosted.lid"}
)

// canonical returns the canonical form of an identifier (contract, section 9),
// the key that all forms of one account share. The form is a part of s or lies in
// memory, which is used again and is returned as it has become.
func canonical(s, memory []byte) (form, grown []byte) {
	memory = memory[:0]
	s = bytes.TrimPrefix(s, []byte("whatsapp:"))
	digits, plain := phoneDigits(s)
	switch user, host, ok := addressParts(s); {
	case ok && slices.Contains(numberHosts[:], string(host)):
		return dialled(bytes.TrimPrefix(user, []byte("+")), memory)
	case ok && user[0] != '+' && slices.Contains(lidHosts[:], string(host)):
		memory = append(append(memory, user...), "@lid"...)
		return memory, memory
	case digits == 0:
		return bytes.TrimPrefix(s, []byte("+")), memory
	case plain:
		return dialled(bytes.TrimPrefix(s, []byte("+")), memory)
	}
	for _, c := range s {
		if c-'0' <= 9 {
			memory = append(memory, c)
		}
	}
	return dialled(memory, memory)
}

// addressParts splits `^(\+?[0-9]+)(:[0-9]+)?@(.*)$` into user and host.
func addressParts(s []byte) (user, host []byte, ok bool) {
	front, host, ok := bytes.Cut(s, []byte("@"))
	user, device, hasDevice := bytes.Cut(front, []byte(":"))
	if !ok || !areDigits(bytes.TrimPrefix(user, []byte("+"))) || hasDevice && !areDigits(device) {
		return nil, nil, false
	}
	return user, host, true
}

// areDigits reports whether s is one ASCII digit or more, and nothing else.
func areDigits(s []byte) bool {
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
	}
	return len(s) > 0
}

// phoneDigits counts the digits of a phone number as people write it: digits and
// otherwise only spaces, `-`, `.`, `(`, `)`, and one `+` at most, in front of the
// first digit. It returns 0 for all else. plain says that nothing but a leading
// `+` stands beside the digits.
func phoneDigits(s []byte) (digits int, plain bool) {
	plain = true
	plus := false
	for i, c := range s {
		switch {
		case c-'0' <= 9:
			digits++
		case c == '+' && digits == 0 && !plus:
			plus = true
			plain = plain && i == 0
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')':
			plain = false
		default:
			return 0, false
		}
	}
	return digits, plain
}

// dialled returns the form of a number's digits: without a leading 00, and
// without what some countries' numbers have in one place and lack in another. A
// form that is no part of the digits is appended to memory, where they may lie.
func dialled(digits, memory []byte) (form, grown []byte) {
	digits = bytes.TrimPrefix(digits, []byte("00"))
	keep, insert, from := nationalRule(digits)
	if keep == 0 {
		return digits, memory
	}
	begin := len(memory)
	memory = append(memory, digits[:keep]...)
	memory = append(memory, insert...)
	memory = append(memory, digits[from:]...)
	return memory[begin:], memory
}

// nationalRule finds the first rule of section 9 that matches a number: of its
// digits the first keep stay, then comes insert, then all that begins at from. It
// returns 0 where no rule matches.
//
//   - Brazil: mobile numbers got a 9 in front, which WhatsApp's accounts made before lack.
//   - Mexico and Argentina: calls from abroad to mobiles took a 1 or a 9, and
//     from inside Argentina a 15, none of which WhatsApp's addresses have today.
//   - Benin and the Ivory Coast: numbers grew by two digits in 2024 and 2021.
func nationalRule(s []byte) (keep int, insert string, from int) {
	switch n := len(s); {
	case n < 11 || n > 14 || s[0] != '5' && s[0] != '2':
	case n == 13 && s[0] == '5':
		switch c := s[2]; {
		case s[1] == '5' && isIn(c, '1', '9') && isIn(s[3], '1', '9') && s[4] == '9' && isIn(s[5], '6', '9'):
			return 4, "", 5
		case s[1] == '2' && c == '1', s[1] == '4' && c == '9':
			return 2, "", 3
		}
	case n == 14 && s[0] == '5' && s[1] == '4':
		area, far := string(s[2:4]) == "11", s[2] == '2' || s[2] == '3'
		switch {
		case area && string(s[4:6]) == "15":
			return 4, "", 6
		case far && string(s[5:7]) == "15":
			return 5, "", 7
		case far && string(s[6:8]) == "15":
			return 6, "", 8
		}
	case n == 11 && s[0] == '2' && s[1] == '2':
		switch {
		case s[2] == '9':
			return 3, "01", 3
		case s[2] == '5' && (s[3] == '0' || isIn(s[3], '4', '9')):
			return 3, [...]string{"01", "01", "01", "01", "05", "05", "05", "07", "07", "07"}[s[4]-'0'], 3
		}
	}
	return 0, "", 0
}

// isIn reports whether a byte lies between two, both included.
func isIn(c, low, high byte) bool { return c >= low && c <= high }

// language returns the canonical form of a template's language: `pt-br` becomes
// `pt_BR`, and what is no language with a country stays.
func (d *Decoder) language(s []byte) []byte {
	n := len(s) - 3
	if n < 2 || n > 3 || s[n] != '-' && s[n] != '_' {
		return s
	}
	form := d.languageForm[:len(s)]
	for i, c := range s {
		switch {
		case i == n:
			form[i] = '_'
			continue
		case c|0x20 < 'a' || c|0x20 > 'z':
			return s
		case i < n:
			form[i] = c | 0x20
		default:
			form[i] = c &^ 0x20
		}
	}
	return form
}
