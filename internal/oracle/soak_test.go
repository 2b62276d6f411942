package oracle

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/oracle/randlog"
)

var (
	soakFor    = flag.Duration("soak", 0, "for how long TestSoak breaks things; 0 for a few quick faults")
	soakSeed   = flag.Uint64("soak-seed", 1, "of its events and of its faults")
	soakFaults = flag.String("soak-faults", "", "only faults whose names have one of these words, separated by commas")
	soakFolder = flag.String("soak-folder", "", "where configurations and logs are kept; empty: a temporary folder")
)

// What the soak is measured by.
const (
	reasonWithin   = 10 * time.Second
	leniency       = 3 // times as long for reasons and readiness in the short soak, beside which other tests run
	soakPartitions = 2
	soakHorizon    = 24 * time.Hour // longer than any soak: no id is repeated after it
	soakNumbers    = 24
	soakHistory    = 1500
	soakGap        = 120 * time.Millisecond
)

//nolint:gochecknoglobals // A constant.
var soakUser = apachekafka.User{Name: "soak", Password: "only-for-tests"}

// site is the real broker, a real ClickHouse engine behind a gate, and the real binary in
// two deployments of two processes: main, whose flags are compared in the end, and side,
// whose logs are lost on purpose.
type site struct {
	*rand.Rand
	folder, binary                   string
	broker                           *apachekafka.Broker
	gate                             *gate
	main, mainStore, side, sideStore *process
	processes                        []*process
	live, murmur                     *feed
	serial                           int           // makes names
	session                          time.Duration // of the groups' members, default 10 s
}

// TestSoak breaks the surroundings of the real binary, one fault after another, as a seed
// chooses. After each the right reason must stand in /readyz within ten seconds, no other
// may, and once the fault is mended all processes must be ready again. In the end the
// flags and dead letters of the whole time are held against the model on the very log that
// is in the topic. README.md says how it is run for an hour, and what that gave.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a real broker and breaks it")
	}
	t.Parallel()
	s := newSite(t)
	span := *soakFor
	if span == 0 {
		span = 5 * time.Minute // of events; the faults end before
	}
	lines := randlog.Live{
		Seed: *soakSeed, Start: time.Now().Add(time.Second), Span: span + 30*time.Minute, Gap: soakGap, Numbers: soakNumbers, History: soakHistory,
	}.Lines()
	go s.live.play(s, "main.events", 0, lines)
	go s.murmur.murmur(s, "side.events")
	for _, p := range s.processes {
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
	}
	if problems := s.untilReady(2 * time.Minute); problems != nil {
		t.Fatalf("not ready after the start: %v", problems)
	}
	var all []happening
	started := time.Now()
	for _, f := range s.plan() {
		h := s.suffer(f)
		all = append(all, h)
		t.Logf("%6s  %-28s reason after %-6s ready after %-7s %s", time.Since(started).Round(time.Second), f.name, tenths(h.reason), tenths(h.ready), h.wrong)
		if h.wrong != "" {
			t.Errorf("%s: %s", f.name, h.wrong)
		}
		if !h.healthy {
			for _, p := range s.processes {
				t.Logf("%s:\n%s", p.name, p.tail(15))
			}
			if problems := s.untilReady(3 * time.Minute); problems != nil {
				t.Fatalf("%s: it does not become ready again; the soak ends: %v", f.name, problems)
			}
		}
		if *soakFor > 0 && time.Since(started) > *soakFor {
			break
		}
		pause(time.Duration(s.IntN(3000)) * time.Millisecond)
	}
	lasted := time.Since(started)
	s.end(t)
	v, err := s.judge("main")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d, %s, %d faults; %d events, %d flags (and %d times one of them again), %d dead letters\n%s",
		*soakSeed, lasted.Round(time.Second), len(all), v.events, v.flags, v.repeats, v.letters, table(all))
	if v.differs != "" {
		t.Errorf("the flags differ from the model's: %s", v.differs)
	}
	s.stored(t, v.flags)
}

