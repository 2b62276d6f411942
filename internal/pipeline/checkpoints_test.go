package pipeline

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// keptCase is a partition whose state is kept in a folder, and what became of it.
type keptCase struct {
	log    *fakeLog
	folder string
	store  *checkpoint.Store
	writer *fakeWriter
	events int
}

func newKeptCase(t *testing.T) *keptCase {
	t.Helper()
	c := &keptCase{log: &fakeLog{topic: "events"}, folder: filepath.Join(t.TempDir(), "states"), writer: &fakeWriter{}}
	var err error
	if c.store, err = checkpoint.Open(t.Context(), "file://"+c.folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	return c
}

// sends appends so many sends, a second apart in event time.
func (c *keptCase) sends(n int) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for range n {
		c.log.append(send(c.events, begin.Add(time.Duration(c.events)*time.Second)))
		c.events++
	}
}

// process returns a process that has nothing but the store.
func (c *keptCase) process() *Numbers {
	return NewNumbers(NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: c.writer, Policy: policy.Default(), Logger: slog.New(slog.DiscardHandler),
		Checkpoints: &Checkpoints{Store: c.store, Every: 10 * time.Second},
	})
}

// run runs a process that is stopped in good order after do.
func (c *keptCase) run(t *testing.T, n *Numbers, do func()) {
	t.Helper()
	whileRunning(t, n.Run, joining(c.log), do)
}

// emitted is the one thing of a flag that is not a function of the log.
var emitted = regexp.MustCompile(`"emitted_at":\d+`)

func values(messages []event.Message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, emitted.ReplaceAllString(string(m.Value), ""))
	}
	return list
}

// uninterrupted returns the flags of one process that reads so many sends.
func uninterrupted(t *testing.T, sends int) []string {
	t.Helper()
	c := newKeptCase(t)
	c.sends(sends)
	n := c.process()
	c.run(t, n, func() { elapse(time.Minute) })
	return values(c.writer.topic("flags"))
}

// A new owner continues from the state that the one before left: it opens the log there,
// also if what was before is gone, and writes the flags that were still to come.
func TestNewOwnerContinues(t *testing.T) {
	bubble(t, func(t *testing.T) {
		want := uninterrupted(t, 60)
		if len(want) < 2 {
			t.Fatalf("%d flags: nothing to compare", len(want))
		}
		c := newKeptCase(t)
		for range 3 {
			c.sends(20)
			c.run(t, c.process(), func() { elapse(time.Minute) })
		}
		if d := cmp.Diff(want, values(c.writer.topic("flags"))); d != "" {
			t.Errorf("flags of three processes, one after another (-uninterrupted +restarted):\n%s", d)
		}
		if want := []int64{FromStart, 20, 40}; !slices.Equal(c.log.opened, want) {
			t.Errorf("opened at %v, want %v", c.log.opened, want)
		}
	})
}

// A process that dies leaves a state that is older than what it wrote. The next owner
// writes the same flags again, and only those.
func TestDeathRepeatsTheSame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		want := uninterrupted(t, 60)
		c := newKeptCase(t)
		c.sends(20)
		c.run(t, c.process(), func() {
			elapse(time.Minute)
			c.sends(20)
			elapse(time.Second / 2) // its flags are written, its rows are not
			c.writer.set(context.DeadlineExceeded)
		})
		newest := c.committed()
		if newest >= 40 {
			t.Fatalf("committed %d, want what the newest checkpoint has, before the end", newest)
		}
		c.writer.set(nil)
		c.sends(20)
		c.run(t, c.process(), func() { elapse(time.Minute) })
		if opened := c.log.opened[len(c.log.opened)-1]; opened != newest {
			t.Errorf("opened at %d, want %d", opened, newest)
		}
		got := values(c.writer.topic("flags"))
		if once := slices.Compact(slices.Sorted(slices.Values(got))); len(got) == len(once) || !slices.Equal(once, slices.Sorted(slices.Values(want))) {
			t.Errorf("%d flags, %d of them different, want repeats, and the %d of an uninterrupted run", len(got), len(once), len(want))
		}
	})
}

// A process that dies between saving a state and committing leaves the commit to the next,
// also where no record comes any more.
func TestCommitThatIsOwed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newKeptCase(t)
		c.sends(20)
		c.run(t, c.process(), func() { elapse(time.Minute) })
		c.log.set(func() { c.log.committed = nil })
		c.run(t, c.process(), func() {
			elapse(time.Minute)
			if got := c.committed(); got != 20 {
				t.Errorf("committed %d, want 20, which the checkpoint has", got)
			}
		})
	})
}

// A commit that fails is made good also where no record comes any more.
func TestCommitThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newKeptCase(t)
		c.sends(20)
		c.run(t, c.process(), func() {
			c.log.set(func() { c.log.refuse = context.DeadlineExceeded })
			elapse(time.Minute)
			if got := c.committed(); got != FromStart {
				t.Fatalf("committed %d by commits that fail", got)
			}
			c.log.set(func() { c.log.refuse = nil })
			elapse(10 * time.Second)
			if got := c.committed(); got != 20 {
				t.Errorf("committed %d once commits succeed, want 20", got)
			}
		})
	})
}

