package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// tape is a partition's log in memory. Once it has been read to its end it gives
// empty batches after the wait that a broker would take.
type tape struct {
	topic string

	mu        sync.Mutex
	records   []event.Record
	bad       map[int64]event.Unreadable // by first offset
	fail      error                      // what a fetch at the end gives
	hang      bool                       // a fetch at the end gets no answer
	next      int64
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

func (l *tape) append(values ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		l.records = append(l.records, event.Record{
			Offset: int64(len(l.records)), Timestamp: time.Now().UnixMilli(), Key: []byte("key"), Value: []byte(v),
			Headers: []event.Header{{Key: []byte("trace"), Value: []byte("7")}},
		})
	}
}

func (l *tape) Open(_ context.Context, offset int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(0, offset)
	return l.next, nil
}

func (l *tape) Fetch(ctx context.Context) (*event.Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := int64(len(l.records))
	b := &event.Batch{Next: min(l.next+2, end), End: end} // two records a fetch
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

func (l *tape) Commit(offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committed = append(l.committed, offset)
	if l.journal != nil {
		l.journal.add("commit %d", offset)
	}
	return nil
}

// paper is a Writer that remembers, and that can refuse.
type paper struct {
	mu      sync.Mutex
	written map[string][]event.Message
	refuse  error
	journal *journal
}

func (p *paper) Produce(ctx context.Context, topic string, messages []event.Message) error {
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

func (p *paper) topic(name string) []event.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.written[name])
}

func send(id int, at time.Time) string {
	return fmt.Sprintf(`{"id":"e%d","type":"message.sent","time":%d,"number_id":"n1","portfolio_id":"p1","message_id":"m%d","contact":"c%d","kind":"text","text":"hello"}`,
		id, at.UnixMilli(), id, id)
}

// quick gives a role over fakes. Time is the bubble's.
func quick(writer Writer) *Numbers {
	return NewNumbers(NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: writer, Policy: policy.Default(),
		Logger: slog.New(slog.DiscardHandler),
	})
}

// joining serves the given logs as partitions 0, 1, ... until the test ends.
func joining(logs ...*tape) Join {
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

// pass lets time go by until everything waits.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// during runs a role in a bubble, calls do while it runs, and drains it.
func during(t *testing.T, run func(context.Context, Join) error, join Join, do func()) {
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

func TestOutputsAreAcknowledgedBeforeTheOffset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &journal{}
		log, writer := &tape{topic: "events", journal: j}, &paper{journal: j}
		for i := range 80 { // 80 sends in 80 s: velocity flags
			log.append(send(i, time.Now().Add(-80*time.Second+time.Duration(i)*time.Second)))
		}
		during(t, quick(writer).Run, joining(log), func() { pass(3 * time.Second) })
		committed := int64(0)
		flags := 0
		for _, line := range j.lines {
			var at int64
			if _, err := fmt.Sscanf(line, "commit %d", &at); err == nil {
				committed = at
			} else if _, err := fmt.Sscanf(line, "flag of %d", &at); err == nil {
				flags++
				if at < committed {
					t.Errorf("the flag of %d came after the commit of %d", at, committed)
				}
			}
		}
		if committed != 80 || flags == 0 {
			t.Errorf("committed %d of 80 with %d flags", committed, flags)
		}
		if len(writer.topic("rows")) == 0 {
			t.Error("no rows")
		}
	})
}

func TestNothingIsCommittedWhoseOutputsWereRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &tape{topic: "events"}, &paper{refuse: errors.New("no")}
		log.append(send(1, time.Now()), "garbage")
		n := quick(writer)
		during(t, n.Run, joining(log), func() {
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "events partition 0 has stopped: no") {
				t.Errorf("ready: %v", err)
			}
			if err := n.Live(); err != nil {
				t.Errorf("a stopped partition is no reason to restart the process: %v", err)
			}
		})
		if len(log.committed) != 0 {
			t.Errorf("committed %v", log.committed)
		}
	})
}

func TestOnePartitionStopsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		broken, fine := &tape{topic: "events", fail: errors.New("log start beyond position")}, &tape{topic: "events"}
		broken.append(send(1, time.Now()))
		fine.append(send(2, time.Now()))
		writer := &paper{}
		n := quick(writer)
		during(t, n.Run, joining(broken, fine), func() {
			fine.append(send(3, time.Now()))
			pass(2 * time.Second)
			status := n.Status()
			if status[0].State != StateStopped || !strings.Contains(status[0].Error, "log start") {
				t.Errorf("the broken one: %+v", status[0])
			}
			if status[1].State != StateRunning || status[1].Engine.Records[event.ClassApplied] != 2 {
				t.Errorf("the fine one: %+v", status[1])
			}
		})
	})
}

func TestBadRecordsGoToTheDeadLetterAndTheOthersGoOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &tape{topic: "events"}, &paper{}
		now := time.Now()
		huge := `{"id":"` + strings.Repeat("x", 1<<20) + `"}`
		log.append(send(0, now), "garbage", strings.Repeat("x", 300<<10), send(3, now.AddDate(99, 0, 0)), "", send(5, now), huge, "stepped over", "stepped over", send(9, now))
		log.bad = map[int64]event.Unreadable{7: {First: 7, Last: 8, Reason: "its checksum is wrong"}}
		// The tape gives two records a fetch; let the broken pair begin one.
		log.records = log.records[:7:7]
		during(t, quick(writer).Run, joining(log), func() {
			pass(time.Second)
			log.append("stepped over", "stepped over", send(9, now))
			pass(3 * time.Second)
		})
		type letter struct {
			offset, reason string
			size           int
		}
		var got []letter
		for _, m := range writer.topic("letters") {
			r := event.Record{Headers: m.Headers}
			got = append(got, letter{string(r.Header(codec.HeaderOffset)), string(r.Header(codec.HeaderReason)), len(m.Value)})
			switch string(r.Header(codec.HeaderReason)) {
			case reasonUnreadable:
				if detail := string(r.Header(codec.HeaderDetail)); detail != "offsets 7 to 8: its checksum is wrong" {
					t.Errorf("the range's detail: %s", detail)
				}
			default:
				if string(m.Key) != "key" || string(r.Header("trace")) != "7" {
					t.Errorf("offset %s lost its key or headers", r.Header(codec.HeaderOffset))
				}
			}
			if cut := string(r.Header(headerTruncated)); (cut != "") != (len(m.Value) == maxLetter) {
				t.Errorf("offset %s of %d bytes says it was cut from %q", r.Header(codec.HeaderOffset), len(m.Value), cut)
			}
		}
		want := []letter{
			{"1", codec.ReasonUnparsable, 7},
			{"2", codec.ReasonTooLarge, 300 << 10},
			{"3", codec.ReasonFuture, len(send(3, now.AddDate(99, 0, 0)))},
			{"4", codec.ReasonUnparsable, 0},
			{"6", codec.ReasonTooLarge, maxLetter},
			{"7", reasonUnreadable, 0},
		}
		if !slices.Equal(got, want) {
			t.Errorf("dead letters\n%v, want\n%v", got, want)
		}
		if last := log.committed[len(log.committed)-1]; last != 10 {
			t.Errorf("committed %d, want 10", last)
		}
	})
}

