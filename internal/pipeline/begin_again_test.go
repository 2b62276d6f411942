package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// renewedLog is a topic that becomes another log: the old one fails, and the group assigns
// the new one once the claim has been renewed.
type renewedLog struct {
	*fakeLog
	renewed func()
}

func (r renewedLog) Renew() { r.renewed() }

// generations serves one log after another on partition 0 of a topic; each until its claim
// is renewed.
func generations(logs ...*fakeLog) Join {
	return func(ctx context.Context, serve Serve) error {
		for i, log := range logs {
			claimed, end := context.WithCancel(ctx)
			_ = serve(claimed, Claim{Topic: log.topic, Committed: FromStart, Identity: string(rune('A' + i))}, renewedLog{log, end})
			end()
		}
		<-ctx.Done()
		return nil
	}
}

// A topic that was created again is read on without a restart, from its beginning and with
// a state that starts empty. That stays a reason until it is acknowledged, and what was
// acknowledged of the old log does not hide what happens in the new one.
func TestAnotherLogIsReadFromItsBeginning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		keeper := &fakeKeeper{}
		old, fresh := &fakeLog{topic: "events"}, &fakeLog{topic: "events"}
		keyed(old, send(1, time.Now()), send(2, time.Now()), send(3, time.Now()))
		keyed(fresh, send(4, time.Now()))
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &fakeWriter{}, Policy: policy.Default(), Keeper: keeper, Logger: slog.New(slog.DiscardHandler),
		})
		whileRunning(t, n.Run, generations(old, fresh), func() {
			elapse(2 * time.Second)
			if err := n.Ready(); err != nil || n.Status()[0].Next != 3 {
				t.Fatalf("on the old log: %v, %+v", err, n.Status()[0])
			}
			if err := keeper.Save(t.Context(), "events", 0, event.Note{Offset: 1000}); err != nil { // as of an acknowledgement long ago
				t.Fatal(err)
			}
			elapse(10 * time.Second)
			old.set(func() { old.fail = named{"topic_recreated", "its id is B"} })
			elapse(5 * time.Second)
			s := n.Status()[0]
			if s.State == StateStopped || s.Next != 1 {
				t.Fatalf("on the new log: %+v", s)
			}
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "topic_recreated: 1 times the topic became another log: it was A and is B") {
				t.Errorf("on the new log: %v", err)
			}
			elapse(20 * time.Second)
			if err := n.Ready(); err == nil {
				t.Error("it is forgotten before it is acknowledged")
			}
			if lines, err := Acknowledge(t.Context(), keeper, "events"); err != nil || len(lines) != 1 {
				t.Fatalf("acknowledged %v, %v", lines, err)
			}
			elapse(10 * time.Second)
			if err := n.Ready(); err != nil {
				t.Errorf("acknowledged: %v", err)
			}
		})
	})
}

// A log that ends before the state is read again from its start, without a restart.
func TestATruncatedLogIsReadAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		keeper := &fakeKeeper{}
		log := &fakeLog{topic: "events"}
		keyed(log, send(1, time.Now()), send(2, time.Now()), send(3, time.Now()))
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &fakeWriter{}, Policy: policy.Default(), Keeper: keeper, Logger: slog.New(slog.DiscardHandler),
		})
		truncated := &failsOnce{fakeLog: log}
		join := func(ctx context.Context, serve Serve) error {
			return serve(ctx, Claim{Topic: "events", Committed: FromStart}, truncated)
		}
		whileRunning(t, n.Run, join, func() {
			elapse(2 * time.Second)
			truncated.fail(named{"log_truncated", "it ends at 1, and 3 was next"})
			elapse(3 * time.Second)
			if s := n.Status()[0]; s.State != StateRunning || s.Next != 3 || truncated.opened() != 2 {
				t.Fatalf("opened %d times: %+v", truncated.opened(), s)
			}
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "log_truncated: 1 times it was read again from its start: it ends at 1") {
				t.Errorf("read again: %v", err)
			}
			if _, err := Acknowledge(t.Context(), keeper, "events"); err != nil {
				t.Fatal(err)
			}
			elapse(10 * time.Second)
			if err := n.Ready(); err != nil {
				t.Errorf("acknowledged: %v", err)
			}
		})
	})
}

// While a partition waits to begin again it says that, and not that Kafka is silent. The
// pause grows from one time to the next, and is short again once all was well for long.
func TestTheWaitToBeginAgainIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &fakeLog{topic: "events"}
		keyed(log, send(1, time.Now()))
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &fakeWriter{}, Policy: policy.Default(),
			Bounds: Bounds{KafkaSilent: 2 * time.Second}, Logger: slog.New(slog.DiscardHandler),
		})
		truncated := &failsOnce{fakeLog: log}
		join := func(ctx context.Context, serve Serve) error {
			return serve(ctx, Claim{Topic: "events", Committed: FromStart}, truncated)
		}
		fail := func() (waited time.Duration) {
			opened := truncated.opened()
			truncated.fail(named{"log_truncated", "it ends at 0, and 1 was next"})
			for n.Status()[0].State == StateRunning {
				elapse(100 * time.Millisecond)
			}
			for ; truncated.opened() == opened; waited += 100 * time.Millisecond {
				elapse(100 * time.Millisecond)
				if err := n.Ready(); truncated.opened() == opened && (err == nil || !strings.Contains(err.Error(), "catching_up") ||
					!strings.Contains(err.Error(), "it ends at 0") || strings.Contains(err.Error(), "kafka_silent")) {
					t.Fatalf("after %v of the pause: %v", waited, err)
				}
			}
			return waited
		}
		whileRunning(t, n.Run, join, func() {
			elapse(2 * time.Second)
			for range 4 {
				fail()
				elapse(time.Second)
			}
			if waited := fail(); waited < 8*time.Second {
				t.Errorf("the fifth pause was %v: it does not grow", waited)
			}
			elapse(2 * time.Minute)
			if waited := fail(); waited > 2*time.Second {
				t.Errorf("after a good time the pause was %v", waited)
			}
		})
	})
}

