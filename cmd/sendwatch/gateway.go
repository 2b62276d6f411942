package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/gateway"
	"sendwatch/internal/kafka"
	"sendwatch/internal/retry"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/tlsfile"
)

// gatewayCmd takes the webhooks of providers and writes events, and does nothing
// else: `run` with the one role.
type gatewayCmd struct {
	Config string `type:"path" default:"sendwatch.yaml" placeholder:"FILE" help:"The configuration; by default sendwatch.yaml."`
}

// Run works until ctx ends, then finishes what is under way.
func (c *gatewayCmd) Run(ctx context.Context) error {
	return (&runCmd{Config: c.Config, Roles: []string{event.RoleGateway}}).Run(ctx)
}

// newGateway makes the gateway of the settings.
func newGateway(o *runOptions, writer gateway.Writer) (*gateway.Gateway, error) {
	c := o.settings.Gateway
	encryption, err := tlsfile.Server("gateway.tls", c.TLS.CertFile, c.TLS.KeyFile, c.TLS.ClientCAFile)
	if err != nil {
		return nil, err
	}
	numbers := map[string]gateway.Number{}
	for digits, n := range c.Numbers {
		numbers[digits] = gateway.Number{ID: n.ID, Country: n.Country, Connection: n.Connection}
	}
	topics := o.settings.Kafka.Topics
	return gateway.New(gateway.Config{
		Writer: writer, Events: topics.Events, DeadLetter: topics.DeadLetter, Context: topics.Gateway,
		Auth: gateway.Auth{
			Open: c.Open, Tokens: reveal(c.Tokens), AppSecrets: reveal(c.Meta.AppSecrets), VerifyToken: c.Meta.VerifyToken.Reveal(),
			TwilioTokens: reveal(c.Twilio.AuthTokens), TwilioURL: c.Twilio.URL,
		},
		Portfolios: c.Portfolios, Numbers: numbers, TLS: encryption,
		Telemetry: o.telemetry, Logger: o.logger,
	})
}

func reveal(secrets []config.Secret) []string {
	list := make([]string, 0, len(secrets))
	for _, s := range secrets {
		list = append(list, s.Reveal())
	}
	return list
}

// runGateway listens, rebuilds what the gateway remembered, and takes bodies until
// ctx ends.
func (p *pipelines) runGateway(ctx context.Context) error {
	settings := &p.options.settings
	if p.options.webhooks == nil && settings.Gateway.Listen == "" && len(settings.Sources) == 0 {
		return errors.New("gateway.listen is none and there are no sources: nothing can come; give one of the two")
	}
	listener := p.options.webhooks
	if address := settings.Gateway.Listen; listener == nil && address != "" {
		var err error
		if listener, err = net.Listen("tcp", address); err != nil {
			return fmt.Errorf("gateway.listen: %w; give a free host:port", err)
		}
	}
	if listener != nil {
		p.options.logger.Info("taking webhooks", "address", "http://"+listener.Addr().String()+"/v1/webhooks/PROVIDER")
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	stop := inBackground(ctx, "context", p.restoreGateway, fail)
	err := p.gateway.Run(ctx, listener)
	err = errors.Join(err, stop())
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// restoreGateway reads the context topic to its end and goes on reading, so that
// several gateways share what they remember. Brokers that are away are waited for;
// bodies are answered 503 until the end was reached once.
func (p *pipelines) restoreGateway(ctx context.Context) error {
	topic := p.options.settings.Kafka.Topics.Gateway
	records, next, err := restore(ctx, p.client, topic, p.gateway)
	if err != nil {
		return ended(ctx, err)
	}
	if p.options.opened != nil {
		select {
		case <-p.options.opened:
		case <-ctx.Done():
			return nil
		}
	}
	p.gateway.Restored()
	p.options.logger.Info("the gateway has read what it remembers of numbers", "records", records)
	var followers sync.WaitGroup
	defer followers.Wait()
	for partition, from := range next {
		followers.Go(func() {
			fetcher := p.client.NewFetcher(topic, int32(partition), from, int32(len(next)))
			for {
				batch, err := fetcher.Fetch(ctx)
				if err != nil {
					if ctx.Err() == nil {
						p.options.logger.Warn("the gateway no longer hears what other gateways remember; restart it once its topic is well", "topic", topic, "error", err)
					}
					return
				}
				for r := range batch.Records {
					p.gateway.Restore(batch.Records[r].Key, batch.Records[r].Value)
				}
			}
		})
	}
	return nil
}

// restore hands the context topic to a gateway and returns the count of records, and
// where each partition goes on.
func restore(ctx context.Context, client *kafka.Client, topic string, g *gateway.Gateway) (records int, goOn []int64, err error) {
	partitions, err := client.NewProducer().Partitions(ctx, topic)
	if err != nil {
		return 0, nil, err
	}
	first, end, err := client.Offsets(ctx, topic)
	if err != nil {
		return 0, nil, fmt.Errorf("asking how far %s goes: %w", topic, err)
	}
	for i := range first {
		fetcher := client.NewFetcher(topic, int32(i), first[i], partitions)
		next := first[i]
		for next < end[i] {
			batch, err := fetcher.Fetch(ctx)
			if err != nil {
				return records, nil, fmt.Errorf("reading %s: %w", topic, err)
			}
			for r := range batch.Records {
				g.Restore(batch.Records[r].Key, batch.Records[r].Value)
				records++
			}
			next = batch.Next
		}
		goOn = append(goOn, next)
	}
	return records, goOn, nil
}

// ended returns nil for an error that only says that ctx has ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readSource joins the group of a source and reads its partitions, again after any
// trouble: a source that fails stops neither the listener nor the other sources.
func (p *pipelines) readSource(ctx context.Context, s config.Source) error {
	group := kafka.GroupConfig{ID: sourceGroup(p.options.settings, s), Topic: s.Topic}
	group.Joined = func() { p.options.telemetry.Metrics().Add(telemetry.Rebalances, 1, event.RoleGateway) }
	joined := p.client.NewGroup(group)
	source := gateway.Source{
		Topic: s.Topic, Provider: s.Provider, ProviderHeader: s.ProviderHeader, Wrapping: gateway.Wrapping(s.Wrapping),
		NumberID: s.NumberID, WABAID: s.WABAID,
	}
	var pause retry.Backoff
	for {
		err := joined.Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
			if _, err := c.Open(ctx, c.Committed); err != nil {
				return err
			}
			return p.gateway.ReadSource(ctx, source, c.Partition, c)
		})
		if ctx.Err() != nil {
			return nil
		}
		p.options.logger.Warn("reading a source failed; it is tried again", "topic", s.Topic, "group", group.ID, "error", err)
		if pause.Wait(ctx) != nil {
			return nil
		}
	}
}
