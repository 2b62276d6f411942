package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// benchRecords of some 400 bytes are what an event is like.
const benchRecords = 100_000

func benchBroker(b *testing.B, codec kgo.CompressionCodec) []string {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "in"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	writer := theirs(b, cluster.ListenAddrs(), kgo.ProducerBatchCompression(codec), kgo.MaxBufferedRecords(benchRecords))
	random := rand.New(rand.NewPCG(1, 2))
	records := make([]*kgo.Record, benchRecords)
	for i := range records {
		value := fmt.Appendf(nil, `{"id":"evt-%016x","type":"message.sent","time":%d,"number_id":"15550%06d","waba_id":"waba-17","portfolio_id":"portfolio-3",`+
			`"message_id":"wamid.%016x%016x","contact":"4915%09d","kind":"template","template":{"name":"order_update_%d","language":"en_US","category":"utility"},`+
			`"links":["https://example.com/track/%d"],"opt_in":true,"contact_country":"DE"}`,
			random.Uint64(), 1_790_000_000_000+i, random.IntN(1e6), random.Uint64(), random.Uint64(), random.IntN(1e9), random.IntN(40), random.IntN(1e6))
		records[i] = &kgo.Record{Topic: "in", Key: value[60:70], Value: value}
	}
	if err := writer.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(records[0].Value)))
	return cluster.ListenAddrs()
}

// BenchmarkFetch reads a partition record by record: ns/op is a record, the
// broker, which runs in the same process, included.
func BenchmarkFetch(b *testing.B) {
	for _, codec := range []struct {
		name  string
		codec kgo.CompressionCodec
	}{{"none", kgo.NoCompression()}, {"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()}, {"snappy", kgo.SnappyCompression()}} {
		b.Run("raw/"+codec.name, func(b *testing.B) {
			brokers := benchBroker(b, codec.codec)
			client := ours(b, brokers, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				f := client.NewFetcher("in", 0, 0, 1)
				for n < b.N && f.next < benchRecords {
					batch, err := f.Fetch(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					n += len(batch.Records)
				}
			}
		})
		b.Run("reader/"+codec.name, func(b *testing.B) {
			brokers := benchBroker(b, codec.codec)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				reader := kafkago.NewReader(kafkago.ReaderConfig{Brokers: brokers, Topic: "in", QueueCapacity: 10_000, MaxBytes: 1 << 20, MaxWait: 10 * time.Millisecond})
				for i := 0; i < benchRecords && n < b.N; i++ {
					if _, err := reader.ReadMessage(context.Background()); err != nil && !errors.Is(err, context.Canceled) {
						b.Fatal(err)
					}
					n++
				}
				b.StopTimer()
				if err := reader.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkWalk reads a fetch that is in memory: what a record costs us alone.
func BenchmarkWalk(b *testing.B) {
	for _, codec := range []Codec{NoCompression, LZ4, Zstd} {
		b.Run(fmt.Sprint(codec), func(b *testing.B) {
			const n = 2_500
			set := makeBatch(b, 0, n, 380, codec, nil).bytes
			var buf buffer
			var inflate decompressor
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += n {
				buf.reset()
				if skipped, _ := buf.decodeBatches(set, 0, &inflate, 32<<20); skipped != nil || len(buf.batch.Records) != n {
					b.Fatal(skipped)
				}
			}
		})
	}
}

// BenchmarkEncode writes a batch of records of some 400 bytes.
func BenchmarkEncode(b *testing.B) {
	for _, codec := range []Codec{NoCompression, LZ4, Zstd} {
		b.Run(fmt.Sprint(codec), func(b *testing.B) {
			const n = 1_000
			b.ReportAllocs()
			for i := 0; i < b.N; i += n {
				makeBatch(b, 0, n, 380, codec, nil)
			}
		})
	}
}
