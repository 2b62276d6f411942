package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// BenchmarkWriter measures a row of a block on its way into the engine.
func BenchmarkWriter(b *testing.B) {
	const rows = 10_000
	var out event.Output
	r := rand.New(rand.NewPCG(1, 1))
	for i := range int64(rows) {
		m := event.NumberMinute{
			NumberID: fmt.Sprint("15550000", i%300), PortfolioID: "p1", Minute: monthEdge + i/300*msMinute, Pane: event.Pane{Version: i},
			Counts: event.Counts{Sent: 3, Initiated: 2, Delivered: 2, Read: 1},
		}
		for range r.IntN(4) {
			m.Contacts = append(m.Contacts, r.Uint64())
		}
		out.NumberMinutes = append(out.NumberMinutes, m)
		out.NumberStatuses = append(out.NumberStatuses, event.NumberStatus{
			NumberID: m.NumberID, Minute: m.Minute, Version: i, Score: 80,
			Top: []event.Contribution{{Factor: event.FactorReplyRatio, Points: 12}},
		})
	}
	minutes := event.Output{Blocks: codec.AppendBlocks(nil, &event.Output{NumberMinutes: out.NumberMinutes})}
	statuses := event.Output{Blocks: codec.AppendBlocks(nil, &event.Output{NumberStatuses: out.NumberStatuses})}
	per := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row") }

	c := migrated(b)
	w := c.NewWriter()
	for name, out := range map[string]*event.Output{"write/number_minutes": &minutes, "write/number_status": &statuses} {
		b.Run(name, func(b *testing.B) {
			ctx := within(b)
			for b.Loop() {
				if err := w.Write(ctx, out); err != nil {
					b.Fatal(err)
				}
			}
			per(b)
		})
	}
}
