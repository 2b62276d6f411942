package traffic_test

import (
	"testing"

	"sendwatch/internal/traffic"
)

// BenchmarkNext measures one record of the default portfolios.
func BenchmarkNext(b *testing.B) {
	g := generator(b, traffic.Config{Seed: 1, Start: start})
	var r traffic.Record
	for range 100_000 { // until the queues have their usual length
		g.Next(&r)
	}
	var bytes int64
	b.ReportAllocs()
	for b.Loop() {
		g.Next(&r)
		bytes += int64(len(r.Value))
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/record")
}
