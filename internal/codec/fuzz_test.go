package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// stringTime finds a time that is not a number.
var stringTime = regexp.MustCompile(`"time": "[^"]*"`)

// protobufOf returns the Protobuf form of a JSON event whose fields all have the
// right types.
func protobufOf(t testing.TB, line []byte) []byte {
	t.Helper()
	b, err := proto.Marshal(messageOf(t, line))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// messageOf returns the generated message of a JSON event.
func messageOf(t testing.TB, line []byte) *eventsv1.Event {
	t.Helper()
	m := new(eventsv1.Event)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

// snapshot copies an event out of the decoder's memory.
func snapshot(ev *event.Event) event.Event {
	c := *ev
	for _, b := range []*[]byte{&c.ID, &c.NumberID, &c.WABAID, &c.PortfolioID, &c.Template.Name, &c.Template.Language, &c.Reason, &c.TemplateStatus, &c.PolicyVersion} {
		*b = append([]byte{}, *b...)
	}
	c.Links = append([]uint64{}, c.Links...)
	c.Restrictions = append([][]byte{}, c.Restrictions...)
	for i := range c.Restrictions {
		c.Restrictions[i] = append([]byte{}, c.Restrictions[i]...)
	}
	return c
}

// TestFormatsAgree reads the worked logs in both formats.
func TestFormatsAgree(t *testing.T) {
	n := 0
	for _, name := range exampleLogs {
		d := testDecoder()
		for _, line := range readLines(t, name, "events.ndjson") {
			var ev event.Event
			m := new(eventsv1.Event)
			if d.Decode(&ev, line, ContentJSON, math.MaxInt64) != nil {
				continue
			}
			// The generated message takes times as numbers only.
			at := ev.Time
			line = stringTime.ReplaceAll(line, []byte(`"time": 0`))
			if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, m) != nil {
				continue
			}
			m.Time = &at
			want := snapshot(&ev)
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Decode(&ev, b, ContentProtobuf, math.MaxInt64); err != nil {
				t.Fatalf("%s: as Protobuf: %v", line, err)
			}
			if got := snapshot(&ev); !cmp.Equal(got, want) {
				t.Fatalf("%s: %s", line, cmp.Diff(want, got))
			}
			n++
		}
	}
	if n < 2000 {
		t.Errorf("only %d events compared", n)
	}
}

// parse reads a record with encoding/json: its members, and whether our rules
// of syntax, which are stricter, let it pass.
func parse(data []byte) (map[string]any, bool) {
	if !utf8.Valid(data) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, false
	}
	m, ok := v.(map[string]any)
	return m, ok && depth(v) <= MaxDepth
}

// depth returns how deep a value is nested.
func depth(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n = max(n, depth(e))
		}
		return n + 1
	case []any:
		for _, e := range v {
			n = max(n, depth(e))
		}
		return n + 1
	}
	return 0
}

