package codec

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// The canonical form a second time, word for word as the contract, section 9,
// has it.
var (
	numberAddress = regexp.MustCompile(`^\+?([0-9]+)(:[0-9]+)?@(s\.whatsapp\.net|c\.us|hosted)$`)
	lidAddress    = regexp.MustCompile(`^([0-9]+)(:[0-9]+)?@(lid|hosted\.lid)$`)
	writtenNumber = regexp.MustCompile(`^[ \-.()]*\+?[ \-.()]*[0-9][ \-.()0-9]*$`)
	noDigits      = regexp.MustCompile(`[^0-9]`)
	nationalRules = []struct {
		from *regexp.Regexp
		to   string
	}{
		{regexp.MustCompile(`^55([1-9][1-9])9([6-9][0-9]{7})$`), "55$1$2"},
		{regexp.MustCompile(`^521([0-9]{10})$`), "52$1"},
		{regexp.MustCompile(`^549([0-9]{10})$`), "54$1"},
		{regexp.MustCompile(`^54(11)15([0-9]{8})$`), "54$1$2"},
		{regexp.MustCompile(`^54([23][0-9]{2})15([0-9]{7})$`), "54$1$2"},
		{regexp.MustCompile(`^54([23][0-9]{3})15([0-9]{6})$`), "54$1$2"},
		{regexp.MustCompile(`^229([0-9]{8})$`), "22901$1"},
		{regexp.MustCompile(`^225([04-9])([0-3])([0-9]{6})$`), "22501$1$2$3"},
		{regexp.MustCompile(`^225([04-9])([4-6])([0-9]{6})$`), "22505$1$2$3"},
		{regexp.MustCompile(`^225([04-9])([7-9])([0-9]{6})$`), "22507$1$2$3"},
	}
)

func naiveCanonical(s string) string {
	s = strings.TrimPrefix(s, "whatsapp:")
	if m := lidAddress.FindStringSubmatch(s); m != nil {
		return m[1] + "@lid"
	}
	switch m := numberAddress.FindStringSubmatch(s); {
	case m != nil:
		s = m[1]
	case writtenNumber.MatchString(s):
		s = noDigits.ReplaceAllString(s, "")
	default:
		return strings.TrimPrefix(s, "+")
	}
	s = strings.TrimPrefix(s, "00")
	for _, r := range nationalRules {
		if r.from.MatchString(s) {
			return r.from.ReplaceAllString(s, strings.ReplaceAll(strings.ReplaceAll(r.to, "$1", "${1}"), "$2", "${2}"))
		}
	}
	return s
}

// forms are identifiers and their canonical forms.
var forms = []struct{ id, want string }{
	{"+49 (151) 123-4567.8", "4915112345678"},
	{"0049 151 12345678", "4915112345678"},
	{"whatsapp:+4915112345678", "4915112345678"},
	{"4915112345678@s.whatsapp.net", "4915112345678"},
	{"+4915112345678:17@c.us", "4915112345678"},
	{"4915112345678@hosted", "4915112345678"},
	{"4915112345678@g.us", "4915112345678@g.us"},
	{"4915112345678@c.us ", "4915112345678@c.us "},
	{"123456:2@lid", "123456@lid"},
	{"123456@hosted.lid", "123456@lid"},
	{"+123456@lid", "123456@lid"},
	{"+12:x@lid", "12:x@lid"},
	{"(+49) 151", "49151"},
	{"4+9", "4+9"},
	{"++49", "+49"},
	{"+ -", " -"},
	{"BR.1A2b", "BR.1A2b"},
	{"+contact", "contact"},
	{"49151\u00a0123", "49151\u00a0123"},
	{"٤٩", "٤٩"},
	{"whatsapp:whatsapp:1", "whatsapp:1"},
	{"WhatsApp:1", "WhatsApp:1"},

	{"+55 11 98765-4321", "551187654321"},
	{"551187654321", "551187654321"},
	{"5511 5876 54321", "5511587654321"},
	{"5510987654321", "5510987654321"},
	{"0055 11 98765 4321@c.us", "0055 11 98765 4321@c.us"},
	{"005511987654321@c.us", "551187654321"},
	{"+52 1 55 1234 5678", "525512345678"},
	{"+52 55 1234 5678", "525512345678"},
	{"+54 9 11 1234 5678", "541112345678"},
	{"+54 11 15 1234 5678", "541112345678"},
	{"+54 223 15 123 4567", "542231234567"},
	{"+54 2231 15 123456", "542231123456"},
	{"+54 2215 15 123456", "542215123456"},
	{"+54 2 15 15 1234567", "542151234567"},
	{"+229 97 12 34 56", "2290197123456"},
	{"+225 07 12 34 56", "2250707123456"},
	{"+225 41 23 45 67", "2250141234567"},
	{"+225 45 23 45 67", "2250545234567"},
	{"+225 11 23 45 67", "22511234567"},
}

