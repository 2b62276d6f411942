package gateway

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/event"
	"sendwatch/internal/webhook"
	eventsv1 "sendwatch/schemas/events/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is a Writer that keeps what it acknowledges, or fails while it is away.
type log struct {
	mu   sync.Mutex
	away bool
	kept map[string][]event.Message
}

var errAway = errors.New("no broker")

func (l *log) Produce(_ context.Context, topic string, messages []event.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return errAway
	}
	if l.kept == nil {
		l.kept = map[string][]event.Message{}
	}
	l.kept[topic] = append(l.kept[topic], messages...)
	return nil
}

func (l *log) set(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// events returns what was written to the events topic, and forgets it.
func (l *log) events(t *testing.T) []*eventsv1.Event {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*eventsv1.Event
	for _, m := range l.kept["events"] {
		e := new(eventsv1.Event)
		if err := proto.Unmarshal(m.Value, e); err != nil {
			t.Fatal(err)
		}
		if e.NumberId != "" && string(m.Key) != e.NumberId {
			t.Errorf("%s: key %q", e.Id, m.Key)
		}
		list = append(list, e)
	}
	delete(l.kept, "events")
	return list
}

func (l *log) take(topic string) []event.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.kept[topic]
	delete(l.kept, topic)
	return m
}

const now = 1795860100000

// start runs a gateway on a loopback port until the test ends.
func start(t *testing.T, c Config) (*Gateway, string) {
	t.Helper()
	c.Events, c.DeadLetter, c.Context = "events", "dead", "context"
	c.Now = func() int64 { return now }
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	g.Restored()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, listener) }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return g, "http://" + listener.Addr().String()
}

// post sends a body and returns the status, the answer and its headers.
func post(t *testing.T, address, contentType string, body []byte, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text)), answer.Header
}

const (
	statusBody = `{"object":"whatsapp_business_account","entry":[{"id":"200","changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"447700900001","phone_number_id":"100"},"statuses":[{"id":"wamid.1","status":"read","timestamp":"1795860000","recipient_id":"447700900123"}]}}]}]}`
	textBody   = `{"object":"whatsapp_business_account","entry":[{"id":"200","changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"447700900001","phone_number_id":"100"},"messages":[{"from":"447700900123","id":"wamid.2","timestamp":"1795860000","type":"text","text":{"body":"h\u00e9llo"}}]}}]}]}`
	leftBody   = `{"object":"whatsapp_business_account","entry":[{"id":"200","time":1795860000,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_OFFBOARDED"}}]}]}`
)

func signed(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestMetaSignatureOfAnyApp(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{AppSecrets: []string{"old", "new"}, Open: true}})
	for _, c := range []struct {
		name, signature string
		want            int
	}{
		{"the first secret", signed("old", textBody), 200},
		{"the second secret", signed("new", textBody), 200},
		{"another secret", signed("other", textBody), 401},
		{"another body", signed("old", textBody+" "), 401},
		{"no signature", "", 401},
		{"no prefix", strings.TrimPrefix(signed("old", textBody), "sha256="), 401},
		{"cut", signed("old", textBody)[:20], 401},
	} {
		status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(textBody), "X-Hub-Signature-256", c.signature)
		if status != c.want {
			t.Errorf("%s: %d, want %d", c.name, status, c.want)
		}
		if got := len(w.events(t)); (got > 0) != (c.want == 200) {
			t.Errorf("%s: %d events written", c.name, got)
		}
		if n := len(w.take("dead")); n != 0 {
			t.Errorf("%s: %d dead letters", c.name, n)
		}
	}
}

func TestTwilioSignature(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{TwilioTokens: []string{"12345"}, TwilioURL: "https://hooks.example.invalid/"}})
	form := url.Values{"From": {"whatsapp:+447700900123"}, "To": {"whatsapp:+447700900001"}, "MessageSid": {"SM1"}, "SmsStatus": {"received"}, "Body": {"hi"}}
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	text.WriteString("https://hooks.example.invalid/v1/webhooks/twilio?number_id=x")
	for _, name := range names {
		text.WriteString(name + form.Get(name))
	}
	mac := hmac.New(sha1.New, []byte("12345"))
	mac.Write([]byte(text.String()))
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	status, answer, _ := post(t, address+"/v1/webhooks/twilio?number_id=x", "application/x-www-form-urlencoded", []byte(form.Encode()), "X-Twilio-Signature", signature)
	if status != 200 || answer != "<Response/>" || len(w.events(t)) == 0 {
		t.Errorf("signed: %d %q", status, answer)
	}
	form.Set("Body", "other")
	if status, _, _ = post(t, address+"/v1/webhooks/twilio?number_id=x", "application/x-www-form-urlencoded", []byte(form.Encode()), "X-Twilio-Signature", signature); status != 401 {
		t.Errorf("another body: %d", status)
	}
}

