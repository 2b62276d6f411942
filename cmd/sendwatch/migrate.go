package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
)

// migrateCmd creates what is missing in Kafka and in ClickHouse.
type migrateCmd struct {
	Config string `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration file; by default sendwatch.yaml."`
}

// Run creates all missing topics, and applies missing statements of the schema where
// the configured roles use ClickHouse. It changes nothing that exists, so it may be
// run before every start. What one of the two refuses does not keep the other from
// being done.
func (c *migrateCmd) Run(ctx context.Context) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	err = migrateKafka(ctx, os.Stdout, cfg)
	if slices.Contains(cfg.Roles, event.RoleSink) {
		return errors.Join(err, migrateClickHouse(ctx, os.Stdout, cfg))
	}
	fmt.Fprintln(os.Stdout, "the roles of this configuration do not use ClickHouse: nothing to do there")
	return err
}

func migrateKafka(ctx context.Context, out io.Writer, cfg config.Config) error {
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer client.Close()
	// The topics are one deployment's: a process of another role, started after this
	// one, must find its own, whichever configuration made them.
	cfg.Roles = []string{event.RoleNumbers, event.RolePortfolios, event.RoleSink, event.RoleGateway}
	created, err := client.CreateMissing(ctx, topics(cfg))
	for _, name := range created {
		fmt.Fprintf(out, "created topic %s\n", name)
	}
	if err == nil && len(created) == 0 {
		fmt.Fprintln(out, "all topics exist")
	}
	return err
}

func migrateClickHouse(ctx context.Context, out io.Writer, cfg config.Config) error {
	client, err := clickhouse.Open(clickHouseConfig(cfg.ClickHouse, nil))
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // nothing is left to be written
	applied, err := client.Migrate(ctx)
	for _, name := range applied {
		fmt.Fprintf(out, "applied %s to database %s\n", name, client.Database())
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintf(out, "the schema of database %s is complete\n", client.Database())
	}
	return err
}
