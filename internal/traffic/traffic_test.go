package traffic_test

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"testing"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

const day = 24 * time.Hour

var start = time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC)

func generator(t testing.TB, c traffic.Config) *traffic.Generator {
	t.Helper()
	g, err := traffic.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// digest hashes everything a record consists of.
func digest(g *traffic.Generator) (sum uint64, records int) {
	h := fnv.New64a()
	var r traffic.Record
	for g.Next(&r) {
		h.Write([]byte(time.UnixMilli(r.Time).UTC().Format(time.RFC3339Nano)))
		h.Write(r.Key)
		h.Write(r.Value)
		for _, header := range r.Headers {
			h.Write([]byte(header.Key))
			h.Write(header.Value)
		}
		records++
	}
	return h.Sum64(), records
}

func TestSameSeedSameBytes(t *testing.T) {
	c := traffic.Config{Seed: 7, Numbers: 60, Start: start, End: start.Add(4 * day)}
	first, n := digest(generator(t, c))
	second, _ := digest(generator(t, c))
	if first != second {
		t.Errorf("the same seed gave %016x and %016x", first, second)
	}
	if n < 10_000 {
		t.Errorf("only %d records in 4 days", n)
	}
	c.Seed = 8
	if other, _ := digest(generator(t, c)); other == first {
		t.Error("another seed gave the same records")
	}
}

// A history that begins on another date has the same records, moved.
func TestStartMovesOnlyTimes(t *testing.T) {
	a := generator(t, traffic.Config{Seed: 3, Numbers: 40, Start: start})
	b := generator(t, traffic.Config{Seed: 3, Numbers: 40, Start: start.Add(100 * day)})
	var ra, rb traffic.Record
	for i := range 20_000 {
		a.Next(&ra)
		b.Next(&rb)
		if rb.Time-ra.Time != (100*day).Milliseconds() || !bytes.Equal(ra.Key, rb.Key) || len(ra.Value) != len(rb.Value) {
			t.Fatalf("record %d differs: %d %s and %d %s", i, ra.Time, ra.Value, rb.Time, rb.Value)
		}
	}
}

func TestRecordsComeInOrderOfArrival(t *testing.T) {
	g := generator(t, traffic.Config{Seed: 1, Start: start, End: start.Add(3 * day)})
	numbers := g.Numbers()
	var last int64
	var r traffic.Record
	for g.Next(&r) {
		if r.Time < last {
			t.Fatalf("%d comes after %d", r.Time, last)
		}
		last = r.Time
		if want := numbers[r.Number]; !r.Shared && string(r.Key) != want.ID {
			t.Fatalf("key %s of a record of %s", r.Key, want.ID)
		}
	}
}

// raw is what the tests look at in a record.
type raw struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Time   json.RawMessage `json:"time"`
	Number string          `json:"number_id"`
	Status string          `json:"status"`
	Kind   string          `json:"kind"`
}

func (r *raw) millis() int64 {
	var v int64
	if json.Unmarshal(r.Time, &v) == nil {
		return v
	}
	var t time.Time
	if json.Unmarshal(r.Time, &t) != nil {
		return 0
	}
	return t.UnixMilli()
}

