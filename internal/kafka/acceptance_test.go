package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// The acceptance test says what we want of a broker. It runs on the embedded
// one, which is quick, and on a real Apache Kafka, which is right.

func TestAcceptanceOnTheEmbeddedBroker(t *testing.T) {
	broker := embeddedtest.Kafka(t)
	acceptance(t, broker.Addrs())
}

func TestAcceptanceOnApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	acceptance(t, []string{embeddedtest.ApacheKafka(t).Addr()})
}

func acceptance(t *testing.T, brokers []string) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, brokers []string, topic string)
	}{
		{"reads every codec", readsEveryCodec},
		{"waits and sees the end", waitsAndSeesTheEnd},
		{"knows the ends of the log", knowsTheEndsOfTheLog},
		{"leaves out aborted transactions", leavesOutAborted},
		{"writes what others read", writesWhatOthersRead},
		{"creates topics and checks them", createsAndChecks},
		{"shares partitions among members", sharesPartitions},
		{"reads fixed shares", readsFixedShares},
		{"refuses the commit of an old owner", refusesOldOwner},
		{"stops on another log of the same name", stopsOnAnotherLog},
		{"begins another log of the same name", beginsAnotherLog},
		{"keeps strangers out of a group", keepsStrangersOut},
		{"waits for strangers to leave a group", waitsForStrangers},
		{"names members of the other protocol", namesTheOtherProtocol},
		{"says what a transaction holds back", saysWhatIsHeldBack},
		{"neither doubles nor reorders", neitherDoublesNorReorders},
		{"keeps notes", keepsNotes},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // each has topics and groups of its own, and waits most of the time
			test.run(t, brokers, "kafka-"+strings.ReplaceAll(test.name, " ", "-"))
		})
	}
}

// create makes a topic and waits until it can be used.
func create(t testing.TB, client *Client, topic string, partitions int) {
	t.Helper()
	if _, err := client.CreateMissing(bounded(t), []Topic{{Name: topic, Partitions: partitions}}); err != nil {
		t.Fatal(err)
	}
}

func readsEveryCodec(t *testing.T, brokers []string, topic string) {
	for i, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			topic := topic + "-" + strconv.Itoa(i)
			client := ours(t, brokers, func(c *Config) { c.MaxBytes = 20_000 })
			create(t, client, topic, 2)
			writer := theirs(t, brokers, kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(9_000))
			want := seed(t, writer, topic, 1, 2_000)
			got, skipped := drain(t, client.NewFetcher(topic, 1, 0, 2), len(want))
			same(t, got, want)
			if len(skipped) != 0 {
				t.Errorf("unreadable: %v", skipped)
			}
			// From the middle of a batch.
			got, _ = drain(t, client.NewFetcher(topic, 1, 777, 2), len(want)-777)
			same(t, got, want[777:])
		})
	}
}

func waitsAndSeesTheEnd(t *testing.T, brokers []string, topic string) {
	client, writer := ours(t, brokers), theirs(t, brokers)
	create(t, client, topic, 1)
	seed(t, writer, topic, 0, 10)
	f := client.NewFetcher(topic, 0, 0, 1)
	drain(t, f, 10)
	b, err := f.Fetch(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Records) != 0 || b.Next != 10 || b.End != 10 || b.LogStart != 0 {
		t.Errorf("an empty fetch gave %d records, next %d, end %d, start %d", len(b.Records), b.Next, b.End, b.LogStart)
	}
	more := seed(t, writer, topic, 0, 3)
	got, _ := drain(t, f, 3)
	same(t, got, more)
}

func knowsTheEndsOfTheLog(t *testing.T, brokers []string, topic string) {
	client, writer := ours(t, brokers), theirs(t, brokers)
	create(t, client, topic, 1)
	seed(t, writer, topic, 0, 20)
	deleteRecords(t, writer, topic, 0, 8)
	f := client.NewFetcher(topic, 0, 5, 1)
	b, err := f.Fetch(bounded(t))
	if err != nil || b.Lost != (event.Lost{First: 5, End: 8}) || b.Next != 8 || b.LogStart != 8 || len(b.Records) != 0 {
		t.Errorf("before the log's start: %+v, %v; expected the range from 5 to 8 as lost", b, err)
	}
	got, _ := drain(t, f, 12)
	if got[0].Offset != 8 {
		t.Errorf("reading went on at %d, expected the log's start 8", got[0].Offset)
	}
	_, err = client.NewFetcher(topic, 0, 21, 1).Fetch(bounded(t))
	if want := new(LogEndError); !errors.As(err, &want) || want.Position != 21 || want.End != 20 {
		t.Errorf("behind the log's end: %v", err)
	}
	_, err = client.NewFetcher(topic, 0, 8, 3).Fetch(bounded(t))
	if want := new(PartitionCountError); !errors.As(err, &want) || want.Had != 3 || want.Have != 1 {
		t.Errorf("another partition count: %v", err)
	}
}

