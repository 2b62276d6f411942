package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
)

// named is an error that names its reason, as those of a Kafka client do.
type named struct{ reason, text string }

func (n named) Error() string  { return n.text }
func (n named) Reason() string { return n.reason }

// anyRole is what the roles have in common.
type anyRole interface {
	Run(context.Context, Join) error
	Problems() []Problem
	Live() error
}

// trouble is a way to a reason: a role over fakes, and what happens while it runs.
type trouble struct {
	role   string // numbers if empty
	set    func(c *NumbersConfig, log *fakeLog, writer *fakeWriter, store *fakeStore)
	join   Join // over the log if nil
	while  func(log *fakeLog, store *fakeStore)
	lasts  time.Duration // until the reason must be in force; 10 s if 0
	detail string
}

// keyed appends events whose records have their number as the key.
func keyed(log *fakeLog, values ...string) {
	log.append(values...)
	log.set(func() {
		for i := range log.records {
			log.records[i].Key = []byte("n1")
		}
	})
}

func placesOf(partition int32, ids ...string) string {
	rows := codec.Rows{Topic: "events", Partition: partition}
	for _, id := range ids {
		rows.Changes = append(rows.Changes, event.PortfolioChange{Partition: partition, Kind: event.ChangePlace, NumberID: id, B: 2})
	}
	return string(codec.AppendRows(nil, &rows))
}

// otherLayout is a checkpoint that another build has left.
func otherLayout() trouble {
	return trouble{
		set: func(c *NumbersConfig, _ *fakeLog, _ *fakeWriter, _ *fakeStore) {
			store := memStore()
			claimed, err := store.Claim(context.Background(), checkpoint.Partition{Topic: "topic"}, 1)
			if err == nil {
				err = claimed.Owner.Save(context.Background(), &checkpoint.State{Offset: 1})
			}
			if err != nil {
				panic(err)
			}
			c.Checkpoints = &Checkpoints{Store: store}
		},
		detail: "layout of the state",
	}
}

// closedStore is a store that fails once it has been claimed.
func closedStore() trouble {
	store := memStore()
	return trouble{
		set: func(c *NumbersConfig, _ *fakeLog, _ *fakeWriter, _ *fakeStore) {
			c.Checkpoints = &Checkpoints{Store: store, Every: time.Second}
		},
		while: func(log *fakeLog, _ *fakeStore) {
			elapse(2 * time.Second)
			_ = store.Close()
			keyed(log, send(1, time.Now()))
		},
		detail: "Bucket has been closed",
	}
}

// contestedStore is a store whose partition somebody else claims too.
func contestedStore() trouble {
	store := memStore()
	return trouble{
		set: func(c *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			c.Checkpoints = &Checkpoints{Store: store, Every: time.Second}
			keyed(log, send(0, time.Now()))
		},
		while: func(log *fakeLog, _ *fakeStore) {
			for i := range 2 {
				_, _ = store.Claim(context.Background(), checkpoint.Partition{Topic: "topic"}, 1) // which refuses the state, and fences its owner
				keyed(log, send(1+i, time.Now()))
				elapse(fencedPause + 5*time.Second)
			}
		},
		detail: "another process has claimed it 2 times since 2026-03-02T10:00:0",
	}
}

func memStore() *checkpoint.Store {
	store, err := checkpoint.Open(context.Background(), "mem://")
	if err != nil {
		panic(err)
	}
	return store
}