func TestRatesAsPromised(t *testing.T) {
	g := generator(t, traffic.Config{Seed: 1, Start: start, End: start.Add(7 * day)})
	var (
		r                                                traffic.Record
		total, unreadable, again, late, veryLate, passed int
		newest                                           int64
		types, statuses                                  = map[string]int{}, map[string]int{}
		seen                                             = map[string]int64{}
	)
	for g.Next(&r) {
		total++
		var e raw
		if json.Unmarshal(r.Value, &e) != nil || len(r.Value) > 256<<10 {
			unreadable++
			continue
		}
		at := e.millis()
		types[e.Type]++
		if at > r.Time || at < start.Add(-day).UnixMilli() {
			unreadable++
			continue
		}
		statuses[e.Status]++
		if first, ok := seen[e.ID]; ok {
			again++
			if r.Time-first > time.Hour.Milliseconds() {
				t.Errorf("%s comes again after %d ms, beyond the dedup horizon", e.ID, r.Time-first)
			}
		}
		seen[e.ID] = r.Time
		switch lag := r.Time - at; {
		case lag > day.Milliseconds():
			veryLate++
		case lag > time.Minute.Milliseconds():
			late++
		}
		if at < newest {
			passed++
		}
		newest = max(newest, at)
	}
	per := func(n int) float64 { return float64(n) / float64(total) * 1e6 }
	for _, c := range []struct {
		what     string
		got      float64
		from, to float64
	}{
		{"records a day", float64(total) / 7, 50_000, 110_000},
		{"unreadable, of a million", per(unreadable), 50, 200},
		{"of an unknown type, of a million", per(types["typing.started"]), 20, 120},
		{"twice, of a million", per(again), 3_000, 5_000},
		{"over a minute late, of a million", per(late), 3_000, 15_000},
		{"over a day late, of a million", per(veryLate), 60, 300},
		{"overtaken, of a million", per(passed), 10_000, 200_000},
		{"delivered or read, of a send", float64(statuses["delivered"]+statuses["read"]) / float64(types["message.sent"]), 1.2, 2},
		{"failed, of a send", float64(statuses["failed"]) / float64(types["message.sent"]), .003, .06},
		{"received, of a send", float64(types["message.received"]) / float64(types["message.sent"]), .15, .8},
	} {
		if c.got < c.from || c.got > c.to {
			t.Errorf("%s: %.4g, want %.4g to %.4g", c.what, c.got, c.from, c.to)
		} else {
			t.Logf("%s: %.4g", c.what, c.got)
		}
	}
	for typ := event.TypeSent; typ <= event.TypeLimit; typ++ {
		if types[typ.String()] == 0 {
			t.Errorf("no %s in a week", typ)
		}
	}
	t.Log(types, statuses)
}

func TestLabelsAreComplete(t *testing.T) {
	g := generator(t, traffic.Config{Seed: 1, Start: start})
	numbers := g.Numbers()
	if len(numbers) != traffic.DefaultNumbers {
		t.Fatalf("%d numbers, want %d", len(numbers), traffic.DefaultNumbers)
	}
	expected := map[event.Factor]int{}
	portfolios, accounts, profiles := map[string]bool{}, map[string]bool{}, map[string]bool{}
	healthy := 0
	for i, n := range numbers {
		portfolios[n.Portfolio], accounts[n.WABA], profiles[n.Profile] = true, true, true
		if n.Healthy {
			healthy++
		}
		if n.Healthy == (len(n.Expects) > 0) || n.ID == "" || n.Country == "" || n.Connection == event.ConnectionNone {
			t.Errorf("number %d has an incomplete label: %+v", i, n)
		}
		for _, e := range n.Expects {
			expected[e.Factor]++
			if by := time.Duration(e.By-g.Start()) * time.Millisecond; by > 30*day {
				t.Errorf("%s (%s) is expected to flag %s only after %v", n.ID, n.Profile, e.Factor, by)
			}
		}
	}
	for f := range event.FactorTrustScore {
		// These two raise no flags; the early restart and its like are checked by their own.
		if f.Flags() && expected[f] == 0 && f != event.FactorTrustScore {
			t.Errorf("no number is built to trip %s", f)
		}
	}
	of := map[event.Factor]bool{}
	for _, p := range g.Portfolios() {
		for _, e := range p.Expects {
			of[e.Factor] = true
		}
	}
	for _, f := range []event.Factor{event.FactorLimitUsage, event.FactorContagion, event.FactorSharedConnection} {
		if !of[f] {
			t.Errorf("no portfolio is built to trip %s", f)
		}
	}
	if healthy < 100 || healthy > 140 || len(portfolios) != 12 || len(accounts) < 28 || len(accounts) > 32 {
		t.Errorf("%d healthy numbers, %d portfolios, %d WABAs; want about 120, 12 and 30", healthy, len(portfolios), len(accounts))
	}
	t.Log(slices.Sorted(maps.Keys(profiles)))
}

func TestFewNumbersAreOfBothKinds(t *testing.T) {
	for _, count := range []int{1, 2, 5, 33, 34, 199, 1000} {
		numbers := generator(t, traffic.Config{Numbers: count}).Numbers()
		if len(numbers) != count {
			t.Errorf("asked for %d numbers, got %d", count, len(numbers))
		}
		kinds := map[bool]int{}
		for _, n := range numbers {
			kinds[n.Healthy]++
		}
		if count > 1 && (kinds[true] == 0 || kinds[false] == 0) {
			t.Errorf("of %d numbers %d are healthy", count, kinds[true])
		}
	}
	if _, err := traffic.New(traffic.Config{Numbers: -1}); err == nil {
		t.Error("a negative number of numbers was accepted")
	}
}
