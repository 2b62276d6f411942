package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
)

// gapCase is a kept partition whose incidents are kept as well.
type gapCase struct {
	*keptCase
	keeper *fakeKeeper
}

func newGapCase(t *testing.T) *gapCase {
	t.Helper()
	return &gapCase{keptCase: newKeptCase(t), keeper: &fakeKeeper{}}
}

// during runs a process that meets what is lost at its first fetch, if anything is, and stops it after do.
func (c *gapCase) during(t *testing.T, lost event.Lost, do func(n *Numbers)) {
	t.Helper()
	c.log.set(func() { c.log.lost = lost })
	n := c.process()
	n.keeper = c.keeper
	c.run(t, n, func() { do(n) })
}

// wantStopped fails unless the role's partition stands before a gap that its readiness names.
func wantStopped(t *testing.T, n *Numbers, next, counted int64, detail string) {
	t.Helper()
	s, err := n.Status()[0], n.Ready()
	if s.State != StateStopped || s.Next != next || s.Lost != counted {
		t.Errorf("state %s, at %d, %d lost, want stopped at %d and %d", s.State, s.Next, s.Lost, next, counted)
	}
	if err == nil || !strings.Contains(err.Error(), "records_lost: "+detail) || strings.Count(err.Error(), "records_lost") != 1 || !strings.Contains(err.Error(), "sendwatch checkpoint reset") {
		t.Errorf("not ready because of %v, want records_lost once, with %q and what to do", err, detail)
	}
}

// wantRunning fails unless the role's partition has been read to an offset and nothing is said of lost records.
func wantRunning(t *testing.T, n *Numbers, next, counted int64) {
	t.Helper()
	s := n.Status()[0]
	if s.State != StateRunning || s.Next != next || s.Lost != counted || s.Error != "" {
		t.Errorf("state %s, at %d, %d lost, want running at %d and %d: %s", s.State, s.Next, s.Lost, next, counted, s.Error)
	}
	if err := n.Ready(); err != nil && strings.Contains(err.Error(), "records_lost") {
		t.Errorf("not ready: %v", err)
	}
}

func (c *gapCase) acknowledge(t *testing.T, want string) {
	t.Helper()
	lines, err := Acknowledge(t.Context(), c.keeper, "events")
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], want) {
		t.Errorf("acknowledged %q, %v, want %q", lines, err, want)
	}
}

// What a checkpoint had promised and retention has deleted stops the partition, in every process, until it is
// acknowledged; then it goes on behind it with its state, also in a process that dies before it has saved another.
func TestALostPromiseStopsThePartition(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, lost := newGapCase(t), event.Lost{First: 20, End: 40}
		c.sends(20)
		c.during(t, event.Lost{}, func(*Numbers) { elapse(time.Minute) })
		before := values(c.writer.topic("flags"))
		c.sends(40)
		says := "partition stopped: its state goes to 20 and the log begins at 40; retention has deleted offsets 20 to 39, which a checkpoint had promised"
		c.during(t, lost, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 20, says)
			if _, found, err := n.Number(t.Context(), "n1"); err != nil || !found {
				t.Errorf("asked for a number while stopped: found %t, %v", found, err)
			}
			if err := n.Live(); err != nil {
				t.Errorf("a restart would not help: %v", err)
			}
		})
		c.during(t, lost, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 0, says) // the process before has counted it
			if d := cmp.Diff(before, values(c.writer.topic("flags"))); d != "" {
				t.Errorf("flags of a partition that stands still:\n%s", d)
			}
			c.writer.set(context.DeadlineExceeded) // what comes behind the gap never gets as far as a checkpoint
			c.acknowledge(t, "records_lost: 20 records were lost: offsets 20 to 39")
			elapse(8 * time.Second)
			if s := n.Status()[0]; s.Next == 20 {
				t.Error("acknowledged, and read no further")
			}
		})
		c.writer.set(nil)
		if newest := c.committed(); newest != 20 {
			t.Fatalf("committed %d, want the state before the gap to be the newest", newest)
		}
		c.during(t, lost, func(n *Numbers) {
			elapse(time.Minute)
			wantRunning(t, n, 60, 0)
		})
		if lines, err := Acknowledge(t.Context(), c.keeper, "events"); err != nil || len(lines) != 0 {
			t.Errorf("acknowledged again: %q, %v", lines, err)
		}
		if d := cmp.Diff(c.readOn(t, lost), distinct(values(c.writer.topic("flags")))); d != "" {
			t.Errorf("flags (-of a role that reads on +acknowledged):\n%s", d)
		}
	})
}

// readOn returns the flags of a role without checkpoints that meets the gap: it reads on behind it.
func (c *gapCase) readOn(t *testing.T, lost event.Lost) []string {
	t.Helper()
	log, writer := &fakeLog{topic: "events", records: c.log.records[:lost.First]}, &fakeWriter{}
	n := newTestNumbers(writer)
	whileRunning(t, n.Run, joining(log), func() {
		elapse(5 * time.Second)
		log.set(func() { log.records, log.lost = c.log.records, lost })
		elapse(time.Minute)
	})
	return distinct(values(writer.topic("flags")))
}