var troubles = map[Reason]trouble{
	ReasonCheckpointUnusable: otherLayout(),
	ReasonCheckpointsOld:     closedStore(),
	ReasonContested:          contestedStore(),
	ReasonUnassigned: {
		join:   func(ctx context.Context, _ Serve) error { <-ctx.Done(); return nil },
		detail: "has not been joined yet",
	},
	ReasonGroup: {
		join:   func(context.Context, Serve) error { return errors.New("no privilege") },
		detail: "no privilege",
	},
	ReasonGroupShared: {
		join:   func(context.Context, Serve) error { return named{"group_shared", "a member speaks another protocol"} },
		detail: "a member speaks another protocol",
	},
	ReasonStopped: {
		set: func(_ *NumbersConfig, log *fakeLog, writer *fakeWriter, _ *fakeStore) {
			keyed(log, "garbage")
			writer.refuse = errors.New("message too large")
		},
		detail: "message too large",
	},
	ReasonTopicRecreated: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			log.fail = named{"topic_recreated", "its id is another one"}
		},
		detail: "its id is another one",
	},
	ReasonLogTruncated: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			log.fail = fmt.Errorf("fetch: %w", named{"log_truncated", "it ends at 3"})
		},
		detail: "fetch: it ends at 3",
	},
	ReasonKafkaSilent: {
		set:   func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) { keyed(log, send(1, time.Now())) },
		while: func(log *fakeLog, _ *fakeStore) { log.set(func() { log.hang = true }) },
		lasts: 20 * time.Second, detail: "no answer from Kafka since 2026-03-02T10:00:01Z: the leader moves",
	},
	ReasonCatchingUp: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, send(1, time.Now()))
			log.more = 700
		},
		detail: "700 records to go",
	},
	ReasonHeldBack: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, send(1, time.Now()))
			log.held = 9
		},
		detail: "9 records from offset 1 on cannot be read since 2026-03-02T10:00:00Z",
	},
	ReasonRejecting: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, "a", "b", "c", "d", "e", send(1, time.Now()))
		},
		detail: "5 of the last minute's 6 records",
	},
	ReasonWatermarkAhead: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			at := time.Now().Add(55 * time.Minute)
			keyed(log, send(1, at))
			log.records[0].Timestamp = at.UnixMilli()
		},
		detail: "which is 54m50s ahead; an event of number_id n1 brought it there",
	},
	ReasonWatermarkBehind: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) { keyed(log, send(1, time.Now())) },
		while: func(log *fakeLog, _ *fakeStore) {
			elapse(20 * time.Minute)
			// Clock events would go on where nothing comes; these come, and are old.
			for i := range 130 {
				keyed(log, send(2+i, time.Now().Add(-30*time.Minute)))
				elapse(time.Second)
			}
		},
		detail: "behind",
	},
	ReasonInputSilent: {
		set: func(c *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, send(1, time.Now()))
			c.SilentAfter = time.Hour
		},
		lasts: time.Hour + 10*time.Second, detail: "no partition has brought an event since 2026-03-02T10:00:0",
	},
	ReasonUnreadable: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, send(1, time.Now()), "", "", send(2, time.Now()))
			log.bad = map[int64]event.Unreadable{1: {First: 1, Last: 2, Reason: "its checksum is wrong"}}
			log.records = log.records[:1]
			log.more = 3
		},
		while: func(log *fakeLog, _ *fakeStore) {
			elapse(time.Second)
			log.set(func() { log.more = 0 })
			keyed(log, "", "", send(2, time.Now()))
		},
		detail: "2 records were skipped: offsets 1 to 2",
	},
	ReasonRecordsLost: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			keyed(log, send(1, time.Now()), send(2, time.Now()), send(3, time.Now()))
			log.lost = event.Lost{First: 0, End: 2}
		},
		detail: "2 records were lost: offsets 0 to 1",
	},
	ReasonKeysDisagree: {
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			for i := range 6 {
				log.append(send(i, time.Now()))
			}
		},
		detail: "6 of the last minute's 6 records",
	},
	ReasonNumberSplit: {
		role: event.RolePortfolios,
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) {
			log.append(placesOf(0, "n1", "n2"), placesOf(1, "n3", "n1"), placesOf(0, "n1"), placesOf(1, "n1"))
		},
		detail: "1 numbers are on two partitions: number_id n1 on partitions 0 and 1 of events",
	},
	ReasonWaitingForNumbers: {
		role:  event.RolePortfolios,
		lasts: 2 * time.Minute, detail: "no progress record yet of the partitions [0 1]",
	},
	ReasonStoreRefuses: {
		role: event.RoleSink,
		set: func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, store *fakeStore) {
			log.append(batchOf(1))
			store.set(errors.New("read-only"))
		},
		detail: "read-only",
	},
	ReasonSinkBehind: {
		role: event.RoleSink,
		set:  func(_ *NumbersConfig, log *fakeLog, _ *fakeWriter, _ *fakeStore) { log.append(batchOf(1)) },
		while: func(log *fakeLog, store *fakeStore) {
			elapse(5 * time.Second)
			store.set(errors.New("read-only"))
			log.append(batchOf(1))
		},
		lasts: 70 * time.Second, detail: "rows have waited for 1m",
	},
}

