package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

// demoRecords returns the first n records of the demo's traffic.
func demoRecords(b *testing.B, numbers, n int) []event.Record {
	b.Helper()
	g, err := traffic.New(traffic.Config{Seed: 1, Numbers: numbers, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	var list []event.Record
	var r traffic.Record
	for len(list) < n && g.Next(&r) {
		list = append(list, event.Record{
			Offset: int64(len(list)), Timestamp: r.Time, Key: append([]byte(nil), r.Key...), Value: append([]byte(nil), r.Value...),
		})
	}
	return list
}

// sendRecords returns n records of some 400 bytes, four in five of them sends of
// templates, of 5,000 numbers, 200 a second.
func sendRecords(_ *testing.B, n int) []event.Record {
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	list := make([]event.Record, 0, n)
	type sent struct {
		number  int
		contact string
		message string
	}
	var recent [4096]sent
	for i := range n {
		at := start + int64(i)*5
		var value string
		s := &recent[random.IntN(min(i, len(recent)-1)+1)]
		switch {
		case i%5 != 4 || s.contact == "":
			number := int(float64(5000) * random.Float64() * random.Float64())
			s = &recent[i%len(recent)]
			*s = sent{number, fmt.Sprintf("49151%08d", random.IntN(1e8)), fmt.Sprintf("wamid.HBgLNDkxNTE%012x", i)}
			value = fmt.Sprintf(`{"id":"out:%s","type":"message.sent","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","kind":"template","template":{"name":"campaign_%03d","language":"en_GB","category":"MARKETING"},"text":"Dear customer %d, your order is on its way and will arrive between nine and noon.","opt_in":true}`,
				s.message, at, number, number/4, number/40, s.message, s.contact, random.IntN(200), random.IntN(1e6))
		case i%10 == 9:
			value = fmt.Sprintf(`{"id":"st:%s:delivered","type":"message.status","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"%s","contact":"%s","status":"delivered"}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		default:
			value = fmt.Sprintf(`{"id":"in:%s","type":"message.received","time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","message_id":"in.%s","contact":"%s","kind":"text","text":"Thank you, that suits me well."}`,
				s.message, at, s.number, s.number/4, s.number/40, s.message, s.contact)
		}
		list = append(list, event.Record{Offset: int64(i), Timestamp: at, Key: []byte(fmt.Sprintf("number-%06d", s.number)), Value: []byte(value)})
	}
	return list
}

// BenchmarkNumbers is what a partition of the numbers role costs a record, from the
// fetched batch to flags and rows that are ready to be sent: everything but the broker.
// A batch is about a mebibyte and is followed by a flush, as a partition that catches
// up has it about once a second.
func BenchmarkNumbers(b *testing.B) {
	for _, c := range []struct {
		name    string
		records func(b *testing.B, n int) []event.Record
	}{
		{"demo-200", func(b *testing.B, n int) []event.Record { return demoRecords(b, 200, n) }},
		{"demo-5000", func(b *testing.B, n int) []event.Record { return demoRecords(b, 5000, n) }},
		{"sends-5000", sendRecords},
	} {
		b.Run(c.name, func(b *testing.B) {
			list := c.records(b, b.N)
			w := &discard{}
			n := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: w, Topics: topicsOf(1), Policy: policy.Default(),
				Logger: slog.New(slog.DiscardHandler), FlushEvery: time.Hour,
			})
			t := newNumbersTask(n, Claim{Topic: "events", Committed: FromStart})
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			const batch, flush = 4_000, 100_000
			for i := 0; i < len(list); i += batch {
				end := min(i+batch, len(list))
				if err := t.apply(ctx, &event.Batch{Records: list[i:end], Next: int64(end), End: int64(len(list)) + 1}); err != nil {
					b.Fatal(err)
				}
				if end%flush == 0 || end == len(list) {
					if err := t.flush(ctx); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer()
			t.flags.join()
			b.ReportMetric(float64(w.bytes)/float64(b.N), "rowbytes/op")
		})
	}
}