// distinct returns values without repeats, in a fixed order.
func distinct(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// A partition that stops while it runs saves its state at once: nothing that it has read is lost besides. It goes on
// from memory.
func TestThePartitionStopsInGoodOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, lost := newGapCase(t), event.Lost{First: 40, End: 60}
		c.sends(20)
		c.during(t, event.Lost{}, func(n *Numbers) {
			elapse(15 * time.Second)
			c.sends(20)
			elapse(time.Second)
			if s := n.Status()[0]; s.Next != 40 || s.Checkpoint.Offset != 20 {
				t.Fatalf("at %d, newest checkpoint %d, want 40 and 20", s.Next, s.Checkpoint.Offset)
			}
			c.log.set(func() { c.log.lost = lost })
			c.sends(40)
			elapse(3 * time.Second)
			wantStopped(t, n, 40, 20, "partition stopped: its state goes to 40")
			if s := n.Status()[0]; s.Checkpoint.Offset != 40 {
				t.Errorf("newest checkpoint at %d, want 40", s.Checkpoint.Offset)
			}
			elapse(time.Hour)
			wantStopped(t, n, 40, 20, "partition stopped: its state goes to 40")
			c.acknowledge(t, "offsets 40 to 59")
			elapse(8 * time.Second)
			wantRunning(t, n, 80, 20)
		})
		if want := []int64{FromStart}; !slices.Equal(c.log.opened, want) {
			t.Errorf("opened at %v, want %v", c.log.opened, want)
		}
		if d := cmp.Diff(c.readOn(t, lost), distinct(values(c.writer.topic("flags")))); d != "" {
			t.Errorf("flags (-of a role that reads on +acknowledged):\n%s", d)
		}
	})
}

// Without a checkpoint nothing was promised: a role reads on at the log's start, as a restart would.
func TestWithoutAPromiseThePartitionReadsOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newGapCase(t)
		c.sends(40)
		c.during(t, event.Lost{First: 0, End: 20}, func(n *Numbers) {
			elapse(5 * time.Second)
			if s := n.Status()[0]; s.State != StateRunning || s.Next != 40 || s.Lost != 20 {
				t.Errorf("state %s, at %d, %d lost, want running at 40 and 20", s.State, s.Next, s.Lost)
			}
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "records_lost: 20 records were lost: offsets 0 to 19") {
				t.Errorf("not ready because of %v", err)
			}
		})
	})
}

// To compute from what is left, checkpoints are reset before the gap is acknowledged: the partition begins again with
// a state that starts empty.
func TestAResetInPlaceOfTheGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newGapCase(t)
		c.sends(20)
		c.during(t, event.Lost{}, func(*Numbers) { elapse(time.Minute) })
		c.sends(40)
		c.during(t, event.Lost{First: 20, End: 40}, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 20, "partition stopped")
			if err := c.store.Reset(t.Context(), "events", 0); err != nil {
				t.Fatal(err)
			}
			c.log.set(func() { c.log.start, c.log.opened = 40, nil })
			c.acknowledge(t, "offsets 20 to 39")
			elapse(time.Minute)
			wantRunning(t, n, 60, 0)
		})
		if want := []int64{FromStart}; !slices.Equal(c.log.opened, want) {
			t.Errorf("opened at %v, want %v", c.log.opened, want)
		}
	})
}

// Where retention moves on, what was acknowledged is not all that is lost: the larger gap is asked for again, and only what
// is new is counted.
func TestALargerGapIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newGapCase(t)
		c.sends(20)
		c.during(t, event.Lost{}, func(*Numbers) { elapse(time.Minute) })
		c.sends(40)
		c.during(t, event.Lost{First: 20, End: 40}, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 20, "partition stopped")
		})
		c.acknowledge(t, "20 records were lost: offsets 20 to 39")
		c.during(t, event.Lost{First: 20, End: 50}, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 10, "partition stopped: its state goes to 20 and the log begins at 50")
			c.acknowledge(t, "10 records were lost: offsets 20 to 49")
			elapse(8 * time.Second)
			wantRunning(t, n, 60, 10)
		})
	})
}

// A gap that an acknowledgement of something else covers by its offset is not acknowledged.
func TestOtherAcknowledgementsPassNoGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newGapCase(t)
		c.sends(20)
		c.during(t, event.Lost{}, func(*Numbers) { elapse(time.Minute) })
		if err := c.keeper.Save(t.Context(), "events", 0, event.Note{Offset: 1000}); err != nil {
			t.Fatal(err)
		}
		c.sends(40)
		c.during(t, event.Lost{First: 20, End: 40}, func(n *Numbers) {
			elapse(time.Minute)
			wantStopped(t, n, 20, 20, "partition stopped")
			c.acknowledge(t, "20 records were lost: offsets 20 to 39")
			elapse(8 * time.Second)
			wantRunning(t, n, 60, 20)
		})
	})
}
