package webhook

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// testdata/payloads has bodies as providers send them, every value invented, and
// beside each the events that it is to become. An empty file of events means: no
// event. Where there is none, decided has what this package makes of the body.

// received is when the bodies came that do not say it themselves.
const received = 1795860000000

// providerOf returns the provider of a payload by its name.
func providerOf(name string) string {
	word := strings.Split(name, "_")[1]
	if !strings.HasPrefix(name, "y") {
		return "meta"
	}
	if word == "messagebird" {
		return "bird"
	}
	return word
}

// around is what the URL and the configuration tell beside some of the payloads.
func around(name string) Source {
	s := Source{AssumedAt: received, NumberID: "100000000000001", WABAID: "200000000000001"}
	memory := new(Memory)
	memory.Learn(Fact{Kind: FactPortfolio, Key: "200000000000001", Value: "300000000000001"})
	s.Directory = memory
	switch {
	case strings.HasPrefix(name, "r"):
		s.ReceivedAt = received + 250
	case strings.HasPrefix(name, "y"):
		s.NumberID, s.WABAID = "447700900001", ""
	}
	if strings.HasPrefix(name, "y55") {
		s.NumberID = "demo-bot"
	}
	return s
}

// sender is what only the sender's side knows of the sends r01 to r04.
const sender = `"template": {"name": "welcome", "language": "en", "category": "marketing"}, `

func TestPayloadsBecomeTheirEvents(t *testing.T) {
	files, err := filepath.Glob("testdata/payloads/*.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d payloads, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "r0") {
				body = []byte(strings.Replace(string(body), "{", "{"+sender, 1))
			}
			p, err := New(providerOf(name))
			if err != nil {
				t.Fatal(err)
			}
			r := p.Convert(body, around(name))
			if len(r.Updates) == 0 {
				t.Error("the body has no outcome")
			}
			for _, u := range r.Updates {
				if u.Outcome == Unknown {
					t.Errorf("not understood: %s: %s: %s", u.Field, u.Reason, u.Kept)
				}
			}
			var got []map[string]any
			for _, e := range r.Events() {
				got = append(got, compared(t, codec.AppendEventJSON(nil, e)))
			}
			want := expected(t, name)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
		})
	}
}

// expected reads the events of a payload, with what version 2 of the contract
// added since the files were made.
func expected(t *testing.T, name string) []map[string]any {
	t.Helper()
	lines, ok := decided[name]
	if !ok {
		data, err := os.ReadFile("testdata/payloads/" + name + ".expected.ndjson")
		if err != nil {
			t.Fatal(err)
		}
		lines = string(data)
	}
	var want []map[string]any
	for line := range strings.Lines(lines + added[name]) {
		if strings.TrimSpace(line) != "" {
			want = append(want, compared(t, []byte(line)))
		}
	}
	if fields := more[name]; fields != nil {
		maps.Copy(want[0], fields)
	}
	return want
}

// compared reads an event; a contact is compared in its canonical form, an id
// without the number in front.
func compared(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, name := range []string{"contact", "previous"} {
		if s, ok := m[name].(string); ok {
			m[name] = canonical(s)
		}
	}
	number, _ := m["number_id"].(string)
	id, _ := m["id"].(string)
	if kind, rest, ok := strings.Cut(id, ":"); ok && slices.Contains([]string{"in", "out", "st"}, kind) {
		m["id"] = kind + ":" + strings.TrimPrefix(rest, number+":")
	}
	return m
}

// canonical is the contract's section 9, as far as the payloads need it.
func canonical(s string) string {
	s = plain(s)
	for _, rule := range []struct{ from, to string }{
		{`^55([1-9][1-9])9([6-9][0-9]{7})$`, `55$1$2`}, {`^521([0-9]{10})$`, `52$1`}, {`^549([0-9]{10})$`, `54$1`},
	} {
		s = regexp.MustCompile(rule.from).ReplaceAllString(s, rule.to)
	}
	return s
}

