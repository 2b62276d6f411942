package webhook

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
)

// What providers do to a body between two versions of their documentation, tried on
// each of them: a time in another form, a member that is empty or null instead of
// left out, one that nobody has seen, a word that nobody has seen.

// timed are bodies of each provider with one time in them, for %s.
var timed = []struct{ provider, body string }{
	{"meta", `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"n"},"messages":[{"from":"447700900123","id":"wamid.1","timestamp":%s,"type":"text","text":{"body":"hi"}}]}}]}]}`},
	{"meta", `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"n"},"statuses":[{"id":"wamid.1","status":"read","timestamp":%s,"recipient_id":"447700900123"}]}}]}]}`},
	{"meta", `{"entry":[{"id":"w","changes":[{"field":"smb_message_echoes","value":{"metadata":{"phone_number_id":"n"},"message_echoes":[{"to":"447700900123","id":"wamid.1","timestamp":%s,"type":"text","text":{"body":"hi"}}]}}]}]}`},
	{"meta", `{"entry":[{"id":"w","changes":[{"field":"user_preferences","value":{"metadata":{"phone_number_id":"n"},"user_preferences":[{"wa_id":"447700900123","value":"stop","timestamp":%s}]}}]}]}`},
	{"meta", `{"entry":[{"id":"w","time":%s,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SCAM"}}}]}]}`},
	{"meta", `{"entry":[{"id":"w","time":%s,"changes":[{"field":"message_template_status_update","value":{"event":"FLAGGED","message_template_id":9,"message_template_name":"offer","message_template_language":"en"}}]}]}`},
	{"360dialog", `{"contacts":[{"wa_id":"447700900123"}],"messages":[{"from":"447700900123","id":"AB1","timestamp":%s,"type":"text","text":{"body":"hi"}}]}`},
	{"gupshup", `{"app":"A","timestamp":%s,"type":"message","payload":{"id":"wamid.1","source":"447700900123","type":"text","payload":{"text":"hi"}}}`},
	{"gupshup", `{"app":"A","type":"message-event","payload":{"id":"wamid.1","type":"read","destination":"447700900123","payload":{"ts":%s}}}`},
	{"vonage", `{"channel":"whatsapp","message_uuid":"2","to":"447700900123","from":"447700900001","timestamp":%s,"status":"delivered"}`},
	{"bird", `{"event":"whatsapp.outbound","payload":{"id":"3","channelId":"c","receiver":{"contacts":[{"identifierValue":"+447700900123"}]},"status":"delivered","lastStatusAt":%s}}`},
	{"bird", `{"event":"whatsapp.inbound","payload":{"id":"3","channelId":"c","sender":{"contact":{"identifierValue":"+447700900123"}},"body":{"type":"text","text":{"text":"hi"}},"meta":{"extraInformation":{"timestamp":%s}}}}`},
	{"infobip", `{"results":[{"from":"447700900123","to":"447700900001","integrationType":"WHATSAPP","receivedAt":%s,"messageId":"4","message":{"type":"TEXT","text":"hi"}}]}`},
	{"infobip", `{"results":[{"to":"447700900123","from":"447700900001","doneAt":%s,"messageId":"4","status":{"groupName":"DELIVERED"},"error":{"groupId":0}}]}`},
	{"whapi", `{"messages":[{"id":"D","from_me":false,"type":"text","chat_id":"447700900123@s.whatsapp.net","timestamp":%s,"text":{"body":"x"}}],"channel_id":"c"}`},
	{"whapi", `{"statuses":[{"id":"D","status":"read","recipient_id":"447700900123","timestamp":%s}],"channel_id":"c"}`},
	{"evolution", `{"event":"messages.upsert","instance":"d","data":{"key":{"remoteJid":"447700900123@s.whatsapp.net","fromMe":false,"id":"3E"},"message":{"conversation":"x"},"messageTimestamp":%s}}`},
	{"evolution", `{"event":"messages.update","instance":"d","data":{"keyId":"3E","remoteJid":"447700900123@s.whatsapp.net","fromMe":true,"status":"READ","datetime":%s}}`},
	{"baileys", `{"event":"messages.upsert","type":"notify","data":[{"key":{"remoteJid":"447700900123@s.whatsapp.net","fromMe":false,"id":"3E"},"message":{"conversation":"x"},"messageTimestamp":%s}]}`},
	{"waha", `{"event":"message","session":"s","payload":{"id":"false_447700900123@c.us_D","timestamp":%s,"from":"447700900123@c.us","fromMe":false,"body":"x"}}`},
	{"waha", `{"event":"message.ack","session":"s","timestamp":%s,"payload":{"id":"true_447700900123@c.us_D","to":"447700900123@c.us","fromMe":true,"ack":3}}`},
	{"whatsmeow", `{"event":"Message","data":{"Info":{"Chat":"447700900123@s.whatsapp.net","Sender":"447700900123@s.whatsapp.net","ID":"3E","Timestamp":%s},"Message":{"conversation":"x"}}}`},
	{"whatsmeow", `{"event":"Receipt","data":{"Chat":"447700900123@s.whatsapp.net","Sender":"447700900123@s.whatsapp.net","MessageIDs":["3E"],"Timestamp":%s,"Type":"read"}}`},
	{"wppconnect", `{"event":"onmessage","session":"s","id":"false_447700900123@c.us_D","from":"447700900123@c.us","fromMe":false,"type":"chat","body":"x","t":%s}`},
	{"greenapi", `{"typeWebhook":"outgoingMessageStatus","chatId":"447700900123@c.us","instanceData":{"idInstance":1},"timestamp":%s,"idMessage":"D","status":"read"}`},
	{"wati", `{"whatsappMessageId":"wamid.1","text":"x","type":"text","timestamp":%s,"owner":false,"eventType":"message","waId":"447700900123","channelPhoneNumber":"447700900001"}`},
	{"ycloud", `{"type":"whatsapp.message.updated","whatsappMessage":{"wamid":"wamid.1","from":"+447700900001","to":"+447700900123","status":"read","updateTime":%s}}`},
	{"ycloud", `{"type":"whatsapp.inbound_message.received","whatsappInboundMessage":{"wamid":"wamid.1","from":"+447700900123","to":"+447700900001","type":"text","text":{"body":"x"},"sendTime":%s}}`},
	{"sinch", `{"statuses":[{"state":"read","message_id":"1","recipient":"+447700900123","timestamp":%s}]}`},
	{"exotel", `{"whatsapp":{"messages":[{"callback_type":"dlr","sid":"m","to":"+447700900123","exo_detailed_status":"EX_MESSAGE_SEEN","timestamp":%s}]}}`},
}