// FuzzJSON holds the scanner against encoding/json: what it takes for JSON,
// and the strings, numbers and lists it reads.
func FuzzJSON(f *testing.F) {
	for _, name := range exampleLogs {
		for i, line := range readLines(f, name, "events.ndjson") {
			if i%50 == 0 {
				f.Add(line)
			}
		}
	}
	f.Add([]byte(usual))
	f.Add([]byte(reversed))
	for _, text := range []string{`¿Cuánto cuesta, Ana?`, `Parar!`, `Stopp 12\u0301 ٣４½`, `Großartig 👍🏽 12 Stück`} {
		f.Add(record("message.sent", `text="`+text+`"`, `contact="+5511987654321"`, `time="2026-11-30T10:20:30.405Z"`))
		f.Add(record("message.received", `text="`+text+`"`, `contact="whatsapp:+5491112345678"`, `time="2024-02-29T23:59:59.999+01:30"`))
	}
	for _, typ := range []string{"message.status", "number.profile", "account.update", "template.update", "portfolio.limit", "policy"} {
		f.Add(record(typ, `x=[{"a":[1.5e3,null]},"\ud83d\ude00\u0041\n"]`, `restrictions=["a","b"]`, `links=["x"]`))
	}
	lines := NewLineReader()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || data[0] == 0 || len(data) > MaxRecord {
			return
		}
		d := testDecoder()
		var ev event.Event
		err := d.Decode(&ev, data, ContentJSON, math.MaxInt64)
		want, ok := parse(data)
		unparsable := false
		if r, isRejection := errors.AsType[*Rejection](err); isRejection {
			unparsable = r.Reason == ReasonUnparsable || r.Reason == ReasonTooDeep
		}
		// encoding/json lets lone surrogates pass as U+FFFD; ours does not.
		if ok == unparsable && (!unparsable || !bytes.Contains(data, []byte(`\u`))) {
			t.Fatalf("%q: %v, encoding/json says %v", data, err, ok)
		}
		at, readable := Time(data)
		if err == nil && (!readable || at != ev.Time) {
			t.Fatalf("%q: Time gives %d %v, the event has %d", data, at, readable, ev.Time)
		}
		compareTimes(t, lines, data)
		cold := snapshot(&ev)
		compareWarm(t, data, &cold, err)
		if unparsable {
			return
		}
		compareFields(t, d, data, want)
		if err == nil {
			compareEvent(t, &ev, want)
			compareContent(t, d, &cold, want)
		}
	})
}

// compareWarm reads a record in the middle of others, and again and again, with
// one decoder: whatever it foresees or remembers by then, the event or the
// rejection is that of a new one. So it is with white space between all tokens.
func compareWarm(t *testing.T, data []byte, want *event.Event, wantErr error) {
	t.Helper()
	d := testDecoder()
	records := [][]byte{data, data, []byte(usual), data, []byte(reversed), record("message.status"), data, data}
	returns := bytes.ReplaceAll(data, []byte(`":`), []byte("\":\r")) // within a string it is not JSON any more
	if _, ok := parse(returns); ok {
		records = append(records, returns, returns)
	}
	var spaced bytes.Buffer
	if json.Indent(&spaced, data, "", " ") == nil && spaced.Len() <= MaxRecord {
		records = append(records, spaced.Bytes(), spaced.Bytes(), data)
	}
	for i, r := range records {
		isOurs := bytes.Equal(r, data) || bytes.Equal(r, returns) || bytes.Equal(r, spaced.Bytes())
		var ev event.Event
		err := d.Decode(&ev, r, ContentJSON, math.MaxInt64)
		if !isOurs {
			if err != nil {
				t.Fatalf("after %q: %s: %v", data, r, err)
			}
			continue
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%q: record %d of one decoder: %v, the first of another %v", data, i, err, wantErr)
		}
		if got := snapshot(&ev); err == nil && !cmp.Equal(got, *want) {
			t.Fatalf("%q: record %d of one decoder: %s", data, i, cmp.Diff(*want, got))
		}
	}
}

// compareContent compares what the decoder makes of values: time, identifiers and
// the fingerprint, made of encoding/json's strings in the plainest way.
func compareContent(t *testing.T, d *Decoder, ev *event.Event, want map[string]any) {
	t.Helper()
	if s, ok := want["time"].(string); ok {
		if at, err := time.Parse(time.RFC3339Nano, s); err != nil || at.UnixMilli() != ev.Time && at.Nanosecond()%1e6 == 0 {
			t.Fatalf("time %q is %d: %v", s, ev.Time, err)
		}
	}
	if s, _ := want["contact"].(string); ev.HasContact {
		form := naiveCanonical(s)
		if ev.Contact != d.secret.hash([]byte(form)) || ev.ContactCountry == 0 && ev.ContactCalling != event.ParseCallingCode([]byte(form)) {
			t.Fatalf("contact %q: %x %v", s, ev.Contact, ev.ContactCalling)
		}
	}
	str := func(name string) string { s, _ := want[name].(string); return s }
	text := str("text")
	if ev.Type == event.TypeReceived {
		folded := string(d.text.appendFoldedGeneral(nil, trim([]byte(text))))
		if ev.Text != d.words[folded] && len(folded) > 0 {
			t.Fatalf("%q is %v, want %v", text, ev.Text, d.words[folded])
		}
	}
	if ev.Type != event.TypeSent || ev.HasTemplate || str("content_hash") != "" || len(ev.Links) > 0 {
		return
	}
	content := ev.Kind.String() + "\x00" + string(d.text.appendNormalisedUnicode(nil, []byte(text))) + "\x00" + str("media_hash")
	if ev.Fingerprint != xxhash.Sum64String(content) {
		t.Fatalf("text %q has the fingerprint %x, want that of %q", text, ev.Fingerprint, content)
	}
}

