package main

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
)

// TestRecall has a process find the newest flags of a topic of two partitions.
func TestRecall(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Kafka.Topics.Flags, cfg.Kafka.Create.Partitions = "recall.flags", 2
	cfg.Roles = []string{event.RoleNumbers}
	roles, err := newPipelines(runOptions{settings: cfg, policy: policy.Default(), logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer roles.close() //nolint:errcheck // nothing was written
	if _, err := roles.client.CreateMissing(t.Context(), topics(cfg)); err != nil {
		t.Fatal(err)
	}
	recent := pipeline.NewRecentFlags(10)
	roles.recall(t.Context(), recent)
	if got := recent.Recent(10, "", ""); len(got) != 0 {
		t.Errorf("of an empty topic: %s", got)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	flag := func(i int) []byte { return fmt.Appendf(nil, `{"flag_id":"f%d","sequence":1,"number_id":"n"}`, i) }
	start := time.Now().Truncate(time.Millisecond)
	for i := range 8 {
		r := &kgo.Record{Topic: "recall.flags", Partition: int32(i % 2), Value: flag(i), Timestamp: start.Add(time.Duration(i) * time.Millisecond)}
		if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	values, err := roles.newestFlags(t.Context(), 5)
	if err != nil || fmt.Sprintf("%s", values) != fmt.Sprintf("%s", [][]byte{flag(3), flag(4), flag(5), flag(6), flag(7)}) {
		t.Errorf("the newest five are %s, error %v", values, err)
	}
	roles.recall(t.Context(), recent)
	if got := recent.Recent(10, "n", ""); len(got) != 8 || string(got[0]) != string(flag(7)) {
		t.Errorf("recalled: %s", got)
	}
}
