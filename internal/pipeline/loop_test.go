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
}

func (f *fakeTask) apply(_ context.Context, batch *event.Batch) error {
	f.next = batch.Next
	if len(batch.Records) > 0 {
		f.journal.add("apply to %d", batch.Next)
	}
	return nil
}

func (f *fakeTask) due() bool { return f.next == f.dueAt }

func (f *fakeTask) flush(context.Context) error {
	f.journal.add("flush")
	if f.flushes--; f.flushes == 0 {
		return errors.New("flush refused")
	}
	return nil
}

// runLoop runs a task over six records until it has read them, and returns what happened
// in order and how the loop ended.
func runLoop(t *testing.T, task *fakeTask, save func(context.Context, int64) error) ([]string, error) {
	t.Helper()
	log := &fakeLog{topic: "events", journal: task.journal}
	for i := range 6 {
		log.append(send(i, time.Now()))
	}
	r := &role{name: event.RoleNumbers, drain: time.Second, now: time.Now, logger: slog.New(slog.DiscardHandler)}
	p := newPartitionProgress(r, Claim{Topic: "events", Committed: FromStart}, FromStart)
	l := loop{partitionProgress: &p, task: task, save: save}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx, log) }()
	elapse(10 * time.Second)
	cancel()
	err := <-ended
	return slices.Clone(task.journal.lines), err
}

// The order of the loop's durable effects is flush, save, commit, also when it drains,
// and a step that fails lets no later one happen.
func TestFlushThenSaveThenCommit(t *testing.T) {
	for name, c := range map[string]struct {
		failFlush int
		failSave  bool
		want      string
		fails     string
	}{
		"all well": {
			want: "apply to 2, apply to 4, flush, save 4, commit 4, apply to 6, flush, save 6, commit 6",
		},
		"flush fails": {
			failFlush: 1, fails: "flush refused",
			want: "apply to 2, apply to 4, flush",
		},
		"flush fails at the drain": {
			failFlush: 2, fails: "flush refused",
			want: "apply to 2, apply to 4, flush, save 4, commit 4, apply to 6, flush",
		},
		"save fails": {
			failSave: true, fails: "save refused",
			want: "apply to 2, apply to 4, flush, save 4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				j := &journal{}
				save := func(_ context.Context, next int64) error {
					j.add("save %d", next)
					if c.failSave {
						return errors.New("save refused")
					}
					return nil
				}
				lines, err := runLoop(t, &fakeTask{journal: j, flushes: c.failFlush, dueAt: 4}, save)
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