// compareFields compares what the scanner found with what encoding/json did.
func compareFields(t *testing.T, d *Decoder, data []byte, want map[string]any) {
	d.values, d.rejection = [64]value{}, nil
	d.keep(data)
	d.scanJSON()
	members := map[string]any{}
	maps.Copy(members, want)
	if m, ok := want["template"].(map[string]any); ok {
		for k, v := range m {
			members["template."+k] = v
		}
	}
	for f := range numFields {
		v, isThere := members[f.String()]
		if f >= numEventFields && d.get(fieldTemplate).kind() != object {
			continue
		}
		got := d.get(f)
		d.rejection = nil
		switch v := v.(type) {
		case nil:
			if got.kind() > null || isThere != (got.kind() == null) {
				t.Fatalf("%q: %v is %v, want null or nothing", data, f, got)
			}
		case string:
			if s := d.stringOf(f, false); string(s) != v || d.rejection != nil {
				t.Fatalf("%q: %v is %q, want %q", data, f, s, v)
			}
		case bool:
			if given, yes := d.boolean(f); !given || yes != v {
				t.Fatalf("%q: %v is %v %v, want %v", data, f, given, yes, v)
			}
		case json.Number:
			n, ok := d.integer(f, true)
			i, err := v.Int64()
			isInteger := !strings.ContainsAny(string(v), ".eE")
			if wantOK := isInteger && err == nil && i >= -MaxInteger && i <= MaxInteger; ok != wantOK || ok && n != i {
				t.Fatalf("%q: %v is %d %v, want %v", data, f, n, ok, v)
			}
		case []any:
			got := d.strings(f)
			isStrings := true
			for i, e := range v {
				s, ok := e.(string)
				isStrings = isStrings && ok
				if isStrings && (i >= len(got) || string(got[i]) != s) && d.rejection == nil {
					t.Fatalf("%q: %v is %q, want %v", data, f, got, v)
				}
			}
			if isStrings != (d.rejection == nil) {
				t.Fatalf("%q: %v: %v", data, f, d.rejection)
			}
		case map[string]any:
			if got.kind() != object {
				t.Fatalf("%q: %v is %v, want an object", data, f, got)
			}
		}
	}
}

// compareTimes holds the quick reader of a line's time against the plain ones.
func compareTimes(t *testing.T, lines *LineReader, data []byte) {
	want, wantOK := RecordTime(data)
	if !wantOK {
		want, wantOK = Time(data)
	}
	if got, ok := lines.Time(data); ok != wantOK || ok && got != want {
		t.Fatalf("%q: time %d %v, want %d %v", data, got, ok, want, wantOK)
	}
}

// compareEvent compares the plain strings of an accepted event.
func compareEvent(t *testing.T, ev *event.Event, want map[string]any) {
	if want["id"] != string(ev.ID) {
		t.Fatalf("id %q, want %v", ev.ID, want["id"])
	}
	if ev.NumberID != nil && want["number_id"] != string(ev.NumberID) {
		t.Fatalf("number_id %q, want %v", ev.NumberID, want["number_id"])
	}
}

