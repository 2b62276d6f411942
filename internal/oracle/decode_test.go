package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"sendwatch/internal/event"
)

// record is one line of a log as the model's own reader understands it. err is
// why it is rejected.
type record struct {
	line string
	time int64 // the record's timestamp
	ev   *event.Event
	err  error
}

// readLog reads a log with encoding/json and the contract's words, sharing
// nothing with the product's decoder.
func readLog(log []byte) []record {
	var all []record
	last := int64(0)
	for line := range strings.SplitSeq(string(log), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		r := record{line: line}
		fields, err := object(line)
		r.time = last
		if t, err := integer(fields["_record_time"]); err == nil {
			r.time = t
		} else if t, err := instant(fields["time"]); err == nil {
			r.time = t
		}
		last = r.time
		if err == nil {
			d := reader{fields: fields}
			r.ev, err = d.event(r.time)
		}
		r.err = err
		all = append(all, r)
	}
	return all
}

var surrogate = regexp.MustCompile(`(?i)\\u(d[89ab][0-9a-f]{2})(\\u(d[c-f][0-9a-f]{2}))?|\\u(d[c-f][0-9a-f]{2})`)

// object parses a line and refuses what encoding/json is too kind to. Where the
// syntax holds the fields are given with the error: their time counts.
func object(line string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	if strings.Trim(line[d.InputOffset():], " \t\r\n") != "" || fields == nil || !utf8.ValidString(line) {
		return nil, errors.New("unparsable")
	}
	for _, m := range surrogate.FindAllStringSubmatch(strings.ReplaceAll(line, `\\`, ``), -1) {
		if m[3] == "" {
			return nil, errors.New("lone surrogate")
		}
	}
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
	}
	if deepest > 32 || len(line) > 256<<10 {
		return fields, errors.New("too deep or too large")
	}
	return fields, nil
}

func integer(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%v is no integer", v)
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err == nil && (i > 1<<53-1 || i < -(1<<53-1)) {
		return 0, fmt.Errorf("%d is out of range", i)
	}
	return i, err
}

// time.Parse takes offsets of 24 hours and 60 minutes, RFC 3339 does not.
var rfc3339 = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func instant(v any) (int64, error) {
	s, ok := v.(string)
	if !ok {
		return integer(v)
	}
	m := rfc3339.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no time", s)
	}
	t, err := time.Parse(time.RFC3339, m[1]+m[3])
	if err != nil {
		return 0, err
	}
	ms := int64(0)
	if m[2] != "" {
		ms, _ = strconv.ParseInt((m[2][1:] + "00")[:3], 10, 64)
	}
	return t.UnixMilli() + ms, nil
}

// reader takes fields out of an object; the first mistake is kept.
type reader struct {
	fields map[string]any
	err    error
}

func (d *reader) fail(key string) {
	if d.err == nil {
		d.err = fmt.Errorf("field %s", key)
	}
}

func (d *reader) present(key string, need bool) (any, bool) {
	v := d.fields[key]
	if v == nil || v == "" {
		if need {
			d.fail(key)
		}
		return nil, false
	}
	return v, true
}

func (d *reader) text(key string, need bool) string {
	v, ok := d.present(key, need)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		d.fail(key)
	}
	return s
}

func (d *reader) number(key string, need bool) (int64, bool) {
	v, ok := d.present(key, need)
	if !ok {
		return 0, false
	}
	n, err := integer(v)
	if err != nil {
		d.fail(key)
	}
	return n, true
}

func (d *reader) instant(key string, need bool) (int64, bool) {
	v, ok := d.present(key, need)
	if !ok {
		return 0, false
	}
	t, err := instant(v)
	if err != nil {
		d.fail(key)
	}
	return t, true
}

func (d *reader) flag(key string) (value, ok bool) {
	v, ok := d.present(key, false)
	if !ok {
		return false, false
	}
	b, is := v.(bool)
	if !is {
		d.fail(key)
	}
	return b, true
}

func choice[T any](d *reader, key string, need bool, parse func([]byte) (T, bool)) T {
	var none T
	s := d.text(key, need)
	if s == "" {
		return none
	}
	v, ok := parse([]byte(s))
	if !ok {
		d.fail(key)
	}
	return v
}

func (d *reader) list(key string) []string {
	v, ok := d.present(key, false)
	if !ok {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		d.fail(key)
	}
	var all []string
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			d.fail(key)
		}
		all = append(all, s)
	}
	return all
}

