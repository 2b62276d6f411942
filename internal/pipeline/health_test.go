package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
)

func TestReadyWhileKafkaAnswers(t *testing.T) {
	type role interface {
		Run(context.Context, Join) error
		Ready() error
		Live() error
	}
	for name, make := range map[string]func() role{
		event.RoleNumbers: func() role { return newTestNumbers(&fakeWriter{}) },
		event.RolePortfolios: func() role {
			return NewPortfolios(PortfoliosConfig{
				Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(1), Policy: policy.Default(),
				Logger: slog.New(slog.DiscardHandler),
			})
		},
		event.RoleSink: func() role { return NewSink(SinkConfig{Store: &fakeStore{}, Logger: slog.New(slog.DiscardHandler)}) },
	} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "any"}
			log.append(map[bool]string{true: send(1, time.Now()), false: batchOf(1)}[name == event.RoleNumbers])
			r := make()
			if err := r.Ready(); err == nil {
				t.Errorf("%s: ready before anything was assigned", name)
			}
			whileRunning(t, r.Run, joining(log), func() {
				elapse(2 * time.Second)
				if err := r.Ready(); err != nil {
					t.Errorf("%s: caught up and not ready: %v", name, err)
				}
				log.mu.Lock()
				log.hang = true
				log.mu.Unlock()
				elapse(2 * time.Minute)
				if err := r.Ready(); err == nil || !strings.Contains(err.Error(), "kafka_silent: no answer from Kafka") {
					t.Errorf("%s: Kafka has said nothing for two minutes: %v", name, err)
				}
				if err := r.Live(); err != nil {
					t.Errorf("%s: a silent Kafka is no reason to restart the process: %v", name, err)
				}
			})
		})
	}
}

// A configured bound replaces its default, and no other.
func TestBoundsAreConfigured(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{4 * time.Second, false}, {12 * time.Second, true}} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "rows"}
			log.append(batchOf(1))
			s := NewSink(SinkConfig{Store: &fakeStore{}, Logger: slog.New(slog.DiscardHandler), Bounds: Bounds{KafkaSilent: 10 * time.Second}})
			whileRunning(t, s.Run, joining(log), func() {
				elapse(2 * time.Second)
				log.set(func() { log.hang = true })
				elapse(c.after)
				if silent := s.Ready() != nil; silent != c.want {
					t.Errorf("%v after the last answer, with a bound of 10 s: %v", c.after, s.Ready())
				}
			})
		})
	}
}

// What a process reads again at its start is no news: of records that an earlier owner has
// read, nothing is said of the last minute. What it is the first to read counts.
func TestTheLastMinuteIsOfNewRecords(t *testing.T) {
	for committed, want := range map[int64]bool{FromStart: true, 1: true, 8: false} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "events"}
			log.append("a", "b", "c", "d", "e", "f", send(1, time.Now()), send(2, time.Now()))
			n := newTestNumbers(&fakeWriter{})
			join := func(ctx context.Context, serve Serve) error {
				return serve(ctx, Claim{Topic: "events", Committed: committed}, log)
			}
			whileRunning(t, n.Run, join, func() {
				elapse(5 * time.Second)
				err := n.Ready()
				if named := err != nil && strings.Contains(err.Error(), "rejecting"); named != want {
					t.Errorf("with the group's offset at %d: %v", committed, err)
				}
			})
		})
	}
}

// truncatedLog is a log whose first records have been deleted.
type truncatedLog struct {
	*fakeLog
	first int64
}

func (c truncatedLog) Open(ctx context.Context, offset int64) (int64, error) {
	return c.fakeLog.Open(ctx, max(offset, c.first))
}