func TestSharedToken(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Tokens: []string{"one", "two"}, AppSecrets: []string{"s"}}})
	body := []byte(`{"request":{"to":"447700900123","type":"text","text":{"body":"hi"},"phone_number_id":"100"},"response":{"messages":[{"id":"wamid.9"}]}}`)
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/v1/sends/meta", []string{"Authorization", "Bearer two"}, 200},
		{"/v1/sends/meta", []string{"X-Sendwatch-Token", "one"}, 200},
		{"/v1/sends/meta?token=one", nil, 200},
		{"/v1/sends/meta?token=three", nil, 401},
		{"/v1/sends/meta", nil, 401},
		{"/v1/webhooks/whapi", nil, 401},
		{"/v1/webhooks/whapi?token=one", nil, 200},
		{"/v1/webhooks/meta?token=one", nil, 401}, // Meta signs, and must
		{"/v1/webhooks/pigeon?token=one", nil, 404},
	} {
		if status, _, _ := post(t, address+c.path, "application/json", body, c.headers...); status != c.want {
			t.Errorf("%s %v: %d, want %d", c.path, c.headers, status, c.want)
		}
	}
	sends := 0
	for _, e := range w.events(t) {
		if e.Type == "message.sent" && e.NumberId == "100" && e.Id == "out:wamid.9" {
			sends++
		}
	}
	if sends != 3 {
		t.Errorf("%d sends, want 3", sends)
	}
}

func TestVerification(t *testing.T) {
	_, address := start(t, Config{Writer: new(log), Auth: Auth{VerifyToken: "v"}})
	for query, want := range map[string]int{
		"hub.mode=subscribe&hub.verify_token=v&hub.challenge=1158201444": 200,
		"hub.mode=subscribe&hub.verify_token=w&hub.challenge=1158201444": 403,
		"hub.mode=subscribe&hub.challenge=1158201444":                    403,
		"": 403,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/v1/webhooks/meta?"+query, http.NoBody)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != want || want == 200 && string(text) != "1158201444" {
			t.Errorf("%q: %d %q", query, answer.StatusCode, text)
		}
	}
}

func TestNotAcknowledgedIsNotAnswered(t *testing.T) {
	w := &log{away: true}
	g, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	status, _, header := post(t, address+"/v1/webhooks/meta", "application/json", []byte(textBody))
	if status != 503 || header.Get("Retry-After") == "" || g.Ready() == nil {
		t.Errorf("away: %d, Retry-After %q, ready: %v", status, header.Get("Retry-After"), g.Ready())
	}
	w.set(false)
	if status, _, _ = post(t, address+"/v1/webhooks/meta", "application/json", []byte(textBody)); status != 200 || g.Ready() != nil {
		t.Errorf("back: %d, %v", status, g.Ready())
	}
	// The profile was not lost with the first try.
	var ids []string
	for _, e := range w.events(t) {
		ids = append(ids, e.Type)
	}
	if want := []string{"number.profile", "message.received"}; !slices.Equal(ids, want) {
		t.Errorf("written: %v, want %v", ids, want)
	}
	if status, _, _ = post(t, address+"/v1/webhooks/meta", "application/json", []byte(textBody)); status != 200 {
		t.Errorf("again: %d", status)
	}
	if again := w.events(t); len(again) != 1 || again[0].Id != "in:wamid.2" {
		t.Errorf("again: %v", again)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	large := bytes.Repeat([]byte(" "), webhook.MaxBody+1)
	if status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", large); status != 413 {
		t.Errorf("large: %d", status)
	}
	// Without a length it is cut while it is read.
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/v1/webhooks/meta", io.MultiReader(bytes.NewReader(large), strings.NewReader("x")))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != 413 {
		t.Errorf("endless: %d", answer.StatusCode)
	}
	if status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte("x"), "Content-Encoding", "gzip"); status != 415 {
		t.Errorf("compressed: %d", status)
	}
}

