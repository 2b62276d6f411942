package telemetry

import (
	"testing"
	"time"
)

// BenchmarkReport is what one figure costs. A fetch of some thousand records
// reports about thirty.
func BenchmarkReport(b *testing.B) {
	tel, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	m := tel.Metrics()
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Add(Records, 1, "7", "applied")
		}
	})
	b.Run("set", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Set(LagRecords, 1, "numbers", "7")
		}
	})
	b.Run("observe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Observe(FetchDuration, time.Millisecond, "numbers")
		}
	})
}
