package main

import (
	"slices"
	"testing"
	"time"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
)

// TestRolesNeedOnlyTheirTopics: `migrate` makes, `check` asks for and `run` waits for
// nothing that the configured roles do not use.
func TestRolesNeedOnlyTheirTopics(t *testing.T) {
	for roles, want := range map[string][]string{
		"numbers":    {"sendwatch.events", "sendwatch.flags", "sendwatch.rows", "sendwatch.dead-letter"},
		"portfolios": {"sendwatch.events", "sendwatch.flags", "sendwatch.rows"},
		"sink":       {"sendwatch.rows"},
	} {
		c := config.Default()
		c.Roles = []string{roles}
		var got []string
		for _, topic := range topics(c) {
			got = append(got, topic.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s uses %v, want %v", roles, got, want)
		}
	}
}

// TestClientsReadWhatIsForThem: what others read is packed by the one codec that every client
// brings; KafkaJS and kafka-python refuse a batch of LZ4.
func TestClientsReadWhatIsForThem(t *testing.T) {
	c := config.Default()
	settings := kafkaConfig(c.Kafka, nil)
	for _, topic := range []string{c.Kafka.Topics.Flags, c.Kafka.Topics.DeadLetter} {
		if codec := settings.Compressions[topic]; codec != kafka.Gzip {
			t.Errorf("%s is written with codec %d, want gzip", topic, codec)
		}
	}
}

// TestTopicsKeepWhatARestartNeeds wants of the rows topic what restricted_7d
// looks back, where a process runs the portfolios role, and creates it longer.
func TestTopicsKeepWhatARestartNeeds(t *testing.T) {
	c := config.Default()
	for _, k := range []struct {
		roles []string
		least time.Duration
	}{
		{[]string{event.RoleNumbers, event.RolePortfolios, event.RoleSink}, 7*24*time.Hour + c.Numbers.LongestOutage},
		{[]string{event.RoleSink}, c.Numbers.LongestOutage},
	} {
		c.Roles = k.roles
		for _, topic := range topics(c) {
			if topic.Name != c.Kafka.Topics.Rows {
				continue
			}
			if topic.MinRetention != k.least || topic.Retention < topic.MinRetention {
				t.Errorf("roles %v: rows are kept for %s and must be for %s, want at least %s", k.roles, topic.Retention, topic.MinRetention, k.least)
			}
		}
	}
}
