package engine_test

import (
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// BenchmarkPortfolioEngineCatchesUp has one partition 30 days ahead of what has been
// evaluated, as after a start at which another partition was slower.
func BenchmarkPortfolioEngineCatchesUp(b *testing.B) {
	const minutes, contacts = 30 * 24 * 60, 20
	changes := make([]event.PortfolioChange, 0, minutes*contacts)
	for k := range int64(minutes * contacts) {
		m := k/contacts + 1
		changes = append(changes, event.PortfolioChange{
			Sequence: k + 1, Visible: m * 60_000, Kind: event.ChangeContact, PortfolioID: "p", NumberID: "n", A: uint64(k) * 0x9e3779b97f4a7c15, B: m - 1,
		})
	}
	for b.Loop() {
		g := engine.NewPortfolioEngine("rows", 0, policy.Default())
		for i := range changes {
			g.Take(&changes[i])
		}
		var out event.Output
		for m := range int64(minutes) {
			g.Evaluate((m+1)*60_000, 0, &out)
			out.Reset()
		}
		if _, waiting := g.Stats(); waiting != 0 {
			b.Fatalf("%d changes still wait", waiting)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/minutes, "ns/minute")
}
