package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/policy"
	"sendwatch/internal/server"
)

// A record of the rows topic that cannot be read keeps the process from being ready, as
// it should, until it is acknowledged; a process that starts later knows that.
func TestAcknowledge(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Kafka.Create.Partitions = 1
	cfg.Roles = []string{event.RolePortfolios}
	topics := &cfg.Kafka.Topics
	topics.Events, topics.Flags, topics.Rows, topics.DeadLetter = "ack.events", "ack.flags", "ack.rows", "ack.letters"
	cfg.Kafka.Groups.Portfolios = "ack"
	var out bytes.Buffer
	if err := migrateKafka(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	acknowledged := func(want string) {
		t.Helper()
		out.Reset()
		if err := acknowledge(t.Context(), &out, cfg); err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("acknowledge: %v, it said %q, want %q", err, &out, want)
		}
	}
	acknowledged("nothing to acknowledge")
	writer, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := writer.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Rows, Value: []byte("\xff")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	during := func(do func(ctx context.Context, ready func() []server.Problem)) {
		t.Helper()
		roles, err := newPipelines(runOptions{settings: cfg, policy: policy.Default(), logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- roles.run(ctx) }()
		do(ctx, func() []server.Problem { return roles.Ready(ctx) })
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := roles.close(); err != nil {
			t.Error(err)
		}
	}
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	notes := client.NewNotes(cfg.Kafka.Groups.Portfolios)
	during(func(ctx context.Context, ready func() []server.Problem) {
		embeddedtest.Eventually(t, time.Minute, "the record is named, and kept to be acknowledged", func() bool {
			problems := ready()
			kept, unread := notes.Load(ctx, topics.Rows)
			return len(problems) == 1 && problems[0].Reason == "unreadable" && unread == nil && kept[0].Text != ""
		})
		acknowledged("acknowledged: portfolios: ack.rows partition 0: unreadable: 1 records were skipped: offset 0")
		embeddedtest.Eventually(t, time.Minute, "the running process has noticed", func() bool { return len(ready()) == 0 })
	})
	during(func(_ context.Context, ready func() []server.Problem) {
		embeddedtest.Eventually(t, time.Minute, "the next process is ready", func() bool { return len(ready()) == 0 })
	})
	acknowledged("nothing to acknowledge")
}
