package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
	"sendwatch/internal/server"
)

// Without one of its topics the process would run and never get on: it says at once
// which are missing, all of them, and how they are made.
func TestRunRefusesMissingTopics(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Kafka.Topics.Events, cfg.Kafka.Topics.Flags = "refuse.events", "refuse.flags"
	cfg.Kafka.Topics.Rows, cfg.Kafka.Topics.DeadLetter = "refuse.rows", "refuse.letters"
	cfg.Kafka.Create.Partitions = 1
	cfg.HTTP.Listen = ""
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.CreateMissing(t.Context(), topics(cfg)[:2]); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		roles []string
		named string
	}{
		{[]string{event.RoleNumbers, event.RolePortfolios}, "refuse.rows, refuse.letters;"},
		{[]string{event.RolePortfolios}, "refuse.rows;"},
	} {
		cfg.Roles = c.roles
		err := runPipelines(t.Context(), runOptions{settings: cfg, policy: policy.Default(), logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), c.named) || !strings.Contains(err.Error(), "sendwatch migrate") {
			t.Errorf("%v without topics: %v", c.roles, err)
		}
	}
	if _, err := client.CreateMissing(t.Context(), topics(cfg)); err != nil {
		t.Fatal(err)
	}
	roles, err := newPipelines(runOptions{settings: cfg, policy: policy.Default(), logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer roles.close() //nolint:errcheck // nothing was written
	if err := roles.demandTopics(t.Context()); err != nil {
		t.Errorf("with all topics: %v", err)
	}
}

// The bounds of the configuration are those of the roles, one by one, and so are their
// defaults, which the table of reasons repeats.
func TestReadinessIsConfigured(t *testing.T) {
	cfg := config.Default()
	if got := bounds(&cfg); got != pipeline.DefaultBounds() {
		t.Errorf("by default %+v, want %+v", got, pipeline.DefaultBounds())
	}
	cfg.Readiness = config.Readiness{KafkaSilent: 1, CatchingUp: 2, HeldBack: 3, WatermarkBehind: 4, WaitingForNumbers: 5, SinkBehind: 6}
	want := pipeline.Bounds{KafkaSilent: 1, CatchingUp: 2, HeldBack: 3, WatermarkBehind: 4, WaitingForNumbers: 5, SinkBehind: 6}
	if got := bounds(&cfg); got != want {
		t.Errorf("configured %+v, want %+v", got, want)
	}
}

// Brokers may come up later than the process: it waits for them, and says so.
func TestRunWaitsForBrokers(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = []string{"127.0.0.1:1"}
	cfg.Roles = []string{event.RolePortfolios}
	var said strings.Builder
	roles, err := newPipelines(runOptions{settings: cfg, policy: policy.Default(), logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer roles.close() //nolint:errcheck // nothing was written
	if err := roles.demandTopics(t.Context()); err != nil || !strings.Contains(said.String(), "waiting for it") {
		t.Errorf("%v, said: %s", err, said.String())
	}
}

// A partition that has stopped does not go on by itself, whichever role it is of:
// readiness says so, also while another role is fine.
func TestReadinessNamesAStoppedPartitionOfAnyRole(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	p := &pipelines{
		numbers: pipeline.NewNumbers(pipeline.NumbersConfig{Policy: policy.Default(), Logger: quiet}),
		portfolios: pipeline.NewPortfolios(pipeline.PortfoliosConfig{
			Events: "events", Rows: "rows", Topics: broken{}, Policy: policy.Default(), Logger: quiet,
		}),
		sink: pipeline.NewSink(pipeline.SinkConfig{Logger: quiet}),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var roles sync.WaitGroup
	for _, run := range []func(context.Context, pipeline.Join) error{p.portfolios.Run, p.sink.Run} {
		roles.Go(func() {
			_ = run(ctx, func(ctx context.Context, serve pipeline.Serve) error {
				return serve(ctx, pipeline.Claim{Topic: "rows", Partition: 3}, broken{})
			})
		})
	}
	for _, want := range []string{"portfolios: rows partition 3: stopped: broken", "sink: rows partition 3: stopped: broken"} {
		embeddedtest.Eventually(t, 10*time.Second, want, func() bool {
			return slices.ContainsFunc(p.Ready(ctx), func(one server.Problem) bool { return strings.HasPrefix(one.String(), want) })
		})
	}
	cancel()
	roles.Wait()
}

// broken is a Kafka that returns nothing but errors.
type broken struct{}

var errBroken = errors.New("broken")

func (broken) Partitions(context.Context, string) (int32, error) { return 0, errBroken }
func (broken) Identity(context.Context, string) (string, error)  { return "", errBroken }
func (broken) Open(context.Context, int64) (int64, error)        { return 0, errBroken }
func (broken) Fetch(context.Context) (*event.Batch, error)       { return nil, errBroken }
func (broken) Commit(int64) error                                { return errBroken }