func (d *reader) template(ev *event.Event, need bool) {
	v, ok := d.present("template", need)
	if !ok {
		return
	}
	fields, ok := v.(map[string]any)
	if !ok {
		d.fail("template")
	}
	inner := reader{fields: fields}
	ev.HasTemplate = true
	ev.Template.Name, ev.Template.Language = []byte(inner.text("name", true)), []byte(inner.text("language", true))
	if m := language.FindSubmatch(ev.Template.Language); m != nil {
		ev.Template.Language = []byte(strings.ToLower(string(m[1])) + "_" + strings.ToUpper(string(m[2])))
	}
	switch c := strings.ToLower(inner.text("category", false)); c {
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
	if inner.err != nil {
		d.fail("template")
	}
}

// identifiers reads who an event is about and returns the canonical contact and
// the user id, of which one is needed.
func (d *reader) identifiers(ev *event.Event, need bool) (contact, user string) {
	contact, user = d.canonical("contact"), d.text("contact_user_id", false)
	if ev.Contact, ev.HasContact = xxhash.Sum64String(contact), contact != ""; !ev.HasContact {
		ev.Contact = 0
	}
	if ev.UserID, ev.HasUserID = xxhash.Sum64String(user), user != ""; !ev.HasUserID {
		ev.UserID = 0
	}
	if need && contact == "" && user == "" {
		d.fail("contact")
	}
	return contact, user
}

// canonical reads an identifier in its canonical form.
func (d *reader) canonical(key string) string {
	s := d.text(key, false)
	form := canonical(s)
	if s != "" && form == "" {
		d.fail(key)
	}
	return form
}

// The forms of an identifier (contract, section 9).
var (
	address  = regexp.MustCompile(`^\+?([0-9]+)(:[0-9]+)?@(s\.whatsapp\.net|c\.us|hosted)$`)
	lid      = regexp.MustCompile(`^([0-9]+)(:[0-9]+)?@(lid|hosted\.lid)$`)
	phone    = regexp.MustCompile(`^[ .()-]*\+?[ .()-]*[0-9][0-9 .()-]*$`)
	noDigit  = regexp.MustCompile(`[^0-9]`)
	dialable = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)
	letters  = regexp.MustCompile(`^([A-Z]{2})\.`)
	language = regexp.MustCompile(`^([A-Za-z]{2,3})[-_]([A-Za-z]{2})$`)
	dialled  = []struct {
		from *regexp.Regexp
		to   string
	}{
		{regexp.MustCompile(`^55([1-9][1-9])9([6-9][0-9]{7})$`), `55${1}${2}`},
		{regexp.MustCompile(`^521([0-9]{10})$`), `52${1}`},
		{regexp.MustCompile(`^549([0-9]{10})$`), `54${1}`},
		{regexp.MustCompile(`^54(11)15([0-9]{8})$`), `54${1}${2}`},
		{regexp.MustCompile(`^54([23][0-9]{2})15([0-9]{7})$`), `54${1}${2}`},
		{regexp.MustCompile(`^54([23][0-9]{3})15([0-9]{6})$`), `54${1}${2}`},
		{regexp.MustCompile(`^229([0-9]{8})$`), `22901${1}`},
		{regexp.MustCompile(`^225([04-9])([0-3])([0-9]{6})$`), `22501${1}${2}${3}`},
		{regexp.MustCompile(`^225([04-9])([4-6])([0-9]{6})$`), `22505${1}${2}${3}`},
		{regexp.MustCompile(`^225([04-9])([7-9])([0-9]{6})$`), `22507${1}${2}${3}`},
	}
)

// canonical returns the form of a contact that all forms of one account share.
func canonical(s string) string {
	s = strings.TrimPrefix(s, "whatsapp:")
	if m := lid.FindStringSubmatch(s); m != nil {
		return m[1] + "@lid"
	}
	if m := address.FindStringSubmatch(s); m != nil {
		s = m[1]
	} else if phone.MatchString(s) {
		s = noDigit.ReplaceAllString(s, "")
	} else {
		return strings.TrimPrefix(s, "+")
	}
	s = strings.TrimPrefix(s, "00")
	for _, d := range dialled {
		if d.from.MatchString(s) {
			return d.from.ReplaceAllString(s, d.to)
		}
	}
	return s
}

