package backtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

// hardLog makes a log of the hard cast.
func hardLog(t *testing.T, seed uint64, days int) *Log {
	t.Helper()
	c := Config{Numbers: 100, Days: days, Cast: traffic.CastHard, Policy: policy.Default()}
	l, err := c.NewLog(seed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestFlagsOfAnotherRun writes the flags of one run as JSON, as replay does, and
// measures them in place of the engine's: the figures are the same.
func TestFlagsOfAnotherRun(t *testing.T) {
	c := Config{Seeds: []uint64{4}, Numbers: 40, Days: 6, Cast: traffic.CastHard, Policy: policy.Default()}
	want, err := Run(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.NewLog(4)
	if err != nil {
		t.Fatal(err)
	}
	flags, _, err := play(t.Context(), l, c.Policy, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(flags) == 0 {
		t.Fatal("no flags")
	}
	var file []byte
	for i := range flags {
		file = append(codec.AppendFlag(file, &flags[i]), '\n')
	}
	file = append(file, `{"flag_id":"x","factor":"limit_usage","portfolio_id":"p","level":"warn"}`+"\n"+`{"flag_id":"y","factor":"of_tomorrow","number_id":"number-0001","level":"danger","event_time":1}`+"\n"...)
	c.Flags = func(uint64) ([]event.Flag, error) { return ReadFlags(bytes.NewReader(file)) }
	got, err := Run(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.PolicyVersion = got.PolicyVersion
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures differ (-engine +flags):\n%s", diff)
	}
	if _, err := ReadFlags(strings.NewReader("{\n")); err == nil || !strings.Contains(err.Error(), "flag 1") {
		t.Errorf("half a flag: %v", err)
	}
	if _, err := ReadFlags(strings.NewReader(`{"id":"e1","type":"message.sent"}`)); err == nil || !strings.Contains(err.Error(), "flags.ndjson") {
		t.Errorf("an event: %v", err)
	}
}

// TestWriteLog writes a log as lines: as many as records, each an object with the
// time at which it arrives but for those that cannot be read.
func TestWriteLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.ndjson")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteLog(f, hardLog(t, 4, 2)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	l, n := hardLog(t, 4, 2), 0
	var r traffic.Record
	for ; l.Next(&r); n++ {
		at, ok := codec.RecordTime(lines[n])
		if bytes.HasPrefix(r.Value, []byte(`{"id"`)) && (!ok || at != r.Time) {
			t.Fatalf("line %d has the time %d, want %d: %s", n+1, at, r.Time, lines[n])
		}
	}
	if n != len(lines) {
		t.Errorf("%d lines for %d records", len(lines), n)
	}
}

// TestHardLog looks for what the hard cast is there for: strangers make numbers
// restricted, hardly anything else does, and restrictions of those who have no
// account input are not told.
func TestHardLog(t *testing.T) {
	l := hardLog(t, 1, 21)
	decoder := codec.NewDecoder(codec.Config{})
	lacks := map[string]event.Inputs{}
	for _, s := range l.senders {
		lacks[s.number.ID] = s.number.Lacks
	}
	var r traffic.Record
	var ev event.Event
	for l.Next(&r) {
		if decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time) != nil {
			continue
		}
		in := lacks[string(ev.NumberID)]
		switch {
		case ev.Type == event.TypeAccount && in.Has(event.InputAccount),
			ev.Type == event.TypeStatus && in.Has(event.InputStatus),
			ev.Type == event.TypeReceived && in.Has(event.InputInbound) && r.Hidden.Contact != 0:
			t.Fatalf("what the number lacks: %s", r.Value)
		}
	}
	count := map[bool][2]int{}
	fresh := 0 // honest numbers with a session of a few days: nobody has anything against them
	for _, label := range l.Labels() {
		switch label.Profile {
		case "relinked_shop", "second_device", "migrated_session":
			if fresh++; len(label.Restricted) > 0 {
				t.Errorf("%s, a %s, is restricted for %s", label.ID, label.Profile, label.Cause)
			}
		}
		c := count[label.Healthy]
		c[0]++
		if len(label.Restricted) > 0 {
			c[1]++
		}
		count[label.Healthy] = c
	}
	if fresh != 6 {
		t.Errorf("%d honest numbers with a new session, want 6", fresh)
	}
	if good, bad := count[true], count[false]; good[0] != 60 || bad[0] != 40 || good[1] > 6 || bad[1] < 20 {
		t.Errorf("restricted: %d of %d healthy numbers, %d of %d others", good[1], good[0], bad[1], bad[0])
	}
}
