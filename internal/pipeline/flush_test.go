package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// rowsGate is a Writer whose rows topic takes nothing until it is opened, or refuses.
// Everything else it takes at once.
type rowsGate struct {
	fakeWriter
	open   chan struct{}
	refuse error
}

func (g *rowsGate) Produce(ctx context.Context, topic string, messages []event.Message) error {
	if topic == "rows" {
		if g.refuse != nil {
			return g.refuse
		}
		select {
		case <-g.open:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return g.fakeWriter.Produce(ctx, topic, messages)
}

// refused is a failed status that raises a flag of its number at once.
func refused(number string, at time.Time) string {
	return fmt.Sprintf(`{"id":"f-%s","type":"message.status","time":%d,"number_id":"%s","portfolio_id":"p1","message_id":"m","contact":"c","status":"failed","error_code":131048}`,
		number, at.UnixMilli(), number)
}

// flagged returns the numbers with a flag in their topic.
func flagged(w *rowsGate) []string {
	var numbers []string
	for _, m := range w.topic("flags") {
		numbers = append(numbers, string(m.Key))
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func lastCommitted(log *fakeLog) int64 {
	log.mu.Lock()
	defer log.mu.Unlock()
	if n := len(log.committed); n > 0 {
		return log.committed[n-1]
	}
	return FromStart
}

// While the rows topic acknowledges nothing, the partition reads on and its flags go out;
// no offset is committed, and Kafka's silence is said.
func TestSlowRowsStopNoFlag(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, w := &fakeLog{topic: "events"}, &rowsGate{open: make(chan struct{})}
		n := newTestNumbers(w)
		keyed(log, refused("n1", time.Now()))
		whileRunning(t, n.Run, joining(log), func() {
			elapse(5 * time.Second) // the first flush is under way
			for i := 2; i < 6; i++ {
				keyed(log, refused(fmt.Sprint("n", i), time.Now()))
				elapse(2 * time.Second)
			}
			if got := flagged(w); len(got) != 5 {
				t.Errorf("%v are flagged, want 5 numbers", got)
			}
			if s := n.Status()[0]; s.Next != 5 || lastCommitted(log) != FromStart || len(w.topic("rows")) > 0 {
				t.Errorf("read up to %d, committed %d, %d messages of rows", s.Next, lastCommitted(log), len(w.topic("rows")))
			}
			elapse(20 * time.Second)
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), ReasonKafkaSilent.String()) {
				t.Errorf("a write has not been acknowledged for half a minute: %v", err)
			}
			close(w.open)
			elapse(5 * time.Second)
			if lastCommitted(log) != 5 || len(w.topic("rows")) == 0 {
				t.Errorf("committed %d, want 5; %d messages of rows", lastCommitted(log), len(w.topic("rows")))
			}
			if err := n.Ready(); err != nil {
				t.Errorf("after all was acknowledged: %v", err)
			}
		})
	})
}

// What is committed was acknowledged, record by record: the offsets of each flush come
// after its rows, and a flush that is under way covers what was applied before it alone.
func TestCommitFollowsAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, w := &fakeLog{topic: "events"}, &rowsGate{open: make(chan struct{})}
		n := newTestNumbers(w)
		keyed(log, send(0, time.Now()))
		whileRunning(t, n.Run, joining(log), func() {
			elapse(5 * time.Second)
			keyed(log, send(1, time.Now()), send(2, time.Now()))
			elapse(5 * time.Second)
			w.open <- struct{}{} // the rows of the first flush alone
			elapse(0)
			if got := lastCommitted(log); got != 1 {
				t.Errorf("committed %d with the rows of one record acknowledged, want 1", got)
			}
			close(w.open)
			elapse(3 * time.Second)
			if got := lastCommitted(log); got != 3 {
				t.Errorf("committed %d at last, want 3", got)
			}
		})
	})
}

// What waits to be written is bounded: behind a rows topic that takes nothing the
// partition stops to read, and says so.
func TestUnwrittenRowsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, w := &fakeLog{topic: "events"}, &rowsGate{open: make(chan struct{})}
		for i := range 2000 {
			at := time.Now().Add(time.Duration(i-2000) * time.Minute) // a row of its own each
			keyed(log, strings.Replace(send(i, at), `"n1"`, fmt.Sprintf(`"n%d"`, i), 1))
		}
		n := newTestNumbers(w)
		n.config.MaxRows = 100
		whileRunning(t, n.Run, joining(log), func() {
			elapse(10 * time.Second)
			s := n.Status()[0]
			if s.Next > 400 || s.State != StateWaiting {
				t.Errorf("read up to %d of 2000, %s", s.Next, s.State)
			}
			close(w.open)
			elapse(20 * time.Second)
			if got := lastCommitted(log); got != 2000 {
				t.Errorf("committed %d, want 2000", got)
			}
		})
	})
}

// A rows topic that refuses stops the partition, and nothing is committed.
func TestRefusedRowsStopThePartition(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, w := &fakeLog{topic: "events"}, &rowsGate{refuse: errors.New("no such right")}
		keyed(log, send(0, time.Now()))
		n := newTestNumbers(w)
		whileRunning(t, n.Run, joining(log), func() {
			elapse(5 * time.Second)
			if s := n.Status()[0]; s.State != StateStopped || !strings.Contains(s.Error, "no such right") || lastCommitted(log) != FromStart {
				t.Errorf("%s: %s, committed %d", s.State, s.Error, lastCommitted(log))
			}
		})
	})
}

// A claim that ends waits for the flush under way and for one of what was applied since,
// and no longer than the drain time.
func TestDrainWaitsForRows(t *testing.T) {
	for name, opens := range map[string]time.Duration{"in time": 2 * time.Second, "too late": time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, w := &fakeLog{topic: "events"}, &rowsGate{open: make(chan struct{})}
				keyed(log, send(0, time.Now()))
				n := newTestNumbers(w)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- n.Run(ctx, joining(log)) }()
				elapse(3 * time.Second)
				keyed(log, send(1, time.Now()))
				elapse(3 * time.Second)
				stopped := time.Now()
				cancel()
				timer := time.AfterFunc(opens, func() { close(w.open) })
				defer timer.Stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
				took, want, committed := time.Since(stopped), 2*time.Second, int64(2)
				if name == "too late" {
					want, committed = n.config.Drain, FromStart
				}
				if took != want || lastCommitted(log) != committed {
					t.Errorf("it took %s and committed %d, want %s and %d", took, lastCommitted(log), want, committed)
				}
			})
		})
	}
}
