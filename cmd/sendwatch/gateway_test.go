package main

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
	eventsv1 "sendwatch/schemas/events/v1"
)

const webhookBody = `{"object":"whatsapp_business_account","entry":[{"id":"200","changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"447700900001","phone_number_id":"100"},"messages":[{"from":"447700900123","id":"ID","timestamp":"1795860000","type":"text","text":{"body":"hello"}}]}}]}]}`

// TestGatewayWritesWhatItIsSent runs the role against a broker: bodies over HTTP
// and from two topics become events, and what it remembers outlives it.
func TestGatewayWritesWhatItIsSent(t *testing.T) {
	broker := embeddedtest.Kafka(t)
	address := freeAddress(t)
	cfg := config.Default()
	cfg.Roles = []string{event.RoleGateway}
	cfg.Kafka.Brokers = broker.Addrs()
	cfg.Kafka.Create.Partitions = 2
	cfg.HTTP.Listen = ""
	cfg.Gateway.Listen, cfg.Gateway.Open = address, true
	cfg.Sources = []config.Source{
		{Topic: "raw.connect", Provider: "meta", Wrapping: config.WrappingConnect},
		{Topic: "raw.base64", ProviderHeader: "provider", Wrapping: config.WrappingBase64},
	}
	if err := migrateKafka(t.Context(), io.Discard, cfg); err != nil {
		t.Fatal(err)
	}
	raw, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.ProduceSync(t.Context(),
		&kgo.Record{Topic: "raw.connect", Value: []byte(`{"schema":{"type":"string"},"payload":` + quoted(strings.Replace(webhookBody, "ID", "wamid.c", 1)) + `}`)},
		&kgo.Record{Topic: "raw.connect", Value: []byte(`{"schema":null,"payload":` + strings.Replace(webhookBody, "ID", "wamid.d", 1) + `}`)},
		&kgo.Record{
			Topic: "raw.base64", Value: []byte(`"` + base64.StdEncoding.EncodeToString([]byte(strings.Replace(webhookBody, "ID", "wamid.e", 1))) + `"`),
			Headers: []kgo.RecordHeader{{Key: "provider", Value: []byte("meta")}},
		},
		&kgo.Record{Topic: "raw.base64", Value: []byte(`"x"`), Headers: []kgo.RecordHeader{{Key: "provider", Value: []byte("pigeon")}}},
	).FirstErr(); err != nil {
		t.Fatal(err)
	}

	stop := runGatewayRole(t, cfg)
	waitFor(t, func() bool { return postOnce(t, address, "wamid.a") == http.StatusOK })
	waitFor(t, func() bool { return len(messageIDs(t, broker.Addrs(), cfg)) == 4 })
	stop()
	want := []string{"wamid.a", "wamid.c", "wamid.d", "wamid.e"}
	if got := messageIDs(t, broker.Addrs(), cfg); !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
	dead := readAll(t, broker.Addrs(), cfg.Kafka.Topics.DeadLetter)
	if len(dead) != 1 {
		t.Errorf("%d dead letters, want the record of the unknown provider", len(dead))
	}
	if n := profiles(t, broker.Addrs(), cfg); n != 1 {
		t.Errorf("%d profiles, want 1", n)
	}

	// Started again it remembers the number, and reads no record of a source twice.
	stop = runGatewayRole(t, cfg)
	waitFor(t, func() bool { return postOnce(t, address, "wamid.b") == http.StatusOK })
	stop()
	if got := messageIDs(t, broker.Addrs(), cfg); len(got) != 5 {
		t.Errorf("messages %v, want five", got)
	}
	if n := profiles(t, broker.Addrs(), cfg); n != 1 {
		t.Errorf("%d profiles after a restart, want 1", n)
	}
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().String()
}

// runGatewayRole runs until stop is called, which waits for its end.
func runGatewayRole(t *testing.T, cfg config.Config) (stop func()) {
	t.Helper()
	measures, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- runPipelines(ctx, runOptions{settings: cfg, telemetry: measures, logger: slog.New(slog.DiscardHandler)})
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// waitFor asks until it is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !so() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it has not come about in 30 s")
		}
	}
}

// postOnce sends a message and returns the status, 0 while nobody listens.
func postOnce(t *testing.T, address, id string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/webhooks/meta", strings.NewReader(strings.Replace(webhookBody, "ID", id, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close() //nolint:errcheck // was only read
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// messageIDs returns the distinct messages of the events topic, sorted.
func messageIDs(t *testing.T, brokers []string, cfg config.Config) []string {
	t.Helper()
	var ids []string
	for _, e := range gatewayEvents(t, brokers, cfg) {
		if e.Type == "message.received" {
			ids = append(ids, e.MessageId)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func profiles(t *testing.T, brokers []string, cfg config.Config) (n int) {
	t.Helper()
	for _, e := range gatewayEvents(t, brokers, cfg) {
		if e.Type == "number.profile" {
			n++
		}
	}
	return n
}

func gatewayEvents(t *testing.T, brokers []string, cfg config.Config) []*eventsv1.Event {
	t.Helper()
	var list []*eventsv1.Event
	for _, value := range readAll(t, brokers, cfg.Kafka.Topics.Events) {
		list = append(list, decodeEvent(t, value))
	}
	return list
}

func decodeEvent(t *testing.T, value []byte) *eventsv1.Event {
	t.Helper()
	e := new(eventsv1.Event)
	if err := proto.Unmarshal(value, e); err != nil {
		t.Fatal(err)
	}
	return e
}