// deleteRecords moves a partition's log start.
func deleteRecords(t testing.TB, client *kgo.Client, topic string, partition int32, before int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	one.Partitions = append(one.Partitions, p)
	req.Topics, req.TimeoutMillis = append(req.Topics, one), 5_000
	if _, err := req.RequestWith(bounded(t), client); err != nil {
		t.Fatal(err)
	}
}

func leavesOutAborted(t *testing.T, brokers []string, topic string) {
	client := ours(t, brokers)
	create(t, client, topic, 1)
	ctx := bounded(t)
	var want []string
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryAbort, kgo.TryCommit} {
		writer := theirs(t, brokers, kgo.TransactionalID(fmt.Sprint("txn-", i%2)))
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			value := fmt.Sprintf("%d-%d", i, j)
			if err := writer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if commit {
				want = append(want, value)
			}
		}
		if err := writer.EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
		writer.Close()
	}
	f := client.NewFetcher(topic, 0, 0, 1)
	records, _ := drain(t, f, len(want))
	var got []string
	for _, r := range records {
		got = append(got, string(r.Value))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	// The last record of the log is a commit marker: the position passes it.
	for f.next < 16 {
		if _, err := f.Fetch(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func writesWhatOthersRead(t *testing.T, brokers []string, topic string) {
	for i, codec := range []Codec{NoCompression, Gzip, Snappy, LZ4, Zstd} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			topic := fmt.Sprint(topic, i)
			client := ours(t, brokers, func(c *Config) { c.Compression, c.MaxBatch = codec, 3_000 })
			create(t, client, topic, 3)
			var messages []event.Message
			for i := range 300 {
				m := event.Message{
					Key: fmt.Appendf(nil, "key-%d", i%20), Value: fmt.Appendf(nil, "value-%d-%s", i, strings.Repeat("x", i)),
					Timestamp: 1_790_000_000_000 + int64(i*i), Headers: []event.Header{{Key: []byte("h"), Value: fmt.Append(nil, i)}},
				}
				if i%50 == 0 {
					m.Partition, m.PartitionSet, m.Key = 2, true, nil
				}
				messages = append(messages, m)
			}
			if err := client.NewProducer().Produce(bounded(t), topic, messages); err != nil {
				t.Fatal(err)
			}
			reader := theirs(t, brokers, kgo.ConsumeTopics(topic))
			partitioner := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
			seen, last := map[string]bool{}, map[int32]int{}
			for len(seen) < len(messages) {
				fetches := reader.PollFetches(bounded(t))
				if err := fetches.Err(); err != nil {
					t.Fatal(err)
				}
				fetches.EachRecord(func(r *kgo.Record) {
					var i int
					if _, err := fmt.Sscanf(string(r.Value), "value-%d-", &i); err != nil {
						t.Fatal(err)
					}
					m := messages[i]
					if string(r.Value) != string(m.Value) || string(r.Key) != string(m.Key) || r.Timestamp.UnixMilli() != m.Timestamp ||
						len(r.Headers) != 1 || r.Headers[0].Key != "h" || string(r.Headers[0].Value) != strconv.Itoa(i) {
						t.Fatalf("message %d came as %+v", i, r)
					}
					if before, ok := last[r.Partition]; ok && i <= before {
						t.Errorf("partition %d: %d came after %d", r.Partition, i, before)
					}
					last[r.Partition] = i
					want := m.Partition
					if !m.PartitionSet {
						want = int32(partitioner.Partition(r, 3))
					}
					if r.Partition != want {
						t.Errorf("key %s on partition %d, want %d", m.Key, r.Partition, want)
					}
					seen[string(r.Value)] = true
				})
			}
		})
	}
}