// start makes the role of a trouble, over fakes.
func (c *trouble) start(logger *slog.Logger, measures *telemetry.Telemetry, keeper Keeper) (anyRole, *fakeLog, *fakeStore) {
	log, writer, store := &fakeLog{topic: "topic"}, &fakeWriter{}, &fakeStore{}
	n := NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: writer, Policy: policy.Default(), Telemetry: measures, Logger: logger, Keeper: keeper,
	}
	if c.set != nil {
		c.set(&n, log, writer, store)
	}
	switch c.role {
	case event.RolePortfolios:
		return NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: writer, Topics: topicsOf(2), Policy: policy.Default(),
			Telemetry: measures, Logger: logger, Keeper: keeper,
		}), log, store
	case event.RoleSink:
		return NewSink(SinkConfig{Store: store, Telemetry: measures, Logger: logger, Keeper: keeper}), log, store
	}
	return NewNumbers(n), log, store
}

// Every reason for not being ready is reached: it is among the problems with what
// exactly, makes the role not ready, is a metric, and one line in the log that says what
// to do. The process stays alive with it.
func TestEveryReasonIsReached(t *testing.T) {
	for r := range NumReasons {
		t.Run(r.String(), func(t *testing.T) {
			c, ok := troubles[r]
			if !ok {
				t.Fatal("no way to it is known")
			}
			bubble(t, func(t *testing.T) {
				measures, err := telemetry.New(telemetry.Config{})
				if err != nil {
					t.Fatal(err)
				}
				var said lockedBuffer
				role, log, store := c.start(slog.New(slog.NewTextHandler(&said, nil)), measures, nil)
				join := c.join
				if join == nil {
					join = joining(log)
				}
				whileRunning(t, role.Run, join, func() {
					if c.while != nil {
						elapse(time.Second)
						c.while(log, store)
					}
					elapse(max(c.lasts, 10*time.Second))
					all := role.Problems()
					i := slices.IndexFunc(all, func(p Problem) bool { return p.Reason == r })
					if i < 0 || !strings.Contains(all[i].Detail, c.detail) {
						t.Fatalf("problems: %+v, want %s with %q", all, r, c.detail)
					}
					if err := Unready(all, true); err == nil || !strings.Contains(err.Error(), r.String()+": ") {
						t.Errorf("ready: %v", err)
					}
					if err := role.Live(); err != nil {
						t.Errorf("restarting the process would not help: %v", err)
					}
					answer := httptest.NewRecorder()
					measures.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
					if want := fmt.Sprintf("reason=%q", r); !strings.Contains(answer.Body.String(), "sendwatch_not_ready{") || !strings.Contains(answer.Body.String(), want) {
						t.Errorf("no metric with %s", want)
					}
					switch r { // these are said in other words, or are what every start brings
					case ReasonUnassigned, ReasonCatchingUp, ReasonStopped:
					default:
						line := fmt.Sprintf(`msg="not ready" reason=%s `, r)
						if n := strings.Count(said.String(), line); n != 1 || !strings.Contains(said.String(), "do=") {
							t.Errorf("%d log lines with %s:\n%s", n, line, said.String())
						}
					}
				})
			})
		})
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// The table of reasons in internal/README.md is that of the code.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for r, text := range Reasons() {
		if line := fmt.Sprintf("| `%s` | %s | %s |\n", text.Name, text.Meaning, capital(text.Action)); !strings.Contains(string(page), line) {
			t.Errorf("internal/README.md lacks the line of reason %d:\n%s", r, line)
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// A role that waits for its outputs to be acknowledged while it catches up is catching
// up: it is not ready now and then.
func TestWaitingForAWriteIsNotReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &fakeLog{topic: "events"}, &slowWriter{}
		for i := range 400 {
			log.append(send(i, time.Now().Add(-time.Hour+time.Duration(i)*time.Second)))
		}
		keyed(log)
		n := newTestNumbers(writer)
		n.config.MaxRows = 5 // else what is written would never be more than may wait beside
		whileRunning(t, n.Run, joining(log), func() {
			var waited bool
			for range 1_000 {
				elapse(10 * time.Millisecond)
				s := n.Status()[0]
				waited = waited || s.State == StateWaiting
				if n.Ready() == nil && s.Next < 400 {
					t.Fatalf("ready at %d of 400, %s", s.Next, s.State)
				}
			}
			if !waited {
				t.Error("it never waited")
			}
			elapse(time.Minute)
			if err := n.Ready(); err != nil {
				t.Errorf("after all was read: %v", err)
			}
		})
	})
}

// slowWriter takes 100 ms for a write.
type slowWriter struct{ fakeWriter }

func (s *slowWriter) Produce(ctx context.Context, topic string, messages []event.Message) error {
	<-time.After(100 * time.Millisecond) // of the bubble's time
	return s.fakeWriter.Produce(ctx, topic, messages)
}
