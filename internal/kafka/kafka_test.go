package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/event"
)

// fake starts an embedded broker with one topic and returns a client of ours and
// an independent one.
func fake(t testing.TB, partitions int32, change ...func(*Config)) (*kfake.Cluster, *Client, *kgo.Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "in"), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, ours(t, cluster.ListenAddrs(), change...), theirs(t, cluster.ListenAddrs())
}

func ours(t testing.TB, brokers []string, change ...func(*Config)) *Client {
	t.Helper()
	config := Config{Brokers: brokers, MaxWait: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range change {
		f(&config)
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func theirs(t testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// seed writes n records of varied shape to a partition.
func seed(t testing.TB, client *kgo.Client, topic string, partition int32, n int) []*kgo.Record {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	records := make([]*kgo.Record, n)
	for i := range records {
		r := &kgo.Record{
			Topic: topic, Partition: partition, Timestamp: time.UnixMilli(1_790_000_000_000 + int64(i)*7).UTC(),
			Key: fmt.Appendf(nil, "key-%d", i%17), Value: []byte(strings.Repeat("v", random.IntN(400))),
		}
		switch i % 5 {
		case 1:
			r.Key = nil
		case 2:
			r.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}, {Key: "empty"}}
		case 3:
			r.Value = nil
		}
		records[i] = r
	}
	if err := client.ProduceSync(bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return records
}

// drain fetches until n records or unreadable offsets have been seen; the copies outlive the fetches.
func drain(t testing.TB, f *Fetcher, n int) (records []event.Record, unreadable []event.Unreadable) {
	t.Helper()
	ctx := bounded(t)
	for seen := 0; seen < n; {
		b, err := f.Fetch(ctx)
		if err != nil {
			t.Fatalf("fetch after %d of %d: %v", seen, n, err)
		}
		for _, r := range b.Records {
			c := event.Record{Offset: r.Offset, Timestamp: r.Timestamp, Key: clone(r.Key), Value: clone(r.Value)}
			for _, h := range r.Headers {
				c.Headers = append(c.Headers, event.Header{Key: clone(h.Key), Value: clone(h.Value)})
			}
			records = append(records, c)
		}
		unreadable = append(unreadable, b.Unreadable...)
		seen += len(b.Records)
		for _, u := range b.Unreadable {
			seen += int(u.Last - u.First + 1)
		}
	}
	return records, unreadable
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func same(t *testing.T, got []event.Record, want []*kgo.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i, w := range want {
		r := event.Record{Offset: w.Offset, Timestamp: w.Timestamp.UnixMilli(), Key: w.Key, Value: w.Value}
		for _, h := range w.Headers {
			r.Headers = append(r.Headers, event.Header{Key: []byte(h.Key), Value: h.Value})
		}
		if !reflect.DeepEqual(r, got[i]) { // cmp.Diff alone would take most of the test's time
			t.Fatalf("record %d (-want +got):\n%s", i, cmp.Diff(r, got[i]))
		}
	}
}

func TestFetchIsValidUntilTheNextButOne(t *testing.T) {
	cluster, client, _ := fake(t, 1, func(c *Config) { c.MaxBytes = 2_000 })
	writer := theirs(t, cluster.ListenAddrs(), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.ProducerBatchMaxBytes(2_000))
	want := seed(t, writer, "in", 0, 500)
	f := client.NewFetcher("in", 0, 0, 1)
	ctx := bounded(t)
	var previous *event.Batch
	for seen := 0; seen < len(want); {
		b, err := f.Fetch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if previous != nil {
			for _, r := range previous.Records {
				if string(r.Value) != string(want[r.Offset].Value) || string(r.Key) != string(want[r.Offset].Key) {
					t.Fatalf("offset %d changed while the next fetch ran", r.Offset)
				}
			}
		}
		seen += len(b.Records)
		previous = b
	}
}

// stored is one batch as it lies in a log.
type stored struct {
	base, last int64
	bytes      []byte
}

// makeBatch builds a batch of n records, value size bytes each.
func makeBatch(t testing.TB, base int64, n, size int, codec Codec, change func([]byte)) stored {
	t.Helper()
	messages, members := make([]event.Message, n), make([]int, n)
	for i := range messages {
		messages[i] = event.Message{Timestamp: 1_790_000_000_000, Value: append(fmt.Appendf(nil, "%d ", base+int64(i)), make([]byte, size)...)}
		members[i] = i
	}
	var e encoder
	bytes, got, err := e.encode(messages, members, 1<<30, codec)
	if err != nil || got != n {
		t.Fatal(got, err)
	}
	binary.BigEndian.PutUint64(bytes, uint64(base))
	if change != nil {
		change(bytes)
	}
	return stored{base: base, last: base + int64(n) - 1, bytes: bytes}
}

// serve makes the broker answer every fetch of partition 0 from these batches,
// as a broker does: from the batch that holds the offset on, whole batches up to
// the size asked for, the first in any case.
func serve(cluster *kfake.Cluster, next func() []stored) {
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		log := next()
		r := req.(*kmsg.FetchRequest)
		asked := r.Topics[0].Partitions[0]
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.HighWatermark = log[len(log)-1].last + 1
		partition.LastStableOffset = partition.HighWatermark
		for _, s := range log {
			if s.last < asked.FetchOffset {
				continue
			}
			if len(partition.RecordBatches) > 0 && len(partition.RecordBatches)+len(s.bytes) > int(asked.PartitionMaxBytes) {
				break
			}
			partition.RecordBatches = append(partition.RecordBatches, s.bytes...)
		}
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = "in", append(topic.Partitions, partition)
		answer := r.ResponseKind().(*kmsg.FetchResponse)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
}

func TestFetchStepsOverWhatItCannotRead(t *testing.T) {
	flip := func(b []byte) { b[len(b)-1] ^= 0x40 }
	for name, test := range map[string]struct {
		bad    func(t *testing.T) stored
		reason string
		alone  bool // nothing behind it
	}{
		"checksum":        {func(t *testing.T) stored { return makeBatch(t, 5, 10, 30, LZ4, flip) }, "its checksum is wrong", false},
		"checksum at end": {func(t *testing.T) stored { return makeBatch(t, 5, 10, 30, LZ4, flip) }, "its checksum is wrong", true},
		"checksum, header": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 30, LZ4, func(b []byte) { b[batchLastDeltaAt] = 0x7f })
		}, "its checksum is wrong", false},
		"length": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 30, LZ4, func(b []byte) { b[batchLengthAt] = 0x01 })
		}, "its length runs beyond the answer", false},
		"negative length": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 30, LZ4, func(b []byte) { b[batchLengthAt] = 0x81 })
		}, "its length is impossible", false},
		"old format": {func(t *testing.T) stored { return makeBatch(t, 5, 10, 30, LZ4, func(b []byte) { b[batchMagicAt] = 1 }) }, "its message format is 1, not 2", false},
		"malformed": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 10, NoCompression, func(b []byte) { b[batchHeader] = 0xfe; checksum(b) })
		}, "its records are malformed", false},
		"unknown codec": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 10, NoCompression, func(b []byte) { b[batchAttrsAt+1] = 7; checksum(b) })
		}, "it cannot be decompressed", false},
		"too many": {func(t *testing.T) stored {
			return makeBatch(t, 5, 10, 10, NoCompression, func(b []byte) { b[batchCountAt] = 1; checksum(b) })
		}, "its records are malformed", false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, client, _ := fake(t, 1)
			log := []stored{makeBatch(t, 0, 5, 30, LZ4, nil), test.bad(t)}
			wantRecords := 5
			if !test.alone {
				log = append(log, makeBatch(t, 15, 5, 30, Zstd, nil))
				wantRecords = 10
			}
			serve(cluster, func() []stored { return log })
			records, skipped := drain(t, client.NewFetcher("in", 0, 0, 1), wantRecords+10)
			if len(records) != wantRecords {
				t.Errorf("%d records, want %d", len(records), wantRecords)
			}
			for _, r := range records {
				if want := fmt.Sprintf("%d ", r.Offset); !strings.HasPrefix(string(r.Value), want) || r.Offset >= 5 && r.Offset < 15 {
					t.Errorf("offset %d holds %.10q", r.Offset, r.Value)
				}
			}
			if diff := cmp.Diff([]event.Unreadable{{First: 5, Last: 14, Reason: test.reason}}, skipped); diff != "" {
				t.Errorf("unreadable (-want +got):\n%s", diff)
			}
		})
	}
}

