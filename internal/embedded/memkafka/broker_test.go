package memkafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/embedded/memkafka"
)

func TestConfiguredTopics(t *testing.T) {
	b := embeddedtest.Kafka(t, memkafka.Topic{Name: "a", Partitions: 3, Config: map[string]string{"cleanup.policy": "compact"}})
	if n := len(b.Cluster().PartitionInfos("a")); n != 3 {
		t.Fatalf("topic a has %d partitions, expected 3", n)
	}
	if policy := b.Cluster().TopicInfo("a").Configs["cleanup.policy"]; policy == nil || *policy != "compact" {
		t.Errorf("topic a has the wrong cleanup policy")
	}
	if err := b.CreateTopic(memkafka.Topic{Name: "a", Partitions: 3}); err == nil {
		t.Error("a topic was made twice")
	}
	if err := b.CreateTopic(memkafka.Topic{Name: "b"}); err == nil {
		t.Error("a topic without partitions was made")
	}
}

func TestOldRecordsAreKept(t *testing.T) {
	b := embeddedtest.Kafka(t, memkafka.Topic{Name: "old", Partitions: 1})
	w := &kafka.Writer{Addr: kafka.TCP(b.Addrs()...), Topic: "old", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	if err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("v"), Time: time.Now().AddDate(0, 0, -60)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.Cluster().ApplyRetention()
	info := b.Cluster().PartitionInfo("old", 0)
	if info == nil || info.LogStartOffset != 0 || info.HighWatermark != 1 {
		t.Errorf("the partition is %+v, expected its one record", info)
	}
}

func TestUsersMustLogIn(t *testing.T) {
	b, err := memkafka.Start(memkafka.Config{
		Topics: []memkafka.Topic{{Name: "t", Partitions: 1}},
		Users:  []memkafka.User{{Mechanism: "PLAIN", Name: "u", Password: "p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := kafka.DialContext(ctx, "tcp", b.Addrs()[0])
	if err == nil {
		_, err = conn.ReadPartitions("t")
		err = errors.Join(err, conn.Close())
	}
	if err == nil {
		t.Error("a client without a user read the topics")
	}
}

func TestListenIsChecked(t *testing.T) {
	for _, listen := range []string{"nohost", "127.0.0.1:x", "127.0.0.1:99999"} {
		if b, err := memkafka.Start(memkafka.Config{Listen: listen}); err == nil {
			b.Close()
			t.Errorf("listen %q was accepted", listen)
		}
	}
	b := embeddedtest.Kafka(t)
	if b2, err := memkafka.Start(memkafka.Config{Listen: b.Addrs()[0]}); err == nil {
		b2.Close()
		t.Error("two brokers listen on one port")
	}
	b.Close()
	b.Close() // Closing twice is harmless.
}

func BenchmarkProduce(b *testing.B) {
	broker := embeddedtest.Kafka(b, memkafka.Topic{Name: "t", Partitions: 1})
	w := &kafka.Writer{Addr: kafka.TCP(broker.Addrs()...), Topic: "t", RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: time.Millisecond}
	messages := make([]kafka.Message, 1000)
	for i := range messages {
		messages[i].Value = fmt.Appendf(nil, "%0300d", i)
	}
	for b.Loop() {
		if err := w.WriteMessages(b.Context(), messages...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(messages))/b.Elapsed().Seconds(), "records/s")
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
