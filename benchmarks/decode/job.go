package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/dchest/siphash"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"sendwatch/internal/event"
)

// message is an event as the peers' parsers leave it: strings as they were
// written, absent ones empty.
type message struct {
	id, typ, number, waba, portfolio               []byte
	messageID, contact, user, kind, text           []byte
	template                                       bool
	templateName, templateLanguage, category       []byte
	status, contentHash, mediaHash, contactCountry []byte
	country, connection, origin, rating            []byte
	ipCountry, ipHash, group, preference           []byte
	previous, previousUser                         []byte
	links, inputs                                  [][]byte
	optIn, held                                    *bool

	time, registered, lastActive, linked, cycleEnd moment
	errorCode, limit, added, used, total           *int64
	capStatus                                      []byte
}

// moment is a time as it was written: whole milliseconds, or RFC 3339.
type moment struct {
	given bool
	ms    int64
	text  []byte
}

var errNoEvent = errors.New("not an event of the log")

// judge does by hand what every peer has to do once its parser has the fields:
// checks, canonical identifiers, keyed hashes, fingerprints. It is what a Go
// program would do with the usual libraries (siphash, xxhash, x/text).
type judge struct {
	k0, k1  uint64
	fold    cases.Caser
	content []byte
	number  []byte
	links   []uint64
	hosts   []string
	words   map[string]event.Preference
}

func newJudge(k0, k1 uint64, stop, resume []string) *judge {
	j := &judge{k0: k0, k1: k1, fold: cases.Fold(), words: map[string]event.Preference{}}
	for _, w := range resume {
		j.words[j.fold.String(w)] = event.PreferenceResume
	}
	for _, w := range stop {
		j.words[j.fold.String(w)] = event.PreferenceStop
	}
	return j
}

// event makes the event of a message.
func (j *judge) event(ev *event.Event, m *message) error {
	*ev = event.Event{Type: event.ParseType(m.typ), ID: m.id}
	at, ok := m.time.read()
	if !ok || len(m.id) == 0 || len(m.typ) == 0 {
		return errNoEvent
	}
	ev.Time = at
	switch ev.Type {
	case event.TypeUnknown, event.TypeClock:
		return nil
	case event.TypeLimit:
		if m.limit == nil || len(m.portfolio) == 0 {
			return errNoEvent
		}
		ev.WABAID, ev.PortfolioID, ev.Limit = m.waba, m.portfolio, *m.limit
		return nil
	}
	if len(m.number) == 0 {
		return errNoEvent
	}
	ev.NumberID, ev.WABAID, ev.PortfolioID = m.number, m.waba, m.portfolio
	switch ev.Type {
	case event.TypeSent:
		return j.sent(ev, m)
	case event.TypeStatus:
		if ev.Status, ok = event.ParseStatus(m.status); !ok || len(m.messageID) == 0 {
			return errNoEvent
		}
		if m.errorCode != nil {
			ev.ErrorCode, ev.HasError = *m.errorCode, true
		}
		ev.InGroup = len(m.group) > 0
		j.who(ev, m)
	case event.TypeReceived:
		ev.Kind, ev.InGroup = event.ParseKind(m.kind), len(m.group) > 0
		ev.Text = j.preference(m.text)
		if j.who(ev, m); !ev.HasContact && !ev.HasUserID || len(m.messageID) == 0 || len(m.kind) == 0 {
			return errNoEvent
		}
	default:
		return j.rare(ev, m)
	}
	return nil
}

