package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// fakeTask notes each step that the loop has it take, and fails in one of them.
type fakeTask struct {
	journal *journal
	flushes int // after which flush fails; 0 never
	dueAt   int64
	next    int64
	lane    *lane
	takes   time.Duration // until a flush is acknowledged
	always  bool          // due at every batch
}

func (f *fakeTask) apply(_ context.Context, batch *event.Batch) error {
	f.next = batch.Next
	if len(batch.Records) > 0 {
		f.journal.add("apply to %d", batch.Next)
	}
	return nil
}

func (f *fakeTask) due() bool { return f.next == f.dueAt || f.always }

func (f *fakeTask) flush(ctx context.Context) (<-chan struct{}, error) {
	f.journal.add("flush")
	f.flushes--
	acknowledged, fails := make(chan struct{}), f.flushes == 0
	return acknowledged, f.lane.give(ctx, func(context.Context) error {
		<-time.After(f.takes)
		if fails {
			return errors.New("flush refused")
		}
		f.journal.add("acknowledged")
		close(acknowledged)
		return nil
	})
}

// fakeStates notes what is saved when, and how often saving fails.
type fakeStates struct {
	journal *journal
	fails   error
	takes   time.Duration
}

func (*fakeStates) due(int64) bool { return false }

func (s *fakeStates) snapshot(next int64) func(context.Context) error {
	s.journal.add("snapshot %d", next)
	return func(context.Context) error {
		<-time.After(s.takes)
		s.journal.add("save %d", next)
		return s.fails
	}
}

func (*fakeStates) saved(error) {}

// runLoop runs a task over six records until it has read them, and returns what happened
// in order and how the loop ended.
func runLoop(t *testing.T, task *fakeTask, states stateSaver) ([]string, error) {
	t.Helper()
	log := &fakeLog{topic: "events", journal: task.journal}
	for i := range 6 {
		log.append(send(i, time.Now()))
	}
	r := &role{name: event.RoleNumbers, drain: 5 * time.Second, now: time.Now, logger: slog.New(slog.DiscardHandler)}
	p := newPartitionProgress(r, Claim{Topic: "events", Committed: FromStart}, FromStart)
	task.lane = newLane(2, time.Now)
	p.beside = task.lane
	l := loop{partitionProgress: &p, task: task, states: states}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx, log) }()
	elapse(10 * time.Second)
	cancel()
	err := <-ended
	return slices.Clone(task.journal.lines), err
}

// The order of the loop's durable effects is flush, save, commit, also when it drains;
// what is saved and committed is the state of when the flush was handed over, though the
// loop goes on meanwhile; and a step that fails lets no later one happen.
func TestFlushThenSaveThenCommit(t *testing.T) {
	for name, c := range map[string]struct {
		failFlush int
		failSave  error
		want      string
		fails     string
	}{
		"all well": {
			want: "apply to 2, apply to 4, flush, snapshot 4, apply to 6, acknowledged, save 4, commit 4, flush, snapshot 6, acknowledged, save 6, commit 6",
		},
		"flush fails": {
			failFlush: 1, fails: "flush refused",
			want: "apply to 2, apply to 4, flush, snapshot 4, apply to 6",
		},
		"flush fails at the drain": {
			failFlush: 2, fails: "flush refused",
			want: "apply to 2, apply to 4, flush, snapshot 4, apply to 6, acknowledged, save 4, commit 4, flush, snapshot 6",
		},
		"save fails in a way that may pass": {
			failSave: errNotSaved,
			want:     "apply to 2, apply to 4, flush, snapshot 4, apply to 6, acknowledged, save 4, flush, snapshot 6, acknowledged, save 6",
		},
		"save fails": {
			failSave: errors.New("save refused"), fails: "save refused",
			want: "apply to 2, apply to 4, flush, snapshot 4, apply to 6, acknowledged, save 4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				j := &journal{}
				lines, err := runLoop(t, &fakeTask{journal: j, flushes: c.failFlush, dueAt: 4, takes: time.Second}, &fakeStates{journal: j, fails: c.failSave})
				if got := strings.Join(lines, ", "); got != c.want {
					t.Errorf("happened:\n%s\nwant:\n%s", got, c.want)
				}
				if c.fails == "" && err != nil || c.fails != "" && fmt.Sprint(err) != c.fails {
					t.Errorf("ended with %v, want %q", err, c.fails)
				}
			})
		})
	}
}

// A save that takes its time holds up nothing: flushes go on beside it, and what is
// committed was saved.
func TestFlushesGoOnBesideASave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &journal{}
		lines, err := runLoop(t, &fakeTask{journal: j, always: true}, &fakeStates{journal: j, takes: 900 * time.Millisecond})
		if err != nil {
			t.Error(err)
		}
		taken, saved := slices.Index(lines, "snapshot 2"), slices.Index(lines, "save 2")
		if taken < 0 || saved < taken || !slices.Contains(lines[taken:saved], "flush") {
			t.Errorf("no flush between taking and saving a state: %v", lines)
		}
		for k, line := range lines {
			if offset, ok := strings.CutPrefix(line, "commit "); ok && !slices.Contains(lines[:k], "save "+offset) {
				t.Errorf("%s before it was saved: %v", line, lines)
			}
		}
		if !slices.Contains(lines, "commit 6") {
			t.Errorf("the end is not committed: %v", lines)
		}
	})
}
