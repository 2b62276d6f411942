package main

import (
	"bytes"
	"strings"
	"testing"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// TestMigrateAndCheck brings an empty Kafka and ClickHouse to where a pipeline
// can start, with the check before, between and after.
func TestMigrateAndCheck(t *testing.T) {
	broker := embeddedtest.Kafka(t)
	address, database := embeddedtest.ClickHouse(t)
	cfg := config.Default()
	cfg.Kafka.Brokers = broker.Addrs()
	cfg.Kafka.Create.Partitions = 3
	cfg.ClickHouse.Addresses, cfg.ClickHouse.Database = []string{address}, database

	var out bytes.Buffer
	said := func(what string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: nothing about %q in\n%s", what, w, out.String())
			}
		}
		out.Reset()
	}
	if !checkKafka(t.Context(), &out, cfg) || !checkClickHouse(t.Context(), &out, cfg) {
		t.Error("an empty Kafka and ClickHouse pass the check")
	}
	said("empty", "sendwatch.events", "sendwatch.flags", "sendwatch.rows", "sendwatch.dead-letter", "sendwatch migrate")

	if err := migrateKafka(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	said("topics", "created topic sendwatch.events", "created topic sendwatch.dead-letter")
	if err := migrateClickHouse(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	said("schema", "applied 0001_schema_migrations", "applied 0010_hourly")
	if checkKafka(t.Context(), &out, cfg) || checkClickHouse(t.Context(), &out, cfg) {
		t.Errorf("after migrate the check says\n%s", out.String())
	}

	out.Reset()
	if err := migrateKafka(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	if err := migrateClickHouse(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	said("again", "all topics exist", "is complete")
}

// TestMigrateMakesTheTopicsOfAllRoles: the configuration of one role prepares the
// topics of a deployment, since a process of another role may be started next.
func TestMigrateMakesTheTopicsOfAllRoles(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Roles = []string{event.RoleSink}
	var out bytes.Buffer
	if err := migrateKafka(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	k := cfg.Kafka.Topics
	for _, name := range []string{k.Events, k.Flags, k.Rows, k.DeadLetter, k.Gateway} {
		if !strings.Contains(out.String(), "created topic "+name+"\n") {
			t.Errorf("topic %s was not made:\n%s", name, out.String())
		}
	}
}
