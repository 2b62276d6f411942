package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/policy"
	"sendwatch/internal/server"
	"sendwatch/internal/traffic"
	"sendwatch/internal/wording"
)

// ClickHouseFolder is the folder within Options.Data that holds ClickHouse's data.
const ClickHouseFolder = "clickhouse"

// configuration is what a sendwatch.yaml for the demo would say.
func (d *demo) configuration() config.Config {
	c := config.Default()
	c.Roles = append(c.Roles, event.RoleGateway)
	if d.options.NoClickHouse {
		c.Roles = []string{event.RoleNumbers, event.RolePortfolios, event.RoleGateway}
	}
	c.Gateway.Listen, c.Gateway.Open = d.options.Webhooks, true // on loopback, for curl
	c.Kafka.Create.Partitions = d.options.Partitions
	c.Kafka.ClientID = "sendwatch-demo"
	c.HTTP.Listen = d.options.HTTP
	return c
}

// startKafka starts the broker and prepares the traffic.
func (d *demo) startKafka(logger *slog.Logger) error {
	topics := d.settings.Kafka.Topics
	var made []memkafka.Topic
	for _, name := range []string{topics.Events, topics.Flags, topics.Rows, topics.DeadLetter} {
		made = append(made, memkafka.Topic{Name: name, Partitions: int32(d.options.Partitions)})
	}
	made = append(made, memkafka.Topic{Name: topics.Gateway, Partitions: 1})
	var err error
	if d.broker, err = memkafka.Start(memkafka.Config{Topics: made}); err != nil {
		return err
	}
	d.settings.Kafka.Brokers = d.broker.Addrs()
	d.client, err = kafka.New(kafka.Config{
		Brokers: d.broker.Addrs(), ClientID: "sendwatch-demo-traffic", Logger: logger,
	})
	if err != nil {
		return err
	}
	d.generator, err = traffic.New(traffic.Config{
		Seed: d.options.Seed, Numbers: d.options.Numbers, Start: d.now().AddDate(0, 0, -d.options.Days),
	})
	if err != nil {
		return err
	}
	d.expectations = newExpectations(d.generator.Numbers(), d.generator.Portfolios(), policy.Default())
	producer := d.client.NewProducer()
	d.feed = &feed{
		generator: d.generator, partitions: int32(d.options.Partitions), now: d.now, live: make(chan struct{}),
		produce: func(ctx context.Context, m []event.Message) error { return producer.Produce(ctx, topics.Events, m) },
		full:    d.meter.full,
	}
	d.services = append(d.services, service{"Kafka", strings.Join(d.broker.Addrs(), ","), "in memory, topics of " + wording.Count(d.options.Partitions, "partition")})
	return nil
}

// startClickHouse starts the embedded engine and makes the tables.
func (d *demo) startClickHouse(ctx context.Context, all *tasks, logger *slog.Logger) error {
	if d.options.NoClickHouse {
		d.services = append(d.services, service{"ClickHouse", "-", "switched off"})
		return nil
	}
	dir := ""
	if d.options.Data != "" {
		dir = filepath.Join(d.options.Data, ClickHouseFolder)
		if old, err := os.ReadDir(dir); err == nil && len(old) > 0 {
			return fmt.Errorf("--data: %s holds the data of an earlier demo; read it with `%s sql --data %s`, give another folder, or remove it", dir, self(), d.options.Data)
		}
	}
	engine := chdb.New(chdb.Config{Dir: dir, Report: fetch.Bar(os.Stderr)})
	if err := engine.Open(ctx); err != nil {
		return fmt.Errorf("the embedded ClickHouse: %w", err)
	}
	all.start(ctx, "ClickHouse", engine.Run)
	d.settings.ClickHouse.Addresses = []string{engine.Addr()}
	tables, err := clickhouse.Open(clickhouse.Config{
		Addresses: d.settings.ClickHouse.Addresses, Database: d.settings.ClickHouse.Database, NoCompression: true, Logger: logger,
	})
	if err != nil {
		return err
	}
	d.tables = tables
	if _, err := tables.Migrate(ctx); err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	detail := "native protocol, database " + d.settings.ClickHouse.Database
	if dir != "" {
		detail += ", data in " + dir
	}
	d.services = append(d.services, service{"ClickHouse", engine.Addr(), detail})
	return nil
}

// startServer serves the page, the API and the metrics.
func (d *demo) startServer(ctx context.Context, all *tasks, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", d.settings.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("--http: %w; give a free HOST:PORT, or port 0 for any", err)
	}
	all.start(ctx, "HTTP server", func(ctx context.Context) error {
		return server.New(d.sources, logger).Run(ctx, listener)
	})
	d.services = append(d.services, service{"HTTP", "http://" + listener.Addr().String(), "live page, /metrics, /readyz, /api/numbers, /api/flags"})
	return nil
}