func TestTimesInAnyForm(t *testing.T) {
	const at, receipt = 1795860000000, received + 777
	forms := map[string]int64{
		`"1795860000"`: at, `1795860000`: at, `1795860000.25`: at + 250, `"1795860000.25"`: at + 250, `1.79586e9`: at,
		`1795860000250`: at + 250, `"1795860000250"`: at + 250, `1795860000250999`: at + 250,
		`"2026-11-28T10:00:00Z"`: at, `"2026-11-28T10:00:00.2504567Z"`: at + 250, `"2026-11-28T10:00:00+00:00"`: at, `"2026-11-28T10:00:00+0000"`: at,
		`"2026-11-28T15:30:00+05:30"`: at, `"2026-11-28T15:30:00.250+0530"`: at + 250, `"2026-11-28T10:00:00"`: at, `"2026-11-28 10:00:00"`: at,
		`{"low":1795860000,"high":0,"unsigned":true}`: at,
		// None of these is a time: then it is that of receipt.
		`""`: receipt, `" "`: receipt, `null`: receipt, `"soon"`: receipt, `true`: receipt, `[]`: receipt, `{}`: receipt, `0`: receipt, `"0"`: receipt,
		`-1`: receipt, `1e30`: receipt, `"99999999999999999999"`: receipt, `1179586000`: receipt, `"2126-11-28T10:00:00Z"`: receipt,
	}
	tried := map[string]bool{"twilio": true} // its callbacks have no time
	for _, c := range timed {
		tried[c.provider] = true
		p, err := New(c.provider)
		if err != nil {
			t.Fatal(err)
		}
		for form, want := range forms {
			r := p.Convert(fmt.Appendf(nil, c.body, form), Source{ReceivedAt: receipt, NumberID: "n", WABAID: "w"})
			events := r.Events()
			if len(events) != 1 || events[0].GetTime() != want {
				t.Errorf("%s: %s: %v, want one event at %d: %s", c.provider, form, events, want, c.body)
			}
		}
	}
	for _, name := range Providers() {
		if !tried[name] {
			t.Errorf("no body of %s", name)
		}
	}
}