// TestSlowBodiesAreCut sends a letter and then nothing: the server gives up by
// itself, and the room that the body had is free again.
func TestSlowBodiesAreCut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the server's patience")
	}
	g, address := start(t, Config{Writer: new(log), Auth: Auth{Open: true}})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /v1/webhooks/meta HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(3 * readTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("not cut: %v", err)
	}
	if !g.room.TryAcquire(bodyBudget) {
		t.Error("the room of the body is not free")
	}
}

func TestWhatIsNotUnderstoodIsKept(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	status, answer, _ := post(t, address+"/v1/webhooks/meta", "application/json",
		[]byte(`{"object":"whatsapp_business_account","entry":[{"id":"200","changes":[{"field":"moon","value":{"name":"Robin"}}]}]}`))
	if status != 200 || answer != `{"events":0,"nothing":0,"unknown":{"field":1}}` {
		t.Errorf("%d %s", status, answer)
	}
	dead := w.take("dead")
	if len(dead) != 1 || string(dead[0].Value) != `{"field":"moon","value":{"name":"(removed, 5 bytes)"}}` {
		t.Fatalf("dead letters: %d", len(dead))
	}
	headers := map[string]string{}
	for _, h := range dead[0].Headers {
		headers[string(h.Key)] = string(h.Value)
	}
	if headers["sendwatch-reason"] != "webhook_field" || headers["sendwatch-provider"] != "meta" {
		t.Errorf("headers: %v", headers)
	}
}

func TestInputsAreReportedAsTheyAreSeen(t *testing.T) {
	w := new(log)
	g, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	send := func(body string) {
		t.Helper()
		if status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(body)); status != 200 {
			t.Fatalf("%d", status)
		}
	}
	profiles := func() (list []string) {
		for _, e := range w.events(t) {
			if e.Type == "number.profile" {
				list = append(list, e.NumberId+" "+e.Country+" "+e.Connection+" "+strings.Join(e.Inputs.Names, "+"))
			}
		}
		return list
	}
	send(statusBody)
	if got := profiles(); !slices.Equal(got, []string{"100 GB cloud_api status"}) {
		t.Errorf("first: %v", got)
	}
	send(statusBody)
	if got := profiles(); got != nil {
		t.Errorf("again: %v", got)
	}
	send(textBody)
	if got := profiles(); !slices.Equal(got, []string{"100 GB cloud_api inbound+status"}) {
		t.Errorf("inbound: %v", got)
	}
	send(`{"object":"whatsapp_business_account","entry":[{"id":"200","time":1795860000,"changes":[{"field":"message_template_quality_update","value":{"message_template_name":"a","message_template_language":"en","new_quality_score":"RED"}}]}]}`)
	if got := profiles(); !slices.Equal(got, []string{"100 GB cloud_api inbound+status+template"}) {
		t.Errorf("template: %v", got)
	}

	// A restart knows it from the topic.
	var other Gateway
	other.known = newDirectory(nil, nil)
	for _, m := range w.take("context") {
		other.Restore(m.Key, m.Value)
	}
	if got := other.known.senders["100"]; got != g.known.senders["100"] || got.Inputs != inbound|status|template {
		t.Errorf("restored: %+v, was %+v", got, g.known.senders["100"])
	}
	if got := other.known.Known(webhook.FactNumber, "447700900001"); got != "100" {
		t.Errorf("restored number: %q", got)
	}

	if got := other.Unseen(); !slices.Equal(got.Account, []string{"200"}) || got.Template != nil || got.Twilio != nil {
		t.Errorf("unseen: %+v", got)
	}

	send(leftBody)
	if got := profiles(); !slices.Equal(got, []string{"100 GB cloud_api "}) {
		t.Errorf("left: %v", got)
	}
	send(textBody)
	if got := profiles(); !slices.Equal(got, []string{"100 GB cloud_api inbound"}) {
		t.Errorf("back: %v", got)
	}
}

