package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"net"
	"slices"
	"sync"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/checkpoint/clouds"
	"sendwatch/internal/clickhouse"
	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/gateway"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
	"sendwatch/internal/policystore"
	"sendwatch/internal/server"
	"sendwatch/internal/telemetry"
)

// runOptions is what the roles of one process are made of.
type runOptions struct {
	settings  config.Config
	policy    *policy.Policy     // decides throughout, where there are no policies
	policies  *policystore.Store // nil: the policy never changes
	shadow    *policy.Policy     // computes flags beside, for ClickHouse only; nil for none
	secret    codec.Secret
	telemetry *telemetry.Telemetry // nil: nothing is measured
	webhooks  net.Listener         // where the gateway listens already; nil: as the settings say
	opened    <-chan struct{}      // the gateway takes bodies once this is closed; nil: at once
	logger    *slog.Logger
}

// policyVersion names the policy that is to decide from now on, "" in a process
// that computes no flags.
func (o *runOptions) policyVersion() string {
	switch {
	case o.policies != nil:
		return o.policies.Newest().Version
	case o.policy != nil:
		return o.policy.Version
	}
	return ""
}

// store returns what finds the policies of a deployment, nil if there is but one.
func (o *runOptions) store() pipeline.Policies {
	if o.policies == nil {
		return nil
	}
	return o.policies
}

// pipelines are the roles of one process, connected to what they need.
type pipelines struct {
	options    runOptions
	started    time.Time
	client     *kafka.Client
	tables     *clickhouse.Client   // nil without the sink
	numbers    *pipeline.Numbers    // nil without the role
	portfolios *pipeline.Portfolios // nil without the role
	sink       *pipeline.Sink       // nil without the role
	gateway    *gateway.Gateway     // nil without the role
	sources    server.Sources

	recent      *pipeline.RecentFlags // of all roles: they are asked for together
	states      *checkpoint.Store     // nil where no checkpoints are kept
	checkpoints *pipeline.Checkpoints // in states
}

// newPipelines connects the roles of the settings. Nothing is dialled and
// nothing runs yet.
func newPipelines(o runOptions) (_ *pipelines, err error) {
	p := &pipelines{options: o, started: time.Now()}
	settings := kafkaConfig(o.settings.Kafka, o.logger)
	settings.Retried = func(topic string) { o.telemetry.Metrics().Add(telemetry.ProduceErrors, 1, topic) }
	if p.client, err = kafka.New(settings); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	topics, groups, producer := o.settings.Kafka.Topics, o.settings.Kafka.Groups, p.client.NewProducer()
	recent := pipeline.NewRecentFlags(server.MaxLimit)
	p.recent = recent
	if err = p.openStates(); err != nil {
		return nil, err
	}
	if slices.Contains(o.settings.Roles, event.RoleNumbers) {
		p.numbers = pipeline.NewNumbers(pipeline.NumbersConfig{
			Flags: topics.Flags, Rows: topics.Rows, DeadLetter: topics.DeadLetter,
			Writer: producer, Topics: producer, Secret: o.secret, Framing: framing(&o.settings), Policy: o.policy, Policies: o.store(), Shadow: o.shadow,
			DedupHorizon: o.settings.Numbers.DedupHorizon.Milliseconds(), PaneBits: paneBits(o.settings.Numbers.PaneSize),
			MaxKeys: o.settings.Numbers.MaxKeys, MaxLinks: o.settings.Numbers.MaxLinks, SilentAfter: o.settings.Numbers.SilentAfter,
			NoContacts: !o.settings.Numbers.ContactOutcomes, StatusByChange: o.settings.Numbers.StatusByChange,
			Checkpoints: p.checkpoints,
			Drain:       p.client.DrainTime(), Recent: recent, Keeper: p.client.NewNotes(groups.Numbers), Bounds: bounds(&o.settings), Telemetry: o.telemetry, Logger: o.logger,
		})
	}
	if slices.Contains(o.settings.Roles, event.RolePortfolios) {
		p.portfolios = pipeline.NewPortfolios(pipeline.PortfoliosConfig{
			Events: topics.Events, Flags: topics.Flags, Rows: topics.Rows, Writer: producer, Topics: producer,
			Policy: o.policy, Policies: o.store(), Shadow: o.shadow, Drain: p.client.DrainTime(), Recent: recent,
			Keeper: p.client.NewNotes(groups.Portfolios), Checkpoints: p.checkpoints, Bounds: bounds(&o.settings), Telemetry: o.telemetry, Logger: o.logger,
		})
	}
	if slices.Contains(o.settings.Roles, event.RoleSink) {
		if p.tables, err = clickhouse.Open(clickHouseConfig(o.settings.ClickHouse, o.logger)); err != nil {
			return nil, err
		}
		p.sink = pipeline.NewSink(pipeline.SinkConfig{
			Store: p.tables.NewWriter(), Drain: p.client.DrainTime(), Keeper: p.client.NewNotes(groups.Sink), Bounds: bounds(&o.settings), Telemetry: o.telemetry, Logger: o.logger,
		})
	}
	if slices.Contains(o.settings.Roles, event.RoleGateway) {
		if p.gateway, err = newGateway(&o, producer); err != nil {
			return nil, err
		}
	}
	p.sources = server.Sources{Health: p, Pipeline: p}
	if p.numbers != nil {
		p.sources.Numbers, p.sources.Flags = numbersSource{p.numbers}, recent
	}
	if p.portfolios != nil {
		p.sources.Portfolios, p.sources.Flags = p.portfolios, recent
	}
	if o.telemetry != nil {
		p.sources.Metrics = o.telemetry.Handler()
	}
	return p, nil
}