// FuzzProtobuf holds the wire decoder against the generated code: what it
// takes for a message, and the event that both give.
func FuzzProtobuf(f *testing.F) {
	f.Add(usualProtobuf())
	for _, typ := range []string{"message.sent", "message.status", "number.profile", "template.update", "portfolio.limit", "policy", "clock", "group.update"} {
		f.Add(protobufOf(f, record(typ)))
	}
	f.Add(protobufOf(f, record("account.update", `restrictions=["a","b"]`, "expires_at=-5")))
	f.Add(protobufOf(f, record("message.sent", `links=["a","b"]`, "opt_in=false", `template={"name":"a","language":"b","category":"utility"}`)))
	f.Add([]byte{0x0b, 0x0c})             // a group
	f.Add([]byte{0x52, 2, 0x0a, 0, 0x52}) // half a template
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || data[0] == 0 || len(data) > MaxRecord {
			return
		}
		d := testDecoder()
		var ev event.Event
		err := d.Decode(&ev, data, ContentProtobuf, math.MaxInt64)
		unparsable := false
		if r, isRejection := errors.AsType[*Rejection](err); isRejection {
			if r.Reason == ReasonTooDeep {
				return
			}
			unparsable = r.Reason == ReasonUnparsable
		}
		m := new(eventsv1.Event)
		protoErr := proto.Unmarshal(data, m)
		if (protoErr != nil) != unparsable {
			t.Fatalf("%x: %v, generated code says %v", data, err, protoErr)
		}
		if unparsable || hasForeignWire(m) {
			return
		}
		want := snapshot(&ev)
		again, marshalErr := proto.Marshal(m)
		if marshalErr != nil {
			t.Fatal(marshalErr)
		}
		if len(again) == 0 {
			return
		}
		err2 := d.Decode(&ev, again, ContentProtobuf, math.MaxInt64)
		switch {
		case (err == nil) != (err2 == nil):
			t.Fatalf("%x: %v, marshalled again %v", data, err, err2)
		case err == nil && !cmp.Equal(want, snapshot(&ev)):
			t.Fatalf("%x: %s", data, cmp.Diff(want, snapshot(&ev)))
		case err == nil:
			compareMessage(t, &ev, m)
		}
	})
}

// hasForeignWire reports whether a message holds a field of ours with another
// wire type than its own, which the generated code keeps as unknown and ours
// rejects where the field matters.
func hasForeignWire(m *eventsv1.Event) bool {
	for _, unknown := range [][]byte{m.ProtoReflect().GetUnknown(), m.GetTemplate().ProtoReflect().GetUnknown()} {
		for i := 0; i < len(unknown); {
			number, wire, next := consumeTag(unknown, i)
			if number <= protowire.Number(numEventFields) {
				return true
			}
			i = skipWire(unknown, next, number, wire, 0)
		}
	}
	return false
}

// compareMessage compares an event with the generated message.
func compareMessage(t *testing.T, ev *event.Event, m *eventsv1.Event) {
	t.Helper()
	type plain struct {
		ID, Type, NumberID, WABAID, PortfolioID, Template string
		Time                                              int64
	}
	typ := m.GetType()
	got := plain{ID: string(ev.ID), Type: ev.Type.String(), Time: ev.Time}
	want := plain{ID: m.GetId(), Type: typ, Time: m.GetTime()}
	if ev.Type == event.TypeUnknown {
		want.Type = "unknown"
	}
	if ev.NumberID != nil {
		got.NumberID, want.NumberID = string(ev.NumberID), m.GetNumberId()
		got.WABAID, want.WABAID = string(ev.WABAID), m.GetWabaId()
		got.PortfolioID, want.PortfolioID = string(ev.PortfolioID), m.GetPortfolioId()
	}
	if ev.HasTemplate {
		got.Template, want.Template = string(ev.Template.Name), m.GetTemplate().GetName()
	}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if ev.Type == event.TypeLimit && ev.Limit != m.GetLimit() {
		t.Fatalf("limit %d, want %d", ev.Limit, m.GetLimit())
	}
}