// TestInputsOfAWABAHoldForItsNumbers sends a template's update before anything of
// the number.
func TestInputsOfAWABAHoldForItsNumbers(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	for _, body := range []string{
		`{"object":"whatsapp_business_account","entry":[{"id":"200","time":1795860000,"changes":[{"field":"message_template_quality_update","value":{"message_template_name":"a","message_template_language":"en","new_quality_score":"RED"}}]}]}`,
		textBody,
	} {
		if status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(body)); status != 200 {
			t.Fatalf("%d", status)
		}
	}
	var got []string
	for _, e := range w.events(t) {
		if e.Type == "number.profile" {
			got = append(got, e.NumberId+" "+strings.Join(e.Inputs.Names, "+"))
		}
	}
	if !slices.Equal(got, []string{"100 inbound+template"}) {
		t.Errorf("profiles %v", got)
	}
}

// TestIDsAreNoPhoneNumbers posts bodies that name a number by an id of digits alone: no
// country is made of it, until the number itself is seen.
func TestIDsAreNoPhoneNumbers(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	for _, c := range []struct{ provider, body, want string }{
		{"meta", `{"id":"106540352242922","quality_rating":"GREEN","status":"RESTRICTED"}`, ""},
		{"meta", `{"id":"106540352242922","quality_rating":"GREEN","status":"RESTRICTED","display_phone_number":"+44 7700 900001"}`, "106540352242922 GB"},
		{"greenapi", `{"typeWebhook":"outgoingMessageStatus","chatId":"447700900123@c.us","instanceData":{"idInstance":7103000001},"timestamp":1795860000,"idMessage":"D","status":"read"}`, ""},
		{"twilio", `MessageSid=SM1&MessageStatus=read&From=whatsapp%3A%2B447700900002&To=whatsapp%3A%2B447700900123`, "447700900002 GB"},
	} {
		if status, answer, _ := post(t, address+"/v1/webhooks/"+c.provider, "", []byte(c.body)); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		var profiles []string
		for _, e := range w.events(t) {
			if e.Type == "number.profile" {
				profiles = append(profiles, e.NumberId+" "+e.Country)
			}
		}
		if got := strings.Join(profiles, ", "); got != c.want {
			t.Errorf("%s: profile %q, want %q", c.body, got, c.want)
		}
	}
}

// TestPortfoliosAreLearnt sends who owns a WABA and then its limit.
func TestPortfoliosAreLearnt(t *testing.T) {
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}, Portfolios: map[string]string{"201": "301"}})
	partner := `{"object":"whatsapp_business_account","entry":[{"id":"900","time":1795860000,"changes":[{"field":"account_update","value":{"event":"PARTNER_ADDED","waba_info":{"waba_id":"WABA","owner_business_id":"399"}}}]}]}`
	limit := `{"object":"whatsapp_business_account","entry":[{"id":"WABA","time":1795860000,"changes":[{"field":"business_capability_update","value":{"max_daily_conversations_per_business":2000}}]}]}`
	for waba, want := range map[string]string{"202": "399", "201": "301"} {
		for _, body := range []string{partner, limit} {
			if status, _, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(strings.ReplaceAll(body, "WABA", waba))); status != 200 {
				t.Fatalf("%d", status)
			}
		}
		events := w.events(t)
		if len(events) != 1 || events[0].Type != "portfolio.limit" || events[0].PortfolioId != want {
			t.Errorf("%s: %v", waba, events)
		}
	}
}

func TestExotelChecksTheAddress(t *testing.T) {
	_, address := start(t, Config{Writer: new(log), Auth: Auth{Open: true}})
	status, answer, _ := post(t, address+"/v1/webhooks/exotel", "application/json", []byte(`{"type":"verification","challenge":"abc"}`))
	if status != 200 || !strings.Contains(answer, `"challenge":"abc"`) {
		t.Errorf("%d %s", status, answer)
	}
}

