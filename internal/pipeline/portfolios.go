package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
)

// PortfoliosConfig is what the portfolios role needs to know.
type PortfoliosConfig struct {
	Events, Flags, Rows string // Rows is read too
	Writer              Writer
	Topics              Topics
	Policy              *policy.Policy // decides throughout, where there are no Policies
	Policies            Policies
	Shadow              *policy.Policy // judges beside, for ClickHouse only; nil for none

	// Settle is how long a shared event waits for the partitions to tell that
	// they have it before it is copied to the others; default 3 s.
	Settle time.Duration
	// Commit is the least time between two commits; default 1 s.
	Commit time.Duration
	// MaxRows is how many rows are written at a time while many minutes are
	// evaluated; default 50,000.
	MaxRows int
	// MaxWaiting bounds the changes that wait for a partition of the events topic
	// that is behind or has stopped, some 50 bytes each; default 20 million. Beyond
	// it the partition of the rows topic stops: memory is shared with the other
	// roles, and their flags must not end with it.
	MaxWaiting int
	// Drain is how long a claim may go on once it is to be given back; default 5 s.
	Drain time.Duration
	// Newest is how many flags are remembered for the API; default 1,000.
	Newest int
	// Remember is given each flag as it went to the flags topic; nil for nobody.
	Remember func(json.RawMessage)

	Now       func() time.Time // wall clock; default time.Now
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

func (c PortfoliosConfig) withDefaults() PortfoliosConfig {
	setDefault(&c.Settle, 3*time.Second)
	setDefault(&c.Commit, time.Second)
	setDefault(&c.MaxRows, 50_000)
	setDefault(&c.MaxWaiting, 20_000_000)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.Newest, 1_000)
	setDefault(&c.Logger, slog.Default())
	if c.Policies == nil {
		c.Policies = onePolicy{c.Policy}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Portfolios is the portfolios role of one process: it reads what the numbers
// role tells on the rows topic, which is keyed by portfolio, and evaluates each
// portfolio over all of its numbers.
type Portfolios struct {
	config PortfoliosConfig
	board  board
	newest ring
	notice sync.Once
	roster roster[*gatherer, *engine.Gathering]
}

// NewPortfolios gives a role that does nothing yet.
func NewPortfolios(config PortfoliosConfig) *Portfolios {
	config = config.withDefaults()
	r := &Portfolios{config: config, newest: ring{size: config.Newest}}
	r.roster.counted = func(owned int) {
		config.Telemetry.Metrics().Set(telemetry.Partitions, float64(owned), RolePortfolios)
	}
	return r
}

// Run works on what the group gives until ctx ends.
func (r *Portfolios) Run(ctx context.Context, join Join) error { return join(ctx, r.serve) }

// serve owns one partition of the rows topic until ctx ends.
func (r *Portfolios) serve(ctx context.Context, claim Claim, log Log) error {
	g, asks := r.roster.claim(claim.Partition, func() *gatherer { return newGatherer(r, claim) })
	g.asks = asks
	defer g.metrics.Forget("role", RolePortfolios, "partition", g.label)
	err := g.run(ctx, log)
	r.roster.release(claim.Partition, g, err == nil)
	g.end(ctx, err, r.config.Logger)
	return nil
}

// Portfolios gives every portfolio of this process as of its last evaluation,
// lowest score first, those without numbers last.
func (r *Portfolios) Portfolios(ctx context.Context) ([]event.PortfolioStatus, error) {
	var out event.Output
	if err := r.roster.ask(ctx, func(all *engine.Gathering) { all.Statuses(&out) }); err != nil {
		return nil, err
	}
	slices.SortFunc(out.PortfolioStatus, func(a, b event.PortfolioStatus) int {
		return cmp.Or(cmp.Compare(uint(a.Score), uint(b.Score)), cmp.Compare(a.PortfolioID, b.PortfolioID))
	})
	return out.PortfolioStatus, nil
}

// Newest gives the newest flags of this process, newest first, each as it went
// to the flags topic.
func (r *Portfolios) Newest(limit int) []json.RawMessage { return r.newest.last(limit) }

// Status tells how far each partition is.
func (r *Portfolios) Status() []PartitionStatus { return r.board.all() }

// Live gives nil while every partition's loop goes round.
func (r *Portfolios) Live() error { return live(RolePortfolios, r.board.all(), r.config.Now()) }

// Stopped gives nil while no partition is stopped.
func (r *Portfolios) Stopped() error { return stopped(RolePortfolios, r.board.all()) }

// Ready gives nil once the partitions are assigned and have been read to their
// end, while Kafka answers.
func (r *Portfolios) Ready() error {
	all := r.board.all()
	return errors.Join(ready(RolePortfolios, r.board.hasJoined(), all), silent(RolePortfolios, all, r.config.Now()))
}
