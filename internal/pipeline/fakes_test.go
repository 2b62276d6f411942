package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// fakeLog is a partition's log in memory. Once it has been read to its end it returns
// empty batches after the wait that a broker would take.
type fakeLog struct {
	topic string

	mu        sync.Mutex
	records   []event.Record
	bad       map[int64]event.Unreadable // by first offset
	fail      error                      // what a fetch at the end returns
	hang      bool                       // a fetch at the end gets no answer
	held      int64                      // records behind the end that cannot be read
	more      int64                      // records behind the end that no fetch brings
	refuse    error                      // what a commit returns
	lost      event.Lost                 // what the next fetch finds deleted
	start     int64                      // its first offset
	next      int64
	opened    []int64 // the offsets that were asked for
	committed []int64
	journal   *journal
}

// journal notes what happened in order, over all fakes of a test.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (l *fakeLog) append(values ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		l.records = append(l.records, event.Record{
			Offset: int64(len(l.records)), Timestamp: time.Now().UnixMilli(), Key: []byte("key"), Value: []byte(v),
			Headers: []event.Header{{Key: []byte("trace"), Value: []byte("7")}},
		})
	}
}

// set changes what the log does, while it is read.
func (l *fakeLog) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *fakeLog) Open(_ context.Context, offset int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = append(l.opened, offset)
	l.next = max(l.start, offset)
	return l.next, nil
}

func (l *fakeLog) Fetch(ctx context.Context) (*event.Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := int64(len(l.records))
	b := &event.Batch{Next: min(l.next+2, end), End: end + l.more, HighWatermark: end + l.more + l.held} // two records a fetch
	if l.lost.Count() > 0 {
		b.Lost, b.Next, l.next = l.lost, l.lost.End, l.lost.End
		l.lost = event.Lost{}
		return b, nil
	}
	if l.next == end {
		if l.fail != nil {
			return nil, l.fail
		}
		answer := time.After(500 * time.Millisecond)
		if l.hang {
			answer = nil
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-answer:
		}
		l.mu.Lock()
		return b, ctx.Err()
	}
	if u, ok := l.bad[l.next]; ok {
		b.Unreadable, b.Next = []event.Unreadable{u}, u.Last+1
	} else {
		b.Records = l.records[l.next:b.Next]
	}
	l.next = b.Next
	return b, nil
}

// Waiting says why a fetch that hangs does.
func (l *fakeLog) Waiting() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hang {
		return "the leader moves"
	}
	return ""
}

func (l *fakeLog) Commit(offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	l.committed = append(l.committed, offset)
	if l.journal != nil {
		l.journal.add("commit %d", offset)
	}
	return nil
}

// fakeWriter is a Writer that remembers, and that can refuse.
type fakeWriter struct {
	mu      sync.Mutex
	written map[string][]event.Message
	refuse  error
	journal *journal
}

func (p *fakeWriter) Produce(ctx context.Context, topic string, messages []event.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		return p.refuse
	}
	if p.written == nil {
		p.written = map[string][]event.Message{}
	}
	for _, m := range messages {
		m.Value, m.Key, m.Headers = slices.Clone(m.Value), slices.Clone(m.Key), slices.Clone(m.Headers)
		p.written[topic] = append(p.written[topic], m)
		if p.journal == nil {
			continue
		}
		var flag struct {
			Position struct {
				Offset int64 `json:"offset"`
			} `json:"position"`
		}
		if topic == "flags" && json.Unmarshal(m.Value, &flag) == nil {
			p.journal.add("flag of %d", flag.Position.Offset)
		}
	}
	return ctx.Err()
}

// set makes the writer refuse everything, or nothing.
func (p *fakeWriter) set(refuse error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *fakeWriter) topic(name string) []event.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.written[name])
}

func send(id int, at time.Time) string {
	return fmt.Sprintf(`{"id":"e%d","type":"message.sent","time":%d,"number_id":"n1","portfolio_id":"p1","message_id":"m%d","contact":"c%d","kind":"text","text":"hello"}`,
		id, at.UnixMilli(), id, id)
}

// newTestNumbers returns a role over fakes. Time is the bubble's.
func newTestNumbers(writer Writer) *Numbers {
	return NewNumbers(NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: writer, Policy: policy.Default(),
		Logger: slog.New(slog.DiscardHandler),
	})
}

// joining serves the given logs as partitions 0, 1, ... until the test ends.
func joining(logs ...*fakeLog) Join {
	return func(ctx context.Context, serve Serve) error {
		var wg sync.WaitGroup
		for i, log := range logs {
			wg.Go(func() { _ = serve(ctx, Claim{Topic: log.topic, Partition: int32(i), Committed: FromStart}, log) })
		}
		wg.Wait()
		return nil
	}
}

// bubble runs a test in virtual time, in a year whose events are accepted.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)))
		test(t)
	})
}

// elapse lets time go by until everything waits.
func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// whileRunning runs a role in a bubble, calls do while it runs, and drains it.
func whileRunning(t *testing.T, run func(context.Context, Join) error, join Join, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, join) }()
	synctest.Wait()
	do()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// fakeStore is a Store that notes what it takes and refuses until told otherwise.
type fakeStore struct {
	mu     sync.Mutex
	refuse error
	tries  int
	minute int // rows of number_minutes taken
}

func (s *fakeStore) Write(_ context.Context, out *event.Output) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.refuse != nil {
		return s.refuse
	}
	s.minute += out.Rows(event.TableNumberMinutes)
	return nil
}

func (s *fakeStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// topicsOf is a Kafka whose topics have so many partitions each.
type topicsOf int32

func (n topicsOf) Partitions(context.Context, string) (int32, error) { return int32(n), nil }
func (n topicsOf) Identity(context.Context, string) (string, error)  { return "", nil }
