package codec

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	eventsv1 "sendwatch/schemas/events/v1"
)

// everyField returns an event whose fields are all set, each to something else,
// and the members that its JSON form must have.
func everyField(t *testing.T) (*eventsv1.Event, map[string]any) {
	t.Helper()
	e := new(eventsv1.Event)
	m, want := e.ProtoReflect(), map[string]any{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		switch {
		case f.IsList():
			list := m.Mutable(f).List()
			list.Append(protoreflect.ValueOfString(name + ` "1"`))
			list.Append(protoreflect.ValueOfString("\x01é"))
			want[name] = []any{name + ` "1"`, "\x01é"}
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(name+"\n"))
			want[name] = name + "\n"
		case f.Kind() == protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(i%2 == 0))
			want[name] = i%2 == 0
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(int64(-i)))
			want[name] = float64(-i)
		case name == "template":
			e.Template = &eventsv1.Template{Name: "a", Language: "b", Category: "c"}
			want[name] = map[string]any{"name": "a", "language": "b", "category": "c"}
		case name == "inputs":
			e.Inputs = &eventsv1.Inputs{Names: []string{"inbound"}}
			want[name] = []any{"inbound"}
		default:
			t.Fatalf("the test knows no value for %s", name)
		}
	}
	return e, want
}

// A field that the writer forgot would be lost without a word.
func TestEveryFieldOfAnEventIsWritten(t *testing.T) {
	e, want := everyField(t)
	got := map[string]any{}
	line := AppendEventJSON(nil, e)
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		a, _ := json.Marshal(got[name])
		b, _ := json.Marshal(want[name])
		if !bytes.Equal(a, b) {
			t.Errorf("%s is written as %s, want %s", name, a, b)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d members, want %d", len(got), len(want))
	}
	if again := AppendEventJSON(nil, e); !bytes.Equal(line, again) {
		t.Errorf("%s, and again %s", line, again)
	}
}

func TestWrittenEvents(t *testing.T) {
	at, no := int64(1_768_000_000_007), false
	for _, c := range []struct {
		e    *eventsv1.Event
		want string
	}{
		{&eventsv1.Event{}, `{}`},
		{&eventsv1.Event{Id: "a/b", Type: "clock", Time: &at}, `{"id":"a/b","type":"clock","time":1768000000007}`},
		{
			&eventsv1.Event{Type: "message.sent", Template: &eventsv1.Template{Name: "n"}, OptIn: &no, Links: []string{}, Inputs: &eventsv1.Inputs{}},
			`{"type":"message.sent","template":{"name":"n"},"opt_in":false,"inputs":[]}`,
		},
	} {
		if got := AppendEventJSON([]byte("x"), c.e); string(got) != "x"+c.want {
			t.Errorf("%s, want %s", got[1:], c.want)
		}
	}
	e := &eventsv1.Event{Time: &at, ExpiresAt: new(int64)}
	if got, want := string(AppendEventJSONInRFC3339(nil, e)), `{"time":"2026-01-09T23:06:40.007Z","expires_at":"1970-01-01T00:00:00.000Z"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	*e.ExpiresAt = 1 << 52
	if got, want := string(AppendEventJSONInRFC3339(nil, e)), `{"time":"2026-01-09T23:06:40.007Z","expires_at":4503599627370496}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