func (j *judge) sent(ev *event.Event, m *message) error {
	ev.Kind, ev.InGroup, ev.Held = event.ParseKind(m.kind), len(m.group) > 0, m.held != nil && *m.held
	if j.who(ev, m); !ev.HasContact && !ev.HasUserID || len(m.messageID) == 0 || len(m.kind) == 0 {
		return errNoEvent
	}
	if m.optIn != nil {
		ev.OptIn = event.OptInFalse
		if *m.optIn {
			ev.OptIn = event.OptInTrue
		}
	}
	if k, ok := event.ParseCountry(m.contactCountry); ok {
		ev.ContactCountry, ev.ContactCalling = k, 0
	}
	if len(m.mediaHash) > 0 {
		ev.MediaHash = max(1, xxhash.Sum64(m.mediaHash))
	}
	c := append(j.content[:0], ev.Kind.String()...)
	c = append(c, 0)
	c = j.appendNormalised(c, m.text)
	c = append(c, 0)
	c = append(c, m.mediaHash...)
	if len(m.links) > 0 {
		c = j.readLinks(c, m.links)
		ev.Links = j.links
	}
	switch {
	case m.template:
		if len(m.templateName) == 0 || len(m.templateLanguage) == 0 {
			return errNoEvent
		}
		ev.HasTemplate = true
		ev.Template.Name, ev.Template.Language = m.templateName, language(m.templateLanguage)
		switch strings.ToLower(string(m.category)) {
		case "":
		case "authentication":
			ev.Template.Category = event.CategoryAuthentication
		case "utility":
			ev.Template.Category = event.CategoryUtility
		case "marketing":
			ev.Template.Category = event.CategoryMarketing
		default:
			ev.Template.Category = event.CategoryOther
		}
		c = append(c[:0], "template\x00"...)
		c = append(c, ev.Template.Name...)
		c = append(c, 0)
		c = append(c, ev.Template.Language...)
	case len(m.contentHash) > 0:
		c = append(append(c[:0], "content\x00"...), m.contentHash...)
	}
	ev.Fingerprint = xxhash.Sum64(c)
	j.content = c
	return nil
}

// rare makes the events of which a log has one in a hundred.
func (j *judge) rare(ev *event.Event, m *message) error {
	ok := true
	switch ev.Type {
	case event.TypeProfile:
		if ev.Country, ok = event.ParseCountry(m.country); !ok {
			return errNoEvent
		}
		ev.RegisteredAt, ev.HasRegistered = m.registered.read()
		ev.LastActiveAt, ev.HasLastActive = m.lastActive.read()
		ev.Connection, _ = event.ParseConnection(m.connection)
		ev.Origin, _ = event.ParseOrigin(m.origin)
		ev.HasInputs = m.inputs != nil
		for _, name := range m.inputs {
			in, known := event.ParseInput(name)
			if !known {
				return errNoEvent
			}
			ev.Inputs |= in
		}
	case event.TypeConnection:
		if ev.IPCountry, ok = event.ParseCountry(m.ipCountry); !ok {
			return errNoEvent
		}
		if len(m.ipHash) > 0 {
			ev.IPHash = max(1, xxhash.Sum64(m.ipHash))
		}
		ev.LinkedAt, ev.HasLinked = m.linked.read()
	case event.TypeQuality:
		ev.Rating, ok = event.ParseRating(m.rating)
	case event.TypeCap:
		if m.used == nil || m.total == nil {
			return errNoEvent
		}
		ev.CapUsed, ev.CapTotal = *m.used, *m.total
		ev.CapStatus, _ = event.ParseCapStatus(m.status)
		ev.CycleEnd, ev.HasCycleEnd = m.cycleEnd.read()
	case event.TypePreference:
		ev.Preference, ok = event.ParsePreference(m.preference)
		j.who(ev, m)
	case event.TypeAlias:
		j.who(ev, m)
		if len(m.previous) > 0 {
			ev.Previous, ev.HasPrevious = siphash.Hash(j.k0, j.k1, j.canonical(m.previous)), true
		}
		if len(m.previousUser) > 0 {
			ev.PreviousUserID, ev.HasPreviousUserID = siphash.Hash(j.k0, j.k1, m.previousUser), true
		}
	case event.TypeBlock, event.TypeReport:
		j.who(ev, m)
	case event.TypeGroup:
		if m.added == nil {
			return errNoEvent
		}
		ev.NonContactsAdded = *m.added
	default:
		return errNoEvent
	}
	if !ok {
		return errNoEvent
	}
	return nil
}

// who hashes the identifiers.
func (j *judge) who(ev *event.Event, m *message) {
	var form []byte
	if len(m.contact) > 0 {
		form = j.canonical(m.contact)
		ev.Contact, ev.HasContact = siphash.Hash(j.k0, j.k1, form), true
		ev.ContactCalling = event.ParseCallingCode(form)
	}
	if len(m.user) > 0 {
		ev.UserID, ev.HasUserID = siphash.Hash(j.k0, j.k1, m.user), true
	}
	if event.IsPhoneNumber(form) {
		return
	}
	for _, s := range [][]byte{m.user, form} {
		if len(s) > 2 && s[2] == '.' && unicode.IsUpper(rune(s[0])) && unicode.IsUpper(rune(s[1])) {
			ev.ContactCountry, _ = event.ParseCountry(s[:2])
			return
		}
	}
}

