package engine_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// statusKey is the key of a row of number_status.
type statusKey struct {
	number string
	minute int64
}

// statusRows are the rows of number_status that count, and how many were written.
type statusRows struct {
	rows    map[statusKey]event.NumberStatus
	written int
}

// take keeps the rows that count. Two of one version must say the same.
func (s *statusRows) take(t *testing.T, out *event.Output) {
	t.Helper()
	for _, r := range out.NumberStatuses {
		k := statusKey{r.NumberID, r.Minute}
		r.Top = slices.Clone(r.Top)
		before, ok := s.rows[k]
		if ok && before.Version == r.Version {
			if d := differs(before, r); d != "" {
				t.Fatalf("%v has two rows of version %d:\n%s", k, r.Version, d)
			}
		}
		if !ok || before.Version <= r.Version {
			s.rows[k] = r
		}
		s.written++
	}
	out.Reset()
}

// differs returns how two rows differ, but for their versions; "" if they do not.
func differs(want, got event.NumberStatus) string {
	got.Version = want.Version
	same := slices.EqualFunc(want.Facts[:], got.Facts[:], func(x, y float64) bool { return x == y || x != x && y != y })
	bare := func(s event.NumberStatus) event.NumberStatus { s.Facts, s.Top = event.Facts{}, nil; return s }
	if same && slices.Equal(want.Top, got.Top) && reflect.DeepEqual(bare(want), bare(got)) {
		return ""
	}
	return gocmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty())
}

// playStatuses plays the first records of the demo, some minutes without any among them,
// with a flush after about every so many records, and calls flushed behind each.
func playStatuses(t *testing.T, cfg engine.Config, every int, seed uint64, flushed func(e *engine.Engine, s *statusRows)) *statusRows {
	t.Helper()
	cfg.Topic, cfg.Policy, cfg.PaneBits = "t", policy.Default(), 16
	e := engine.New(cfg)
	d := codec.NewDecoder(codec.Config{StopWords: cfg.Policy.StopWords, ResumeWords: cfg.Policy.ResumeWords})
	random := rand.New(rand.NewPCG(seed, 1))
	s := &statusRows{rows: map[statusKey]event.NumberStatus{}}
	var out event.Output
	var ev event.Event
	apply := func(more bool) {
		for ; more; more = e.Continue(&out) {
			s.take(t, &out)
		}
	}
	values, ends, times := records(t, 40_000)
	offset, from := int64(0), 0
	for i, end := range ends {
		value := values[from:end]
		from = end
		offset++
		if err := d.Decode(&ev, value, codec.ContentJSON, times[i]); err != nil {
			apply(e.Skip(event.ClassRejected, offset, times[i], &out))
			continue
		}
		_, more := e.Apply(&ev, offset, times[i], &out)
		apply(more)
		if random.IntN(every) == 0 {
			for more := true; more; {
				more = e.Flush(&out)
				s.take(t, &out)
			}
			if flushed != nil {
				flushed(e, s)
			}
		}
	}
	// Two minutes that nothing else happens in: what was owed is written.
	for _, wait := range []int64{61, 62} {
		offset++
		clock := event.Event{Type: event.TypeClock, ID: fmt.Appendf(nil, "clock %d", wait), Time: times[len(times)-1] + wait*60_000}
		_, more := e.Apply(&clock, offset, clock.Time, &out)
		apply(more)
	}
	for e.Flush(&out) {
	}
	s.take(t, &out)
	return s
}

// unseen returns what a reader of one row would notice in another, "" for nothing.
func unseen(a, b *event.NumberStatus) string {
	if a.Score != b.Score || a.Band != b.Band || a.Levels != b.Levels || a.Silences != b.Silences ||
		a.AnsweredSender != b.AnsweredSender || a.WABAID != b.WABAID || a.PortfolioID != b.PortfolioID {
		return "score, levels or membership"
	}
	for f := range event.NumFacts {
		x, y := a.Facts[f], b.Facts[f]
		within := math.Abs(x - y)
		switch f.Type() {
		case event.FactCount:
			bound := 2 + max(x, y)/8
			if f == event.FactSent1m || f == event.FactInitiated1m {
				bound += 6
			}
			if within >= bound {
				return fmt.Sprintf("%s: %v and %v", f, x, y)
			}
		case event.FactRatio:
			if (x != x) != (y != y) || within >= 0.05 && within >= max(x, y)/8 {
				return fmt.Sprintf("%s: %v and %v", f, x, y)
			}
		default:
			if x != y && (x == x || y == y) {
				return fmt.Sprintf("%s: %v and %v", f, x, y)
			}
		}
	}
	return ""
}

