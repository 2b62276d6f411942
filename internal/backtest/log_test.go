package backtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

func newTestLog(t *testing.T, seed uint64, numbers, days int) *Log {
	t.Helper()
	p := policy.Default()
	l, err := NewLog(LogConfig{Seed: seed, Numbers: numbers, Days: days, StopWords: p.StopWords, ResumeWords: p.ResumeWords})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// digest reads a log to its end.
func digest(l *Log) [sha256.Size]byte {
	h := sha256.New()
	var r traffic.Record
	var head [12]byte
	for l.Next(&r) {
		binary.LittleEndian.PutUint64(head[:8], uint64(r.Time))
		binary.LittleEndian.PutUint32(head[8:], uint32(len(r.Value)))
		h.Write(head[:])
		h.Write(r.Key)
		h.Write(r.Value)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// TestSameSeedSameLog reads a log twice: bytes and labels are the same, and
// another seed makes others.
func TestSameSeedSameLog(t *testing.T) {
	a, b, c := newTestLog(t, 3, 40, 8), newTestLog(t, 3, 40, 8), newTestLog(t, 4, 40, 8)
	first := digest(a)
	if first != digest(b) {
		t.Error("two logs of one seed differ")
	}
	if first == digest(c) {
		t.Error("two seeds give one log")
	}
	if diff := cmp.Diff(a.Labels(), b.Labels()); diff != "" {
		t.Errorf("two logs of one seed have other labels:\n%s", diff)
	}
}

// TestLogTellsWhatItsLabelsSay holds the restrictions of the log against the
// labels, and looks for what the log must not show: the platform's own words,
// guests' names, records out of order.
func TestLogTellsWhatItsLabelsSay(t *testing.T) {
	l := newTestLog(t, 5, 60, 14)
	decoder := codec.NewDecoder(codec.Config{})
	guests := map[string]bool{}
	for _, s := range l.senders {
		if s.host != s {
			guests[s.number.ID] = true
		}
	}
	if len(guests) == 0 {
		t.Fatal("no healthy shop shares a number: this log shows no heavy traffic")
	}
	written := map[string][]int64{}
	var r traffic.Record
	var ev event.Event
	last, sends := l.Start(), map[string]int{}
	for l.Next(&r) {
		if r.Time < last || r.Time >= l.End() {
			t.Fatalf("a record at %d after one at %d, the end being %d", r.Time, last, l.End())
		}
		last = r.Time
		if decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time) != nil {
			continue
		}
		id := string(ev.NumberID)
		switch ev.Type {
		case event.TypeAccount:
			if !ev.HasExpires || ev.State != event.StateRestricted || ev.Scope != event.ScopeNumber || ev.Time != r.Time {
				t.Errorf("a restriction that is none: %s", r.Value)
			}
			written[id] = append(written[id], ev.Time)
		case event.TypeQuality, event.TypeTemplate:
			t.Errorf("the platform speaks before it acts: %s", r.Value)
		case event.TypeSent:
			sends[id]++
		}
		if ev.ErrorCode == 131031 || ev.ErrorCode == 368 {
			t.Errorf("an account error: %s", r.Value)
		}
		if ev.Type != event.TypeUnknown && guests[id] {
			t.Fatalf("a guest under its own name: %s", r.Value)
		}
	}
	restricted := 0
	for _, label := range l.Labels() {
		if !slices.Equal(written[label.ID], label.Restricted) {
			t.Errorf("%s is restricted at %v by the log and at %v by its label", label.ID, written[label.ID], label.Restricted)
		}
		if len(label.Restricted) > 0 {
			restricted++
			if sends[label.ID] == 0 {
				t.Errorf("%s is restricted and has sent nothing", label.ID)
			}
		}
	}
	if restricted < 3 {
		t.Errorf("%d numbers are restricted in two weeks of 60 senders, want some", restricted)
	}
}

// TestObedientSendersFallSilent looks for messages of numbers that stop while
// they are restricted.
func TestObedientSendersFallSilent(t *testing.T) {
	l := newTestLog(t, 5, 60, 14)
	of := map[string]*sender{}
	for _, s := range l.senders {
		of[s.number.ID] = s
	}
	decoder := codec.NewDecoder(codec.Config{})
	var r traffic.Record
	var ev event.Event
	quiet, going := 0, 0
	for l.Next(&r) {
		s := of[string(r.Key)]
		if s == nil || r.Time >= s.until || decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time) != nil {
			continue
		}
		switch {
		case ev.Type == event.TypeAccount && s.obeys:
			quiet++
		case ev.Type == event.TypeSent && s.obeys:
			t.Fatalf("%s sends while restricted: %s", s.label.ID, r.Value)
		case ev.Type == event.TypeSent:
			going++
		case ev.HasContact:
			t.Fatalf("%s hears of a message that cannot have arrived: %s", s.label.ID, r.Value)
		}
	}
	if quiet == 0 || going == 0 {
		t.Errorf("%d obedient numbers restricted, %d sends of others while restricted: want both", quiet, going)
	}
}

// TestGradualSendersGrow checks the ramp: more contacts as days go by, and none
// that was dealt with is dropped.
func TestGradualSendersGrow(t *testing.T) {
	s := &sender{ramp: 10 * day, label: Label{Turns: 5 * day}}
	count := func(t int64) int {
		n := 0
		for c := range uint64(1000) {
			if s.means(c*(math.MaxUint64/1000), t) {
				n++
			}
		}
		return n
	}
	if all, none := count(4*day), count(15*day); all != 1000 || none != 1000 {
		t.Errorf("%d contacts before its turn and %d after its ramp, want all", all, none)
	}
	for hours, want := range map[int64]int{0: 100, 120: 550, 216: 910} {
		if got := count(5*day + hours*hour); got < want-5 || got > want+5 {
			t.Errorf("%d h after its turn it deals with %d of 1000 contacts, want about %d", hours, got, want)
		}
	}
}

func TestNewLogRefusesImpossibleLengths(t *testing.T) {
	for _, days := range []int{0, -1, 367} {
		if _, err := NewLog(LogConfig{Seed: 1, Numbers: 10, Days: days}); err == nil || !bytes.Contains([]byte(err.Error()), []byte("Days")) {
			t.Errorf("%d days: %v, want an error that names Days", days, err)
		}
	}
}
