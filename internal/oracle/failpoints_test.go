package oracle

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/failpoint"
)

var failpointRounds = flag.Int("failpoint-rounds", 0, "how many random crashes and pauses at failpoints TestFailpoints makes beside one crash at each")

// failpointStatus is that of a process which died at a failpoint.
const failpointStatus = 86

// failpointSteps says how often a point is passed before the crash: the first files of
// a store are claims and beginnings, later ones are states.
func failpointSteps(p failpoint.Point) []int {
	if strings.HasPrefix(string(p), "checkpoint.") && p != failpoint.Claimed && p != failpoint.Begun && p != failpoint.Cleaning {
		return []int{2, 11}
	}
	return []int{1}
}

// TestFailpoints kills the real binary at each of its failpoints, and starts it again. Then it
// kills and pauses two of it at random moments, as TestKills does, and holds what they
// leave against the model. A point that is never reached fails it.
func TestFailpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a real broker and dozens of processes")
	}
	t.Parallel() // it waits most of the time, as TestSoak does
	c := newCrashSite(t, nil, "failpoints")
	c.play(time.Hour)
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	c.saved(t) // so that there is something to restore
	if err := c.both[0].kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.both[1].kill(); err != nil {
		t.Fatal(err)
	}
	one, crashes := c.both[0], 0
	for _, p := range failpoint.All() {
		for _, n := range failpointSteps(p) {
			started := time.Now()
			if err := c.dieAt(one, p, n); err != nil {
				t.Errorf("%s, the %d. time: %v", p, n, err)
				continue
			}
			crashes++
			t.Logf("%-24s the %2d. time, after %s", p, n, tenths(time.Since(started)))
		}
	}
	one.env = nil
	started := time.Now()
	rounds := c.failpointRounds(t)
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	lasted := time.Since(started).Round(time.Second)
	raid := c.raid(t)
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	c.quiet(t)
	v := c.verify(t)
	t.Logf("seed %d: %d crashes at %d points, then %d random crashes and pauses in %s, then %s; %d events, %d flags (and %d times one of them again), %d dead letters, %d records of rows, %d tables and views",
		*crashSeed, crashes, len(failpoint.All()), rounds, lasted, raid, v.events, v.flags, v.repeats, v.letters, v.rows, v.tables)
}

// dieAt runs a process until it dies at a point, the n-th time that it is there.
func (c *crashSite) dieAt(p *process, at failpoint.Point, n int) error {
	p.env = []string{fmt.Sprintf("SENDWATCH_FAILPOINTS=%s=exit@%d", at, n)}
	if err := p.spawn(); err != nil {
		return err
	}
	defer func() { p.cmd = nil }()
	if at == failpoint.Draining || at == failpoint.Drained {
		if err := c.waitOwning(p); err != nil {
			return err
		}
		if err := p.signal(syscall.SIGTERM); err != nil {
			return err
		}
	}
	if at == failpoint.SendingLetters || at == failpoint.SentLetters {
		if err := c.write(&kgo.Record{Topic: "main.events", Partition: 1, Value: []byte("no event")}); err != nil {
			return err
		}
	}
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		_ = p.kill()
		return fmt.Errorf("it was not reached; see %s", p.log)
	}
	if status := p.cmd.ProcessState.ExitCode(); status != failpointStatus {
		return fmt.Errorf("the process ended with the status %d, not at the point; see %s", status, p.log)
	}
	return nil
}

// waitOwning waits until a process works on all partitions. Those of the sink wait for an insert
// most of the time that rows come.
func (c *crashSite) waitOwning(p *process) error {
	var all []partition
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); pause(50 * time.Millisecond) {
		all, err = p.partitions()
		if err == nil && len(all) == 3*soakPartitions && !slices.ContainsFunc(all, func(p partition) bool {
			return p.State != "running" && (p.State != "waiting" || p.Role != "sink")
		}) {
			return nil
		}
	}
	return fmt.Errorf("%s does not get all partitions: it has %+v (error: %s); see %s", p.name, all, fmt.Sprint(err), p.log)
}

// failpointRounds has two processes, each with a failpoint of its own at which it dies, or
// pauses for longer than its session, so that the other takes over what it goes on with.
func (c *crashSite) failpointRounds(t *testing.T) int {
	t.Helper()
	all := failpoint.All()
	for range *failpointRounds {
		p := c.both[c.IntN(2)]
		if err := p.kill(); err != nil {
			t.Fatal(err)
		}
		action := "exit"
		if c.IntN(2) == 0 {
			action = fmt.Sprintf("sleep:%dms", 500+c.IntN(3000))
		}
		p.env = []string{fmt.Sprintf("SENDWATCH_FAILPOINTS=%s=%s@%d", all[c.IntN(len(all))], action, 1+c.IntN(12))}
		if err := p.spawn(); err != nil {
			t.Fatal(err)
		}
		pause(time.Duration(500+c.IntN(3500)) * time.Millisecond)
		for _, p := range c.both {
			select {
			case <-p.ended:
				p.cmd = nil
			default:
			}
			if p.cmd == nil {
				p.env = nil
				if err := p.spawn(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, p := range c.both {
		if err := p.kill(); err != nil {
			t.Fatal(err)
		}
		p.env = nil
	}
	return *failpointRounds
}

// TestFailpointsArePlaced looks for each point in the product's code: one that nothing
// reaches would pass for tested, and each has one meaning and so one place.
func TestFailpointsArePlaced(t *testing.T) {
	places := map[string]int{}
	use := regexp.MustCompile(`failpoint\.([A-Z][A-Za-z]+)\b`)
	for _, room := range []string{"pipeline", "checkpoint", "kafka", "clickhouse"} {
		names, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatal(err, names)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range use.FindAllStringSubmatch(string(source), -1) {
				places[m[1]]++
			}
		}
	}
	delete(places, "Here")
	delete(places, "Enabled")
	delete(places, "Point")
	source, err := os.ReadFile(filepath.Join("..", "failpoint", "points.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t([A-Z]\w+) +Point = `).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(failpoint.All()) || len(declared) < 14 {
		t.Errorf("%d points are declared, All has %d", len(declared), len(failpoint.All()))
	}
	for _, m := range declared {
		if places[m[1]] != 1 {
			t.Errorf("failpoint.%s is in %d places, want one", m[1], places[m[1]])
		}
		delete(places, m[1])
	}
	for name := range places {
		t.Errorf("failpoint.%s is used and not declared", name)
	}
}
