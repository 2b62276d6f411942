package pipeline

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// countingWriter is a Writer that notes how many rows it was given at once, at most and
// in all.
type countingWriter struct {
	fakeWriter
	most, all int
}

func (s *countingWriter) Produce(ctx context.Context, topic string, messages []event.Message) error {
	n := 0
	for _, m := range messages {
		var b codec.Rows
		if topic == "rows" && codec.DecodeRows(m.Value, &b) == nil {
			n += b.Len()
		}
	}
	s.most, s.all = max(s.most, n), s.all+n
	return s.fakeWriter.Produce(ctx, topic, messages)
}

// Forty silent days pass in one record, and each is a status of each of 50
// numbers: they go out in portions.
func TestRowsOfALongGapGoOutInPortions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &fakeLog{topic: "events"}, &countingWriter{}
		role := newTestNumbers(writer)
		role.config.MaxRows = 100
		long := time.Now().Add(-41 * 24 * time.Hour)
		for i := range 50 {
			log.append(fmt.Sprintf(`{"id":"p%d","type":"number.profile","time":%d,"number_id":"n%d","country":"DE"}`, i, long.UnixMilli(), i))
		}
		log.append(fmt.Sprintf(`{"id":"c","type":"clock","time":%d}`, time.Now().UnixMilli()))
		whileRunning(t, role.Run, joining(log), func() { elapse(3 * time.Second) })
		if writer.all < 40*50 {
			t.Errorf("%d rows, want a status a day of each number", writer.all)
		}
		if writer.most > 200 {
			t.Errorf("%d rows were written at once, want about %d", writer.most, role.config.MaxRows)
		}
		if n := len(log.committed); n == 0 || log.committed[n-1] != 51 {
			t.Errorf("committed %v, want 51 at last", log.committed)
		}
	})
}

// A number_id may be nearly as long as a record. Its rows stay within what a
// broker takes: a message that it refuses would stop the partition for good.
func TestRowsOfALongNumberIDAreBounded(t *testing.T) {
	id := strings.Repeat("n", 100<<10)
	var out event.Output
	for range 40 {
		out.Flags = append(out.Flags, event.Flag{NumberID: id, WABAID: id})
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: id})
		out.FingerprintHours = append(out.FingerprintHours, event.FingerprintHour{NumberID: id})
		out.NumberStatuses = append(out.NumberStatuses, event.NumberStatus{NumberID: id, WABAID: id})
		out.ContactOutcomes = append(out.ContactOutcomes, event.ContactOutcome{NumberID: id})
		out.AccountEvents = append(out.AccountEvents, event.AccountEvent{NumberID: id, WABAID: id})
		out.Changes = append(out.Changes, event.PortfolioChange{NumberID: id, PortfolioID: "p"})
	}
	var b messageBuilder
	for _, m := range rowMessages(t, &b, Claim{Topic: "events"}, &out) {
		if len(m.Value) > maxRowsMessage {
			t.Errorf("a message of %d bytes, want at most %d", len(m.Value), maxRowsMessage)
		}
	}
}

// A record that is bad may be nearly as large as a broker takes, in its key or
// its headers too. Its dead letter comes with more headers and must still fit.
func TestDeadLettersFitABroker(t *testing.T) {
	large := make([]byte, 1_000_000)
	for _, r := range []event.Record{
		{Key: large, Value: []byte("x"), Headers: []event.Header{{Key: []byte("trace"), Value: []byte("7")}}},
		{Key: []byte("k"), Value: []byte("x"), Headers: []event.Header{{Key: []byte("trace"), Value: []byte("7")}, {Key: large}}},
		{Key: []byte("k"), Value: large, Headers: []event.Header{{Key: []byte("trace"), Value: []byte("7")}}},
	} {
		var b messageBuilder
		letter := codec.NewDeadLetter(event.Position{Topic: "events"}, 1, r.Key, r.Value, &codec.Rejection{Reason: codec.ReasonTooLarge})
		m := b.deadLetters([]event.DeadLetter{letter}, []*event.Record{&r})[0]
		size, trace, left := len(m.Key)+len(m.Value), false, false
		for _, h := range m.Headers {
			size += len(h.Key) + len(h.Value)
			trace = trace || string(h.Key) == "trace"
			left = left || string(h.Key) == headerLeftOut || string(h.Key) == headerTruncated
		}
		if size > 960_000 || !trace || !left {
			t.Errorf("%d bytes, small header kept %v, says what it lacks %v", size, trace, left)
		}
	}
}

// What is kept from a record until the next flush may be as much as the record:
// many bytes bring the flush before its time.
func TestManyBytesBringAFlush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const size = 200 << 10
		log := &fakeLog{topic: "events"}
		for i := range maxBytesSinceFlush/size + 10 {
			log.append(strings.Replace(send(i, time.Now()), "hello", strings.Repeat("x", size), 1))
		}
		role := newTestNumbers(&fakeWriter{})
		role.config.FlushEvery = time.Hour
		whileRunning(t, role.Run, joining(log), func() { elapse(time.Second) })
		if len(log.committed) < 2 || log.committed[0] > maxBytesSinceFlush/size+2 {
			t.Errorf("committed %v of %d records", log.committed, len(log.records))
		}
	})
}

// Rows and flags of very long ids are made and sent some at a time, and the newest
// flags are only as many as fit.
func TestLongOutputsGoOutSomeAtATime(t *testing.T) {
	var out event.Output
	for range 40 {
		out.Flags = append(out.Flags, event.Flag{NumberID: strings.Repeat("n", 450_000)})
	}
	var b messageBuilder
	recent := NewRecentFlags(1_000)
	sent := 0
	send := func(messages []event.Message) error {
		sum := 0
		for _, m := range messages {
			sum += len(m.Value)
		}
		if sum > maxAtOnce+maxMessage {
			t.Errorf("%d bytes are sent at once", sum)
		}
		sent += len(messages)
		return nil
	}
	sendFlags := func(flags []*event.Flag, messages []event.Message) error {
		if len(flags) != len(messages) {
			t.Fatalf("%d flags for %d messages", len(flags), len(messages))
		}
		for i, f := range flags {
			recent.add(f, messages[i].Value)
		}
		return send(messages)
	}
	tooLarge := func(_ *event.Flag, size int) { t.Errorf("%d bytes are too large", size) }
	if err := b.flags(out.Flags, sendFlags, tooLarge); err != nil || sent != 40 {
		t.Errorf("%d flags are sent: %v", sent, err)
	}
	if err := b.rows(Claim{Topic: "events"}, &out, send); err != nil || sent != 80 {
		t.Errorf("%d messages are sent: %v", sent, err)
	}
	kept := recent.Recent(1_000, "", "")
	// An entry holds the number's id beside the flag.
	if n := len(kept) * (len(kept[0]) + 450_000); n > maxRecentBytes || n < maxRecentBytes/2 {
		t.Errorf("%d bytes of flags are remembered", n)
	}
}