func TestClockGoesOnWhereNothingComes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		busy, silent, empty := &tape{topic: "events"}, &tape{topic: "events"}, &tape{topic: "events"}
		busy.append(send(1, time.Now()))
		silent.append(send(2, time.Now()))
		writer := &paper{}
		n := quick(writer)
		during(t, n.Run, joining(busy, silent, empty), func() {
			for i := range 300 { // five minutes
				pass(time.Second)
				if i%30 == 0 {
					busy.append(send(10+i, time.Now()))
				}
				// What was written comes back as a record.
				for len(writer.topic("events")) > len(silent.records)-1 {
					m := writer.topic("events")[len(silent.records)-1]
					silent.append(string(m.Value))
				}
			}
			if w := n.Status()[1].Engine.Watermark; time.Now().UnixMilli()-w > (3 * time.Minute).Milliseconds() {
				t.Errorf("the silent partition's time stands %v back", time.Since(time.UnixMilli(w)))
			}
		})
		events := writer.topic("events")
		if len(events) < 4 || len(events) > 5 {
			t.Errorf("%d clock events in five minutes", len(events))
		}
		decoder := codec.NewDecoder(codec.Config{})
		var previous int64
		for _, m := range events {
			var ev event.Event
			if err := decoder.Decode(&ev, m.Value, codec.ContentJSON, time.Now().UnixMilli()); err != nil || ev.Type != event.TypeClock {
				t.Fatalf("%s is no clock event: %v", m.Value, err)
			}
			if !m.PartitionSet || m.Partition != 1 {
				t.Errorf("a clock event for partition %d, which is not idle or has no time", m.Partition)
			}
			if ev.Time-previous < time.Minute.Milliseconds() {
				t.Errorf("clock events %d ms apart", ev.Time-previous)
			}
			previous = ev.Time
		}
	})
}

func TestAskTravelsToTheOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		one, two := &tape{topic: "events"}, &tape{topic: "events"}
		one.append(send(1, time.Now()))
		two.append(send(2, time.Now()), send(3, time.Now()))
		n := quick(&paper{})
		during(t, n.Run, joining(one, two), func() {
			pass(time.Second)
			var applied int64
			if err := n.Ask(t.Context(), func(e *engine.Engine) { applied += e.Stats().Records[event.ClassApplied] }); err != nil {
				t.Fatal(err)
			}
			if applied != 3 {
				t.Errorf("the engines have applied %d, want 3", applied)
			}
		})
		if err := n.Ask(t.Context(), func(*engine.Engine) { t.Error("asked after the end") }); err != nil {
			t.Error(err)
		}
	})
}

func TestStateIsKeptWhileTheGroupGathersAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &tape{topic: "events"}, &paper{}
		for i := range 80 {
			log.append(send(i, time.Now().Add(-80*time.Second+time.Duration(i)*time.Second)))
		}
		n := quick(writer)
		during(t, n.Run, joining(log), func() { pass(3 * time.Second) })
		flags := len(writer.topic("flags"))
		log.append(send(80, time.Now()))
		during(t, n.Run, joining(log), func() {
			pass(3 * time.Second)
			if s := n.Status()[0]; s.Engine.Records[event.ClassApplied] != 81 || s.Next != 81 {
				t.Errorf("applied %d up to %d, want 81", s.Engine.Records[event.ClassApplied], s.Next)
			}
		})
		if again := writer.topic("flags")[flags:]; len(again) > 1 {
			t.Errorf("%d flags came again although the state was kept", len(again))
		}
		pass(parkTime + time.Second)
		during(t, n.Run, joining(log), func() { pass(3 * time.Second) })
		if len(writer.topic("flags")) < 2*flags {
			t.Error("the state was kept for longer than it should be")
		}
	})
}

// shelf is a Store that notes what it takes and refuses as long as it is told to.
type shelf struct {
	mu     sync.Mutex
	refuse error
	tries  int
	minute int // rows of number_minutes taken
}

func (s *shelf) Write(_ context.Context, out *event.Output) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.refuse != nil {
		return s.refuse
	}
	s.minute += len(out.NumberMinutes)
	return nil
}

func (s *shelf) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

func batchOf(n int) string {
	rows := codec.Rows{Topic: "events", PortfolioID: "p"}
	for i := range n {
		rows.NumberMinutes = append(rows.NumberMinutes, event.NumberMinute{NumberID: strconv.Itoa(i), PortfolioID: "p"})
	}
	return string(codec.AppendRows(nil, &rows))
}

func TestSinkWaitsForTheStoreAndDropsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, store := &tape{topic: "rows"}, &shelf{refuse: errors.New("away")}
		for range 100 {
			log.append(batchOf(3))
		}
		log.append("this is no batch of rows at all")
		sink := NewSink(SinkConfig{Store: store, MaxRows: 30, Logger: slog.New(slog.DiscardHandler)})
		during(t, sink.Run, joining(log), func() {
			pass(10 * time.Minute)
			if log.next > 20 {
				t.Errorf("fetched up to %d while the store was away", log.next)
			}
			if len(log.committed) != 0 {
				t.Errorf("committed %v while the store was away", log.committed)
			}
			if store.tries < 10 || store.tries > 60 {
				t.Errorf("%d tries in ten minutes", store.tries)
			}
			if err := sink.Ready(); err == nil || !strings.Contains(err.Error(), "away") {
				t.Errorf("ready: %v", err)
			}
			if err := sink.Live(); err != nil {
				t.Errorf("waiting is no reason to restart the process: %v", err)
			}
			store.set(nil)
			pass(3 * time.Minute)
			if sink.Fault() != "" || sink.Ready() != nil {
				t.Errorf("after it came back: %q, %v", sink.Fault(), sink.Ready())
			}
		})
		if store.minute != 300 {
			t.Errorf("%d rows stored, want 300", store.minute)
		}
		if last := log.committed[len(log.committed)-1]; last != 101 {
			t.Errorf("committed %d, want 101", last)
		}
	})
}

func TestSinkGivesUpAtTheEndWithoutCommitting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, store := &tape{topic: "rows"}, &shelf{refuse: errors.New("away")}
		log.append(batchOf(3))
		sink := NewSink(SinkConfig{Store: store, Logger: slog.New(slog.DiscardHandler)})
		start := time.Now()
		during(t, sink.Run, joining(log), func() { pass(time.Minute) })
		if took := time.Since(start); took > time.Minute+6*time.Second {
			t.Errorf("the drain took %v", took-time.Minute)
		}
		if len(log.committed) != 0 {
			t.Errorf("committed %v", log.committed)
		}
	})
}

// batches gives all messages of an outbox' rows.
func batches(t *testing.T, o *outbox, claim Claim, out *event.Output) (all []event.Message) {
	t.Helper()
	err := o.batches(claim, out, func(some []event.Message) error {
		for _, m := range some {
			all = append(all, event.Message{Key: slices.Clone(m.Key), Value: slices.Clone(m.Value)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRowsMessagesAreOfOnePortfolioAndBounded(t *testing.T) {
	var out event.Output
	for i := range 5_000 {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{
			NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3), Contacts: make([]uint64, i%1_024),
		})
		out.NumberStatuses = append(out.NumberStatuses, event.NumberStatus{NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3)})
		out.Flags = append(out.Flags, event.Flag{NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3)})
	}
	var o outbox
	var counted int
	for _, m := range batches(t, &o, Claim{Topic: "events", Partition: 1}, &out) {
		if len(m.Value) > maxRowsMessage {
			t.Errorf("a message of %d bytes", len(m.Value))
		}
		var rows codec.Rows
		if err := codec.DecodeRows(m.Value, &rows); err != nil {
			t.Fatal(err)
		}
		if rows.PortfolioID != string(m.Key) || rows.Topic != "events" || rows.Partition != 1 {
			t.Errorf("key %s holds %s of %s partition %d", m.Key, rows.PortfolioID, rows.Topic, rows.Partition)
		}
		for i := range rows.NumberMinutes {
			if rows.NumberMinutes[i].PortfolioID != rows.PortfolioID {
				t.Fatal("a row of another portfolio")
			}
		}
		counted += len(rows.NumberMinutes) + len(rows.NumberStatuses) + len(rows.Flags)
	}
	if counted != 15_000 {
		t.Errorf("%d rows, want 15,000", counted)
	}
}
