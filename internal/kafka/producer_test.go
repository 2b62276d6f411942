package kafka

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/event"
)

// cutting is a connection that loses acknowledgements: the broker has written the
// batch and said so, and the client never reads it.
type cutting struct {
	net.Conn
	produced *atomic.Int32 // Produce requests over all connections
	lose     func(n int32) bool
	cut      atomic.Bool
}

// Write counts Produce requests, which are written in one piece.
func (c *cutting) Write(b []byte) (int, error) {
	if len(b) > 8 && b[4] == 0 && b[5] == 0 && c.lose(c.produced.Add(1)) {
		c.cut.Store(true)
	}
	return c.Conn.Write(b)
}

// Read takes the lost answer from the broker and ends the connection.
func (c *cutting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut.Load() {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

// neitherDoublesNorReorders loses the acknowledgement of every third batch, twice in
// a row of every twelfth. Every record is there once, in order; without the
// numbers in the batches some would be there two and three times.
func neitherDoublesNorReorders(t *testing.T, brokers []string, topic string) {
	var produced, lost atomic.Int32
	client := ours(t, brokers, func(c *Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &cutting{Conn: conn, produced: &produced, lose: func(n int32) bool {
				if n%3 == 0 || n%12 == 1 {
					lost.Add(1)
					return true
				}
				return false
			}}, nil
		}
	})
	create(t, client, topic, 3)
	producer := client.NewProducer()
	const calls, each = 25, 6
	want := map[int32][]string{}
	for i := range calls {
		var messages []event.Message
		for j := range each {
			m := event.Message{Partition: int32(j % 3), PartitionSet: true, Value: fmt.Appendf(nil, "%d/%d", i, j)}
			want[m.Partition] = append(want[m.Partition], string(m.Value))
			messages = append(messages, m)
		}
		if err := producer.Produce(bounded(t), topic, messages); err != nil {
			t.Fatal(err)
		}
	}
	if lost.Load() < calls/2 {
		t.Fatalf("%d acknowledgements were lost of %d; the test proves nothing", lost.Load(), produced.Load())
	}
	for p := range int32(3) {
		reader := ours(t, brokers)
		got, _ := drain(t, reader.NewFetcher(topic, p, 0, 3), len(want[p]))
		for i, r := range got {
			if i >= len(want[p]) || string(r.Value) != want[p][i] {
				t.Fatalf("partition %d holds %s as record %d of %d; written were %v", p, r.Value, i, len(got), want[p])
			}
		}
		if end, err := reader.offset(t.Context(), topic, p, logEnd); err != nil || int(end) != len(want[p]) {
			t.Errorf("partition %d ends at %d, %v; %d records were written", p, end, err, len(want[p]))
		}
	}
}

// TestAnAbandonedBatchLendsItsNumbersToNone: a write whose outcome is unknown is given
// up, and the next one goes out under another id. Under the same numbers the
// broker would take it for a repetition and drop it.
func TestAnAbandonedBatchLendsItsNumbersToNone(t *testing.T) {
	cluster, _, _ := fake(t, 1)
	var produced atomic.Int32
	second, giveUp := context.WithCancel(t.Context())
	client := ours(t, cluster.ListenAddrs(), func(c *Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &cutting{Conn: conn, produced: &produced, lose: func(n int32) bool {
				if n == 2 {
					giveUp()
				}
				return n == 2
			}}, nil
		}
	})
	producer := client.NewProducer()
	write := func(ctx context.Context, value string) error {
		return producer.Produce(ctx, "in", []event.Message{{Value: []byte(value)}})
	}
	if err := write(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := write(second, "b"); err == nil {
		t.Fatal("an abandoned write succeeded")
	}
	if err := write(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	f, found := client.NewFetcher("in", 0, 0, 1), false
	for !found {
		b, err := f.Fetch(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			found = found || string(r.Value) == "c"
		}
		if !found && b.Next == b.End && b.Next >= 2 {
			t.Fatal("the write after the abandoned one is not in the log")
		}
	}
}

// TestCompressionsGoByTopic: a topic that is named is written by its own codec, any other by that of all.
func TestCompressionsGoByTopic(t *testing.T) {
	_, client, reader := fake(t, 1, func(c *Config) { c.Compressions = map[string]Codec{"flags": Gzip} })
	create(t, client, "flags", 1)
	value := bytes.Repeat([]byte("the same "), 200)
	for topic, want := range map[string]Codec{"flags": Gzip, "in": LZ4} {
		if err := client.NewProducer().Produce(bounded(t), topic, []event.Message{{Value: value}}); err != nil {
			t.Fatal(err)
		}
		reader.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}})
		records := reader.PollRecords(bounded(t), 1).Records()
		if len(records) != 1 || records[0].Topic != topic || Codec(records[0].Attrs.CompressionType()) != want {
			t.Errorf("%s: read %+v, want one record with codec %d", topic, records, want)
		}
	}
}

// TestARenewedBatchIsACopy: a try that was given up may still be on its way when another try is told that the producer id
// is not known. What it sends must stay as it is.
func TestARenewedBatchIsACopy(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = 59 // UNKNOWN_PRODUCER_ID
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.Partitions = "in", append(topic.Partitions, partition)
		answer := req.ResponseKind().(*kmsg.ProduceResponse)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
	batch, _, err := new(encoder).encode([]event.Message{{Value: []byte("a")}}, []int{0}, 1<<10, LZ4)
	if err != nil {
		t.Fatal(err)
	}
	first := producerID{id: 1 << 40, known: true}
	sent := bytes.Clone(batch)
	stampProducer(sent, first, 0)
	numbers := &numbering{id: first}
	if err := client.NewProducer().write(bounded(t), "in", 0, numbers, batch); err != nil {
		t.Fatal(err)
	}
	if numbers.id == first {
		t.Fatal("the producer id was not renewed; the test proves nothing")
	}
	if !bytes.Equal(batch, sent) {
		t.Error("the batch that was sent first is another one now")
	}
}
