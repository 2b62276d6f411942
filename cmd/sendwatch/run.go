package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/server"
	"sendwatch/internal/telemetry"
)

// runCmd runs the roles of this process against Kafka and ClickHouse.
type runCmd struct {
	Config string   `type:"path" default:"sendwatch.yaml" placeholder:"FILE" help:"The configuration."`
	Roles  []string `placeholder:"ROLE" help:"Only these of its roles: numbers, sink."`
}

// Run works until ctx ends, then drains.
func (c *runCmd) Run(ctx context.Context) error {
	settings, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if settings.Roles, err = chooseRoles(settings.Roles, c.Roles); err != nil {
		return err
	}
	logger, err := telemetry.NewLogger(os.Stderr, telemetry.Log{Level: settings.Log.Level, Format: settings.Log.Format})
	if err != nil {
		return err
	}
	rules, err := loadPolicy(settings.Policy.File)
	if err != nil {
		return err
	}
	secret, err := settings.Contacts.Secret.Reveal()
	if err != nil {
		return err
	}
	measures, err := telemetry.New(telemetry.Config{Service: settings.Telemetry.ServiceName, Version: version(), Logger: logger})
	if err != nil {
		return err
	}
	return runPipelines(ctx, runOptions{
		settings: settings, policy: rules, secret: codec.Secret(secret), telemetry: measures, logger: logger,
	})
}

// chooseRoles gives the roles to run: those asked for, else those of the
// configuration, less what does not exist yet.
func chooseRoles(configured, asked []string) ([]string, error) {
	if len(asked) == 0 {
		asked = configured
	}
	var roles, unknown []string
	for _, role := range asked {
		switch role {
		case config.RoleNumbers, config.RoleSink:
			roles = append(roles, role)
		case config.RolePortfolios: // its place in the configuration is kept
		default:
			unknown = append(unknown, role)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("--roles: %s is not known; give numbers, sink or both", strings.Join(unknown, ", "))
	}
	if len(roles) == 0 {
		return nil, errors.New("roles: none is left to run; give numbers, sink or both")
	}
	return roles, nil
}

// runPipelines runs the roles with all that goes round them. Things stop in the
// reverse order of their start, because each is still needed by the ones after
// it: the roles drain first, while health can still be asked; the measurements
// go out last, with the drain in them.
func runPipelines(ctx context.Context, o runOptions) (err error) {
	roles, err := newPipelines(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, roles.close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	stopMeasures := inBackground(ctx, "telemetry", o.telemetry.Run, fail)
	defer func() { err = errors.Join(err, stopMeasures()) }()

	if address := o.settings.HTTP.Listen; address != "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("http.listen: %w; give a free host:port", err)
		}
		o.logger.Info("serving", "address", "http://"+listener.Addr().String())
		stopServer := inBackground(ctx, "http", func(ctx context.Context) error {
			return server.New(roles.sources, o.logger).Run(ctx, listener)
		}, fail)
		defer func() { err = errors.Join(err, stopServer()) }()
	}

	o.logger.Info("running", "roles", strings.Join(o.settings.Roles, ","), "policy", o.policy.Version,
		"brokers", strings.Join(o.settings.Kafka.Brokers, ","))
	if err := roles.run(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	o.logger.Info("drained", slog.Any("roles", o.settings.Roles))
	return nil
}

// inBackground runs something that must outlive ctx until it is stopped. If it
// ends with an error before, that ends everything. stop gives no error twice.
func inBackground(ctx context.Context, name string, run func(context.Context) error, fail context.CancelCauseFunc) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := run(ctx)
		if err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%s: %w", name, err))
			err = nil
		}
		done <- err
	}()
	return func() error {
		cancel()
		return <-done
	}
}
