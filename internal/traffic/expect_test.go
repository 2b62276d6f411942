package traffic_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

var seeds = flag.Uint64("seeds", 1, "how many seeds the expectations are checked with")

// found is what the engine made of one number or portfolio.
type found struct {
	first map[event.Factor]int64 // event time of the first flag
	worst int                    // score
}

// watch plays a month through the codec and the engine, as one partition.
func watch(t *testing.T, seed uint64) (*traffic.Generator, map[string]*found, engine.Stats) {
	t.Helper()
	rules := policy.Default()
	decoder := codec.NewDecoder(codec.Config{StopWords: rules.StopWords, ResumeWords: rules.ResumeWords})
	e := engine.New(engine.Config{Policy: rules, PaneBits: 16, NoContacts: true, FinalStatusOnly: true, Portfolios: true})
	g := generator(t, traffic.Config{Seed: seed, Start: start, End: start.Add(30 * day)})
	all := map[string]*found{}
	of := func(id string) *found {
		if all[id] == nil {
			all[id] = &found{map[event.Factor]int64{}, 100}
		}
		return all[id]
	}
	var (
		r   traffic.Record
		ev  event.Event
		out event.Output
	)
	for offset := int64(0); g.Next(&r); offset++ {
		content := codec.ContentUnknown
		for _, h := range r.Headers {
			if h.Key == codec.ContentTypeHeader {
				content = codec.ParseContentType(h.Value)
			}
		}
		if err := decoder.Decode(&ev, r.Value, content, r.Time); err != nil {
			e.Skip(event.ClassRejected, offset, r.Time, &out)
		} else {
			e.Apply(&ev, offset, r.Time, &out)
		}
		for i := range out.Flags {
			f := &out.Flags[i]
			id := f.NumberID
			if id == "" {
				id = f.PortfolioID
			} else {
				of(id).worst = min(of(id).worst, f.Score)
			}
			factor := f.Factor
			if factor == event.FactorTrustScore && f.Level != event.LevelDanger {
				continue
			}
			if _, ok := of(id).first[factor]; !ok && f.Level != event.LevelNone {
				of(id).first[factor] = f.EventTime
			}
		}
		out.Reset()
	}
	return g, all, e.Stats()
}

// The labels are only worth something if the engine agrees: every misbehaving
// number is flagged for what it was built to do, in time, and no healthy one
// comes near a restriction.
func TestEngineFindsWhatTheLabelsSay(t *testing.T) {
	if testing.Short() {
		t.Skip("plays a month")
	}
	for seed := uint64(1); seed <= *seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			g, all, stats := watch(t, seed)
			t.Logf("%v by class, %d late", stats.Records, stats.Late)
			if total := stats.Records[event.ClassApplied]; total < 1_500_000 || total > 3_000_000 {
				t.Errorf("%d applied events in a month, want 1.5 to 3 million", total)
			}
			extras := map[string]map[event.Factor]int{}
			count := map[string]int{}
			for _, n := range g.Numbers() {
				f := all[n.ID]
				if f == nil {
					f = &found{worst: 100}
				}
				count[n.Profile]++
				if extras[n.Profile] == nil {
					extras[n.Profile] = map[event.Factor]int{}
				}
				for factor := range f.first {
					extras[n.Profile][factor]++
				}
				if _, danger := f.first[event.FactorTrustScore]; n.Healthy && (danger || f.worst < 40) {
					t.Errorf("healthy %s (%s) fell to a score of %d", n.ID, n.Profile, f.worst)
				}
				expect(t, n.ID+" ("+n.Profile+")", n.Expects, f)
			}
			for _, p := range g.Portfolios() {
				expect(t, p.ID, p.Expects, all[p.ID])
			}
			for _, name := range slices.Sorted(maps.Keys(extras)) {
				var b strings.Builder
				for _, f := range slices.Sorted(maps.Keys(extras[name])) {
					fmt.Fprintf(&b, " %s %d", f, extras[name][f])
				}
				t.Logf("%-16s %2d:%s", name, count[name], b.String())
			}
		})
	}
}

func expect(t *testing.T, who string, expects []traffic.Expectation, f *found) {
	t.Helper()
	for _, e := range expects {
		if f == nil {
			t.Errorf("%s has no flag at all", who)
			return
		}
		if at, ok := f.first[e.Factor]; !ok {
			t.Errorf("%s was not flagged for %s; it was for %v", who, e.Factor, slices.Sorted(maps.Keys(f.first)))
		} else if at > e.By {
			t.Errorf("%s was flagged for %s %.1f days after it was expected", who, e.Factor, float64(at-e.By)/86_400_000)
		}
	}
}

// Every record ends where the label of its kind says: what can be read is read.
func TestEveryEventDecodes(t *testing.T) {
	rules := policy.Default()
	decoder := codec.NewDecoder(codec.Config{StopWords: rules.StopWords, ResumeWords: rules.ResumeWords})
	g := generator(t, traffic.Config{Seed: 2, Start: start, End: start.Add(4 * day)})
	reasons := map[string]int{}
	var r traffic.Record
	var ev event.Event
	total := 0
	for g.Next(&r) {
		total++
		if err := decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time); err != nil {
			rejection, ok := errors.AsType[*codec.Rejection](err)
			if !ok {
				t.Fatalf("%T: %v", err, err)
			}
			reasons[rejection.Reason]++
			continue
		}
		if ev.Time > r.Time || ev.Type == event.TypeNone {
			t.Fatalf("event of type %v at %d arrives at %d: %s", ev.Type, ev.Time, r.Time, r.Value)
		}
	}
	rejected := 0
	for _, n := range reasons {
		rejected += n
	}
	if rejected == 0 || rejected > total/3_000 || len(reasons) < 5 {
		t.Errorf("%d of %d records rejected: %v; want about one in ten thousand, of many kinds", rejected, total, reasons)
	}
	t.Log(reasons)
}
