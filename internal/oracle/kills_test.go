package oracle

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	kills       = flag.Int("kills", 20, "how often TestKills kills a process")
	stops       = flag.Int("stops", 10, "how often TestKills pauses a process for longer than its session, so that its partitions move away and back")
	fixedShares = flag.Bool("static", false, "TestKills has its two processes read fixed shares, and a third one the share of the first")
	outageLasts = flag.Duration("outage", time.Minute, "for how long TestKills has ClickHouse refuse everything meanwhile")
)

// TestKills has two processes of the real binary share the partitions of a real Apache
// Kafka, with checkpoints in a folder, and a real ClickHouse engine. Ordinary tests do the same
// in TestFailpoints, where the site is there already. They are killed and
// paused for longer than their session at random moments, one or both, while ClickHouse is
// away for a minute. In the end nothing may be missing, nothing doubled, and nothing
// different: not in the topics, held against the model on the log that is in them, and not
// in ClickHouse, held against a sink that was not disturbed.
func TestKills(t *testing.T) {
	if testing.Short() || !*crashes {
		t.Skip("it starts a real broker and kills processes for minutes")
	}
	c := newCrashSite(t, nil)
	if *fixedShares {
		c.fixShares(t)
	}
	c.play(4 * time.Hour)
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	raid := c.raid(t)
	if c.twin != nil {
		if err := c.twin.kill(); err != nil {
			t.Fatal(err)
		}
	}
	back := time.Now()
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	c.quiet(t)
	drained := time.Since(back)
	v := c.verify(t)
	t.Logf("seed %d: %s; everything stored %s after the end; "+
		"%d events, %d flags (and %d times one of them again, the same), %d dead letters, %d records of rows, %d tables and views",
		*crashSeed, raid, tenths(drained), v.events, v.flags, v.repeats, v.letters, v.rows, v.tables)
}

// raid kills and pauses the two processes at random moments, while ClickHouse refuses
// every connection for a while, and returns what it was in words. In the end ClickHouse is
// there again.
func (c *crashSite) raid(t *testing.T) string {
	t.Helper()
	plan := c.assaults()
	began := c.assignments(t)
	started := time.Now()
	c.gate.refuse()
	away := true
	var slowest time.Duration
	for i, what := range plan {
		if away && time.Since(started) > *outageLasts {
			away = false
			if err := c.gate.listen(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.assault(what); err != nil {
			t.Fatalf("%s, number %d: %v", what, i, err)
		}
		if i%10 == 9 { // between them a process is often hit before it works again
			began := time.Now()
			if err := c.heal(time.Minute); err != nil {
				t.Fatalf("after %d: %v", i+1, err)
			}
			slowest = max(slowest, time.Since(began))
		}
	}
	lasted := time.Since(started)
	if away {
		pause(*outageLasts - lasted)
		if err := c.gate.listen(); err != nil {
			t.Fatal(err)
		}
	}
	generations := c.assignments(t) - began
	if !*fixedShares && generations < *kills+*stops {
		t.Errorf("only %d assignments: the partitions did not move", generations)
	}
	return fmt.Sprintf("%d kills and %d pauses in %s, ClickHouse away for %s of them; %d assignments, all partitions at work again after %s at most",
		*kills, *stops, lasted.Round(time.Second), *outageLasts, generations, tenths(slowest))
}

// assignments returns how often the two processes have been given partitions.
func (c *crashSite) assignments(t *testing.T) int {
	t.Helper()
	all := 0
	for _, p := range c.both {
		n, err := p.generations()
		if err != nil {
			t.Fatal(err)
		}
		all += n
	}
	return all
}

// fixShares has each process read the partitions of its ordinal, and starts one more with the
// ordinal of the first: only the epochs of their checkpoints tell the two apart.
func (c *crashSite) fixShares(t *testing.T) {
	t.Helper()
	all := []string{"numbers", "portfolios", "sink"}
	c.twin = c.newProcess(t, "main-twin", all, c.text(c.gate.address, "crash"))
	for ordinal, some := range [][]*process{{c.both[0], c.twin}, {c.both[1]}} {
		for _, p := range some {
			p.change(t, "  session: ", fmt.Sprintf("  static: {of: 2, ordinal: %d}\n  session: ", ordinal))
		}
	}
	if err := c.twin.start(); err != nil {
		t.Fatal(err)
	}
}

// assaults is what happens, in a random order.
func (c *crashSite) assaults() []string {
	plan := slices.Concat(slices.Repeat([]string{"kill"}, *kills), slices.Repeat([]string{"pause"}, *stops))
	c.Shuffle(len(plan), func(i, k int) { plan[i], plan[k] = plan[k], plan[i] })
	for i := range plan {
		if i%8 == 7 {
			plan[i] += " both"
		}
	}
	return plan
}

// assault kills or pauses a process, or both, waits until their session has ended, or
// until a random moment before or after it, and lets them go on.
func (c *crashSite) assault(what string) error {
	verb, many, _ := strings.Cut(what, " ")
	victims := c.both[:]
	if many == "" {
		i := c.IntN(2)
		victims = c.both[i : i+1]
	}
	if verb == "pause" {
		return c.hold(victims)
	}
	for _, p := range victims {
		if err := p.kill(); err != nil {
			return err
		}
	}
	pause(time.Duration(c.IntN(1500)) * time.Millisecond)
	for _, p := range victims {
		if err := p.spawn(); err != nil {
			return err
		}
	}
	pause(time.Duration(500+c.IntN(2000)) * time.Millisecond)
	return nil
}

// hold stops processes for longer than their session, as a machine that swaps does, and
// then lets them go on with what they think is theirs.
func (c *crashSite) hold(victims []*process) error {
	for _, p := range victims {
		if err := p.signal(syscall.SIGSTOP); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	pause(crashSession + time.Duration(200+c.IntN(2000))*time.Millisecond)
	for _, p := range victims {
		if err := p.signal(syscall.SIGCONT); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	pause(time.Duration(c.IntN(1000)) * time.Millisecond)
	return nil
}
