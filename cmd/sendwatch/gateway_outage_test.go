package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// gatewayProcess is set in the process that TestGatewayLosesNothing starts and
// kills: where it listens and its brokers.
const gatewayProcess = "SENDWATCH_TEST_GATEWAY"

// TestGatewayAsProcess is the gateway of that test, and nothing by itself.
func TestGatewayAsProcess(t *testing.T) {
	listen, brokers, ok := strings.Cut(os.Getenv(gatewayProcess), " ")
	if !ok {
		return
	}
	measures, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := outageConfig(listen, strings.Split(brokers, ","))
	if err := runPipelines(t.Context(), runOptions{settings: cfg, telemetry: measures, logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
}

func outageConfig(listen string, brokers []string) config.Config {
	cfg := config.Default()
	cfg.Roles = []string{event.RoleGateway}
	cfg.Kafka.Brokers = brokers
	cfg.Kafka.Create.Partitions = 2
	cfg.Kafka.Create.EventsRetention = 20 * 365 * 24 * time.Hour
	cfg.HTTP.Listen, cfg.Gateway.Listen, cfg.Gateway.Open = "", listen, true
	return cfg
}

// outage is for how long the broker stands still.
const outage = time.Minute

// TestGatewayLosesNothing stops the broker for a minute and kills the gateway under load, with
// clients that repeat what was not answered 200, as Meta does: every message is in
// the topic, under one id, and what is there twice is the same byte for byte.
func TestGatewayLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	t.Parallel()                // it waits for a minute
	embeddedtest.ApacheKafka(t) // skips where none can be had
	broker, err := apachekafka.Start(t.Context(), apachekafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	listen := freeAddress(t)
	cfg := outageConfig(listen, []string{broker.Addr()})
	if err := migrateKafka(t.Context(), io.Discard, cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	process := func() *exec.Cmd {
		p := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestGatewayAsProcess$")
		p.Env = append(os.Environ(), gatewayProcess+"="+listen+" "+broker.Addr())
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	running := process()
	waitFor(t, func() bool { return postOnce(t, listen, "wamid.first") == http.StatusOK })

	var sent, answered, refused atomic.Int64
	done := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				sent.Add(1)
				for {
					status := postOnce(t, listen, fmt.Sprintf("wamid.%d-%d", c, i))
					if status == http.StatusOK {
						answered.Add(1)
						break
					}
					if status == http.StatusServiceUnavailable {
						refused.Add(1)
					}
					pause := time.NewTimer(100 * time.Millisecond)
					select {
					case <-pause.C:
					case <-ctx.Done():
						pause.Stop()
						return
					}
				}
			}
		})
	}
	more := func() { n := answered.Load() + 500; waitFor(t, func() bool { return answered.Load() > n }) }
	more()
	if err := broker.Pause(); err != nil {
		t.Fatal(err)
	}
	away := time.NewTimer(outage)
	defer away.Stop()
	<-away.C
	waitFor(t, func() bool { return refused.Load() > 8 })
	if err := broker.Resume(); err != nil {
		t.Fatal(err)
	}
	more()
	if err := running.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = running.Wait()
	running = process()
	more()
	close(done)
	clients.Wait()
	_ = running.Process.Kill()
	_ = running.Wait()

	bytesOf := map[string]string{}
	messages, repeats := 0, 0
	for _, value := range readAll(t, cfg.Kafka.Brokers, cfg.Kafka.Topics.Events) {
		e := decodeEvent(t, value)
		if e.Type != "message.received" {
			continue
		}
		if before, known := bytesOf[e.Id]; known {
			repeats++
			if before != string(value) {
				t.Errorf("%s is there twice, and differs", e.Id)
			}
			continue
		}
		bytesOf[e.Id] = string(value)
		messages++
	}
	t.Logf("%d messages, %d times 503, %d repeats in the topic", messages, refused.Load(), repeats)
	if want := int(sent.Load()) + 1; messages != want {
		t.Errorf("%d messages in the topic, %d were sent and answered", messages, want)
	}
}
