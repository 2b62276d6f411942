package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// flagOrder is a Writer that takes 100 ms for a write, and notes whose flags came with
// each.
type flagOrder struct {
	mu     sync.Mutex
	order  []string
	refuse error
}

func (w *flagOrder) Produce(_ context.Context, _ string, messages []event.Message) error {
	<-time.After(100 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return w.refuse
	}
	for _, m := range messages {
		w.order = append(w.order, string(m.Key))
	}
	return nil
}

func testFlagSender(w Writer) *flagSender {
	return newFlagSender(&role{now: time.Now, logger: slog.New(slog.DiscardHandler)}, w, "flags", NewRecentFlags(10))
}

// Of a storm the flags of subjects in danger go first, also those that come while others
// wait; warnings go before what was cleared, and of one subject all stay in their order.
func TestUrgentFlagsOvertake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := &flagOrder{}
		s := testFlagSender(w)
		var flags []event.Flag
		add := func(id string, level event.Level) {
			flags = append(flags, event.Flag{FlagID: id, Sequence: int64(len(flags)), NumberID: id, Level: level})
		}
		for i := range 2_000 {
			add(fmt.Sprint("cleared", i), event.LevelNone)
			add(fmt.Sprint("warned", i), event.LevelWarn)
		}
		add("rising", event.LevelWarn)
		add("rising", event.LevelDanger)
		if err := s.send(t.Context(), flags); err != nil {
			t.Fatal(err)
		}
		elapse(250 * time.Millisecond) // two writes are done
		late := len(flags)
		add("late", event.LevelDanger)
		if err := s.send(t.Context(), flags[late:]); err != nil {
			t.Fatal(err)
		}
		if !s.busy() {
			t.Error("nothing has to be waited for")
		}
		if err := s.wait(flags); err != nil {
			t.Fatal(err)
		}
		if len(w.order) != len(flags) {
			t.Fatalf("%d flags were written, want %d", len(w.order), len(flags))
		}
		if !slices.Equal(w.order[:3], []string{"rising", "rising", "warned0"}) {
			t.Errorf("first came %v", w.order[:3])
		}
		if at := slices.Index(w.order, "late"); at != 3*maxFlagsAtOnce {
			t.Errorf("a flag that came while the third write was under way was at %d, want %d", at, 3*maxFlagsAtOnce)
		}
		if slices.Index(w.order, "warned1999") > slices.Index(w.order, "cleared0") {
			t.Error("a flag that was cleared went before a warning")
		}
		for i := range flags {
			if flags[i].EmittedAt == 0 {
				t.Fatalf("flag %d does not say when it was sent", i)
			}
		}
	})
}

// A flag that is refused ends the sender: the next send and wait return why.
func TestARefusedFlagIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := testFlagSender(&flagOrder{refuse: errors.New("refused")})
		flags := []event.Flag{{NumberID: "n", Level: event.LevelWarn}}
		if err := s.send(t.Context(), flags); err != nil {
			t.Fatal(err)
		}
		if err := s.wait(flags); err == nil {
			t.Error("wait: no error")
		}
		if err := s.send(t.Context(), flags); err == nil || s.busy() {
			t.Errorf("send: %v, busy %t", err, s.busy())
		}
	})
}

// stuckWriter takes no flags until it is released.
type stuckWriter struct {
	fakeWriter
	release chan struct{}
}

func (s *stuckWriter) Produce(ctx context.Context, topic string, messages []event.Message) error {
	if topic == "flags" {
		<-s.release
	}
	return s.fakeWriter.Produce(ctx, topic, messages)
}

// While flags are being written the partition reads on, and what it commits covers them.
func TestAStormDoesNotBlockThePartition(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &fakeLog{topic: "events"}
		for i := range 200 {
			keyed(log, send(i, time.Now().Add(time.Duration(i-200)*time.Second)))
		}
		w := &stuckWriter{release: make(chan struct{})}
		n := newTestNumbers(w)
		whileRunning(t, n.Run, joining(log), func() {
			elapse(8 * time.Second)
			if s := n.Status()[0]; s.Next != 200 {
				t.Errorf("read up to %d while flags were waiting, want 200", s.Next)
			}
			if len(log.committed) > 0 {
				t.Errorf("committed %v before the flags were acknowledged", log.committed)
			}
			close(w.release)
			elapse(20 * time.Second)
			if len(log.committed) == 0 || log.committed[len(log.committed)-1] != 200 || len(w.topic("flags")) == 0 {
				t.Errorf("committed %v with %d flags", log.committed, len(w.topic("flags")))
			}
		})
	})
}
