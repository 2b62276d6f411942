package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// lastRows is what remains of outputs in a store: of each key the row that was written last.
type lastRows struct {
	rows    map[string]string
	flags   []string
	changes []event.PortfolioChange
	written int
}

func (l *lastRows) take(out *event.Output) {
	put := func(key string, row any) {
		l.rows[key] = fmt.Sprintf("%+v", row)
		l.written++
	}
	for _, r := range out.NumberMinutes {
		r.Version, r.PortfolioID = 0, "" // which are those of when it is written
		put(fmt.Sprint("minute ", r.NumberID, r.Minute, r.Pane.Pane), r)
	}
	for _, r := range out.FingerprintHours {
		r.Version, r.PortfolioID = 0, "" // which are those of when it is written
		put(fmt.Sprint("hour ", r.NumberID, r.Hour, r.Fingerprint, r.Pane.Pane), r)
	}
	for _, r := range out.ContactOutcomes {
		r.Version, r.PortfolioID = 0, "" // which are those of when it is written
		put(fmt.Sprint("contact ", r.NumberID, r.Contact, r.Pane.Pane), r)
	}
	for _, r := range out.NumberStatuses {
		r.Version = 0
		put(fmt.Sprint("status ", r.NumberID, r.Minute), r)
	}
	for i := range out.Flags {
		l.flags = append(l.flags, fmt.Sprintf("%+v", out.Flags[i]))
	}
	l.changes = append(l.changes, out.Changes...)
	out.Reset()
}

// playLog plays a log, and has what changed written now and then: some of it or all.
func playLog(log []byte, byChange bool, write func(e *engine.Engine, offset int64, out *event.Output)) *lastRows {
	p := policy.Default()
	e := engine.New(engine.Config{Topic: "t", Policy: p, PaneBits: 7, Feed: true, Budget: 10, StatusByChange: byChange, AnyOrder: true})
	decoder := codec.NewDecoder(codec.Config{StopWords: p.StopWords, ResumeWords: p.ResumeWords})
	got := &lastRows{rows: map[string]string{}}
	var ev event.Event
	var out event.Output
	flush := func() {
		for e.Flush(&out) {
		}
	}
	eachLine(log, func(offset, at int64, line []byte) {
		if decoder.Decode(&ev, line, codec.ContentJSON, at) != nil {
			return
		}
		_, more := e.Apply(&ev, offset, at, &out)
		for more {
			more = e.Continue(&out)
		}
		write(e, offset, &out)
		if offset%97 == 0 {
			flush()
		}
		got.take(&out)
	})
	flush()
	got.take(&out)
	return got
}

// TestFlushSome plays the worked examples, with some of what changed written between any two records: the rows that
// remain are those that flushes alone leave, and the changes for portfolios are the same in the same order.
func TestFlushSome(t *testing.T) {
	for _, name := range examples {
		log, err := os.ReadFile(filepath.Join("testdata", "examples", name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		for _, byChange := range []bool{false, true} {
			want := playLog(log, byChange, func(*engine.Engine, int64, *event.Output) {})
			random := rand.New(rand.NewPCG(1, 2))
			got := playLog(log, byChange, func(e *engine.Engine, _ int64, out *event.Output) {
				before, left := out.Len(), e.Unwritten()
				most := 1 + random.IntN(20)
				e.FlushSome(most, out)
				if n := out.Len() - before; n > min(left, most+6) || left >= most && e.Unwritten() > left-most {
					t.Fatalf("%d of %d were written, %d wanted; %d are left", n, left, most, e.Unwritten())
				}
			})
			if diff := gocmp.Diff(want.rows, got.rows); diff != "" {
				t.Errorf("%s: rows that remain, by change %v (-flushed, +written bit by bit):\n%s", name, byChange, diff)
			}
			if diff := gocmp.Diff(want.flags, got.flags); diff != "" {
				t.Errorf("%s: flags: %s", name, diff)
			}
			if diff := gocmp.Diff(want.changes, got.changes); diff != "" {
				t.Errorf("%s: changes for portfolios: %s", name, diff)
			}
			if got.written < want.written {
				t.Errorf("%s: %d rows written bit by bit, %d by flushes", name, got.written, want.written)
			}
		}
	}
}

// TestFlushSomeTakesFewNumbers has contents of many numbers in any order written some at a time: those of a
// number are written together, of all tables.
func TestFlushSomeTakesFewNumbers(t *testing.T) {
	const start, numbers, sends = 1_760_000_040_000, 400, 2000
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog, AnyOrder: true})
	var out event.Output
	for i, k := range rand.New(rand.NewPCG(3, 4)).Perm(sends) {
		ev := event.Event{
			Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: start, NumberID: fmt.Appendf(nil, "n%d", k%numbers),
			Contact: uint64(k), HasContact: true, Kind: event.KindText, Fingerprint: uint64(k),
		}
		e.Apply(&ev, int64(i), ev.Time, &out)
	}
	out.Reset()
	calls, named := 0, 0
	for e.Unwritten() > 0 {
		e.FlushSome(240, &out) // the rows of twenty numbers: five contents, five contacts, a minute, a status
		of := map[string]bool{}
		for i := range out.NumberMinutes {
			of[out.NumberMinutes[i].NumberID] = true
		}
		for i := range out.ContactOutcomes {
			of[out.ContactOutcomes[i].NumberID] = true
		}
		for i := range out.FingerprintHours {
			of[out.FingerprintHours[i].NumberID] = true
		}
		for i := range out.NumberStatuses {
			of[out.NumberStatuses[i].NumberID] = true
		}
		calls, named = calls+1, named+len(of)
		out.Reset()
	}
	if calls < 15 || named > 25*calls {
		t.Errorf("%d calls had rows of %d numbers, want some twenty each", calls, named)
	}
}
