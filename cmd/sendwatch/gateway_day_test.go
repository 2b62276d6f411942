package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/replay"
	"sendwatch/internal/traffic"
	eventsv1 "sendwatch/schemas/events/v1"
)

// Four days of a synthetic portfolio, once as events and once told as Meta's
// webhooks and send calls through the gateway into Kafka, in batches and with
// repeats: the flags are the same.

func TestDayOfWebhooksGivesTheFlagsOfItsEvents(t *testing.T) {
	t.Parallel()
	dayOfWebhooks(t, embeddedtest.Kafka(t).Addrs())
}

func TestDayOfWebhooksOnApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	t.Parallel() // it waits for the broker most of the time
	dayOfWebhooks(t, []string{embeddedtest.ApacheKafka(t).Addr()})
}

func dayOfWebhooks(t *testing.T, brokers []string) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	g, err := traffic.New(traffic.Config{Seed: 1, Numbers: 40, Start: start, End: start.AddDate(0, 0, 4)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Roles = []string{event.RoleGateway}
	cfg.Kafka.Brokers = brokers
	cfg.Kafka.Create.Partitions = 1
	cfg.Kafka.Create.EventsRetention = 20 * 365 * 24 * time.Hour // the log is old
	cfg.Kafka.Topics = config.Topics{Events: "day.events", Flags: "day.flags", Rows: "day.rows", DeadLetter: "day.dead", Gateway: "day.gateway"}
	cfg.HTTP.Listen, cfg.Gateway.Listen, cfg.Gateway.Open = "", freeAddress(t), true
	cfg.Gateway.Portfolios = map[string]string{}
	for _, n := range g.Numbers() {
		cfg.Gateway.Portfolios[n.WABA] = n.Portfolio
	}
	if err := migrateKafka(t.Context(), io.Discard, cfg); err != nil {
		t.Fatal(err)
	}
	direct, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(cfg.Kafka.Topics.Events))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	stop := runGatewayRole(t, cfg)
	waitFor(t, func() bool {
		return postBody(t, "http://"+cfg.Gateway.Listen+"/v1/webhooks/meta", []byte("{}")) == http.StatusOK
	})

	var log bytes.Buffer
	var teller traffic.Webhooks
	bodies, records := 0, 0
	tell := func(posts []traffic.Post) {
		for _, p := range posts {
			if p.Path == "" {
				if err := direct.ProduceSync(t.Context(), &kgo.Record{Value: p.Body}).FirstErr(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			bodies++
			if status := postBody(t, "http://"+cfg.Gateway.Listen+p.Path, p.Body); status != http.StatusOK {
				t.Fatalf("answered %d", status)
			}
		}
	}
	var r traffic.Record
	for g.Next(&r) {
		if len(r.Value) == 0 || r.Value[0] != '{' {
			continue
		}
		records++
		log.Write(r.Value)
		log.WriteByte('\n')
		tell(teller.Add(r.Value))
	}
	tell(teller.Flush())
	stop()
	t.Logf("%d records, %d bodies", records, bodies)

	events := written(t, brokers, cfg)
	aliases := func(log []byte) int { return bytes.Count(log, []byte(`"contact.alias"`)) }
	if n := aliases(log.Bytes()); n == 0 || aliases(events) < n {
		t.Errorf("%d aliases of %d came through", aliases(events), n)
	}
	want := flagsOf(t, log.Bytes())
	got := flagsOf(t, events)
	if len(want) < 20 {
		t.Fatalf("only %d flags: the days are too quiet", len(want))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("flags of the events (-) and of the webhooks (+):\n%s", d)
	}
}

// written reads the events topic as lines.
func written(t *testing.T, brokers []string, cfg config.Config) []byte {
	t.Helper()
	var log []byte
	for _, value := range readAll(t, brokers, cfg.Kafka.Topics.Events) {
		if value[0] != '{' {
			e := new(eventsv1.Event)
			if err := proto.Unmarshal(value, e); err != nil {
				t.Fatal(err)
			}
			value = codec.AppendEventJSON(nil, e)
		}
		log = append(append(log, value...), '\n')
	}
	return log
}

// flagsOf replays a log.
func flagsOf(t *testing.T, log []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "log.ndjson")
	if err := os.WriteFile(file, log, 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := replay.Run(context.Background(), replay.Config{Files: []string{file}, Policy: policy.Default()})
	if err != nil {
		t.Fatal(err)
	}
	var flags []string
	for i := range result.Rows.Flags {
		f := &result.Rows.Flags[i]
		flags = append(flags, fmt.Sprintln(f.NumberID, f.PortfolioID, f.Factor, f.Key, f.Transition, f.Level, f.EventTime, f.Score))
	}
	return flags
}

// postBody sends a body and returns the status, 0 while nobody listens.
func postBody(t *testing.T, address string, body []byte) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}