// failsOnce is a log whose next fetch can be made to fail.
type failsOnce struct {
	*fakeLog
	mu    sync.Mutex
	err   error
	opens int
}

func (f *failsOnce) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failsOnce) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opens
}

func (f *failsOnce) Fetch(ctx context.Context) (*event.Batch, error) {
	f.mu.Lock()
	err := f.err
	f.err = nil
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.fakeLog.Fetch(ctx)
}

func (f *failsOnce) Open(ctx context.Context, offset int64) (int64, error) {
	f.mu.Lock()
	f.opens++
	f.mu.Unlock()
	return f.fakeLog.Open(ctx, offset)
}

// A partition that has stopped begins again once its cause was mended and an operator says
// so, in the same process; until then it stays stopped.
func TestAStoppedPartitionBeginsAgainOnceAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		keeper, writer := &fakeKeeper{}, &fakeWriter{}
		log := &fakeLog{topic: "events"}
		keyed(log, "garbage")
		writer.refuse = errors.New("message too large")
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: writer, Policy: policy.Default(), Keeper: keeper, Logger: slog.New(slog.DiscardHandler),
		})
		whileRunning(t, n.Run, joining(log), func() {
			stopped := func() bool {
				err := n.Ready()
				return err != nil && strings.Count(err.Error(), "stopped: ") == 1 && strings.Contains(err.Error(), "message too large")
			}
			elapse(10 * time.Second)
			for range 2 { // the second time the cause was not mended
				if !stopped() {
					t.Fatalf("stopped: %v", n.Ready())
				}
				if lines, err := Acknowledge(t.Context(), keeper, "events"); err != nil || len(lines) != 1 || !strings.Contains(lines[0], "stopped: 1 partition stopped: ") {
					t.Fatalf("acknowledged %v, %v", lines, err)
				}
				elapse(10 * time.Second)
			}
			if !stopped() {
				t.Fatalf("stopped again: %v", n.Ready())
			}
			writer.mu.Lock()
			writer.refuse = nil
			writer.mu.Unlock()
			elapse(time.Minute)
			if !stopped() {
				t.Errorf("it began again without being told: %v", n.Ready())
			}
			if _, err := Acknowledge(t.Context(), keeper, "events"); err != nil {
				t.Fatal(err)
			}
			elapse(2 * time.Minute)
			if err := n.Ready(); err != nil || n.Status()[0].Next != 1 {
				t.Errorf("mended and acknowledged: %v", err)
			}
		})
	})
}

// changingTopics is a Kafka whose events topic is created again.
type changingTopics struct {
	topicsOf
	mu  sync.Mutex
	log string
}

func (c *changingTopics) Identity(context.Context, string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log, nil
}

// A numbers role that reads another log numbers its changes from the beginning. They are
// taken as those of the new log, and not for a repeat of what came of the old one.
func TestPortfoliosFollowAnotherLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		live, minute := policy.Default(), time.Now().UnixMilli()/60_000*60_000
		topics := &changingTopics{topicsOf: 1, log: "A"}
		log := &fakeLog{topic: "rows"}
		tell := func(of, portfolio string, sequence, at int64) {
			written := codec.Rows{
				Topic: "events", PortfolioID: portfolio, HasProgress: true,
				Progress: codec.Progress{Watermark: at, Sequence: sequence, CaughtUp: true, Generation: generation(live.Version, of), Policy: live.Version},
			}
			written.Changes = []event.PortfolioChange{
				{Sequence: sequence, Visible: at, Kind: event.ChangeContact, PortfolioID: portfolio, A: uint64(sequence), B: at/60_000 - 1},
			}
			log.append(string(codec.AppendRows(nil, &written)))
		}
		r := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topics, Policy: live, Logger: slog.New(slog.DiscardHandler),
		})
		whileRunning(t, r.Run, joining(log), func() {
			for i := range int64(5) {
				tell("A", "old", i+1, minute+i*60_000)
			}
			elapse(5 * time.Second)
			if p := r.Status()[0].Portfolios; p.Portfolios != 1 || p.Minute != minute+4*60_000 {
				t.Fatalf("of the old log: %+v", p)
			}
			topics.mu.Lock()
			topics.log = "B"
			topics.mu.Unlock()
			tell("B", "new", 1, minute+5*60_000)
			elapse(5 * time.Second)
			all, err := r.Portfolios(t.Context())
			if err != nil || len(all) != 1 || all[0].PortfolioID != "new" || r.Status()[0].Portfolios.Minute != minute+5*60_000 {
				t.Errorf("of the new log: %+v, %v, %+v", all, err, r.Status()[0].Portfolios)
			}
			if err := r.Ready(); err != nil {
				t.Errorf("the numbers role names the other log, and this one is well: %v", err)
			}
		})
	})
}
