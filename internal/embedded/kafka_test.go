package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/embedded/memkafka"
)

// roundTripTimeout bounds roundTrip. A fresh real broker needs seconds to
// make its internal topics.
const roundTripTimeout = 30 * time.Second

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func TestProduceAndConsumeWithAGroup(t *testing.T) {
	t.Run("in-process", func(t *testing.T) {
		b := embeddedtest.Kafka(t, memkafka.Topic{Name: "events", Partitions: 2})
		roundTrip(t, b.Addrs(), "events")
	})
	t.Run("Apache", func(t *testing.T) {
		b := embeddedtest.ApacheKafka(t)
		createTopic(t, b.Addr(), "events", 2)
		roundTrip(t, []string{b.Addr()}, "events")
	})
}

func createTopic(t *testing.T, addr, topic string, partitions int) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(addr)}
	resp, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err == nil {
		err = resp.Errors[topic]
	}
	if err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
}

// roundTrip writes keyed records to every partition of an existing topic
// and reads them back as a member of a new consumer group. It fails the test
// unless each record arrives once, in the order of its partition.
func roundTrip(t *testing.T, addrs []string, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), roundTripTimeout)
	defer cancel()

	const n = 200
	w := &kafka.Writer{Addr: kafka.TCP(addrs...), Topic: topic, Balancer: &kafka.RoundRobin{}, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	messages := make([]kafka.Message, n)
	for i := range messages {
		messages[i] = kafka.Message{Key: fmt.Appendf(nil, "key %d", i), Value: fmt.Appendf(nil, "%06d", i)}
	}
	if err := errors.Join(w.WriteMessages(ctx, messages...), w.Close()); err != nil {
		t.Fatal(err)
	}

	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: addrs, Topic: topic, GroupID: topic + "-readers", StartOffset: kafka.FirstOffset,
		MaxWait: 50 * time.Millisecond, JoinGroupBackoff: 50 * time.Millisecond,
	})
	var got []string
	last := make(map[int]string)
	for len(got) < n {
		m, err := r.ReadMessage(ctx)
		if known := kafka.Error(0); errors.As(err, &known) && known.Temporary() {
			continue // A fresh broker still makes its internal topics.
		}
		if err != nil {
			t.Fatalf("after %d of %d records: %v", len(got), n, errors.Join(err, r.Close()))
		}
		v := string(m.Value)
		if v <= last[m.Partition] {
			t.Errorf("partition %d: %s came after %s", m.Partition, v, last[m.Partition])
		}
		last[m.Partition] = v
		got = append(got, v)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	slices.Sort(got)
	for i, v := range got {
		if want := fmt.Sprintf("%06d", i); v != want {
			t.Fatalf("record %d is %q, expected %q", i, v, want)
		}
	}
}
