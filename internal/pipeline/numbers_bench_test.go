package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

// discard is a Writer that takes everything at once.
type discard struct{ bytes, messages int64 }

func (d *discard) Produce(_ context.Context, _ string, messages []event.Message) error {
	for i := range messages {
		d.bytes += int64(len(messages[i].Value))
	}
	d.messages += int64(len(messages))
	return nil
}

// benchLog is records in one piece of memory: a million slices would be the collector's work
// in the measured time.
type benchLog struct {
	bytes []byte
	ends  []int // of key and value in turns
	times []int64
	batch []event.Record
}

func (l *benchLog) add(key, value []byte, at int64) {
	l.bytes = append(l.bytes, key...)
	l.ends = append(l.ends, len(l.bytes))
	l.bytes = append(l.bytes, value...)
	l.ends = append(l.ends, len(l.bytes))
	l.times = append(l.times, at)
}

// records returns the records from one to before another, until the next call.
func (l *benchLog) records(from, to int) []event.Record {
	l.batch = l.batch[:0]
	for i := from; i < to; i++ {
		begin := 0
		if i > 0 {
			begin = l.ends[2*i-1]
		}
		key, end := l.ends[2*i], l.ends[2*i+1]
		l.batch = append(l.batch, event.Record{Offset: int64(i), Timestamp: l.times[i], Key: l.bytes[begin:key], Value: l.bytes[key:end]})
	}
	return l.batch
}

// demoLog returns the first n records of the demo's traffic.
func demoLog(b *testing.B, numbers, n int) *benchLog {
	b.Helper()
	g, err := traffic.New(traffic.Config{Seed: 1, Numbers: numbers, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	l := &benchLog{}
	var r traffic.Record
	for len(l.times) < n && g.Next(&r) {
		l.add(r.Key, r.Value, r.Time)
	}
	return l
}

// sendsLog returns n records of some 400 bytes, four in five of them sends of
// templates, of 5,000 numbers, 200 a second.
func sendsLog(n int) *benchLog {
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	type sent struct {
		number  int
		contact string
		message string
	}
	var recent [4096]sent
	l := &benchLog{}
	var value []byte
	for i := range n {
		at := start + int64(i)*5
		s := &recent[random.IntN(min(i, len(recent)-1)+1)]
		value = value[:0]
		switch {
		case i%5 != 4 || s.contact == "":
			number := int(float64(5000) * random.Float64() * random.Float64())
			s = &recent[i%len(recent)]
			*s = sent{number, fmt.Sprintf("49151%08d", random.IntN(1e8)), fmt.Sprintf("wamid.HBgLNDkxNTE%012x", i)}
			value = fmt.Appendf(value, `{"id":"out:%s","type":"message.sent","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","kind":"template","template":{"name":"campaign_%03d","language":"en_GB","category":"MARKETING"},"text":"Dear customer %d, your order is on its way and will arrive between nine and noon.","opt_in":true}`,
				s.message, at, number, number/4, number/40, s.message, s.contact, random.IntN(200), random.IntN(1e6))
		case i%10 == 9:
			value = fmt.Appendf(value, `{"id":"st:%s:delivered","type":"message.status","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","status":"delivered"}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		default:
			value = fmt.Appendf(value, `{"id":"in:%s","type":"message.received","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"in.%s","contact":"%s","kind":"text","text":"Thank you, that suits me well."}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		}
		l.add(fmt.Appendf(nil, "number-%06d", s.number), value, at)
	}
	return l
}

// processorTime is what the process has used: on a machine that others use as well, what
// a clock says is theirs as much as ours.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkNumbers is what a partition of the numbers role costs a record, from the
// fetched batch to flags and rows that are ready to be sent: everything but the broker.
// A batch is about a mebibyte and is followed by a flush, as a partition that catches
// up has it about once a second.
func BenchmarkNumbers(b *testing.B) {
	for _, c := range []struct {
		name string
		log  func(b *testing.B, n int) *benchLog
	}{
		{"demo-200", func(b *testing.B, n int) *benchLog { return demoLog(b, 200, n) }},
		{"demo-5000", func(b *testing.B, n int) *benchLog { return demoLog(b, 5000, n) }},
		{"sends-5000", func(_ *testing.B, n int) *benchLog { return sendsLog(n) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			log := c.log(b, b.N)
			records := len(log.times)
			w := &discard{}
			n := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: w, Topics: topicsOf(1), Policy: policy.Default(),
				Logger: slog.New(slog.DiscardHandler), FlushEvery: time.Hour,
			})
			t := newNumbersTask(n, Claim{Topic: "events", Committed: FromStart})
			ctx := context.Background()
			b.ReportAllocs()
			runtime.GC()
			before := processorTime(b)
			b.ResetTimer()
			const batch, flush = 4_000, 100_000
			for i := 0; i < records; i += batch {
				end := min(i+batch, records)
				if err := t.apply(ctx, &event.Batch{Records: log.records(i, end), Next: int64(end), End: int64(records) + 1}); err != nil {
					b.Fatal(err)
				}
				if end%flush == 0 || end == records {
					if _, err := t.flush(ctx); err != nil {
						b.Fatal(err)
					}
				}
			}
			t.joinWriters()
			b.StopTimer()
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(w.bytes)/float64(b.N), "rowbytes/op")
		})
	}
}
