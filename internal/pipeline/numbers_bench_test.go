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

// clear forgets the records and keeps the memory.
func (l *benchLog) clear() { l.bytes, l.ends, l.times = l.bytes[:0], l.ends[:0], l.times[:0] }

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

// sends makes records of some 400 bytes, four in five of them sends of templates.
type sends struct {
	numbers int // that send
	random  *rand.Rand
	time    int64 // of the next, in us
	step    int64
	made    int
	recent  [4096]sent
	value   []byte
}

type sent struct {
	number  int
	contact string
	message string
}

var sendsBegin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSends(numbers, rate int) *sends {
	return &sends{numbers: numbers, random: rand.New(rand.NewPCG(1, 2)), time: sendsBegin.UnixMicro(), step: 1_000_000 / int64(rate)}
}

// appendTo appends the next n records to a log.
func (m *sends) appendTo(l *benchLog, n int) {
	for range n {
		i, at := m.made, m.time/1000
		m.made++
		m.time += m.step
		s := &m.recent[m.random.IntN(min(i, len(m.recent)-1)+1)]
		value := m.value[:0]
		switch {
		case i%5 != 4 || s.contact == "":
			number := int(float64(m.numbers) * m.random.Float64() * m.random.Float64())
			s = &m.recent[i%len(m.recent)]
			*s = sent{number, fmt.Sprintf("49151%08d", m.random.IntN(1e8)), fmt.Sprintf("wamid.HBgLNDkxNTE%012x", i)}
			value = fmt.Appendf(value, `{"id":"out:%s","type":"message.sent","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","kind":"template","template":{"name":"campaign_%03d","language":"en_GB","category":"MARKETING"},"text":"Dear customer %d, your order is on its way and will arrive between nine and noon.","opt_in":true}`,
				s.message, at, number, number/4, number/40, s.message, s.contact, m.random.IntN(200), m.random.IntN(1e6))
		case i%10 == 9:
			value = fmt.Appendf(value, `{"id":"st:%s:delivered","type":"message.status","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","status":"delivered"}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		default:
			value = fmt.Appendf(value, `{"id":"in:%s","type":"message.received","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"in.%s","contact":"%s","kind":"text","text":"Thank you, that suits me well."}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		}
		m.value = value
		l.add(fmt.Appendf(nil, "number-%06d", s.number), value, at)
	}
}

// sendsLog returns n records of 5,000 numbers.
func sendsLog(n int) *benchLog {
	l := &benchLog{}
	newSends(5000, 200).appendTo(l, n)
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

// benchTask is a partition of the numbers role that hands over to w.
func benchTask(w *discard) *numbersTask {
	n := NewNumbers(NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: w, Topics: topicsOf(1), Policy: policy.Default(),
		Logger: slog.New(slog.DiscardHandler), FlushEvery: time.Hour,
	})
	return newNumbersTask(n, Claim{Topic: "events", Committed: FromStart})
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
			t := benchTask(w)
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