// madeUp is the message id of a refused send: a hash of the whole call.
var madeUp = regexp.MustCompile(`refused\.[0-9a-f]{16}`)

// sketch writes down what became of a body.
func sketch(r Result) string {
	var b strings.Builder
	for _, u := range r.Updates {
		fmt.Fprintln(&b, u.Field, u.Outcome, u.Reason)
		for _, e := range slices.Concat(u.Taught, u.Events) {
			fmt.Fprintf(&b, "%s\n", codec.AppendEventJSON(nil, e))
		}
	}
	return madeUp.ReplaceAllString(b.String(), "refused.")
}

// eachBody calls f with each payload and body of the test data, as JSON.
func eachBody(t *testing.T, f func(provider, place string, v any)) {
	t.Helper()
	n := 0
	try := func(provider, place string, body []byte) {
		if v, reason := parse(body, ""); reason == "" && (body[0] == '{' || body[0] == '[') {
			f(provider, place, v)
			n++
		}
	}
	payloads, _ := filepath.Glob("testdata/payloads/*.json")
	for _, file := range payloads {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		try(providerOf(name), name, body)
	}
	bodies, _ := filepath.Glob("testdata/bodies/*.txt")
	for _, file := range bodies {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for i, line := range strings.Split(string(data), "\n") {
			if line != "" {
				try(name, fmt.Sprintf("%s:%d", file, i+1), []byte(line))
			}
		}
	}
	if n < 400 {
		t.Fatalf("only %d bodies", n)
	}
}

// TestEmptyIsAbsent sets each member of each body to null and, where a string
// stood, to an empty one: it is as if the member was not there.
func TestEmptyIsAbsent(t *testing.T) {
	source := Source{ReceivedAt: received, NumberID: "n", WABAID: "w", PortfolioID: "p"}
	eachBody(t, func(provider, place string, whole any) {
		p, err := New(provider)
		if err != nil {
			t.Fatal(err)
		}
		read := p.Convert
		if isSend(whole) {
			read = p.Sends // it stays one without its response
		}
		eachMember(whole, func(of map[string]any, name string) {
			was := of[name]
			delete(of, name)
			absent := sketch(read(marshal(whole), source))
			empties := []any{nil}
			if _, text := was.(string); text {
				empties = append(empties, "", "  ")
			}
			for _, empty := range empties {
				of[name] = empty
				if d := cmp.Diff(absent, sketch(read(marshal(whole), source))); d != "" {
					t.Errorf("%s: %q set to %#v (-absent +empty):\n%s", place, name, empty, d)
				}
			}
			of[name] = was
		})
	})
}

// eachMember calls f with each member of each object of a value.
func eachMember(v any, f func(of map[string]any, name string)) {
	switch v := v.(type) {
	case map[string]any:
		var names []string
		for name := range v {
			names = append(names, name)
		}
		for _, name := range names {
			eachMember(v[name], f)
			f(v, name)
		}
	case []any:
		for _, one := range v {
			eachMember(one, f)
		}
	}
}