func checksum(b []byte) {
	binary.BigEndian.PutUint32(b[batchChecksumAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
}

// A checksum that is wrong once was hurt on the way: nothing is stepped over.
func TestFetchAsksAgainBeforeSteppingOver(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	good := makeBatch(t, 0, 5, 30, LZ4, nil)
	hurt := makeBatch(t, 0, 5, 30, LZ4, func(b []byte) { b[70] ^= 1 })
	asked := 0
	serve(cluster, func() []stored {
		if asked++; asked == 1 {
			return []stored{hurt}
		}
		return []stored{good}
	})
	records, skipped := drain(t, client.NewFetcher("in", 0, 0, 1), 5)
	if len(records) != 5 || len(skipped) != 0 {
		t.Errorf("%d records, unreadable %v", len(records), skipped)
	}
}

func TestProduceTriesOnWhileAFailureMayPass(t *testing.T) {
	var retried []string
	cluster, client, _ := fake(t, 1, func(c *Config) {
		c.Retried = func(topic string) { retried = append(retried, topic) }
	})
	failures := 0
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		failures++
		if failures > 3 {
			return nil, nil, false
		}
		cluster.KeepControl()
		if failures == 1 {
			return nil, errors.New("cut"), true // the connection breaks
		}
		return produceError(req, kerr.NotEnoughReplicas.Code), nil, true
	})
	producer := client.NewProducer()
	if err := producer.Produce(bounded(t), "in", []event.Message{{Value: []byte("a")}}); err != nil {
		t.Fatal(err)
	}
	if failures != 4 {
		t.Errorf("%d requests, want 4", failures)
	}
	if !slices.Equal(retried, []string{"in", "in", "in"}) {
		t.Errorf("told of the tries %v, want 3 on the topic in", retried)
	}
	got, _ := drain(t, client.NewFetcher("in", 0, 0, 1), 1)
	if string(got[0].Value) != "a" {
		t.Errorf("read %q", got[0].Value)
	}

	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		return produceError(req, kerr.MessageTooLarge.Code), nil, true
	})
	if err := producer.Produce(bounded(t), "in", []event.Message{{Value: []byte("b")}}); err == nil || !strings.Contains(err.Error(), "in partition 0") {
		t.Errorf("a refusal gave %v", err)
	}
}