// newSite starts the broker and the engine, and prepares the deployments.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Rand: rand.New(rand.NewPCG(*soakSeed, 0x50a4)), folder: cmp.Or(*soakFolder, t.TempDir()), live: newFeed(), murmur: newFeed()}
	s.broker = embeddedtest.OwnApacheKafka(t, apachekafka.Config{
		Users: []apachekafka.User{soakUser},
		Properties: map[string]string{
			"connections.max.reauth.ms": "20000", // sessions end all the time
			"message.max.bytes":         "4194304",
			"broker.session.timeout.ms": "9000", // as it is by default: a busy machine is no broker that is gone
		},
	})
	s.binary = build(t, s.folder)
	engine, _ := embeddedtest.ClickHouse(t) // it lives once in a process, which the sites share
	var err error
	if s.gate, err = newGate(engine); err != nil {
		t.Fatal(err)
	}
	const bounds = `readiness: {kafka_silent: 4s, catching_up: 3s, held_back: 3s, sink_behind: 5s%s}
numbers: {dedup_horizon: 1d, pane_size: 256, silent_after: 4s}
clickhouse: {addresses: ["%s"], database: %s}
`
	deploy := func(name, more string) (*process, *process) {
		text := fmt.Sprintf(bounds, more, s.gate.address, name)
		return s.newProcess(t, name, []string{"numbers", "portfolios"}, text), s.newProcess(t, name+"-store", []string{"sink"}, text)
	}
	s.main, s.mainStore = deploy("main", "")
	s.side, s.sideStore = deploy("side", ", watermark_behind: 6s")
	if err := s.create("side.events", "CreateTime"); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.processes {
		if _, err := p.command("migrate"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// untilReady waits until every process is ready, and has been for a second. It returns
// what is wrong at the end of its time.
func (s *site) untilReady(within time.Duration) []string {
	deadline := time.Now().Add(within)
	var since time.Time
	for {
		problems := s.problems(nil)
		switch {
		case len(problems) > 0:
			since = time.Time{}
			if time.Now().After(deadline) {
				return problems
			}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > time.Second:
			return nil
		}
		pause(50 * time.Millisecond)
	}
}

// problems asks every process and returns what is wrong, a line each. seen, if not nil,
// is told each.
func (s *site) problems(seen func(*process, unready)) []string {
	var all []string
	for _, p := range s.processes {
		problems, err := p.problems()
		if err != nil {
			all = append(all, p.name+": "+err.Error())
		}
		for _, one := range problems {
			all = append(all, fmt.Sprintf("%s: %s %s: %s", p.name, one.Role, one.Reason, one.Detail))
			if seen != nil {
				seen(p, one)
			}
		}
	}
	return all
}

// breakage is one way to break something.
type breakage struct {
	name string
	on   *process // on whose page the reason must stand; nil: no reason may stand anywhere
	want []string // the right reason, or one of them
	may  []string // those that may stand beside it, on any page
	// make breaks it and returns since when that can be known; zero is now.
	make  func() (time.Time, error)
	mend  func() error
	calm  time.Duration // nothing may be named for so long, where nothing must
	ready time.Duration // until all are ready again; default 60 s
	quick bool          // part of the short soak
}

// suffer breaks something, waits for its reason, mends it, and waits for readiness.
func (s *site) suffer(f breakage) (h happening) {
	h.kind = f.name
	known, err := f.make()
	if err != nil {
		h.wrong = "it could not be done: " + err.Error()
	}
	if known.IsZero() {
		known = time.Now()
	}
	strange := map[string]string{}
	look := func(p *process, one unready) {
		switch right := slices.Contains(f.want, one.Reason); {
		case right && p == f.on:
			if !h.named {
				h.named, h.reason = true, max(0, time.Since(known))
			}
		case !right && !slices.Contains(f.may, one.Reason):
			strange[p.name+": "+one.Reason] = one.Detail
		}
	}
	within, ready := reasonWithin, cmp.Or(f.ready, time.Minute)
	if *soakFor == 0 {
		within, ready = leniency*within, leniency*ready
	}
	for within := cmp.Or(f.calm, within); !h.named && time.Since(known) < within; pause(50 * time.Millisecond) {
		s.problems(look)
	}
	if !h.named && f.on != nil && h.wrong == "" {
		h.wrong = fmt.Sprintf("none of %v within %s on %s, but %v", f.want, within, f.on.name, s.problems(nil))
	}
	pause(500 * time.Millisecond) // nobody mends anything quicker
	mended := time.Now()
	if f.mend != nil {
		if err := f.mend(); err != nil {
			h.wrong = strings.TrimPrefix(h.wrong+"; it could not be mended: "+err.Error(), "; ")
		}
	}
	problems := s.untilReadySeeing(ready, look)
	h.healthy, h.ready = problems == nil, time.Since(mended)
	if !h.healthy {
		h.wrong = strings.TrimPrefix(fmt.Sprintf("%s; still %v", h.wrong, problems), "; ")
	}
	if len(strange) > 0 {
		h.wrong = strings.TrimPrefix(fmt.Sprintf("%s; reasons that are not of it: %v", h.wrong, strange), "; ")
	}
	return h
}

// untilReadySeeing is untilReady, and hands what it sees to seen.
func (s *site) untilReadySeeing(within time.Duration, seen func(*process, unready)) []string {
	for deadline := time.Now().Add(within); ; pause(50 * time.Millisecond) {
		if s.problems(seen) == nil || time.Now().After(deadline) {
			return s.untilReady(max(2*time.Second, time.Until(deadline)))
		}
	}
}

// plan is the order of the faults: all kinds, shuffled, again and again; or the quick
// ones, once.
func (s *site) plan() []breakage {
	kinds := s.kinds()
	if *soakFaults != "" {
		kinds = slices.DeleteFunc(kinds, func(f breakage) bool {
			return !slices.ContainsFunc(strings.Split(*soakFaults, ","), func(word string) bool { return strings.Contains(f.name, word) })
		})
	}
	if *soakFor == 0 && *soakFaults == "" {
		return slices.DeleteFunc(kinds, func(f breakage) bool { return !f.quick })
	}
	var all []breakage
	for range 1 + int(*soakFor/(2*time.Minute)) {
		s.Shuffle(len(kinds), func(i, k int) { kinds[i], kinds[k] = kinds[k], kinds[i] })
		all = append(all, kinds...)
	}
	return all
}

// end ends the events, waits until all that comes of them is written, and stops the
// processes.
func (s *site) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(s.live.end(), s.murmur.end()); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	embeddedtest.Eventually(t, 50*time.Second, "everything has been read and evaluated", func() bool {
		flags, err := s.main.partitions()
		if err != nil {
			return false
		}
		rows, err := s.mainStore.partitions()
		if err != nil {
			return false
		}
		var watermark int64
		for _, p := range flags {
			watermark = max(watermark, p.Watermark)
		}
		return !slices.ContainsFunc(slices.Concat(flags, rows), func(p partition) bool {
			return p.Lag > 0 || p.Role == "portfolios" && p.Entries["portfolios"] > 0 && p.Watermark < watermark/minute*minute
		})
	})
	// Later the pipeline would add clock events, and minutes that nobody waited for.
	if time.Since(ended) > 50*time.Second {
		t.Fatal("it took too long to read everything")
	}
	for _, p := range []*process{s.main, s.side, s.mainStore, s.sideStore} {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
}

// stored compares how many flags ClickHouse has.
func (s *site) stored(t *testing.T, flags int) {
	t.Helper()
	if err := s.mainStore.start(); err != nil { // for what was written last
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"n":%d}`, flags)
	var out string
	embeddedtest.Eventually(t, time.Minute, "ClickHouse has all flags of the topic", func() bool {
		var err error
		out, err = s.mainStore.command("sql", "--format", "json", "SELECT count() AS n FROM (SELECT DISTINCT flag_id, sequence FROM flags)")
		return err == nil && strings.TrimSpace(out) == want
	})
	if err := s.mainStore.stop(); err != nil {
		t.Error(err)
	}
}
