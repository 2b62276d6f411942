package webhook

import (
	"encoding/json"
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
// event. Whatever has such a file comes out exactly so, by the two conventions
// under which the files were written: a contact is any form of the person's
// number, compared in the canonical one, and an id has the number in front where
// the provider's message ids are unique within a chat only. A body without such a
// file was not decided when it was made: contract has what the contract says of it
// now. taught has what some of them teach beside their events.

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
			if d := cmp.Diff(expected(t, name), compared(t, p, r.Events())); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
			if d := cmp.Diff(lines(t, taught[name]), compared(t, p, r.Taught())); d != "" {
				t.Errorf("taught (-want +got):\n%s", d)
			}
		})
	}
}

// TestEveryPairIsHere keeps the lists of this file to bodies without a file of
// events: a pair has no second opinion.
func TestEveryPairIsHere(t *testing.T) {
	pairs, bodies := 0, 0
	files, _ := filepath.Glob("testdata/payloads/*.json")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		_, err := os.Stat("testdata/payloads/" + name + ".expected.ndjson")
		_, decided := contract[name]
		switch {
		case err == nil && decided:
			t.Errorf("%s has a file of events and an entry here", name)
		case err != nil && !decided:
			t.Errorf("%s has neither a file of events nor an entry here", name)
		case err == nil:
			pairs++
		default:
			bodies++
		}
	}
	if bodies != len(contract) || pairs < 100 {
		t.Errorf("%d pairs and %d other bodies, %d entries", pairs, bodies, len(contract))
	}
}

// expected reads the events that a payload is to become.
func expected(t *testing.T, name string) []map[string]any {
	t.Helper()
	if text, ok := contract[name]; ok {
		return lines(t, text)
	}
	data, err := os.ReadFile("testdata/payloads/" + name + ".expected.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return lines(t, string(data))
}

// lines reads events, one a line.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, m)
	}
	return list
}

// compared writes events down as the files have them.
func compared(t *testing.T, p Provider, events []*eventsv1.Event) []map[string]any {
	t.Helper()
	var text []byte
	for _, e := range events {
		text = append(codec.AppendEventJSON(text, e), '\n')
	}
	list := lines(t, string(text))
	for _, m := range list {
		for _, name := range []string{"contact", "previous"} {
			if s, ok := m[name].(string); ok {
				m[name] = canonical(s)
			}
		}
		kind, rest, _ := strings.Cut(m["id"].(string), ":")
		if p.p.local && slices.Contains([]string{"in", "out", "st"}, kind) {
			m["id"] = kind + ":" + strings.TrimPrefix(rest, m["number_id"].(string)+":")
		}
	}
	return list
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

// taught is what the payloads teach beside their events.
var taught = map[string]string{
	"m21_contacts_requested":         `{"id": "alias:wamid.DEMO-IN-1", "type": "contact.alias", "time": 1795860000000, "number_id": "100000000000001", "waba_id": "200000000000001", "contact": "447700900123", "previous_user_id": "GB.9000000000000001"}`,
	"m23_system_user_changed_number": `{"id": "alias:wamid.DEMO-SYS-1", "type": "contact.alias", "time": 1795860000000, "number_id": "100000000000001", "waba_id": "200000000000001", "contact": "447700900124", "contact_user_id": "GB.9000000000000002", "previous": "447700900123"}`,
	"t03_template_paused_first":      `{"id": "tplp:900000000000021:1795860000:1", "type": "template.update", "time": 1795860000000, "waba_id": "200000000000001", "template": {"name": "welcome", "language": "en_GB"}, "pauses": 1}`,
	"t04_template_paused_second":     `{"id": "tplp:900000000000021:1795860000:2", "type": "template.update", "time": 1795860000000, "waba_id": "200000000000001", "template": {"name": "welcome", "language": "en_GB"}, "pauses": 2}`,
}

// contract are the payloads that came without a file of events: what the contract
// says of them since, or the reason why there is none.
var contract = map[string]string{
	"a10_account_reconnected":    "", // a stream goes on: the gateway tells it as number.profile
	"m13_reaction_removed":       "", // contract, section 2: no message about a message
	"c01_call_connect_user":      "", // a call answers nothing
	"s06_group_member_read":      `{"id": "st:wamid.DEMO-OUT-1:read:447700900123", "type": "message.status", "time": 1795860003000, "number_id": "100000000000001", "waba_id": "200000000000001", "message_id": "wamid.DEMO-OUT-1", "contact": "447700900123", "contact_user_id": "GB.9000000000000001", "status": "read", "group_id": "DEMO-GROUP-1"}`,
	"r06_send_error_sync":        `{"id": "st:refused.demo:failed", "type": "message.status", "time": 1795860000250, "number_id": "100000000000001", "waba_id": "200000000000001", "message_id": "refused.demo", "contact": "447700900123", "status": "failed", "error_code": 131048}`,
	"t06_template_rate_limiting": `{"id": "tpl:900000000000021:1795860000:LOCKED", "type": "template.update", "time": 1795860000000, "waba_id": "200000000000001", "template": {"name": "welcome", "language": "en_GB"}, "status": "PAUSED", "pauses": 0}`,
	"y37_baileys_capping":        `{"id": "cap:447700900001:1795860000", "type": "number.cap", "time": 1795860000000, "number_id": "447700900001", "status": "FIRST_WARNING", "used": 205, "total": 250, "cycle_end": 1797674400000}`,
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
		for _, e := range slices.Concat(r.Events(), r.Taught()) {
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
