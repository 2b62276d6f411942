package main

import (
	"context"
	"errors"
	"log/slog"

	"sendwatch/internal/codec"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
	"sendwatch/schemas"
)

// startPipeline starts the roles, wired as in `run`: what the demo shows is the
// product.
func (d *demo) startPipeline(ctx context.Context, all *parts, logger *slog.Logger) (*part, error) {
	measures, err := telemetry.New(telemetry.Config{Service: "sendwatch-demo", Version: version(), Logger: logger})
	if err != nil {
		return nil, err
	}
	text, err := schemas.Policies.ReadFile("policy/tuned.yaml")
	if err != nil {
		return nil, err
	}
	// The tuned policy judges beside, so that its flags can be compared by SQL.
	shadow, err := policy.Load(text)
	if err != nil {
		return nil, err
	}
	roles, err := newPipelines(runOptions{
		settings: d.settings, policy: policy.Default(), shadow: shadow, secret: codec.Secret(d.contactKey()),
		telemetry: measures, logger: logger,
	})
	if err != nil {
		return nil, err
	}
	d.sources = roles.sources
	all.start(ctx, "telemetry", measures.Run)
	return all.start(ctx, "pipeline", func(ctx context.Context) error {
		return errors.Join(roles.run(ctx), roles.close())
	}), nil
}
