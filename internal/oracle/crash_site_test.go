package oracle

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/oracle/randlog"
)

var (
	crashSeed = flag.Uint64("crash-seed", 1, "of the events and the faults of TestFailpoints, TestKills and TestCuts")
	crashes   = flag.Bool("crashes", false, "run TestKills and TestCuts, which take minutes of waiting; TestFailpoints always runs")
	crashGap  = flag.Duration("crash-gap", 30*time.Millisecond, "between two events of one of two partitions, on average")
)

// crashSession is how soon a dead process is noticed: a crash and what follows takes a
// second or two instead of ten.
const crashSession = time.Second

// crashSite is a site of processes that die: two that do everything, with checkpoints in a
// folder that they share, one that only stores, for the end, and one that stores into
// another database, undisturbed, what the first one should have.
type crashSite struct {
	*site
	states       string // the folder of checkpoints
	inserts      string // where the two find ClickHouse
	both         [2]*process
	store, again *process
	twin         *process // of the first process's share; nil: none
	feeds        []*feed
}

// newCrashSite starts the broker and the engine and prepares the processes, whose binary
// has these build tags. Between them and the broker's and the engine's acknowledgements
// may stand what cuts these; nil for nothing.
func newCrashSite(t *testing.T, cut *cuts, tags ...string) *crashSite {
	t.Helper()
	s := &site{Rand: rand.New(rand.NewPCG(*crashSeed, 0xc4a5)), folder: t.TempDir(), session: crashSession}
	if *soakFolder != "" {
		var err error // a new one, that stays: the states of another run are of other topics
		//nolint:usetesting // t.TempDir removes it
		if s.folder, err = os.MkdirTemp(*soakFolder, t.Name()+"-"); err != nil {
			t.Fatal(err)
		}
	}
	kafka := apachekafka.Config{Users: []apachekafka.User{soakUser}, Properties: map[string]string{"broker.session.timeout.ms": "9000"}}
	if cut != nil {
		s.session = 0 // the default: nobody dies, and a busy machine is no reason to rebalance
		kafka.AdvertiseSASL = func(address string) string { return cut.kafka(t, address) }
	}
	s.broker = embeddedtest.OwnApacheKafka(t, kafka)
	s.binary = build(t, s.folder, tags...)
	engine, _ := embeddedtest.ClickHouse(t) // it lives once in a process, which the sites share
	var err error
	if s.gate, err = newGate(engine); err != nil {
		t.Fatal(err)
	}
	c := &crashSite{site: s, states: filepath.Join(s.folder, "states")}
	c.inserts = s.gate.address
	if cut != nil {
		c.inserts = cut.clickHouse(t, s.gate.address)
	}
	c.prepare(t)
	return c
}