// openStates opens the store of checkpoints, if there is to be one.
func (p *pipelines) openStates() (err error) {
	c := &p.options.settings.Checkpoints
	stateful := slices.Contains(p.options.settings.Roles, event.RoleNumbers) || slices.Contains(p.options.settings.Roles, event.RolePortfolios)
	if c.Store == "" || !stateful {
		return nil
	}
	if p.states, err = clouds.Open(context.Background(), c.Store, p.options.logger); err != nil {
		return fmt.Errorf("checkpoints.store: %w", err)
	}
	p.checkpoints = &pipeline.Checkpoints{Store: p.states, Every: c.Every, Keep: c.Keep}
	return nil
}

// paneBits returns k of a pane size of 2^k records, which the configuration has checked.
func paneBits(size int) uint8 { return uint8(bits.Len(uint(size)) - 1) }

// framing returns whose frame may stand in front of an event, which the configuration
// has checked.
func framing(settings *config.Config) codec.Framing {
	f, _ := codec.ParseFraming(settings.Kafka.Framing)
	return f
}

// bounds returns from when on a role is not ready.
func bounds(settings *config.Config) pipeline.Bounds { return pipeline.Bounds(settings.Readiness) }

// run joins the groups and works until ctx ends; then every role brings what it
// has to its end and leaves. One role's trouble never ends the others: it is tried
// again by the role, and a reason for not being ready meanwhile.
func (p *pipelines) run(ctx context.Context) error {
	groups, topics := p.options.settings.Kafka.Groups, p.options.settings.Kafka.Topics
	var roles sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	start := func(name string, role func(context.Context) error) {
		roles.Go(func() {
			if err := role(ctx); err != nil {
				p.options.logger.Error("role ended: mend the cause, then restart the process", "role", name, "error", err)
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	if p.numbers != nil {
		// A number that moved to another partition has left its history behind.
		join := p.join(event.RoleNumbers, p.numbers, kafka.GroupConfig{ID: groups.Numbers, Topic: topics.Events, FixedPartitions: true})
		start(event.RoleNumbers, func(ctx context.Context) error { return p.numbers.Run(ctx, join) })
	}
	if p.portfolios != nil {
		// A portfolio that moved to another partition has left its history behind.
		join := p.join(event.RolePortfolios, p.portfolios, kafka.GroupConfig{ID: groups.Portfolios, Topic: topics.Rows, FixedPartitions: true})
		start(event.RolePortfolios, func(ctx context.Context) error { return p.portfolios.Run(ctx, join) })
	}
	if p.sink != nil {
		join := p.join(event.RoleSink, p.sink, kafka.GroupConfig{ID: groups.Sink, Topic: topics.Rows})
		start(event.RoleSink, func(ctx context.Context) error { return p.sink.Run(ctx, join) })
	}
	if p.checkpoints != nil {
		roles.Go(func() { p.recall(ctx, p.recent) })
	}
	if p.gateway != nil {
		start(event.RoleGateway, p.runGateway)
		for _, source := range p.options.settings.Sources {
			start("source "+source.Topic, func(ctx context.Context) error { return p.readSource(ctx, source) })
		}
	}
	roles.Wait()
	return errors.Join(failed...)
}

// groupWatcher is a role, as what it is told of its membership.
type groupWatcher interface {
	Joined()
	Failing(err error)
}

// join makes a role a member of a group.
func (p *pipelines) join(role string, watcher groupWatcher, group kafka.GroupConfig) pipeline.Join {
	group.Joined = func() {
		p.options.telemetry.Metrics().Add(telemetry.Rebalances, 1, role)
		watcher.Joined()
	}
	group.Failing = watcher.Failing
	static := p.options.settings.Kafka.Static
	group.Share = kafka.Share{Ordinal: int32(static.Ordinal), Of: int32(static.Of)}
	joined := p.client.NewGroup(group) // once: it remembers which log the role's state is of
	return func(ctx context.Context, serve pipeline.Serve) error {
		return joined.Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
			return serve(ctx, pipeline.Claim{
				Topic: c.Topic, Partition: c.Partition, Committed: c.Committed, CommittedTime: c.CommittedTime, TopicID: c.TopicID, Partitions: c.Partitions, Identity: c.Identity,
			}, c)
		})
	}
}

// close ends the connections. The roles have ended before.
func (p *pipelines) close() error {
	p.client.Close()
	var errs []error
	if p.states != nil {
		errs = append(errs, p.states.Close())
	}
	if p.tables != nil {
		errs = append(errs, p.tables.Close())
	}
	return errors.Join(errs...)
}

// Live returns nil while every loop goes round.
func (p *pipelines) Live(context.Context) error {
	var errs []error
	if p.numbers != nil {
		errs = append(errs, p.numbers.Live())
	}
	if p.portfolios != nil {
		errs = append(errs, p.portfolios.Live())
	}
	if p.sink != nil {
		errs = append(errs, p.sink.Live())
	}
	return errors.Join(errs...)
}

// problems returns what is wrong with the roles now.
func (p *pipelines) problems() []pipeline.Problem {
	var all []pipeline.Problem
	if p.numbers != nil {
		all = append(all, p.numbers.Problems()...)
	}
	if p.portfolios != nil {
		all = append(all, p.portfolios.Problems()...)
	}
	if p.sink != nil {
		all = append(all, p.sink.Problems()...)
	}
	return all
}

// Ready returns what is wrong with the roles. ClickHouse being away for a moment costs
// no flag, so it makes only a process unready that does nothing else.
func (p *pipelines) Ready(context.Context) []server.Problem {
	all := served(slices.DeleteFunc(p.problems(), func(one pipeline.Problem) bool { return !one.Counts(len(p.options.settings.Roles) == 1) }))
	if p.gateway != nil && p.opened() {
		if err := p.gateway.Ready(); err != nil {
			all = append(all, server.Problem{
				Reason: "webhooks_refused", Role: event.RoleGateway, Topic: p.options.settings.Kafka.Topics.Events, Detail: err.Error(),
				Action: "Look at the brokers: webhooks are answered 503 until they acknowledge again; their senders repeat them.",
			})
		}
	}
	return all
}

// opened reports whether the gateway is to take bodies by now.
func (p *pipelines) opened() bool {
	select {
	case <-p.options.opened:
		return true
	default:
		return p.options.opened == nil
	}
}

// served returns problems as the server has them.
func served(problems []pipeline.Problem) []server.Problem {
	var all []server.Problem
	text := pipeline.Reasons()
	for _, one := range problems {
		all = append(all, server.Problem{
			Reason: one.Reason.String(), Role: one.Role, Topic: one.Topic, Partition: one.Partition,
			Detail: one.Detail, Action: text[one.Reason].Action,
		})
	}
	return all
}

// Status returns how far the process is.
func (p *pipelines) Status(context.Context) (server.Status, error) {
	status := server.Status{
		Version: version(), PolicyVersion: p.options.policyVersion(), Started: p.started, Records: map[string]int64{},
	}
	if p.numbers != nil {
		for _, s := range p.numbers.Status() {
			one := partitionStatus(&s)
			one.Watermark = s.Engine.Watermark
			one.Records = recordCounts(&s)
			one.Entries = map[string]int64{
				"numbers": int64(s.Engine.Numbers), "conversations": int64(s.Engine.Conversations), "pending": int64(s.Engine.Pending),
				"fingerprints": int64(s.Engine.Fingerprints), "templates": int64(s.Engine.Templates),
			}
			for class, n := range one.Records {
				status.Records[class] += n
			}
			status.Late += s.Engine.Late
			status.Partitions = append(status.Partitions, one)
		}
	}
	if p.portfolios != nil {
		for _, s := range p.portfolios.Status() {
			one := partitionStatus(&s)
			one.Watermark = s.Portfolios.Minute
			one.Entries = map[string]int64{
				"portfolios": int64(s.Portfolios.Portfolios), "changes": int64(s.Portfolios.Waiting), "shared_events": int64(s.Portfolios.Shared),
			}
			status.Partitions = append(status.Partitions, one)
		}
	}
	if p.sink != nil {
		for _, s := range p.sink.Status() {
			status.Partitions = append(status.Partitions, partitionStatus(&s))
		}
	}
	status.Problems = served(p.problems())
	return status, nil
}

// numbersSource answers the API's questions about numbers.
type numbersSource struct{ *pipeline.Numbers }
