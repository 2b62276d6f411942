package main

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/tlsfile"
)

// This file maps the configuration to what each room wants.

// clickHouseConfig says how to reach the configured ClickHouse.
func clickHouseConfig(c config.ClickHouse, logger *slog.Logger) clickhouse.Config {
	return clickhouse.Config{
		Addresses: c.Addresses,
		Database:  c.Database,
		User:      c.Username,
		Password:  c.Password.Reveal(),
		TLS:       tlsfile.Files(c.TLS),
		Logger:    logger,
	}
}

// kafkaConfig says how to reach the configured brokers.
func kafkaConfig(c config.Kafka, logger *slog.Logger) kafka.Config {
	return kafka.Config{
		Brokers:  c.Brokers,
		ClientID: c.ClientID,
		TLS:      tlsfile.Files(c.TLS),
		SASL:     kafka.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.Username, Password: c.SASL.Password.Reveal()},
		Logger:   logger,

		// What others read is packed so that each client unpacks it with what it brings: KafkaJS and
		// kafka-python have gzip, and LZ4 only beside a second package.
		Compressions: map[string]kafka.Codec{c.Topics.Flags: kafka.Gzip, c.Topics.DeadLetter: kafka.Gzip},

		MaxBatchDecompressed: int64(c.MaxBatchMiB) << 20,
		Session:              c.Session,
	}
}

// trackedReply is how long a send may wait for its reply: what the events topic
// must keep at least, so that a restart can rebuild what is pending.
const trackedReply = 48 * time.Hour

// topics says how the topics that the configured roles use are created and what is
// expected of them.
func topics(c config.Config) []kafka.Topic {
	k := c.Kafka
	numbers := slices.Contains(c.Roles, event.RoleNumbers)
	portfolios := slices.Contains(c.Roles, event.RolePortfolios)
	sink := slices.Contains(c.Roles, event.RoleSink)
	gateway := slices.Contains(c.Roles, event.RoleGateway)
	topic := func(name, key string, retention, atLeast time.Duration, read, write bool) kafka.Topic {
		return kafka.Topic{
			Name: name, Key: key, Partitions: k.Create.Partitions, Replication: k.Create.ReplicationFactor,
			Retention: retention, MinRetention: atLeast, Read: read, Write: write,
		}
	}
	// restricted_7d of a portfolio needs the changes of the last 7 days.
	rows := time.Duration(0)
	if portfolios {
		rows = 7 * 24 * time.Hour
	}
	events := topic(k.Topics.Events, "kafka.topics.events", k.Create.EventsRetention, trackedReply+c.Numbers.LongestOutage, numbers, numbers || portfolios || gateway)
	events.BrokerTime = true
	all := []kafka.Topic{
		events,
		topic(k.Topics.Flags, "kafka.topics.flags", k.Create.FlagsRetention, 0, false, numbers || portfolios),
		topic(k.Topics.Rows, "kafka.topics.rows", k.Create.RowsRetention, rows+c.Numbers.LongestOutage, sink || portfolios, numbers || portfolios),
		topic(k.Topics.DeadLetter, "kafka.topics.dead_letter", k.Create.DeadLetterRetention, 0, false, numbers || gateway),
	}
	if gateway {
		all = append(all, kafka.Topic{
			Name: k.Topics.Gateway, Key: "kafka.topics.gateway", Partitions: 1, Replication: k.Create.ReplicationFactor, Compacted: true, Read: true, Write: true,
		})
		for i, s := range c.Sources {
			all = append(all, topic(s.Topic, fmt.Sprintf("sources[%d].topic", i), 0, 0, true, false))
		}
	}
	return slices.DeleteFunc(all, func(t kafka.Topic) bool { return !t.Read && !t.Write })
}

// groups are the consumer groups of the configured roles.
func groups(c config.Config) []string {
	names := map[string]string{
		event.RoleNumbers: c.Kafka.Groups.Numbers, event.RolePortfolios: c.Kafka.Groups.Portfolios, event.RoleSink: c.Kafka.Groups.Sink,
	}
	var all []string
	for _, role := range c.Roles {
		if name := names[role]; name != "" {
			all = append(all, name)
		}
	}
	if slices.Contains(c.Roles, event.RoleGateway) {
		for _, s := range c.Sources {
			all = append(all, sourceGroup(c, s))
		}
	}
	return all
}

// sourceGroup is the consumer group that reads a source.
func sourceGroup(c config.Config, s config.Source) string {
	return c.Kafka.Groups.Sources + "." + s.Topic
}