func TestCanonical(t *testing.T) {
	var memory []byte
	for _, c := range forms {
		if got := naiveCanonical(c.id); got != c.want {
			t.Errorf("%q is %q in words, want %q", c.id, got, c.want)
		}
		var got []byte
		id := []byte(c.id)
		if got, memory = canonical(id, memory); string(got) != c.want {
			t.Errorf("%q becomes %q, want %q", c.id, got, c.want)
		}
		if string(id) != c.id {
			t.Errorf("%q has been changed to %q", c.id, id)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, c := range forms {
			_, memory = canonical([]byte(c.id), memory)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCanonical holds the one pass over the bytes against the contract's words.
func FuzzCanonical(f *testing.F) {
	for _, c := range forms {
		f.Add(c.id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got, _ := canonical([]byte(id), nil)
		if want := naiveCanonical(id); string(got) != want {
			t.Errorf("%q becomes %q, want %q", id, got, want)
		}
	})
}

// Every number near a rule: the digits that decide run through all values.
func TestCanonicalNearEveryRule(t *testing.T) {
	var memory, got []byte
	for _, s := range []string{
		"55??9?1234567", "52?5512345678", "54?1112345678", "54??1??2345678", "54?2??52345678", "54?22?152?5678",
		"229?1234567", "225??123456", "00225??123456", "551?9?123456", "221??123456", "55119876543211", "5215512345",
	} {
		holes := strings.Count(s, "?")
		for n := range int(math.Pow10(holes)) {
			id := s
			for range holes {
				id = strings.Replace(id, "?", string(rune('0'+n%10)), 1)
				n /= 10
			}
			if got, memory = canonical([]byte(id), memory); string(got) != naiveCanonical(id) {
				t.Fatalf("%q becomes %q, want %q", id, got, naiveCanonical(id))
			}
		}
	}
}

// An identifier is one in whichever field it stands, and all of its forms have
// one hash.
func TestIdentifiers(t *testing.T) {
	d := testDecoder()
	decode := func(typ string, fields ...string) event.Event {
		t.Helper()
		var ev event.Event
		if err := d.Decode(&ev, record(typ, fields...), ContentJSON, at); err != nil {
			t.Fatalf("%s %v: %v", typ, fields, err)
		}
		return ev
	}
	dialled := decode("message.sent", `contact="+55 11 98765-4321"`)
	for _, form := range []string{"551187654321", "5511987654321@s.whatsapp.net", "whatsapp:+5511987654321", "0055 (11) 98765.4321"} {
		if ev := decode("message.received", `contact="`+form+`"`); ev.Contact != dialled.Contact || !ev.HasContact || ev.HasUserID {
			t.Errorf("%s is another contact than the number that was dialled", form)
		}
	}
	alias := decode("contact.alias", `contact="BR.1a"`, `previous="+55 11 98765-4321"`, `previous_user_id="DE.2b"`)
	user := decode("message.received", `contact=`, `contact_user_id="BR.1a"`)
	if user.HasContact || !user.HasUserID || user.UserID != alias.Contact || alias.Previous != dialled.Contact || !alias.HasPreviousUserID {
		t.Errorf("alias %+v, user %+v", alias, user)
	}
	if both := decode("message.received", `contact_user_id="+1"`); !both.HasContact || !both.HasUserID || both.UserID == decode("message.received", `contact="+1"`).Contact {
		t.Errorf("a user id does not stay as it is: %+v", both)
	}
	if none := decode("message.status", `contact=`); none.HasContact || none.HasUserID {
		t.Errorf("a status without a contact has one: %+v", none)
	}
	if group := decode("message.sent", `contact=null`, `group_id="g"`); group.HasContact || !group.InGroup || group.IsSend() {
		t.Errorf("a message to a group: %+v", group)
	}
}

// The country of a contact: of its calling code, else of the letters in front of
// its user id, else of those in front of an id in the place of the number.
func TestCountryOfContact(t *testing.T) {
	country := func(letters string) event.Country {
		k, _ := event.ParseCountry([]byte(letters))
		return k
	}
	for _, c := range []struct {
		fields  []string
		country event.Country
		calling event.CallingCode
	}{
		{[]string{`contact="+49151234567"`, `contact_user_id="BR.1"`}, 0, 49},
		{[]string{`contact="+49 151 23-45 67"`}, 0, 49},
		{[]string{`contact="+49151234567"`, `contact_country="fr"`}, country("FR"), 0},
		{[]string{`contact="888123456789"`, `contact_user_id="BR.1"`}, 0, 0},
		{[]string{`contact="12@lid"`, `contact_user_id="BR.1"`}, country("BR"), 0},
		{[]string{`contact="DE.1"`, `contact_user_id="BR.1"`}, country("BR"), 0},
		{[]string{`contact="DE.1"`, `contact_user_id="br.1"`}, country("DE"), 0},
		{[]string{`contact=`, `contact_user_id="BR1"`}, 0, 0},
		{[]string{`contact=`, `contact_user_id="BRA.1"`}, 0, 0},
		{[]string{`contact=`, `contact_user_id="BR."`, `contact_country="it"`}, country("IT"), 0},
		{[]string{`contact="+DE.1"`}, country("DE"), 0},
		{[]string{`contact="12345"`}, 0, 0},
	} {
		var ev event.Event
		if err := testDecoder().Decode(&ev, record("message.sent", c.fields...), ContentJSON, at); err != nil {
			t.Fatalf("%v: %v", c.fields, err)
		}
		if ev.ContactCountry != c.country || ev.ContactCalling != c.calling {
			t.Errorf("%v: country %v, calling code %v; want %v and %v", c.fields, ev.ContactCountry, ev.ContactCalling, c.country, c.calling)
		}
	}
}

func TestLanguageOfTemplate(t *testing.T) {
	d := testDecoder()
	for given, want := range map[string]string{
		"pt-br": "pt_BR", "PT_BR": "pt_BR", "pt_BR": "pt_BR", "fil-ph": "fil_PH", "en": "en", "EN": "EN", "zh_Hans": "zh_Hans",
		"es_419": "es_419", "p-BR": "p-BR", "p1-BR": "p1-BR", "pt-B1": "pt-B1", "pt BR": "pt BR", "é-BR": "é-BR", "ptbr": "ptbr", "fil-PHL": "fil-PHL",
		"a[_BR": "a[_BR", "pt_B{": "pt_B{",
	} {
		for _, typ := range []string{"message.sent", "template.update"} {
			var ev event.Event
			line := record(typ, `template={"name":"t","language":"`+given+`"}`)
			if err := d.Decode(&ev, line, ContentJSON, at); err != nil || string(ev.Template.Language) != want {
				t.Errorf("%s of %s: %q %v, want %q", given, typ, ev.Template.Language, err, want)
			}
		}
	}
	fingerprint := func(language string) uint64 {
		var ev event.Event
		if err := d.Decode(&ev, record("message.sent", `template={"name":"t","language":"`+language+`"}`), ContentJSON, at); err != nil {
			t.Fatal(err)
		}
		return ev.Fingerprint
	}
	if fingerprint("pt-br") != fingerprint("pt_BR") || fingerprint("pt") == fingerprint("pt_BR") {
		t.Error("the fingerprint does not go by the canonical language")
	}
}

// A record whose own timestamp lies before 2009 has none, and nothing of it is
// ahead of a time that is not there (brokers give -1 or 0 for none).
func TestRecordsWithoutATimestamp(t *testing.T) {
	for recordTime, want := range map[int64]string{
		-1: "", 0: "", MinTime - 1: "", MinTime: ReasonFuture, at - MaxAhead - 1: ReasonFuture, at - MaxAhead: "",
	} {
		for _, typ := range []string{"message.sent", "some.thing"} {
			var ev event.Event
			err := testDecoder().Decode(&ev, record(typ), ContentJSON, recordTime)
			got := ""
			if r, ok := errors.AsType[*Rejection](err); ok {
				got = r.Reason
			}
			if got != want {
				t.Errorf("%s at %d: %q, want %q", typ, recordTime, got, want)
			}
		}
	}
}

// The inputs of a profile as Protobuf: a message, so that an empty list differs
// from none.
func TestInputsAsProtobuf(t *testing.T) {
	when := int64(at)
	for _, c := range []struct {
		names []string
		given bool
		want  event.Inputs
		field string // at fault
	}{
		{names: nil},
		{names: []string{}, given: true},
		{names: []string{"status", "account"}, given: true, want: event.InputStatus | event.InputAccount},
		{names: []string{"status", "x"}, field: "inputs"},
		{names: []string{"status", ""}, field: "inputs"},
	} {
		m := &eventsv1.Event{Id: "e", Type: "number.profile", Time: &when, NumberId: "n", Country: "de"}
		if c.names != nil {
			m.Inputs = &eventsv1.Inputs{Names: c.names}
		}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var ev event.Event
		err = testDecoder().Decode(&ev, b, ContentProtobuf, at)
		field := ""
		if r, ok := errors.AsType[*Rejection](err); ok {
			field = r.Field
		}
		if field != c.field || err == nil && (ev.HasInputs != c.given || ev.Inputs != c.want) {
			t.Errorf("%q: %v, given %v, %v", c.names, err, ev.HasInputs, ev.Inputs.Names())
		}
	}
	// Two of them are merged; what is malformed in one is malformed.
	for s, ok := range map[string]bool{
		"\xea\x02\x06\x0a\x04text\xea\x02\x00": false, "\xea\x02\x08\x0a\x06status\xea\x02\x09\x0a\x07inbound": true,
		"\xea\x02\x02\x0a\x05": false, "\xea\x02\x03\x0a\x01\xff": false, "\xea\x02\x02\x08\x05": true, "\xe8\x02\x05": false,
	} {
		b := append(protobufOf(t, record("number.profile")), s...)
		var ev event.Event
		if err := testDecoder().Decode(&ev, b, ContentProtobuf, at); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
