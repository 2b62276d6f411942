package webhook

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// FuzzRead reads any bytes as every provider: nothing panics, every update has
// one outcome, what is kept is JSON or a form without the texts, reading again
// yields the same, and the contract takes every event.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/payloads/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, body := range []string{"", "{", "[]", "{}", "null", "a=b", "a", `{"entry":[{"changes":[{}]}]}`, `[[[[[[]]]]]]`, `{"request":{},"response":{}}`} {
		f.Add([]byte(body))
	}
	d := codec.NewDecoder(codec.Config{})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range Providers() {
			p, err := New(name)
			if err != nil {
				t.Fatal(err)
			}
			s := Source{AssumedAt: received, NumberID: "n", WABAID: "w", PortfolioID: "p"}
			r := p.Convert(body, s)
			checkResult(t, d, name, r)
			again := p.Convert(body, s)
			if len(again.Updates) != len(r.Updates) {
				t.Fatalf("%s: read again: %d updates, then %d", name, len(r.Updates), len(again.Updates))
			}
			same := func(a, b *eventsv1.Event) bool { return proto.Equal(a, b) }
			if !slices.EqualFunc(r.Events(), again.Events(), same) || !slices.EqualFunc(r.Taught(), again.Taught(), same) {
				t.Fatalf("%s: read again: %v and %v, then %v and %v", name, r.Events(), r.Taught(), again.Events(), again.Taught())
			}
			checkResult(t, d, name, p.Sends(body, s))
		}
	})
}

func checkResult(t *testing.T, d *codec.Decoder, name string, r Result) {
	t.Helper()
	if len(r.Updates) == 0 {
		t.Fatalf("%s: no outcome", name)
	}
	for _, u := range r.Updates {
		made, reason, kept := len(u.Events) > 0, u.Reason != "", len(u.Kept) > 0
		switch u.Outcome {
		case Made:
			if !made || reason || kept {
				t.Fatalf("%s: events made: %+v", name, u)
			}
		case Nothing:
			if made || !reason || kept {
				t.Fatalf("%s: nothing made: %+v", name, u)
			}
		case Unknown:
			if made || !reason || !kept {
				t.Fatalf("%s: not understood: %+v", name, u)
			}
		}
		if u.Field == "" || len(u.Field) > 64 {
			t.Fatalf("%s: field %q", name, u.Field)
		}
		for _, e := range slices.Concat(u.Events, u.Taught) {
			var ev event.Event
			value, err := proto.Marshal(e)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := d.Decode(&ev, value, codec.ContentProtobuf, 4102444800000); err != nil {
				t.Fatalf("%s: the contract refuses the event: %v: %s", name, err, codec.AppendEventJSON(nil, e))
			}
		}
	}
}