// more are fields that version 2 added to the first event of a payload.
var more = map[string]map[string]any{
	"t03_template_paused_first":  {"pauses": 1.0},
	"t04_template_paused_second": {"pauses": 2.0},
}

// added are events that version 2 added: the other identifiers of a person.
var added = map[string]string{
	"m21_contacts_requested":         `{"id": "alias:wamid.DEMO-IN-1", "type": "contact.alias", "time": 1795860000000, "number_id": "100000000000001", "waba_id": "200000000000001", "contact": "447700900123", "previous_user_id": "GB.9000000000000001"}`,
	"m23_system_user_changed_number": `{"id": "alias:wamid.DEMO-SYS-1", "type": "contact.alias", "time": 1795860000000, "number_id": "100000000000001", "waba_id": "200000000000001", "contact": "447700900124", "contact_user_id": "GB.9000000000000002", "previous": "447700900123"}`,
}

// decided are the payloads that came without a file of events: what the contract
// says of them since, or the reason why there is none.
var decided = map[string]string{
	"a10_account_reconnected":    "", // a stream goes on: the gateway tells it as number.profile
	"m13_reaction_removed":       "", // contract, section 2: no message about a message
	"c01_call_connect_user":      "", // a call answers nothing
	"s06_group_member_read":      `{"id": "st:wamid.DEMO-OUT-1:read:447700900123", "type": "message.status", "time": 1795860003000, "number_id": "100000000000001", "waba_id": "200000000000001", "message_id": "wamid.DEMO-OUT-1", "contact": "447700900123", "contact_user_id": "GB.9000000000000001", "status": "read", "group_id": "DEMO-GROUP-1"}`,
	"r06_send_error_sync":        `{"id": "st:refused.demo:failed", "type": "message.status", "time": 1795860000250, "number_id": "100000000000001", "waba_id": "200000000000001", "message_id": "refused.demo", "contact": "447700900123", "status": "failed", "error_code": 131048}`,
	"t06_template_rate_limiting": `{"id": "tpl:900000000000021:1795860000:LOCKED", "type": "template.update", "time": 1795860000000, "waba_id": "200000000000001", "template": {"name": "welcome", "language": "en_GB"}, "status": "PAUSED", "pauses": 0}`,
	"y37_baileys_capping":        `{"id": "cap:447700900001:1795860000000", "type": "number.cap", "time": 1795860000000, "number_id": "447700900001", "status": "FIRST_WARNING", "used": 205, "total": 250, "cycle_end": 1797674400000}`,
	// Since version 2 a status needs no contact.
	"y52_wati_delivered": `{"id": "st:wamid.DEMO-T3:delivered", "type": "message.status", "time": 1795860003000, "number_id": "447700900001", "message_id": "wamid.DEMO-T3", "status": "delivered"}`,
	"y53_wati_failed":    `{"id": "st:l2:failed", "type": "message.status", "time": 1795860008000, "number_id": "447700900001", "message_id": "l2", "status": "failed", "error_code": 131047}`,
}

// TestEventsPassTheDecoder makes sure that what is made of the payloads is what
// the contract takes.
func TestEventsPassTheDecoder(t *testing.T) {
	d := codec.NewDecoder(codec.Config{})
	files, _ := filepath.Glob("testdata/payloads/*.json")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		body, _ := os.ReadFile(file)
		p, _ := New(providerOf(name))
		r := p.Convert(body, around(name))
		for _, e := range r.Events() {
			decodes(t, d, name, e)
		}
	}
}

func decodes(t *testing.T, d *codec.Decoder, name string, e *eventsv1.Event) {
	t.Helper()
	line := codec.AppendEventJSON(nil, e)
	var ev event.Event
	if err := d.Decode(&ev, line, codec.ContentJSON, received+48*60*60*1000); err != nil {
		t.Errorf("%s: the contract refuses the event: %v: %s", name, err, line)
	}
}
