//go:build unix

package kafka

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// benchRecords of some 400 bytes are what an event is like.
const benchRecords = 200_000

// benchEnv asks this test binary to be a broker for a benchmark in another process.
const benchEnv = "SENDWATCH_BENCH_BROKER"

// TestBenchmarkBroker is the broker of the benchmarks, in a process of its own, so
// that theirs spends the client's time only. It lives until its input ends.
func TestBenchmarkBroker(t *testing.T) {
	if os.Getenv(benchEnv) == "" {
		return // it is none in an ordinary run
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "none", "lz4", "zstd"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for topic, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		writer := theirs(t, cluster.ListenAddrs(), kgo.ProducerBatchCompression(codec), kgo.MaxBufferedRecords(benchRecords), kgo.ProducerBatchMaxBytes(256<<10))
		random := rand.New(rand.NewPCG(1, 2))
		records := make([]*kgo.Record, benchRecords)
		for i := range records {
			value := fmt.Appendf(nil, `{"id":"evt-%016x","type":"message.sent","time":%d,"number_id":"15550%06d","waba_id":"waba-17","portfolio_id":"portfolio-3",`+
				`"message_id":"wamid.%016x%016x","contact":"4915%09d","kind":"template","template":{"name":"order_update_%d","language":"en_US","category":"utility"},`+
				`"links":["https://example.com/track/%d"],"opt_in":true,"contact_country":"DE"}`,
				random.Uint64(), 1_790_000_000_000+i, random.IntN(1e6), random.Uint64(), random.Uint64(), random.IntN(1e9), random.IntN(40), random.IntN(1e6))
			records[i] = &kgo.Record{Topic: topic, Key: value[60:70], Value: value}
		}
		if err := writer.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("%s\n", cluster.ListenAddrs()[0])
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// benchBroker starts TestBenchmarkBroker and returns its address.
func benchBroker(b *testing.B) []string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	broker := exec.Command(self, "-test.run=^TestBenchmarkBroker$")
	broker.Env, broker.Stderr = append(os.Environ(), benchEnv+"=1"), os.Stderr
	in, err := broker.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := broker.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = broker.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return []string{strings.TrimSpace(line)}
}

// processTime is what this process has spent on its processors.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFetch reads a partition record by record over loopback, with this package
// and with the clients that others use. cpu-ns/record is the client's processor
// time, whatever else the machine does; allocs/op are of a record.
func BenchmarkFetch(b *testing.B) {
	brokers := benchBroker(b)
	for _, codec := range []string{"none", "lz4", "zstd"} {
		for _, client := range []struct {
			name string
			read func(b *testing.B, brokers []string, topic string) int
		}{{"ours", readOurs}, {"kafka-go-group", readGroupReader}, {"franz-go", readFranz}} {
			b.Run(codec+"/"+client.name, func(b *testing.B) {
				b.ReportAllocs()
				b.ResetTimer()
				start, n := processTime(b), 0
				for n < b.N {
					n += client.read(b, brokers, codec)
				}
				b.ReportMetric(float64(processTime(b)-start)/float64(n), "cpu-ns/record")
			})
		}
	}
}

func readOurs(b *testing.B, brokers []string, topic string) (n int) {
	client := ours(b, brokers, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
	for f := client.NewFetcher(topic, 0, 0, 1); f.next < benchRecords; {
		batch, err := f.Fetch(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		n += len(batch.Records)
	}
	return n
}

// readGroupReader reads as most programs with kafka-go do: a Reader with a group.
func readGroupReader(b *testing.B, brokers []string, topic string) (n int) {
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: brokers, Topic: topic, GroupID: fmt.Sprint("bench-", time.Now().UnixNano()), QueueCapacity: 10_000, MaxBytes: 1 << 20,
		CommitInterval: time.Second, MaxWait: 10 * time.Millisecond, JoinGroupBackoff: 10 * time.Millisecond, StartOffset: kafkago.FirstOffset,
	})
	for ; n < benchRecords; n++ {
		if _, err := reader.ReadMessage(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	if err := reader.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

func readFranz(b *testing.B, brokers []string, topic string) (n int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for n < benchRecords {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		fetches.EachRecord(func(*kgo.Record) { n++ })
	}
	return n
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