func produceError(req kmsg.Request, code int16) kmsg.Response {
	r := req.(*kmsg.ProduceRequest)
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

// Java's Utils.murmur2 on these keys, from Kafka's own UtilsTest.
// A message that compression would make larger goes as it is: it may be as large
// as a broker takes.
func TestWhatDoesNotCompressIsWrittenPlain(t *testing.T) {
	value := make([]byte, 1_000_000)
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		var e encoder
		batch, _, err := e.encode([]event.Message{{Value: value}}, []int{0}, 512<<10, codec)
		if err != nil {
			t.Fatal(err)
		}
		if attributes := binary.BigEndian.Uint16(batch[batchAttrsAt:]); attributes != 0 || len(batch) > len(value)+100 {
			t.Errorf("codec %v: a batch of %d bytes with attributes %d", codec, len(batch), attributes)
		}
	}
}

func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestVarintLen(t *testing.T) {
	for _, v := range []int64{0, -1, 63, 64, -64, -65, 8191, 8192, 1 << 40, -1 << 62} {
		if got, want := varintLen(v), len(binary.AppendVarint(nil, v)); got != want {
			t.Errorf("varintLen(%d) = %d, want %d", v, got, want)
		}
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// roundTrip writes a record and reads it back.
func roundTrip(t *testing.T, client *Client, topic string) {
	t.Helper()
	if err := client.NewProducer().Produce(bounded(t), topic, []event.Message{{Value: []byte("here and back")}}); err != nil {
		t.Fatal(err)
	}
	got, _ := drain(t, client.NewFetcher(topic, 0, 0, 1), 1)
	if string(got[0].Value) != "here and back" {
		t.Errorf("read %q", got[0].Value)
	}
}
