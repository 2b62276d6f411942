package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/policystore"
	"sendwatch/internal/server"
	"sendwatch/internal/strictyaml"
	"sendwatch/internal/telemetry"
)

// runCmd runs the roles of this process against Kafka and ClickHouse.
type runCmd struct {
	Config string   `type:"path" default:"sendwatch.yaml" placeholder:"FILE" help:"The configuration; by default sendwatch.yaml."`
	Roles  []string `placeholder:"ROLE" help:"Only these of its roles: numbers, portfolios, sink, gateway."`
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
	o := runOptions{settings: settings, logger: logger}
	if err := o.loadPolicies(settings); err != nil {
		return err
	}
	if o.telemetry, err = telemetry.New(telemetry.Config{Service: settings.Telemetry.ServiceName, Version: version(), Logger: logger}); err != nil {
		return err
	}
	return runPipelines(ctx, o)
}

// loadPolicies reads the policies and the secret, as far as the roles need them: a
// process that only fills ClickHouse needs neither.
func (o *runOptions) loadPolicies(settings config.Config) error {
	if slices.Contains(settings.Roles, event.RoleNumbers) {
		secret, err := settings.Contacts.Secret.Reveal()
		if err != nil {
			return err
		}
		o.secret = codec.Secret(secret)
	}
	if !goesByPolicy(settings) {
		return nil
	}
	var err error
	if settings.Policy.Shadow != "" {
		if o.shadow, err = loadPolicy(settings.Policy.Shadow); err != nil {
			return err
		}
		o.logger.Info("shadow policy in force for ClickHouse only; its file is read at start and not watched", "policy", o.shadow.Version)
	}
	if o.policies, err = policystore.Open(settings.Policy.Folder, settings.Policy.File); err != nil {
		return err
	}
	if settings.Policy.Folder == "" && settings.Policy.File != "" {
		o.logger.Warn("policy.folder is not set: after a change of the policy file a restart computes the flags of old records by the new policy; set it to a folder that all processes share")
	}
	return nil
}

// goesByPolicy reports whether one of the roles goes by the policy.
func goesByPolicy(settings config.Config) bool {
	return slices.Contains(settings.Roles, event.RoleNumbers) || slices.Contains(settings.Roles, event.RolePortfolios)
}

// chooseRoles returns the roles to run: those asked for, else those of the
// configuration.
func chooseRoles(configured, asked []string) ([]string, error) {
	if len(asked) == 0 {
		asked = configured
	}
	var roles, unknown []string
	for _, role := range asked {
		switch role {
		case event.RoleNumbers, event.RolePortfolios, event.RoleSink, event.RoleGateway:
			roles = append(roles, role)
		default:
			unknown = append(unknown, role)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("--roles: %s is not known; give some of numbers, portfolios, sink, gateway", strings.Join(unknown, ", "))
	}
	if len(roles) == 0 {
		return nil, errors.New("roles: none is left to run; give some of numbers, portfolios, sink, gateway")
	}
	return roles, nil
}

// policyEvery is how often the policy file is looked at.
const policyEvery = 5 * time.Second

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
	if err := roles.demandTopics(ctx); err != nil {
		return err
	}
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

	if o.policies != nil {
		stopWatching := inBackground(ctx, "policies", func(ctx context.Context) error {
			o.policies.Run(ctx, policyEvery, func(p *policy.Policy) {
				o.logger.Info("switching policy; each partition switches at a record of its own", "policy", p.Version)
			}, func(err error) {
				if err == nil {
					o.logger.Info("policy file has again what is in force", "policy", o.policyVersion())
					return
				}
				o.telemetry.Metrics().Add(telemetry.PolicyChanges, 1, "", "refused")
				o.logger.Error("policy file refused, the policy in force stays; mend it, `sendwatch check --policy FILE` names every mistake", "error", firstMistakes(err))
			})
			return nil
		}, fail)
		defer func() { err = errors.Join(err, stopWatching()) }()
	}

	o.logger.Info("running", "roles", strings.Join(o.settings.Roles, ","), "policy", o.policyVersion(),
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

// topicsTimeout bounds the question for the topics at start.
const topicsTimeout = 10 * time.Second

// demandTopics returns an error that names all topics which the roles need and which
// do not exist. Brokers that cannot be asked yet are waited for later, by each role.
func (p *pipelines) demandTopics(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	missing, err := p.client.Missing(bounded, topics(p.options.settings))
	if err != nil && ctx.Err() == nil {
		p.options.logger.Warn("Kafka does not answer whether all topics exist; waiting for it", "error", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("kafka.topics: these do not exist: %s; `sendwatch migrate` with this configuration creates them", strings.Join(missing, ", "))
	}
	return nil
}

// inBackground runs something that must outlive ctx until it is stopped. If it
// ends with an error before, that ends everything. stop returns no error twice.
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

// firstMistakes cuts what is wrong with a file to what a log line can hold.
func firstMistakes(err error) error {
	const most = 10
	var all strictyaml.Mistakes
	if !errors.As(err, &all) || len(all) <= most {
		return err
	}
	name, _, _ := strings.Cut(err.Error(), ": ")
	return fmt.Errorf("%s: %d mistakes, named all by sendwatch check --policy; the first: %w", name, len(all), all[:most])
}
