package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestSampledContactsAsReplay has two portfolios write to more contacts than are
// counted one by one. A caller that takes the changes from three partitions, in any
// interleaving, evaluates to the same statuses and flags as a replay of one.
func TestSampledContactsAsReplay(t *testing.T) {
	const exact = 256
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 0))
		log := campaign(random)
		replayed := replayContacts(log, exact)
		counted := replayContacts(log, 1<<17)
		got := gatherContacts(random, log, exact)

		named := cmpopts.IgnoreFields(event.Flag{}, "FlagID", "Position")
		if d := cmp.Diff(replayed.Flags, got.Flags, named); d != "" {
			t.Fatalf("seed %d: flags differ (-replay +portfolios role):\n%s", seed, d)
		}
		versions := cmpopts.IgnoreFields(event.PortfolioStatus{}, "Version")
		if d := cmp.Diff(replayed.PortfolioStatus, got.PortfolioStatus, versions); d != "" {
			t.Fatalf("seed %d: statuses differ (-replay +portfolios role):\n%s", seed, d)
		}
		if len(replayed.Flags) == 0 || cmp.Equal(replayed.PortfolioStatus, counted.PortfolioStatus) {
			t.Fatalf("seed %d: %d flags; a sample decided nothing", seed, len(replayed.Flags))
		}
		last := func(o *event.Output) (unique []int64) {
			for _, s := range o.PortfolioStatus[len(o.PortfolioStatus)-2:] {
				unique = append(unique, s.UniqueInitiated)
			}
			return unique
		}
		if a, b := last(&replayed), last(&counted); !slices.Equal(a, b) {
			t.Errorf("seed %d: after a quiet day %v contacts, want %v", seed, a, b)
		}
	}
}

// campaign is two days of 12 numbers in two portfolios: a quiet half day, a busy
// one, a pause, and few sends again. One send in ten comes up to four hours late.
// Each minute with sends begins with a clock event, so that late ones are seen at
// the same portfolio minute wherever they are.
func campaign(random *rand.Rand) []event.Event {
	const start = 1_760_000_040_000
	var log []event.Event
	add := func(ev event.Event) {
		ev.ID = fmt.Appendf(nil, "e%d", len(log))
		log = append(log, ev)
	}
	for _, p := range []string{"p", "q"} {
		add(event.Event{Type: event.TypeLimit, Time: start, PortfolioID: []byte(p), Limit: 2_000})
	}
	for minute := range int64(60 * 60) {
		at := start + minute*60_000
		sends := 0
		switch hour := minute / 60; {
		case hour < 12:
			sends = random.IntN(2)
		case hour < 20:
			sends = random.IntN(20)
		case hour >= 30:
			sends = random.IntN(8) / 7
		}
		if sends > 0 {
			add(event.Event{Type: event.TypeClock, Time: at})
		}
		for range sends {
			time := at + random.Int64N(60_000)
			if random.IntN(10) == 0 {
				time -= random.Int64N(4 * 3_600_000)
			}
			n := random.IntN(12)
			add(event.Event{
				Type: event.TypeSent, Time: time, NumberID: fmt.Appendf(nil, "n%d", n), PortfolioID: []byte{"pq"[n%2]},
				Contact: random.Uint64N(6_000), HasContact: true, Kind: event.KindText, Fingerprint: random.Uint64(),
			})
		}
	}
	return log
}

// replayContacts returns the portfolios' statuses and flags of a replay.
func replayContacts(log []event.Event, exact int) event.Output {
	e := engine.New(engine.Config{Topic: "replay", Policy: policy.Default(), PaneBits: engine.WholeLog, Portfolios: true})
	e.SampleContactsAbove(exact)
	var out event.Output
	for i := range log {
		e.Apply(&log[i], int64(i), log[i].Time, &out)
	}
	out.Flags = slices.DeleteFunc(out.Flags, func(f event.Flag) bool { return f.NumberID != "" })
	return out
}

// gatherContacts returns those of a PortfolioEngine that is told of each number by one
// of three partitions.
func gatherContacts(random *rand.Rand, log []event.Event, exact int) event.Output {
	e := engine.New(engine.Config{Topic: "replay", Policy: policy.Default(), PaneBits: engine.WholeLog, Feed: true})
	var rows event.Output
	for i := range log {
		e.Apply(&log[i], int64(i), log[i].Time, &rows)
	}
	e.Flush(&rows)
	var waiting [3][]event.PortfolioChange
	at := map[string]int32{}
	for _, c := range rows.Changes {
		partition, ok := at[c.NumberID]
		if !ok {
			partition = random.Int32N(3)
			at[c.NumberID] = partition
		}
		c.Partition, c.Sequence = partition, int64(len(waiting[partition]))+1
		waiting[partition] = append(waiting[partition], c)
	}

	g := engine.NewPortfolioEngine("rows", 0, policy.Default())
	g.SampleContactsAbove(exact)
	var out event.Output
	for minute := log[0].Time/60_000 + 1; minute <= e.Stats().Watermark/60_000; minute++ {
		// Each partition tells of this minute and of some that come.
		for _, k := range random.Perm(len(waiting)) {
			ahead := minute + random.Int64N(30)
			for len(waiting[k]) > 0 && waiting[k][0].Visible <= ahead*60_000 {
				g.Take(&waiting[k][0])
				waiting[k] = waiting[k][1:]
			}
		}
		g.Evaluate(minute*60_000, 0, &out)
	}
	return out
}