func (d *reader) event(recordTime int64) (*event.Event, error) {
	ev := &event.Event{}
	id, kind := d.text("id", true), d.text("type", true)
	if len(id) > 256 {
		d.fail("id")
	}
	ev.ID, ev.Type = []byte(id), event.ParseType([]byte(kind))
	ev.Time, _ = d.instant("time", true)
	if recordTime >= year2009 && ev.Time > recordTime+5*minute || ev.Time < time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		d.fail("time")
	}
	if d.err != nil || ev.Type == event.TypeUnknown {
		return ev, d.err
	}
	if ev.Type == event.TypeClock {
		return ev, d.err
	}
	if ev.Type == event.TypePolicy {
		ev.PolicyVersion = []byte(d.text("version", true))
		return ev, d.err
	}
	if ev.Type == event.TypeAccount {
		ev.Scope = choice(d, "scope", true, event.ParseScope)
	}
	ev.WABAID = []byte(d.text("waba_id", ev.Type == event.TypeTemplate || ev.Scope == event.ScopeWABA))
	ev.PortfolioID = []byte(d.text("portfolio_id", ev.Type == event.TypeLimit || ev.Scope == event.ScopePortfolio))
	if !ev.Shared() {
		ev.NumberID = []byte(d.text("number_id", true))
	}
	d.own(ev)
	return ev, d.err
}

