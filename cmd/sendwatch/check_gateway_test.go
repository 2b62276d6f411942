package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
	"sendwatch/internal/gateway"
)

// TestCheckWarnsOfWhatTheGatewayCannotSee reads what a gateway remembered.
func TestCheckWarnsOfWhatTheGatewayCannotSee(t *testing.T) {
	cfg := config.Default()
	cfg.Roles = []string{event.RoleGateway}
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Kafka.Create.Partitions = 1
	cfg.HTTP.Listen, cfg.Gateway.Listen, cfg.Gateway.Open = "", freeAddress(t), true
	if err := migrateKafka(t.Context(), io.Discard, cfg); err != nil {
		t.Fatal(err)
	}
	stop := runGatewayRole(t, cfg)
	waitFor(t, func() bool { return postOnce(t, cfg.Gateway.Listen, "wamid.a") == 200 })
	stop()
	var said bytes.Buffer
	checkGateway(t.Context(), &said, cfg)
	for _, want := range []string{
		"numbers.dedup_horizon is 1h", "gateway.open", "template was ever seen of 1 WABA (200)", "account was ever seen of 1 WABA (200)",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("nothing about %q in\n%s", want, &said)
		}
	}
	if strings.Contains(said.String(), "Twilio") {
		t.Errorf("a word about Twilio in\n%s", &said)
	}
	said.Reset()
	warnUnseen(&said, gateway.Unseen{Twilio: []string{"1", "2", "3", "4", "5", "6"}}, true)
	if want := "6 numbers (1, 2, 3, 4, 5, ...) behind Twilio"; !strings.Contains(said.String(), want) {
		t.Errorf("nothing about %q in\n%s", want, &said)
	}
	cfg.Gateway.Open, cfg.Numbers.DedupHorizon = false, 8*24*time.Hour
	said.Reset()
	checkGateway(t.Context(), &said, cfg)
	if !strings.Contains(said.String(), "no secrets") || strings.Contains(said.String(), "dedup_horizon") {
		t.Errorf("without secrets:\n%s", &said)
	}
}

// TestCheckWarnsOfNumbersWithoutReplies asks the real engine.
func TestCheckWarnsOfNumbersWithoutReplies(t *testing.T) {
	address, database := embeddedtest.ClickHouse(t)
	client, err := clickhouse.Open(clickhouse.Config{Addresses: []string{address}, Database: database, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // nothing was written
	if _, err := client.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for number, row := range map[string][3]int64{"deaf": {0, 50, 0}, "heard": {0, 50, 1}, "small": {0, 49, 0}} {
		status := event.NumberStatus{NumberID: number, Minute: 1_795_860_000_000, Clock: 1_795_860_000_000} // an old minute would be forgotten at once
		status.Facts[event.FactAnswered7d], status.Facts[event.FactUnanswered7d] = float64(row[0]), float64(row[1])
		status.Facts[event.FactReceived7d] = float64(row[2])
		if err := client.NewWriter().Write(t.Context(), &event.Output{NumberStatuses: []event.NumberStatus{status}}); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	checkReplies(t.Context(), &said, client)
	if !strings.Contains(said.String(), "1 number (deaf)") {
		t.Errorf("said %q", &said)
	}
}