// TestLaterVersionsAddMembers adds a member that nobody has seen to every object of
// each body: nothing changes.
func TestLaterVersionsAddMembers(t *testing.T) {
	source := Source{ReceivedAt: received, NumberID: "n", WABAID: "w", PortfolioID: "p"}
	eachBody(t, func(provider, place string, whole any) {
		p, err := New(provider)
		if err != nil {
			t.Fatal(err)
		}
		want := sketch(p.Convert(marshal(whole), source))
		var objects []map[string]any
		eachMember(whole, func(of map[string]any, _ string) { objects = append(objects, of) })
		for _, o := range objects {
			o["brand_new"] = map[string]any{"id": "x", "type": "y", "list": []any{"z"}}
		}
		if d := cmp.Diff(want, sketch(p.Convert(marshal(whole), source))); d != "" {
			t.Errorf("%s (-before +after):\n%s", place, d)
		}
	})
}

// TestWordsThatNobodyHasSeen reads, of each provider, a status that is not in its
// table: it is kept with the word, and nothing is made of it.
func TestWordsThatNobodyHasSeen(t *testing.T) {
	words := map[string]string{
		"meta": `"read"`, "gupshup": `"read"`, "vonage": `"delivered"`, "infobip": `"DELIVERED"`, "whapi": `"read"`, "evolution": `"READ"`,
		"whatsmeow": `"read"`, "greenapi": `"read"`, "ycloud": `"read"`, "sinch": `"read"`,
	}
	numbers := map[string]string{"waha": `"ack":3`}
	tried := map[string]bool{}
	for _, c := range timed {
		body := fmt.Sprintf(c.body, `"1795860000"`)
		other := body
		if word := words[c.provider]; word != "" {
			other = strings.Replace(body, word, `"teleported"`, 1)
		} else if ack := numbers[c.provider]; ack != "" {
			other = strings.Replace(body, ack, `"ack":99`, 1)
		}
		if other == body || strings.Contains(body, "user_preferences") {
			continue
		}
		tried[c.provider] = true
		p, err := New(c.provider)
		if err != nil {
			t.Fatal(err)
		}
		r := p.Convert([]byte(other), Source{ReceivedAt: received, NumberID: "n"})
		if len(r.Updates) != 1 || r.Updates[0].Outcome != Unknown || r.Updates[0].Reason != "status_word" {
			t.Errorf("%s: %+v", c.provider, r.Updates)
			continue
		}
		if kept := string(r.Updates[0].Kept); !strings.Contains(kept, "teleported") && !strings.Contains(kept, "99") {
			t.Errorf("%s: kept %s", c.provider, kept)
		}
	}
	if len(tried) != len(words)+len(numbers) {
		t.Errorf("tried %v", tried)
	}
}

// TestAContactBookIsOneUpdate reads more entries than a body may have updates: as
// many pairs are taught, and nothing of it is kept.
func TestAContactBookIsOneUpdate(t *testing.T) {
	p, err := New("meta")
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for i := range MaxUpdates + 5 {
		entries = append(entries, fmt.Sprintf(`{"action":"add","contact":{"phone_number":"44770090%04d","user_id":"GB.%d"},"metadata":{"timestamp":"1795860000"}}`, i, i))
	}
	body := `{"entry":[{"id":"w","changes":[{"field":"smb_app_state_sync","value":{"metadata":{"phone_number_id":"n"},"state_sync":[` + strings.Join(entries, ",") + `]}}]}]}`
	r := p.Convert([]byte(body), Source{ReceivedAt: received})
	if len(r.Updates) != 1 || r.Updates[0].Outcome != Nothing || len(r.Taught()) != MaxUpdates || len(r.Events()) != 0 {
		t.Errorf("%d updates, %d taught, %d events", len(r.Updates), len(r.Taught()), len(r.Events()))
	}
}
