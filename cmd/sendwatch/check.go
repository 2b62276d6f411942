package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/policystore"
	"sendwatch/internal/telemetry"
)

// checkTimeout bounds the questions to each of Kafka and ClickHouse.
const checkTimeout = 30 * time.Second

// checkCmd says what would fail at start.
type checkCmd struct {
	Config string `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration file; by default sendwatch.yaml."`
	Policy string `type:"existingfile" placeholder:"FILE" help:"Check this policy file, and nothing else."`
}

// Run checks the configuration, the policies and the secret, Kafka and ClickHouse, and
// changes nothing. It prints every problem and fails if one is more than a
// warning.
func (c *checkCmd) Run(ctx context.Context) error {
	if c.Policy != "" {
		return policyCheck(c.Policy)
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	for _, err := range telemetry.CheckEnvironment() {
		fmt.Fprintf(os.Stdout, "warning: telemetry is not exported: %v\n", err)
	}
	var failed bool
	if checkFiles(os.Stdout, cfg) {
		failed = true
	}
	if checkStates(ctx, os.Stdout, cfg) {
		failed = true
	}
	if checkKafka(ctx, os.Stdout, cfg) {
		failed = true
	}
	if slices.Contains(cfg.Roles, event.RoleSink) && checkClickHouse(ctx, os.Stdout, cfg) {
		failed = true
	}
	if slices.Contains(cfg.Roles, event.RoleGateway) {
		checkGateway(ctx, os.Stdout, cfg)
	}
	if failed {
		return errReported
	}
	fmt.Fprintf(os.Stdout, "%s: ready to run\n", c.Config)
	return nil
}

// checkFiles prints what is wrong with the policies and the secret that the roles
// want, and reports whether anything is.
func checkFiles(out io.Writer, cfg config.Config) (failed bool) {
	problem := func(err error) {
		if err != nil {
			fmt.Fprintf(out, "error: %v\n", err)
			failed = true
		}
	}
	if slices.Contains(cfg.Roles, event.RoleNumbers) {
		_, err := cfg.Contacts.Secret.Reveal()
		problem(err)
	}
	if goesByPolicy(cfg) {
		if cfg.Policy.Shadow != "" {
			if _, err := loadPolicy(cfg.Policy.Shadow); err != nil {
				problem(fmt.Errorf("policy.shadow_file: %w", err))
			}
		}
		problem(policystore.Check(cfg.Policy.Folder, cfg.Policy.File))
	}
	return failed
}

// checkStates prints why the store of checkpoints cannot be opened or listed, and reports
// whether it cannot.
func checkStates(ctx context.Context, out io.Writer, cfg config.Config) (failed bool) {
	stateful := slices.Contains(cfg.Roles, event.RoleNumbers) || slices.Contains(cfg.Roles, event.RolePortfolios)
	if cfg.Checkpoints.Store == "" || !stateful {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	store, err := openStore(ctx, cfg.Checkpoints.Store, cfg.Log)
	if err == nil {
		_, err = store.All(ctx)
		err = errors.Join(err, store.Close())
	}
	if err != nil {
		fmt.Fprintf(out, "error: checkpoints.store: %v\n", err)
	}
	return err != nil
}

// checkKafka prints the problems and reports whether one is more than a warning.
func checkKafka(ctx context.Context, out io.Writer, cfg config.Config) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Fprintf(out, "error: %v\n", err)
		return true
	}
	defer client.Close()
	for _, p := range client.Check(ctx, topics(cfg), groups(cfg)) {
		fmt.Fprintln(out, p)
		failed = failed || !p.Warning
	}
	return failed
}

// checkClickHouse prints the problems and reports whether there is one.
func checkClickHouse(ctx context.Context, out io.Writer, cfg config.Config) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := clickhouse.Open(clickHouseConfig(cfg.ClickHouse, nil))
	if err != nil {
		fmt.Fprintf(out, "error: %v\n", err)
		return true
	}
	defer client.Close() //nolint:errcheck // nothing was written
	for _, p := range client.Check(ctx) {
		fmt.Fprintln(out, p)
		failed = failed || !p.Warning
	}
	if !failed {
		checkReplies(ctx, out, client)
	}
	return failed
}