func TestWrappings(t *testing.T) {
	for _, c := range []struct {
		wrapping    Wrapping
		value, want string
	}{
		{WrappingNone, `{"payload":"x"}`, `{"payload":"x"}`},
		{WrappingConnect, `{"schema":{"type":"string"},"payload":"{\"a\":1}"}`, `{"a":1}`},
		{WrappingConnect, `{"schema":{"type":"struct"},"payload":{"a":1}}`, `{"a":1}`},
		{WrappingConnect, `{"schema":{"type":"bytes"},"payload":"eyJhIjoxfQ=="}`, `{"a":1}`},
		{WrappingConnect, `{"schema":null,"payload":null}`, ""},
		{WrappingConnect, `{"a":1}`, ""},
		{WrappingConnect, `[`, ""},
		{WrappingBase64, `"eyJhIjoxfQ=="`, `{"a":1}`},
		{WrappingBase64, `eyJhIjoxfQ`, `{"a":1}`},
		{WrappingBase64, `{"a":1}`, ""},
	} {
		got, err := c.wrapping.unwrap([]byte(c.value))
		if string(got) != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s %s: %s, %v; want %s", c.wrapping, c.value, got, err, c.want)
		}
	}
}

// TestManyAtATime has many clients send at once; each event is written once, and
// each is answered after it was.
func TestManyAtATime(t *testing.T) {
	w := new(log)
	g, _ := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			body := strings.ReplaceAll(textBody, "wamid.2", "wamid.m"+string(rune('a'+i%26))+string(rune('a'+i/26)))
			r := httptest.NewRequest(http.MethodPost, "/v1/webhooks/meta", strings.NewReader(body))
			answer := httptest.NewRecorder()
			g.Handler().ServeHTTP(answer, r)
			if answer.Code != 200 {
				t.Errorf("%d", answer.Code)
			}
		})
	}
	group.Wait()
	seen := map[string]int{}
	for _, e := range w.events(t) {
		if e.Type == "message.received" {
			seen[e.Id]++
		}
	}
	if len(seen) != 200 {
		t.Errorf("%d events, want 200", len(seen))
	}
}

// TestTaughtIsPublished posts bodies that teach something beside their events, and
// reads one from a topic: it is written in front of the events of its update, under
// ids that a repeated body has too.
func TestTaughtIsPublished(t *testing.T) {
	const changed = `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"100"},"messages":[{"from":"447700900123","id":"wamid.S","timestamp":"1795860000","type":"system","system":{"type":"user_changed_number","wa_id":"447700900124"}}]}}]}]}`
	const asked = `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"100"},"contacts":[{"user_id":"GB.1"}],"messages":[{"from_user_id":"GB.1","id":"wamid.C","timestamp":"1795860000","type":"contacts","origin":"contact_request","contacts":[{"phones":[{"wa_id":"447700900125"}]}]}]}}]}]}`
	const paused = `{"entry":[{"id":"w","time":1795860000,"changes":[{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_id":9,"message_template_name":"offer","message_template_language":"en-GB","other_info":{"title":"SECOND_PAUSE"}}}]}]}`
	for _, c := range []struct {
		body, answer string
		ids          []string
	}{
		{changed, `{"events":0,"taught":1,"nothing":1}`, []string{"alias:wamid.S"}},
		{asked, `{"events":1,"taught":1,"nothing":0}`, []string{"alias:wamid.C", "in:wamid.C"}},
		{paused, `{"events":1,"taught":1,"nothing":0}`, []string{"tplp:9:1795860000:2", "tpl:9:1795860000:PAUSED"}},
	} {
		w := &log{}
		g, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
		for range 2 {
			if status, answer, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(c.body)); status != http.StatusOK || answer != c.answer {
				t.Errorf("answered %d %s, want %s", status, answer, c.answer)
			}
		}
		if ids := idsBesideProfiles(w.events(t)); !slices.Equal(ids, slices.Concat(c.ids, c.ids)) {
			t.Errorf("posted twice: %q, want %q twice", ids, c.ids)
		}
		p := &partition{committed: make(chan int64, 1), records: []event.Record{{Offset: 7, Timestamp: now, Value: []byte(c.body)}}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.ReadSource(ctx, Source{Topic: "raw", Provider: "meta"}, 0, p) }()
		<-p.committed
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if ids := idsBesideProfiles(w.events(t)); !slices.Equal(ids, c.ids) {
			t.Errorf("from a topic: %q, want %q", ids, c.ids)
		}
	}
}

// idsBesideProfiles returns the ids of the events that are no number.profile.
func idsBesideProfiles(events []*eventsv1.Event) []string {
	var ids []string
	for _, e := range events {
		if e.Type != "number.profile" {
			ids = append(ids, e.Id)
		}
	}
	return ids
}