// prepare writes the configurations, and creates topics and tables.
func (c *crashSite) prepare(t *testing.T) {
	t.Helper()
	all := []string{"numbers", "portfolios", "sink"}
	c.both = [2]*process{c.newProcess(t, "main-a", all, c.text(c.inserts, "crash")), c.newProcess(t, "main-b", all, c.text(c.inserts, "crash"))}
	c.store = c.newProcess(t, "main-store", all[2:], c.text(c.gate.address, "crash"))
	c.again = c.newProcess(t, "main-again", all[2:], c.text(c.gate.address, "again"))
	c.again.change(t, "main-sink", "again-sink") // the same topics, read a second time
	c.processes = c.both[:]
	for _, p := range []*process{c.store, c.again} {
		if _, err := p.command("migrate"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.both[0].command("migrate"); err != nil {
		t.Fatal(err)
	}
}

// change changes a process's configuration.
func (p *process) change(t *testing.T, old, text string) {
	t.Helper()
	data, err := os.ReadFile(p.config)
	if err == nil {
		err = os.WriteFile(p.config, []byte(strings.ReplaceAll(string(data), old, text)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// more returns processes that store the same rows in the same tables once more.
func (c *crashSite) more(t *testing.T, n int) []*process {
	t.Helper()
	var all []*process
	for i := range n {
		p := c.newProcess(t, fmt.Sprint("main-more", i), []string{"sink"}, c.text(c.inserts, "crash"))
		p.change(t, "main-sink", fmt.Sprint("more-sink", i))
		all = append(all, p)
	}
	c.processes = c.both[:]
	return all
}

// text is what a configuration says beside what all processes have.
func (c *crashSite) text(address, database string) string {
	return fmt.Sprintf(`numbers: {dedup_horizon: 1d, pane_size: 256}
clickhouse: {addresses: ["%s"], database: %s}
checkpoints: {store: "file://%s", every: 1s, keep: 2}
`, address, database, filepath.ToSlash(c.states))
}

// play begins to write events to both partitions.
func (c *crashSite) play(span time.Duration) {
	for p := range int32(soakPartitions) {
		lines := randlog.Live{
			Seed: *crashSeed + uint64(p), Start: time.Now().Add(time.Second), Span: span, Gap: *crashGap, Numbers: soakNumbers, History: soakHistory / 3,
		}.Lines()
		if p > 0 {
			lines = renamed(lines)
		}
		f := newFeed()
		c.feeds = append(c.feeds, f)
		go f.play(c.site, "main.events", p, lines)
	}
}

// renamed makes the numbers, WABAs, portfolios and ids of a log others, so that no number is
// on two partitions.
func renamed(lines []randlog.Line) []randlog.Line {
	other := strings.NewReplacer(`"id":"`, `"id":"b`, `"number_id":"`, `"number_id":"b`, `"waba_id":"`, `"waba_id":"b`, `"portfolio_id":"`, `"portfolio_id":"b`)
	for i := range lines {
		lines[i].Text = other.Replace(lines[i].Text)
	}
	return lines
}

// quiet ends the events, waits until the processes have read and evaluated all of them,
// stops these, and has stored what they wrote last.
func (c *crashSite) quiet(t *testing.T) {
	t.Helper()
	for _, f := range c.feeds {
		if err := f.end(); err != nil {
			t.Fatal(err)
		}
	}
	ended := time.Now()
	embeddedtest.Eventually(t, 50*time.Second, "everything has been read and evaluated", func() bool {
		all, watermark := c.everything()
		return len(all) == 3*soakPartitions && !slices.ContainsFunc(all, func(p partition) bool {
			return p.State != "running" || p.Lag > 0 || p.Role == "portfolios" && p.Entries["portfolios"] > 0 && p.Watermark < watermark/minute*minute
		})
	})
	// Later the pipeline would add clock events, and minutes that nobody waited for.
	if time.Since(ended) > 50*time.Second {
		t.Fatal("it took too long to read everything")
	}
	for _, p := range c.both {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []*process{c.store, c.again} {
		p.storeAll(t)
	}
}

// everything returns how far the partitions of all roles are, and the largest watermark.
func (c *crashSite) everything() (all []partition, watermark int64) {
	for _, p := range c.both {
		some, err := p.partitions()
		if err != nil {
			continue
		}
		for _, one := range some {
			if one.Role == "numbers" {
				watermark = max(watermark, one.Watermark)
			}
			all = append(all, one)
		}
	}
	return all, watermark
}

// storeAll runs a process of the sink until it has stored all rows.
func (p *process) storeAll(t *testing.T) {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Eventually(t, 2*time.Minute, p.name+" has stored all rows", func() bool {
		all, err := p.partitions()
		return err == nil && len(all) == soakPartitions && !slices.ContainsFunc(all, func(p partition) bool { return p.State != "running" || p.Lag > 0 })
	})
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// finding is what the topics and ClickHouse hold in the end.
type finding struct {
	judgement
	rows   int // records of the rows topic
	tables int // tables and views that are equal
}

// verify holds flags, dead letters and rows against the model, and ClickHouse against
// what an undisturbed sink makes of the same rows.
func (c *crashSite) verify(t *testing.T) finding {
	t.Helper()
	started := time.Now()
	lap := func(what string) {
		t.Logf("%s took %s", what, tenths(time.Since(started)))
		started = time.Now()
	}
	j, err := c.judge("main")
	if err != nil {
		t.Fatal(err)
	}
	lap("judging flags")
	v := finding{judgement: j}
	if v.differs != "" {
		t.Errorf("flags or dead letters differ from the model's: %s", v.differs)
	}
	if v.flags == 0 {
		t.Error("there are no flags: nothing was tested")
	}
	if d := c.rowsDiffer(t, &v); d != "" {
		t.Errorf("rows differ from the model's: %s", d)
	}
	lap("comparing rows")
	c.tablesDiffer(t, &v)
	lap("comparing tables")
	return v
}

// rowsDiffer compares the rows that count in the topic with the model's.
func (c *crashSite) rowsDiffer(t *testing.T, v *finding) string {
	t.Helper()
	events, err := c.records("main.events")
	if err != nil {
		t.Fatal(err)
	}
	var minutes, hours []Row
	for _, log := range events {
		model := New(soakHorizon.Milliseconds())
		for _, r := range log {
			if rec := readRecord(string(r.Value), r.Timestamp.UnixMilli()); rec.err != nil {
				model.Skip(r.Offset, rec.time)
			} else {
				model.Apply(rec.ev, r.Offset, rec.time)
			}
		}
		minutes, hours = append(minutes, model.NumberMinutes()...), append(hours, model.FingerprintHours()...)
	}
	f := folded{
		subjectEngine: newSubject(0), seen: map[string][]byte{}, versions: map[string]int64{}, accounts: map[int64]Row{}, flags: map[string]string{},
	}
	rows, err := c.records("main.rows")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Concat(rows...) {
		v.rows++
		if d := f.take(r); d != "" {
			return d
		}
	}
	if len(f.flags) != v.flags {
		return fmt.Sprintf("%d flags among the rows, %d in their topic", len(f.flags), v.flags)
	}
	if d := difference("number_minutes", byText(minutes), byText(f.numberMinutes())); d != "" {
		return d
	}
	return difference("fingerprint_hours", byText(hours), byText(f.fingerprintHours()))
}

// tablesDiffer compares every table and view of ClickHouse with those of a sink that was
// not disturbed.
func (c *crashSite) tablesDiffer(t *testing.T, v *finding) {
	t.Helper()
	ask := func(statement string) []map[string]any {
		out, err := c.store.command("sql", "--format", "json", statement)
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
			var row map[string]any
			if err := d.Decode(&row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	if n := ask("SELECT count() AS n FROM (SELECT DISTINCT flag_id, sequence FROM flags)"); fmt.Sprint(n[0]["n"]) != strconv.Itoa(v.flags) {
		t.Errorf("ClickHouse has %v flags, the topic %d", n[0]["n"], v.flags)
	}
	for _, one := range ask("SELECT name, engine FROM system.tables WHERE database = 'crash' AND name != 'schema_migrations' ORDER BY name") {
		name, final, columns := one["name"], "", "*"
		if one["engine"] != "View" {
			final = " FINAL"
		}
		if name == "contact_outcomes" {
			columns = "* EXCEPT (written_at)" // the wall clock of an insert, for retention alone
		}
		sums := func(database string) string {
			return fmt.Sprintf("(SELECT concat(toString(count()), ' ', toString(sum(cityHash64(toString(tuple(%s)))))) FROM %s.%s%s)", columns, database, name, final)
		}
		got := ask(fmt.Sprintf("SELECT %s AS main, %s AS again", sums("crash"), sums("again")))[0]
		if got["main"] != got["again"] || got["main"] == nil {
			t.Errorf("%s: rows and their hash are %v, of a sink that was not disturbed %v", name, got["main"], got["again"])
		}
		v.tables++
	}
	if v.tables < 10 {
		t.Errorf("only %d tables and views were compared", v.tables)
	}
}

// saved waits until there is a state of each partition.
func (c *crashSite) saved(t *testing.T) {
	t.Helper()
	embeddedtest.Eventually(t, time.Minute, "each partition has a checkpoint", func() bool {
		states, _ := filepath.Glob(filepath.Join(c.states, "main.*", "*", "*-*[2-9]")) // its pattern is well formed
		partitions := map[string]bool{}
		for _, name := range states {
			partitions[filepath.Dir(name)] = true
		}
		return len(partitions) == 2*soakPartitions
	})
}

// heal starts the processes that do not run, and waits until all work again.
func (c *crashSite) heal(within time.Duration) error {
	for _, p := range c.both {
		if p.cmd == nil {
			if err := p.start(); err != nil {
				return err
			}
		}
	}
	for deadline := time.Now().Add(within); ; pause(50 * time.Millisecond) {
		all, _ := c.everything()
		states := map[string]int{}
		for _, p := range all {
			if p.Role == "sink" { // which may wait for ClickHouse
				p.State = "running"
			}
			states[p.State]++
		}
		if states["running"] == len(all) && len(all) == 3*soakPartitions {
			return nil
		}
		if time.Now().After(deadline) {
			var logs []error
			for _, p := range c.both {
				logs = append(logs, fmt.Errorf("%s:\n%s", p.name, p.tail(15)))
			}
			return fmt.Errorf("after %s the partitions are %v: %w", within, slices.Collect(maps.Keys(states)), errors.Join(logs...))
		}
	}
}
