package chdb_test

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// BenchmarkInsert sends blocks of ten columns through the wire into a
// MergeTree, and reports rows a second.
func BenchmarkInsert(b *testing.B) {
	for _, c := range []struct {
		name        string
		compression *clickhouse.Compression
	}{{"plain", nil}, {"lz4", &clickhouse.Compression{Method: clickhouse.CompressionLZ4}}} {
		b.Run(c.name, func(b *testing.B) {
			conn := connect(b, func(o *clickhouse.Options) { o.Compression = c.compression })
			mustExec(b, conn, `CREATE TABLE bench (number String, portfolio LowCardinality(String), minute DateTime('UTC'), partition UInt32, pane UInt64,
				version UInt64, sent UInt32, received UInt32, score Float64, reasons Array(LowCardinality(String))
			) ENGINE = ReplacingMergeTree(version) ORDER BY (portfolio, number, minute, partition, pane)`)
			const rows = 50_000
			var (
				numbers, portfolios = make([]string, rows), make([]string, rows)
				minutes             = make([]time.Time, rows)
				u32                 = make([]uint32, rows)
				u64                 = make([]uint64, rows)
				f64                 = make([]float64, rows)
				reasons             = make([][]string, rows)
			)
			start := time.Unix(1_800_000_000, 0).UTC()
			for i := range rows {
				numbers[i], portfolios[i] = "num_"+string(rune('a'+i%26))+"0123456789", "portfolio "+string(rune('a'+i%7))
				minutes[i] = start.Add(time.Duration(i/500) * time.Minute)
				u32[i], u64[i], f64[i] = uint32(i), uint64(i), float64(i)
				reasons[i] = []string{"velocity_hour", "reply_ratio"}
			}
			for b.Loop() {
				batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO bench")
				if err != nil {
					b.Fatal(err)
				}
				for i, column := range []any{numbers, portfolios, minutes, u32, u64, u64, u32, u32, f64, reasons} {
					if err := batch.Column(i).Append(column); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Send(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkSelect reads a result of numbers through the wire.
func BenchmarkSelect(b *testing.B) {
	conn := connect(b, nil)
	const rows = 1_000_000
	for b.Loop() {
		var sum, n uint64
		result, err := conn.Query(b.Context(), "SELECT number FROM numbers(?)", rows)
		if err != nil {
			b.Fatal(err)
		}
		for result.Next() {
			if err := result.Scan(&n); err != nil {
				b.Fatal(err)
			}
			sum += n
		}
		if err := result.Close(); err != nil {
			b.Fatal(err)
		}
		if sum != rows*(rows-1)/2 {
			b.Fatalf("sum %d", sum)
		}
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}
