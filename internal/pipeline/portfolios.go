package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

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
	Shadow              *policy.Policy // decides beside, for ClickHouse only; nil for none

	// CopyAfter is how long a shared event waits for the partitions to report that they
	// have it before it is copied to the others; default 3 s.
	CopyAfter time.Duration
	// FlushEvery is the least time between two commits; default 1 s.
	FlushEvery time.Duration
	// MaxRows is how many rows are written at a time while many minutes are evaluated;
	// default 50,000.
	MaxRows int
	// MaxWaiting bounds the changes that wait for a partition of the events topic that
	// is behind or has stopped, some 50 bytes each; default 20 million. Beyond it the
	// partition of the rows topic stops: memory is shared with the other roles, and
	// their flags must not end with it.
	MaxWaiting int
	// Drain is how long a claim may continue once it must be given back; default 5 s.
	Drain time.Duration
	// Recent remembers the flags that were written; default one of 1,000 of its own.
	Recent *RecentFlags

	// Bounds say from when on something is a reason for not being ready.
	Bounds Bounds
	// Keeper keeps what an operator has to acknowledge; nil keeps it in memory only.
	Keeper Keeper
	// Checkpoints keep the state of each partition; nil keeps it in memory only, and each
	// new owner reads the rows topic from its start.
	Checkpoints *Checkpoints

	Now       func() time.Time // wall clock; default time.Now
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

func (c PortfoliosConfig) withDefaults() PortfoliosConfig {
	setDefault(&c.CopyAfter, 3*time.Second)
	setDefault(&c.FlushEvery, time.Second)
	setDefault(&c.MaxRows, 50_000)
	setDefault(&c.MaxWaiting, 20_000_000)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.Logger, slog.Default())
	if c.Recent == nil {
		c.Recent = NewRecentFlags(defaultRecent)
	}
	if c.Policies == nil {
		c.Policies = onePolicy{c.Policy}
	}
	c.Checkpoints = c.Checkpoints.orDefaults()
	return c
}

// Portfolios is the portfolios role of one process: it reads the changes that the
// numbers role writes to the rows topic, keyed by portfolio, and evaluates each
// portfolio over all of its numbers.
type Portfolios struct {
	role
	config      PortfoliosConfig
	assignments assignments[*portfolioTask]
}

// NewPortfolios returns a role that does nothing yet.
func NewPortfolios(config PortfoliosConfig) *Portfolios {
	c := config.withDefaults()
	r := &Portfolios{config: c, role: role{
		name: event.RolePortfolios, rebuilds: true, drain: c.Drain, now: orNow(c.Now), telemetry: c.Telemetry, logger: c.Logger, keeper: c.Keeper, checkpoints: c.Checkpoints,
		bounds: c.Bounds.withDefaults(),
	}}
	r.assignments.changed = func(owned int) { c.Telemetry.Metrics().Set(telemetry.Partitions, float64(owned), event.RolePortfolios) }
	return r
}

// Run works on what the group assigns until ctx ends.
func (r *Portfolios) Run(ctx context.Context, join Join) error {
	return r.runGroup(ctx, join, func(ctx context.Context, claim Claim, log Log) error {
		fresh := func() *portfolioTask { return newPortfolioTask(r, claim) }
		serveStateful(ctx, &r.role, &r.assignments, claim, log, fresh, func(ctx context.Context, t *portfolioTask) error { return t.findSources(ctx) })
		return nil
	})
}

// Portfolios returns every portfolio of this process as of its last evaluation, lowest
// score first, those without numbers last.
func (r *Portfolios) Portfolios(ctx context.Context) ([]event.PortfolioStatus, error) {
	var out event.Output
	if err := r.assignments.ask(ctx, func(t *portfolioTask) { t.portfolios.Statuses(&out) }); err != nil {
		return nil, err
	}
	slices.SortFunc(out.PortfolioStatus, func(a, b event.PortfolioStatus) int {
		return cmp.Or(cmp.Compare(uint(a.Score), uint(b.Score)), cmp.Compare(a.PortfolioID, b.PortfolioID))
	})
	return out.PortfolioStatus, nil
}