// committed returns the offset that was committed last.
func (c *keptCase) committed() int64 {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if len(c.log.committed) == 0 {
		return FromStart
	}
	return c.log.committed[len(c.log.committed)-1]
}

// An owner that finds its checkpoints claimed by another gives up what it has in memory,
// waits, and continues from the newest checkpoint if the partition is still its own.
func TestFencedOwnerContinues(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newKeptCase(t)
		c.sends(20)
		n := c.process()
		c.run(t, n, func() {
			elapse(time.Minute)
			if _, err := c.store.Claim(t.Context(), checkpoint.Partition{Topic: "events"}, c.layout(t)); err != nil {
				t.Fatal(err)
			}
			c.sends(20)
			elapse(5 * time.Second)
			if got := c.committed(); got != 20 {
				t.Errorf("committed %d by an owner that was replaced, want 20", got)
			}
			elapse(time.Minute)
			if s := n.Status()[0]; s.State != StateRunning || s.Checkpoint.Offset != 40 {
				t.Errorf("state %s, newest checkpoint at %d, want running at 40: %s", s.State, s.Checkpoint.Offset, s.Error)
			}
		})
		if want := []int64{FromStart, 20}; !slices.Equal(c.log.opened, want) {
			t.Errorf("opened at %v, want %v", c.log.opened, want)
		}
	})
}

// An owner that was replaced, and finds that retention has deleted what it has not read, has lost nothing: its successor has read that. It reads
// nothing of what comes behind with its old state, and a store that does not answer is waited for.
func TestReplacedOwnerLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		want := uninterrupted(t, 60)
		c, h := hungCase(t)
		c.sends(20)
		n := c.process()
		c.run(t, n, func() {
			elapse(time.Minute)
			if _, err := c.store.Claim(t.Context(), checkpoint.Partition{Topic: "events"}, c.layout(t)); err != nil {
				t.Fatal(err)
			}
			release := h.next(checkpoint.StepList)
			defer release()
			c.log.set(func() { c.log.lost = event.Lost{First: 20, End: 40} })
			c.sends(40)
			elapse(5 * time.Second)
			if s := n.Status()[0]; s.Next != 20 || s.Lost != 0 {
				t.Errorf("read to %d, %d lost, while the store does not answer", s.Next, s.Lost)
			}
			release()
			elapse(2 * time.Minute)
			if s := n.Status()[0]; s.State != StateRunning || s.Next != 60 || s.Lost != 0 || s.Incidents.Lost.Count != 0 {
				t.Errorf("state %s, at %d, %d lost, want running at 60 and none: %s", s.State, s.Next, s.Lost, s.Error)
			}
		})
		if d := cmp.Diff(want, values(c.writer.topic("flags"))); d != "" {
			t.Errorf("flags (-uninterrupted +replaced):\n%s", d)
		}
	})
}

// layout returns the layout of the role's state.
func (*keptCase) layout(t *testing.T) uint64 {
	t.Helper()
	h, err := numbersLayout()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A store that cannot be written costs no flag: nothing is committed, the reason shows
// after a while, and the first checkpoint after it makes all good.
func TestStoreThatCannotBeWritten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newKeptCase(t)
		c.sends(20)
		n := c.process()
		c.run(t, n, func() {
			elapse(time.Minute)
			aside := c.folder + ".aside"
			move := func(from, to string) {
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			}
			move(c.folder, aside)
			if err := os.WriteFile(c.folder, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			flags := len(c.writer.topic("flags"))
			c.sends(40)
			elapse(2 * time.Minute)
			if got := len(c.writer.topic("flags")); got <= flags {
				t.Errorf("%d flags, want more than the %d before", got, flags)
			}
			if got := c.committed(); got != 20 {
				t.Errorf("committed %d without a checkpoint, want 20", got)
			}
			wantReason(t, n, ReasonCheckpointsOld)
			if err := os.Remove(c.folder); err != nil {
				t.Fatal(err)
			}
			move(aside, c.folder)
			elapse(time.Minute)
			old := func(p Problem) bool { return p.Reason == ReasonCheckpointsOld }
			if got := c.committed(); got != 60 || slices.ContainsFunc(n.Problems(), old) {
				t.Errorf("committed %d, problems %v, want 60 and no old checkpoint", got, n.Problems())
			}
		})
	})
}

