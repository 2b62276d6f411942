package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
)

func TestOutputsAreAcknowledgedBeforeTheOffset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &journal{}
		log, writer := &fakeLog{topic: "events", journal: j}, &fakeWriter{journal: j}
		for i := range 80 { // 80 sends in 80 s: velocity flags
			log.append(send(i, time.Now().Add(-80*time.Second+time.Duration(i)*time.Second)))
		}
		whileRunning(t, newTestNumbers(writer).Run, joining(log), func() { elapse(3 * time.Second) })
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
		log, writer := &fakeLog{topic: "events"}, &fakeWriter{refuse: errors.New("no")}
		log.append(send(1, time.Now()), "garbage")
		n := newTestNumbers(writer)
		whileRunning(t, n.Run, joining(log), func() {
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "events partition 0: stopped: no") {
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
		broken, fine := &fakeLog{topic: "events", fail: errors.New("log start beyond position")}, &fakeLog{topic: "events"}
		broken.append(send(1, time.Now()))
		fine.append(send(2, time.Now()))
		writer := &fakeWriter{}
		n := newTestNumbers(writer)
		whileRunning(t, n.Run, joining(broken, fine), func() {
			fine.append(send(3, time.Now()))
			elapse(2 * time.Second)
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
		log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
		now := time.Now()
		huge := `{"id":"` + strings.Repeat("x", 1<<20) + `"}`
		log.append(send(0, now), "garbage", strings.Repeat("x", 300<<10), send(3, now.AddDate(99, 0, 0)), "", send(5, now), huge, "stepped over", "stepped over", send(9, now))
		log.bad = map[int64]event.Unreadable{7: {First: 7, Last: 8, Reason: "its checksum is wrong"}}
		// The fakeLog returns two records a fetch; let the broken pair begin one.
		log.records = log.records[:7:7]
		whileRunning(t, newTestNumbers(writer).Run, joining(log), func() {
			elapse(time.Second)
			log.append("stepped over", "stepped over", send(9, now))
			elapse(3 * time.Second)
		})
		type letter struct {
			offset, reason string
			size           int
		}
		var got []letter
		for _, m := range writer.topic("dead-letter") {
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
			if cut := string(r.Header(headerTruncated)); (cut != "") != (len(m.Value) == maxDeadLetter) {
				t.Errorf("offset %s of %d bytes says it was cut from %q", r.Header(codec.HeaderOffset), len(m.Value), cut)
			}
		}
		want := []letter{
			{"1", codec.ReasonUnparsable, 7},
			{"2", codec.ReasonTooLarge, 300 << 10},
			{"3", codec.ReasonFuture, len(send(3, now.AddDate(99, 0, 0)))},
			{"4", codec.ReasonUnparsable, 0},
			{"6", codec.ReasonTooLarge, maxDeadLetter},
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
		busy, silent, empty := &fakeLog{topic: "events"}, &fakeLog{topic: "events"}, &fakeLog{topic: "events"}
		busy.append(send(1, time.Now()))
		silent.append(send(2, time.Now()))
		writer := &fakeWriter{}
		n := newTestNumbers(writer)
		whileRunning(t, n.Run, joining(busy, silent, empty), func() {
			for i := range 300 { // five minutes
				elapse(time.Second)
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
		one, two := &fakeLog{topic: "events"}, &fakeLog{topic: "events"}
		one.append(send(1, time.Now()))
		two.append(send(2, time.Now()), send(3, time.Now()))
		n := newTestNumbers(&fakeWriter{})
		whileRunning(t, n.Run, joining(one, two), func() {
			elapse(time.Second)
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

// A number that is on two partitions is ranked once, and its status is the later one.
func TestANumberOnTwoPartitionsIsNamedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		one, two := &fakeLog{topic: "events"}, &fakeLog{topic: "events"}
		one.append(send(1, time.Now().Add(-time.Minute)))
		two.append(send(2, time.Now()))
		n := newTestNumbers(&fakeWriter{})
		whileRunning(t, n.Run, joining(one, two), func() {
			elapse(time.Second)
			ranked, bands, err := n.Riskiest(t.Context(), 10)
			if err != nil || len(ranked) != 1 || ranked[0].NumberID != "n1" {
				t.Errorf("ranked %v, bands %v: %v", ranked, bands, err)
			}
			status, found, err := n.Number(t.Context(), "n1")
			if err != nil || !found || status.Clock < time.Now().Add(-30*time.Second).UnixMilli() {
				t.Errorf("found %t with the clock %d: %v", found, status.Clock, err)
			}
		})
	})
}

func TestStateIsKeptDuringARebalance(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
		for i := range 80 {
			log.append(send(i, time.Now().Add(-80*time.Second+time.Duration(i)*time.Second)))
		}
		n := newTestNumbers(writer)
		whileRunning(t, n.Run, joining(log), func() { elapse(3 * time.Second) })
		flags := len(writer.topic("flags"))
		log.append(send(80, time.Now()))
		whileRunning(t, n.Run, joining(log), func() {
			elapse(3 * time.Second)
			if s := n.Status()[0]; s.Engine.Records[event.ClassApplied] != 81 || s.Next != 81 {
				t.Errorf("applied %d up to %d, want 81", s.Engine.Records[event.ClassApplied], s.Next)
			}
		})
		if again := writer.topic("flags")[flags:]; len(again) > 1 {
			t.Errorf("%d flags came again although the state was kept", len(again))
		}
		elapse(parkTime + time.Second)
		whileRunning(t, n.Run, joining(log), func() { elapse(3 * time.Second) })
		if len(writer.topic("flags")) < 2*flags {
			t.Error("the state was kept for longer than it should be")
		}
	})
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
		log, store := &fakeLog{topic: "rows"}, &fakeStore{refuse: errors.New("away")}
		for range 100 {
			log.append(batchOf(3))
		}
		log.append("this is no batch of rows at all")
		sink := NewSink(SinkConfig{Store: store, MaxRows: 30, Logger: slog.New(slog.DiscardHandler)})
		whileRunning(t, sink.Run, joining(log), func() {
			elapse(10 * time.Minute)
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
			elapse(3 * time.Minute)
			all := sink.Problems()
			if sink.Fault() != "" || len(all) != 1 || all[0].Reason != ReasonUnreadable {
				t.Errorf("after it came back: %q, %v, want one problem, the batch that cannot be read", sink.Fault(), all)
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

// truncated is a log that ends before the offset that a group has committed.
type truncated struct{ *fakeLog }

func (l truncated) Fetch(ctx context.Context) (*event.Batch, error) {
	if l.next > int64(len(l.records)) {
		return nil, named{"log_truncated", "it ends before"}
	}
	return l.fakeLog.Fetch(ctx)
}

// A sink whose group's offset is beyond the end of the log reads it again from its start:
// nothing but the offset is wrong, and rows that are stored again are the same.
func TestSinkReadsATruncatedLogAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, store := &fakeLog{topic: "rows"}, &fakeStore{}
		log.append(batchOf(3))
		sink := NewSink(SinkConfig{Store: store, Logger: slog.New(slog.DiscardHandler)})
		join := func(ctx context.Context, serve Serve) error {
			return serve(ctx, Claim{Topic: "rows", Committed: 1_001}, truncated{log})
		}
		whileRunning(t, sink.Run, join, func() {
			elapse(10 * time.Second)
			if err := sink.Ready(); err != nil || store.minute != 3 {
				t.Errorf("%d rows stored, ready: %v", store.minute, err)
			}
		})
		if len(log.committed) == 0 || log.committed[len(log.committed)-1] != 1 {
			t.Errorf("committed %v, want 1", log.committed)
		}
	})
}

func TestSinkGivesUpAtTheEndWithoutCommitting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, store := &fakeLog{topic: "rows"}, &fakeStore{refuse: errors.New("away")}
		log.append(batchOf(3))
		sink := NewSink(SinkConfig{Store: store, Logger: slog.New(slog.DiscardHandler)})
		start := time.Now()
		whileRunning(t, sink.Run, joining(log), func() { elapse(time.Minute) })
		if took := time.Since(start); took > time.Minute+6*time.Second {
			t.Errorf("the drain took %v", took-time.Minute)
		}
		if len(log.committed) != 0 {
			t.Errorf("committed %v", log.committed)
		}
	})
}

// rowMessages returns all messages of a builder's rows.
func rowMessages(t *testing.T, b *messageBuilder, claim Claim, out *event.Output) (all []event.Message) {
	t.Helper()
	err := b.rows(claim, out, func(some []event.Message) error {
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

// Messages of flags are of one portfolio, which is their key; those of blocks are of all, and
// their keys spread. All are bounded.
func TestRowsMessagesAreBounded(t *testing.T) {
	var out event.Output
	for i := range 5_000 {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{
			NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3), Contacts: make([]uint64, i%1_024),
		})
		out.NumberStatuses = append(out.NumberStatuses, event.NumberStatus{NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3)})
		out.Flags = append(out.Flags, event.Flag{NumberID: strconv.Itoa(i), PortfolioID: fmt.Sprint("p", i%3)})
	}
	var b messageBuilder
	var counted int
	blocks := map[string]bool{}
	for _, m := range rowMessages(t, &b, Claim{Topic: "events", Partition: 1}, &out) {
		if len(m.Value) > maxRowsMessage {
			t.Errorf("a message of %d bytes", len(m.Value))
		}
		var rows codec.Rows
		if err := codec.DecodeRows(m.Value, &rows); err != nil {
			t.Fatal(err)
		}
		if rows.Topic != "events" || rows.Partition != 1 {
			t.Errorf("a message of %s partition %d", rows.Topic, rows.Partition)
		}
		for i := range rows.Flags {
			if rows.Flags[i].PortfolioID != rows.PortfolioID || rows.PortfolioID != string(m.Key) {
				t.Fatalf("key %s holds a flag of %s", m.Key, rows.Flags[i].PortfolioID)
			}
		}
		if len(rows.Flags) == 0 {
			blocks[string(m.Key)] = true
		}
		for i := range rows.NumberMinutes {
			n, err := strconv.Atoi(rows.NumberMinutes[i].NumberID)
			if r := &rows.NumberMinutes[i]; err != nil || r.PortfolioID != fmt.Sprint("p", n%3) || len(r.Contacts) != n%1_024 {
				t.Fatalf("number %s is of %s and has %d contacts", r.NumberID, r.PortfolioID, len(r.Contacts))
			}
		}
		counted += len(rows.NumberMinutes) + len(rows.NumberStatuses) + len(rows.Flags)
	}
	if counted != 15_000 {
		t.Errorf("%d rows, want 15,000", counted)
	}
	if len(blocks) < 20 {
		t.Errorf("%d keys of messages of blocks: they would not spread", len(blocks))
	}
}