// TestStatusesByChange plays traffic twice: with a row for every minute in which anything
// changed, and by change. Each row of the second is one of the first. Where the first has
// a row and the second has none, the one before says the same to a reader, and nothing
// that changed waits for more than an hour.
func TestStatusesByChange(t *testing.T) {
	all := playStatuses(t, engine.Config{}, 500, 1, nil)
	some := playStatuses(t, engine.Config{StatusByChange: true}, 500, 1, nil)
	if some.written > all.written*6/10 { // small numbers of a fresh log: what they do is seen
		t.Errorf("%d rows by change, %d without: that saves too little", some.written, all.written)
	}
	t.Logf("%d rows instead of %d, of %d minutes instead of %d", some.written, all.written, len(some.rows), len(all.rows))
	last := map[string]event.NumberStatus{} // of the rows by change
	owed := map[string]int64{}              // the minute of the first change that none shows
	keys := slices.SortedFunc(maps.Keys(all.rows), func(a, b statusKey) int { return int(a.minute - b.minute) })
	final := map[string]int64{}
	for _, k := range keys {
		final[k.number] = k.minute
	}
	for _, k := range keys {
		want := all.rows[k]
		got, ok := some.rows[k]
		if ok {
			if d := differs(want, got); d != "" {
				t.Fatalf("the row of %v:\n%s", k, d)
			}
			last[k.number] = got
			delete(owed, k.number)
			continue
		}
		before, shown := last[k.number]
		if !shown {
			t.Fatalf("number %s has no row at minute %d", k.number, k.minute)
		}
		if d := unseen(&before, &want); d != "" && k.minute != final[k.number] { // what the last record brings is not over
			t.Fatalf("there is no row of %v, and the one of minute %d differs in %s", k, before.Minute, d)
		}
		if owed[k.number] == 0 {
			owed[k.number] = k.minute
		}
		if late := (k.minute - owed[k.number]) / 60_000; late > 61 {
			t.Fatalf("a change of %s in minute %d is not shown %d minutes later", k.number, owed[k.number], late)
		}
	}
	for k := range some.rows {
		if _, ok := all.rows[k]; !ok {
			t.Errorf("there is a row of %v, in which nothing changed", k)
		}
	}
}

// TestStatusesByChangeAreOfTheLog plays traffic with other flushes and in portions: the
// rows that count are the same.
func TestStatusesByChangeAreOfTheLog(t *testing.T) {
	want := playStatuses(t, engine.Config{StatusByChange: true}, 500, 1, nil)
	for seed, every := range []int{7, 90_000} {
		got := playStatuses(t, engine.Config{StatusByChange: true, Budget: 1 + 50*seed}, every, uint64(seed), nil)
		for k, r := range got.rows {
			row, ok := want.rows[k]
			if d := differs(row, r); !ok || d != "" {
				t.Fatalf("with a flush after %d records the row of %v, there before: %v\n%s", every, k, ok, d)
			}
		}
		if len(got.rows) != len(want.rows) {
			t.Errorf("with a flush after %d records there are %d rows, want %d", every, len(got.rows), len(want.rows))
		}
	}
}

// TestALevelIsWrittenAtOnce looks at every number after every flush: its newest row has
// the levels and the band that it has now.
func TestALevelIsWrittenAtOnce(t *testing.T) {
	flushes, moved := 0, 0
	levels := map[string][event.NumNumberFactors]event.Level{}
	playStatuses(t, engine.Config{StatusByChange: true}, 100, 3, func(e *engine.Engine, s *statusRows) {
		flushes++
		newest := map[string]event.NumberStatus{}
		for _, r := range s.rows {
			if before, ok := newest[r.NumberID]; !ok || r.Minute > before.Minute {
				newest[r.NumberID] = r
			}
		}
		var now event.Output
		e.Statuses(&now)
		for _, r := range now.NumberStatuses {
			if row, ok := newest[r.NumberID]; !ok || row.Levels != r.Levels || row.Band != r.Band {
				t.Fatalf("flush %d: number %s has levels %v, band %v; its newest row has %v, %v", flushes, r.NumberID, r.Levels, r.Band, row.Levels, row.Band)
			}
			if before, ok := levels[r.NumberID]; ok && before != r.Levels {
				moved++
			}
			levels[r.NumberID] = r.Levels
		}
	})
	if moved < 3 {
		t.Errorf("levels have moved %d times in %d flushes: that shows little", moved, flushes)
	}
}
