package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/kafka"
)

// TestRekey copies a topic whose events have no keys and lie on the wrong partitions.
func TestRekey(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Kafka.Create.Partitions = 2
	cfg.Kafka.Topics.Events = "rekey.old"
	var out bytes.Buffer
	if err := migrateKafka(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 30 {
		number := fmt.Sprintf("n%d", i%7)
		value := fmt.Sprintf(`{"id":"e%d","type":"message.sent","time":%d,"number_id":"%s","message_id":"m%d","contact":"4915100000%03d","kind":"text","text":"hello"}`,
			i, 1_790_000_000_000+i, number, i, i)
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "rekey.old", Partition: int32(i % 2), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	command := rekeyCmd{To: "rekey.new", Partitions: 3}
	out.Reset()
	if err := command.run(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"created topic rekey.new of 3 partitions", "copied 30 events of rekey.old to rekey.new, of 3 partitions", "30 had no key"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it said\n%s\nand nothing of %q", &out, want)
		}
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...), kgo.ConsumeTopics("rekey.new"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	last := map[string]int64{}
	for n := 0; n < 30; {
		fetches := reader.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			number := string(r.Key)
			if !strings.Contains(string(r.Value), `"number_id":"`+number+`"`) || r.Partition != kafka.PartitionOf(r.Key, 3) {
				t.Errorf("partition %d, key %q: %s", r.Partition, r.Key, r.Value)
			}
			if at := r.Timestamp.UnixMilli(); at < last[number] {
				t.Errorf("%s: the record of %d comes after that of %d", number, at, last[number])
			} else {
				last[number] = at
			}
		})
	}
	if err := command.run(t.Context(), &out, cfg); err == nil || !strings.Contains(err.Error(), "rekey.new has records") {
		t.Errorf("a second copy: %v", err)
	}
	missing := rekeyCmd{From: "rekey.none", To: "rekey.other"}
	if err := missing.run(t.Context(), &out, cfg); err == nil || !strings.Contains(err.Error(), "rekey.none") {
		t.Errorf("of a topic that is not there: %v", err)
	}
	same := rekeyCmd{To: "rekey.old"}
	if err := same.run(t.Context(), &out, cfg); err == nil || !strings.Contains(err.Error(), "name another") {
		t.Errorf("onto itself: %v", err)
	}
}