// canonical is the canonical form of a contact of these logs: a phone number
// with or without +, or an id (contract, section 9; addresses and national rules
// but Brazil's, Mexico's and Argentina's do not occur).
func (j *judge) canonical(s []byte) []byte {
	s = bytes.TrimPrefix(bytes.TrimPrefix(s, []byte("whatsapp:")), []byte("+"))
	for _, c := range s {
		if c < '0' || c > '9' {
			return s
		}
	}
	s = bytes.TrimPrefix(s, []byte("00"))
	cut := 0
	if len(s) == 13 {
		switch {
		case s[0] == '5' && s[1] == '5' && s[2] != '0' && s[3] != '0' && s[4] == '9' && s[5] >= '6':
			cut = 4
		case s[0] == '5' && s[1] == '2' && s[2] == '1', s[0] == '5' && s[1] == '4' && s[2] == '9':
			cut = 2
		}
	}
	if cut == 0 {
		return s
	}
	j.number = append(append(j.number[:0], s[:cut]...), s[cut+1:]...)
	return j.number
}

// appendNormalised is section 4's normalised text: ASCII in one loop, all else
// by x/text.
func (j *judge) appendNormalised(dst, text []byte) []byte {
	ascii := true
	for _, c := range text {
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if !ascii {
		text = j.fold.Bytes(norm.NFKC.Bytes(text))
	}
	base, space, digit := len(dst), false, false
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		} else if r >= 'A' && r <= 'Z' {
			r |= 0x20
		}
		i += n
		isDigit := r >= '0' && r <= '9' || r >= utf8.RuneSelf && unicode.Is(unicode.Nd, r)
		switch {
		case r == ' ' || r >= '\t' && r <= '\r' || r >= utf8.RuneSelf && unicode.Is(unicode.White_Space, r):
			space, digit = true, false
			continue
		case isDigit && digit:
			continue
		case isDigit:
			r = '0'
		}
		digit = isDigit
		if space && len(dst) > base {
			dst = append(dst, ' ')
		}
		space = false
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// readLinks appends the hosts and hashes the links.
func (j *judge) readLinks(c []byte, links [][]byte) []byte {
	j.links, j.hosts = j.links[:0], j.hosts[:0]
	for _, link := range links {
		s := string(link)
		if _, rest, ok := strings.Cut(s, "://"); ok {
			s = rest
		}
		if i := strings.IndexAny(s, "?#"); i >= 0 {
			s = s[:i]
		}
		host, path := s, ""
		if i := strings.IndexByte(s, '/'); i >= 0 {
			host, path = s[:i], s[i:]
		}
		host = strings.ToLower(host)
		j.hosts = append(j.hosts, host)
		j.links = append(j.links, xxhash.Sum64String(host+path))
	}
	slices.Sort(j.links)
	j.links = slices.Compact(j.links)
	slices.Sort(j.hosts)
	for _, host := range slices.Compact(j.hosts) {
		c = append(append(c, 0), host...)
	}
	return c
}

// preference recognises a stop or resume word.
func (j *judge) preference(text []byte) event.Preference {
	text = bytes.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) })
	if len(text) == 0 || len(text) > 40 {
		return event.PreferenceNone
	}
	return j.words[string(j.fold.Bytes(text))]
}

// language is the canonical form of a language.
func language(s []byte) []byte {
	if len(s) == 5 && (s[2] == '-' || s[2] == '_') {
		return []byte{s[0] | 0x20, s[1] | 0x20, '_', s[3] &^ 0x20, s[4] &^ 0x20}
	}
	return s
}

// read returns the time in ms; false if there is none.
func (m *moment) read() (int64, bool) {
	if !m.given || m.text == nil {
		return m.ms, m.given
	}
	t, err := time.Parse(time.RFC3339Nano, string(m.text))
	return t.UnixMilli(), err == nil
}