// A claim that ends while its checkpoints are being claimed is a rebalance, and nothing to
// warn of.
func TestEndOfAClaimIsNoTroubleOfTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newKeptCase(t)
		c.sends(1)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		var err error
		if c.store, err = checkpoint.OpenFolder(c.folder, func(name, _ string, do func() error) error {
			if name == checkpoint.StepLink {
				end()
			}
			return do()
		}); err != nil {
			t.Fatal(err)
		}
		n := c.process()
		var log bytes.Buffer
		n.logger = slog.New(slog.NewTextHandler(&log, nil))
		if err := n.Run(ctx, joining(c.log)); err != nil {
			t.Error(err)
		}
		if ctx.Err() == nil || strings.Contains(log.String(), "level=WARN") {
			t.Errorf("the log says:\n%s", log.String())
		}
	})
}

// wantReason fails unless a role is not ready for a reason.
func wantReason(t *testing.T, n *Numbers, want Reason) {
	t.Helper()
	if !slices.ContainsFunc(n.Problems(), func(p Problem) bool { return p.Reason == want }) {
		t.Errorf("problems %v, want %s", n.Problems(), reasons[want].Name)
	}
}

// damage changes a byte in the middle of the newest states.
func (c *keptCase) damage(t *testing.T, newest int) {
	t.Helper()
	objects, err := c.store.Objects(t.Context(), "events", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range slices.Backward(objects) {
		if o.Kind() != checkpoint.KindState || newest == 0 {
			continue
		}
		newest--
		path := filepath.Join(c.folder, filepath.FromSlash(o.Key))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged checkpoint is passed over for the one before; two of them stop the partition
// under a name.
func TestDamagedCheckpoints(t *testing.T) {
	for _, damaged := range []int{1, 2} {
		bubble(t, func(t *testing.T) {
			c := newKeptCase(t)
			for range 3 {
				c.sends(20)
				c.run(t, c.process(), func() { elapse(time.Minute) })
			}
			c.damage(t, damaged)
			n := c.process()
			c.run(t, n, func() {
				elapse(time.Minute)
				if damaged == 2 {
					wantReason(t, n, ReasonCheckpointUnusable)
					return
				}
				if opened := c.log.opened[len(c.log.opened)-1]; opened != 40 || len(n.Problems()) > 0 {
					t.Errorf("opened at %d, problems %v, want 40 and none", opened, n.Problems())
				}
			})
		})
	}
}

// A state of another topic, or of another setting, is not continued: the partition stops
// under a name and says what to do. Once that is done it begins again, in the same process.
func TestStateOfSomethingElse(t *testing.T) {
	for name, change := range map[string]func(*Claim, *NumbersConfig){
		"topic id":             func(c *Claim, _ *NumbersConfig) { c.TopicID[0]++ },
		"number of partitions": func(c *Claim, _ *NumbersConfig) { c.Partitions++ },
		"contacts.secret_file": func(_ *Claim, n *NumbersConfig) { n.Secret[0]++ },
	} {
		bubble(t, func(t *testing.T) {
			c := newKeptCase(t)
			c.sends(20)
			c.run(t, c.process(), func() { elapse(time.Minute) })
			config, claim := c.process().config, Claim{Topic: "events", Committed: FromStart}
			keeper := &fakeKeeper{}
			config.Keeper = keeper
			change(&claim, &config)
			n := NewNumbers(config)
			join := func(ctx context.Context, serve Serve) error { return serve(ctx, claim, c.log) }
			whileRunning(t, n.Run, join, func() {
				elapse(time.Minute)
				wantReason(t, n, ReasonCheckpointUnusable)
				s := n.Status()[0]
				if !strings.Contains(s.Error, name) {
					t.Errorf("error %q, want it to name the %s", s.Error, name)
				}
				if claim.Partitions == 0 && !strings.Contains(s.Error, checkpoint.ReadAgain) {
					t.Errorf("error %q, want it to say what to do", s.Error)
				}
				if err := c.store.Reset(t.Context(), "events", 0); err != nil {
					t.Fatal(err)
				}
				if _, err := Acknowledge(t.Context(), keeper, "events"); err != nil {
					t.Fatal(err)
				}
				elapse(2 * time.Minute)
				if s := n.Status()[0]; s.State != StateRunning || s.Next != 20 || len(n.Problems()) > 0 || s.Checkpoint.Offset != 20 {
					t.Errorf("after it was done: %+v, problems %v", s, n.Problems())
				}
			})
		})
	}
}

// A state that is in memory is used again only where the newest checkpoint has it: after
// another process has had the partition, that one's state counts.
func TestParkedStateIsNotAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		want := uninterrupted(t, 60)
		c := newKeptCase(t)
		one := c.process()
		c.sends(20)
		c.run(t, one, func() { elapse(time.Minute) })
		c.sends(20)
		c.run(t, c.process(), func() { elapse(time.Minute) }) // another process
		c.sends(20)
		c.run(t, one, func() { elapse(time.Minute) }) // within the time that it parks its state
		if d := cmp.Diff(want, values(c.writer.topic("flags"))); d != "" {
			t.Errorf("(-uninterrupted +handed over):\n%s", d)
		}
		if want := []int64{FromStart, 20, 40}; !slices.Equal(c.log.opened, want) {
			t.Errorf("opened at %v, want %v", c.log.opened, want)
		}
	})
}