// TestALogWithoutItsBeginningIsNamed: what is rebuilt from it knows less.
func TestALogWithoutItsBeginningIsNamed(t *testing.T) {
	for _, first := range []int64{0, 2} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "events"}
			log.append(send(1, time.Now()), send(2, time.Now()), send(3, time.Now()))
			var said bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&said, nil))
			join := func(ctx context.Context, serve Serve) error {
				return serve(ctx, Claim{Topic: "events", Partition: 7, Committed: FromStart}, truncatedLog{log, first})
			}
			numbers := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: &fakeWriter{}, Policy: policy.Default(), Logger: logger,
			})
			portfolios := NewPortfolios(PortfoliosConfig{
				Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(1), Policy: policy.Default(), Logger: logger,
			})
			for _, run := range []func(context.Context, Join) error{numbers.Run, portfolios.Run} {
				said.Reset()
				whileRunning(t, run, join, func() { elapse(2 * time.Second) })
				if named := strings.Contains(said.String(), "log start is after offset 0") && strings.Contains(said.String(), "first=2"); named != (first > 0) {
					t.Errorf("a log from %d on: %s", first, &said)
				}
			}
		})
	}
}

// TestLagInEventTimeBeginsWithTheFirstEvent: a watermark of 1970 would show a lag
// of half a century on every partition that has no events yet.
func TestLagInEventTimeBeginsWithTheFirstEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		empty, full := &fakeLog{topic: "events"}, &fakeLog{topic: "events"}
		full.append(send(1, time.Now()))
		measures, err := telemetry.New(telemetry.Config{})
		if err != nil {
			t.Fatal(err)
		}
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: &fakeWriter{}, Policy: policy.Default(),
			Telemetry: measures, Logger: slog.New(slog.DiscardHandler),
		})
		want := fmt.Sprintf(`sendwatch_watermark_seconds{partition="1",role="numbers"} %g`, float64(time.Now().Unix()))
		whileRunning(t, n.Run, joining(empty, full), func() {
			elapse(2 * time.Second)
			answer := httptest.NewRecorder()
			measures.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			body := answer.Body.String()
			if strings.Contains(body, `sendwatch_watermark_seconds{partition="0"`) {
				t.Error("a partition without events has a watermark")
			}
			if !strings.Contains(body, want) {
				t.Errorf("no %s in\n%s", want, body)
			}
		})
	})
}

// TestUnreadableRowsAreCounted: a record of the rows topic that nobody can read is
// passed over by each role that reads it, and each says so.
func TestUnreadableRowsAreCounted(t *testing.T) {
	measures, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&said, nil))
	type role interface {
		Run(context.Context, Join) error
		Status() []PartitionStatus
	}
	for role, make := range map[string]func() role{
		event.RolePortfolios: func() role {
			return NewPortfolios(PortfoliosConfig{
				Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(1), Policy: policy.Default(),
				Telemetry: measures, Logger: logger,
			})
		},
		event.RoleSink: func() role { return NewSink(SinkConfig{Store: &fakeStore{}, Telemetry: measures, Logger: logger}) },
	} {
		bubble(t, func(t *testing.T) {
			r := make()
			said.Reset()
			log := &fakeLog{topic: "rows"}
			log.append("\xff", "fine", "fine", "fine")
			log.bad = map[int64]event.Unreadable{2: {First: 2, Last: 3, Reason: "its checksum is wrong"}}
			log.records[1].Value = nil // an empty batch
			whileRunning(t, r.Run, joining(log), func() {
				elapse(2 * time.Second)
				if all := r.Status(); len(all) != 1 || all[0].Unreadable != 3 || all[0].State != StateRunning {
					t.Errorf("%s: %+v", role, all)
				}
			})
			answer := httptest.NewRecorder()
			measures.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if want := fmt.Sprintf(`sendwatch_unreadable_total{partition="0",role="%s"} 3`, role); !strings.Contains(answer.Body.String(), want) {
				t.Errorf("no %s", want)
			}
			if text := said.String(); strings.Count(text, "skipped an undecodable record") != 2 || !strings.Contains(text, "role="+role) || !strings.Contains(text, "first=2 last=3") {
				t.Errorf("%s said:\n%s", role, text)
			}
		})
	}
}
