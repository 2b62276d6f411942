package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/demo"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
	"sendwatch/schemas"
)

// demoCmd shows the whole way of an event in one process, on embedded engines
// and on traffic whose flags are known beforehand.
type demoCmd struct {
	Seed         uint64        `default:"1" help:"Which traffic; the same seed makes the same."`
	Numbers      int           `default:"200" help:"How many senders."`
	Days         int           `default:"30" help:"Days of history to play first."`
	For          time.Duration `placeholder:"SPAN" help:"End by itself so long after the history (30s, 5m), with a summary and a status that says whether every flag came."`
	Data         string        `type:"path" placeholder:"DIR" help:"Keep ClickHouse's data in this folder; without it nothing is left behind."`
	HTTP         string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where to serve the page, health, metrics and the API; by default a free port of 127.0.0.1."`
	Webhooks     string        `default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Where to take webhooks; by default 127.0.0.1:8090. A free port is taken if this one is not free."`
	NoClickhouse bool          `help:"Run without ClickHouse: flags, but no tables."`
	Partitions   int           `default:"4" help:"Partitions of each topic."`
	Plain        bool          `help:"Plain lines instead of a screen that is redrawn."`
}

// Run plays the demo until --for has passed or ctx ends.
func (c *demoCmd) Run(ctx context.Context) error {
	options := demo.Options{
		Seed: c.Seed, Numbers: c.Numbers, Days: c.Days, For: c.For, Data: c.Data, HTTP: c.HTTP, Webhooks: c.Webhooks,
		NoClickHouse: c.NoClickhouse, Partitions: c.Partitions, Plain: c.Plain,
	}
	if err := options.Check(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // the in-memory Kafka holds the month: memory before speed
	}
	if !c.NoClickhouse {
		if err := closeInput(); err != nil {
			return err
		}
	}
	return demo.Run(ctx, options, startDemo)
}

// closeInput puts the null device in the place of the standard input, which the
// demo does not read. The embedded engine takes a terminal there for somebody to
// talk to and fills the screen with complaints about its threads.
func closeInput() error {
	if err := os.Stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	null, err := os.Open(os.DevNull) // takes the lowest free descriptor, the one just closed
	os.Stdin = null
	return err
}

// startDemo connects the roles as `run` does: what the demo shows is the product.
func startDemo(settings config.Config, secret [16]byte, logger *slog.Logger) (demo.Roles, error) {
	measures, err := telemetry.New(telemetry.Config{Service: "sendwatch-demo", Version: version(), Logger: logger})
	if err != nil {
		return demo.Roles{}, err
	}
	text, err := schemas.Policies.ReadFile("policy/tuned.yaml")
	if err != nil {
		return demo.Roles{}, err
	}
	// The tuned policy computes flags beside, so that they can be compared by SQL.
	shadow, err := policy.Load(text)
	if err != nil {
		return demo.Roles{}, err
	}
	webhooks, err := listenNear(settings.Gateway.Listen)
	if err != nil {
		return demo.Roles{}, fmt.Errorf("--webhooks: %w; give a free HOST:PORT", err)
	}
	opened := make(chan struct{})
	roles, err := newPipelines(runOptions{
		settings: settings, policy: policy.Default(), shadow: shadow, secret: codec.Secret(secret),
		telemetry: measures, logger: logger, webhooks: webhooks, opened: opened,
	})
	if err != nil {
		return demo.Roles{}, errors.Join(err, webhooks.Close())
	}
	return demo.Roles{Sources: roles.sources, Webhooks: webhooks.Addr().String(), TakeWebhooks: func() { close(opened) }, Run: func(ctx context.Context) (err error) {
		ctx, fail := context.WithCancelCause(ctx)
		defer fail(nil)
		stopMeasures := inBackground(ctx, "telemetry", measures.Run, fail)
		return errors.Join(roles.run(ctx), roles.close(), stopMeasures())
	}}, nil
}

// listenNear listens at an address, or at a free port of its host if somebody else
// does.
func listenNear(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if host, _, cut := net.SplitHostPort(address); err != nil && cut == nil {
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	return listener, err
}