func TestWhatIsKeptHasNoTexts(t *testing.T) {
	p, _ := New("meta")
	for _, c := range []struct{ body, want string }{
		{
			`{"entry":[{"id":"1","changes":[{"field":"strange","value":{"name":"Robin","note":"x","n":12,"when":"2026-11-28T10:00:00Z","words":"call me","from":"447700900123","list":["a b","ok"]}}]}]}`,
			`{"field":"strange","value":{"from":"447700900123","list":["(removed, 3 bytes)","ok"],"n":12,"name":"(removed, 5 bytes)","note":"(removed, 1 bytes)","when":"2026-11-28T10:00:00Z","words":"(removed, 7 bytes)"}}`,
		},
		{`{"text":"hello Robin","id":"wamid.1`, `{"text":"(removed, 11 bytes)","id":"(removed, 6 bytes)"`},
		{`Body=hello+Robin&From=whatsapp%3A447700900123&Sid=SM1%`, `Body=removed&From=whatsapp%3A447700900123&Sid=removed`},
		{`hello Robin`, `"(removed, 11 bytes)"`},
	} {
		r := p.Read([]byte(c.body), "", Source{})
		if len(r.Updates) != 1 || r.Updates[0].Outcome != Unknown {
			t.Fatalf("%s: %+v", c.body, r.Updates)
		}
		if got := string(r.Updates[0].Kept); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestBodiesHaveBounds(t *testing.T) {
	p, _ := New("meta")
	one := func(body []byte, reason string) {
		t.Helper()
		r := p.Read(body, "", Source{})
		if len(r.Updates) != 1 || r.Updates[0].Outcome != Unknown || r.Updates[0].Reason != reason {
			t.Errorf("%d bytes: %d updates, the first %s: %s, want %s", len(body), len(r.Updates), r.Updates[0].Outcome, r.Updates[0].Reason, reason)
		}
	}
	one(bytes.Repeat([]byte(" "), MaxBody+1), "too_large")
	one([]byte(string(bytes.Repeat([]byte(`{"a":`), MaxDepth+1))+"1"+string(bytes.Repeat([]byte("}"), MaxDepth+1))), "too_deep")

	var statuses []any
	for i := range MaxUpdates + 7 {
		statuses = append(statuses, map[string]any{"id": "wamid." + stamp(int64(i)), "status": "read", "timestamp": "1795860000", "recipient_id": "447700900123"})
	}
	body, _ := json.Marshal(map[string]any{"entry": []any{map[string]any{"id": "1", "changes": []any{map[string]any{
		"field": "messages", "value": map[string]any{"metadata": map[string]any{"phone_number_id": "2"}, "statuses": statuses},
	}}}}})
	r := p.Read(body, "application/json", Source{})
	var kept int
	for _, u := range r.Updates {
		if u.Outcome == Unknown && u.Reason == "too_many_updates" {
			kept++
		}
	}
	if len(r.Events()) != MaxUpdates || kept != 7 {
		t.Errorf("%d events and %d kept, want %d and 7", len(r.Events()), kept, MaxUpdates)
	}
}

func TestTimesInEveryForm(t *testing.T) {
	for _, c := range []struct {
		json string
		want int64
	}{
		{`1795860000`, 1795860000000},
		{`"1795860000"`, 1795860000000},
		{`1795860000123`, 1795860000123},
		{`"1795860000123"`, 1795860000123},
		{`1795860000.987654`, 1795860000987},
		{`"1795860000.5"`, 1795860000500},
		{`1795860000123456`, 1795860000123},
		{`1795860000123456789`, 1795860000123},
		{`1.79586e9`, 1795860000000},
		{`{"low":1795860000,"high":0,"unsigned":true}`, 1795860000000},
		{`{"low":563671067,"high":418,"unsigned":true}`, 1795860000795},
		{`{"seconds":"1795860000","nanos":5}`, 1795860000000},
		{`"2026-11-28T10:00:00Z"`, 1795860000000},
		{`"2026-11-28T10:00:00.123Z"`, 1795860000123},
		{`"2026-11-28T10:00:00.1234567Z"`, 1795860000123},
		{`"2026-11-28T10:00:00.000+0000"`, 1795860000000},
		{`"2026-11-28T15:30:00+05:30"`, 1795860000000},
		{`"2026-11-28T15:30:00+0530"`, 1795860000000},
		{`"2026-11-28T10:00:00"`, 1795860000000},
		{`"2026-11-28 10:00:00"`, 1795860000000},
		{`"2026-11-28 10:00:00 +0000"`, 1795860000000},
		{`"Sat, 28 Nov 2026 10:00:00 +0000"`, 1795860000000},
		{`""`, 0},
		{`null`, 0},
		{`0`, 0},
		{`-1`, 0},
		{`"soon"`, 0},
		{`true`, 0},
		{`1e400`, 0},
		{`99999999999999999999`, 0},
		{`{"low":"x"}`, 0},
		{`"2003-01-01T00:00:00Z"`, 0},
	} {
		v, reason := parse([]byte(`{"t":`+c.json+`}`), "")
		if reason != "" {
			t.Fatalf("%s: %s", c.json, reason)
		}
		if got, ok := millis(get(v, "t")); ok && got != c.want || !ok && c.want != 0 {
			t.Errorf("%s: %d, want %d", c.json, got, c.want)
		}
	}
}