// own reads the fields of the event's own type.
func (d *reader) own(ev *event.Event) {
	switch ev.Type {
	case event.TypeSent:
		d.text("message_id", true)
		ev.InGroup = d.text("group_id", false) != ""
		contact, user := d.identifiers(ev, !ev.InGroup)
		ev.Kind = event.ParseKind([]byte(d.text("kind", true)))
		d.template(ev, false)
		ev.Held, _ = d.flag("held")
		if v, ok := d.flag("opt_in"); ok {
			ev.OptIn = event.OptInFalse
			if v {
				ev.OptIn = event.OptInTrue
			}
		}
		ev.ContactCountry = choice(d, "contact_country", false, event.ParseCountry)
		switch abroad := letters.FindStringSubmatch(user); {
		case ev.ContactCountry != 0:
		case dialable.MatchString(contact):
			ev.ContactCalling = event.ParseCallingCode([]byte(contact))
		case abroad != nil:
			ev.ContactCountry, _ = event.ParseCountry([]byte(abroad[1]))
		default:
			if home := letters.FindStringSubmatch(contact); home != nil {
				ev.ContactCountry, _ = event.ParseCountry([]byte(home[1]))
			}
		}
		d.number("text_length", false)
		media := d.text("media_hash", false)
		if media != "" {
			ev.MediaHash = xxhash.Sum64String(media)
		}
		links := slices.DeleteFunc(d.list("links"), func(l string) bool { return l == "" })
		for _, l := range links {
			host, path := splitLink(l)
			if h := xxhash.Sum64String(host + path); !slices.Contains(ev.Links, h) {
				ev.Links = append(ev.Links, h)
			}
		}
		ev.Fingerprint = fingerprint(ev, d.text("content_hash", false), d.text("text", false), media, links)
	case event.TypeStatus:
		d.text("message_id", true)
		ev.InGroup = d.text("group_id", false) != ""
		d.identifiers(ev, false)
		ev.Status = choice(d, "status", true, event.ParseStatus)
		ev.ErrorCode, ev.HasError = d.number("error_code", false)
	case event.TypeReceived:
		d.text("message_id", true)
		ev.InGroup = d.text("group_id", false) != ""
		d.identifiers(ev, !ev.InGroup)
		ev.Kind = event.ParseKind([]byte(d.text("kind", true)))
		ev.Text = wordOf(d.text("text", false))
		d.text("context_message_id", false)
	case event.TypePreference:
		d.identifiers(ev, true)
		ev.Preference = choice(d, "preference", true, event.ParsePreference)
	case event.TypeAlias:
		d.identifiers(ev, true)
		previous, user := d.canonical("previous"), d.text("previous_user_id", false)
		if ev.HasPrevious = previous != ""; ev.HasPrevious {
			ev.Previous = xxhash.Sum64String(previous)
		}
		if ev.HasPreviousUserID = user != ""; ev.HasPreviousUserID {
			ev.PreviousUserID = xxhash.Sum64String(user)
		}
		if previous == "" && user == "" {
			d.fail("previous")
		}
	case event.TypeBlock, event.TypeReport:
		d.identifiers(ev, true)
	case event.TypeProfile:
		ev.Country = choice(d, "country", true, event.ParseCountry)
		ev.RegisteredAt, ev.HasRegistered = d.instant("registered_at", false)
		ev.LastActiveAt, ev.HasLastActive = d.instant("last_active_at", false)
		ev.Connection = choice(d, "connection", false, event.ParseConnection)
		ev.Origin = choice(d, "origin", false, event.ParseOrigin)
		_, ev.HasInputs = d.present("inputs", false)
		for _, name := range d.list("inputs") {
			input, ok := event.ParseInput([]byte(name))
			if !ok {
				d.fail("inputs")
			}
			ev.Inputs |= input
		}
	case event.TypeQuality:
		ev.Rating = choice(d, "rating", true, event.ParseRating)
	case event.TypeConnection:
		ev.IPCountry = choice(d, "ip_country", true, event.ParseCountry)
		if h := d.text("ip_hash", false); h != "" {
			ev.IPHash = xxhash.Sum64String(h)
		}
		d.text("device_hash", false)
		ev.LinkedAt, ev.HasLinked = d.instant("linked_at", false)
	case event.TypeCap:
		ev.CapUsed, _ = d.number("used", true)
		ev.CapTotal, _ = d.number("total", true)
		if ev.CapUsed < 0 || ev.CapTotal < 1 && ev.CapTotal != -1 {
			d.fail("used")
		}
		ev.CapStatus = choice(d, "status", false, event.ParseCapStatus)
		ev.CycleEnd, ev.HasCycleEnd = d.instant("cycle_end", false)
	case event.TypeGroup:
		ev.NonContactsAdded, _ = d.number("non_contacts_added", true)
		if ev.NonContactsAdded < 0 {
			d.fail("non_contacts_added")
		}
	case event.TypeAccount:
		ev.State = choice(d, "state", true, event.ParseState)
		ev.ExpiresAt, ev.HasExpires = d.instant("expires_at", false)
		for _, r := range d.list("restrictions") {
			ev.Restrictions = append(ev.Restrictions, []byte(r))
		}
		ev.Reason = []byte(d.text("reason", false))
	case event.TypeTemplate:
		d.template(ev, true)
		ev.TemplateStatus = []byte(d.text("status", false))
		ev.TemplateQuality = choice(d, "quality", false, event.ParseRating)
		if ev.Pauses, ev.HasPauses = d.number("pauses", false); ev.Pauses < 0 {
			d.fail("pauses")
		}
	case event.TypeLimit:
		ev.Limit, _ = d.number("limit", true)
		if ev.Limit < 1 && ev.Limit != -1 {
			d.fail("limit")
		}
	}
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// splitLink returns a link's host and what follows it up to ? or #.
func splitLink(l string) (host, path string) {
	l = l[len(scheme.FindString(l)):]
	if i := strings.IndexAny(l, "?#"); i >= 0 {
		l = l[:i]
	}
	if i := strings.IndexByte(l, '/'); i >= 0 {
		l, path = l[:i], l[i:]
	}
	return strings.Map(unicode.ToLower, l), path
}

var (
	digits = regexp.MustCompile(`\p{Nd}+`)
	folder = cases.Fold()
)

func normalise(text string) string {
	text = digits.ReplaceAllString(folder.String(norm.NFKC.String(text)), "0")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.Is(unicode.White_Space, r) }), " ")
}

func fingerprint(ev *event.Event, hash, text, media string, links []string) uint64 {
	parts := []string{ev.Kind.String(), normalise(text), media}
	switch {
	case ev.HasTemplate:
		parts = []string{"template", string(ev.Template.Name), string(ev.Template.Language)}
	case hash != "":
		parts = []string{"content", hash}
	default:
		var hosts []string
		for _, l := range links {
			host, _ := splitLink(l)
			hosts = append(hosts, host)
		}
		slices.Sort(hosts)
		parts = append(parts, slices.Compact(hosts)...)
	}
	return xxhash.Sum64String(strings.Join(parts, "\x00"))
}

func wordOf(text string) event.Preference {
	word := func(s string) string {
		return folder.String(strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) }))
	}
	for _, w := range []string{"STOP", "UNSUBSCRIBE", "CANCEL", "PARAR", "SAIR", "BAJA", "ARRÊT", "توقف"} {
		if word(w) == word(text) {
			return event.PreferenceStop
		}
	}
	for _, w := range []string{"START", "UNSTOP", "RESUME"} {
		if word(w) == word(text) {
			return event.PreferenceResume
		}
	}
	return event.PreferenceNone
}
