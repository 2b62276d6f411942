package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
)

// acknowledgeCmd acknowledges what is over and left figures wrong.
type acknowledgeCmd struct {
	Config string `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration file; by default sendwatch.yaml."`
}

// Run prints what the roles of the configuration have skipped, lost, begun again or found
// on two partitions, and acknowledges it, so that they are ready again. A partition that
// has stopped begins again, or goes on behind what is lost. Nothing else changes.
func (c *acknowledgeCmd) Run(ctx context.Context) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	return acknowledge(ctx, os.Stdout, cfg)
}

func acknowledge(ctx context.Context, out io.Writer, cfg config.Config) error {
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer client.Close()
	topics, groups := cfg.Kafka.Topics, cfg.Kafka.Groups
	read := map[string]struct{ topic, group string }{
		event.RoleNumbers:    {topics.Events, groups.Numbers},
		event.RolePortfolios: {topics.Rows, groups.Portfolios},
		event.RoleSink:       {topics.Rows, groups.Sink},
	}
	n := 0
	for _, role := range cfg.Roles {
		of, reads := read[role]
		if !reads {
			continue
		}
		lines, err := pipeline.Acknowledge(ctx, client.NewNotes(of.group), of.topic)
		for _, line := range lines {
			fmt.Fprintf(out, "acknowledged: %s: %s\n", role, line)
		}
		if n += len(lines); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	if n == 0 {
		fmt.Fprintln(out, "nothing to acknowledge")
	}
	return nil
}
