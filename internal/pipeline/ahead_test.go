package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// aheadTask is a fakeTask that has much to write.
type aheadTask struct {
	fakeTask
	left int
	most int // from so much on it is crowded
}

func (a *aheadTask) unwritten() int { return a.left }

func (a *aheadTask) crowded() bool { return a.left >= a.most }

func (a *aheadTask) writeSome(ctx context.Context) (int, error) {
	a.journal.add("some")
	<-time.After(time.Millisecond) // a batch comes meanwhile
	n := min(a.left, 1000)
	a.left -= n
	return n, a.lane.give(ctx, func(context.Context) error { return nil })
}

func (a *aheadTask) flush(ctx context.Context) (<-chan struct{}, error) {
	a.left, a.dueAt = 0, -1
	return a.fakeTask.flush(ctx)
}

// runAhead runs a task that is due after the first of many batches, and returns what happened.
func runAhead(t *testing.T, task *aheadTask) []string {
	t.Helper()
	j := &journal{}
	log := &fakeLog{topic: "events", journal: j}
	for i := range 400 {
		log.append(send(i, time.Now()))
	}
	r := &role{name: event.RoleNumbers, drain: time.Second, now: time.Now, logger: slog.New(slog.DiscardHandler)}
	p := newPartitionProgress(r, Claim{Topic: "events", Committed: FromStart}, FromStart)
	task.journal, task.dueAt, task.lane = j, 2, newLane(2, time.Now)
	p.beside = task.lane
	l := loop{partitionProgress: &p, task: task}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx, log) }()
	elapse(5 * time.Second)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return j.lines
}

// Events that come while a large flush is due do not wait for all of it: it is written portion by portion
// between their batches, and the flush comes once little is left.
func TestBatchesGoBetweenWhatIsWrittenAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lines := runAhead(t, &aheadTask{left: 40*1000 + fewUnwritten, most: 1 << 20})
		first, flush := slices.Index(lines, "some"), slices.Index(lines, "flush")
		if first < 0 || flush < 0 {
			t.Fatalf("nothing was written ahead, or no flush came: %s", strings.Join(lines, ", "))
		}
		some, applied := 0, 0
		for _, l := range lines[first:flush] {
			if l == "some" {
				some++
			} else if strings.HasPrefix(l, "apply") {
				applied++
			}
		}
		if some != 40 || applied < 5 {
			t.Errorf("%d portions ahead of the flush, want 40, with %d batches between them, want about as many", some, applied)
		}
	})
}

// What is written ahead stays bounded: a task that may keep no more in memory is flushed at once.
func TestNothingIsWrittenAheadOfACrowdedFlush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lines := runAhead(t, &aheadTask{left: 5000, most: 5000})
		if slices.Contains(lines, "some") || !slices.Contains(lines, "flush") {
			t.Errorf("happened: %s", strings.Join(lines, ", "))
		}
	})
}
