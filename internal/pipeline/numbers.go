package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
)

// NumbersConfig is what the numbers role needs to know.
type NumbersConfig struct {
	Flags, Rows, DeadLetter string // topics written
	Writer                  Writer
	Topics                  Topics // nil: nothing is written for the portfolios role
	Secret                  codec.Secret
	Framing                 codec.Framing  // whose frame may stand in front of an event
	Policy                  *policy.Policy // decides throughout, where there are no Policies
	Policies                Policies
	Shadow                  *policy.Policy // decides beside, for ClickHouse only; nil for none
	DedupHorizon            int64          // ms, the engine's default if 0
	PaneBits                uint8          // a pane is offset >> PaneBits, default 16
	MaxKeys                 int            // of a number in a window at a time, 0 for no limit
	MaxLinks                int            // that tie identifiers of a number's contacts, 0 for no limit
	NoContacts              bool           // leave out contact_outcomes, nearly a row a send
	StatusByChange          bool           // leave out statuses in which a reader sees nothing new, for an hour at most

	// FlushEvery is the longest time between an acknowledged flush and the next while
	// records come; default 1 s. MaxRows brings one earlier; default 50,000. So many are
	// about how many are in memory, on their way to the rows topic, at most.
	FlushEvery time.Duration
	MaxRows    int
	// Drain is how long a claim may continue once it must be given back; default 5 s.
	Drain time.Duration
	// Recent remembers the flags that were written; default one of 1,000 of its own.
	Recent *RecentFlags

	// SilentAfter is how long all partitions may bring no event before the role is not
	// ready; 0 for ever.
	SilentAfter time.Duration
	// Bounds say from when on something is a reason for not being ready.
	Bounds Bounds
	// Keeper keeps what an operator has to acknowledge; nil keeps it in memory only.
	Keeper Keeper
	// Checkpoints keep the state of each partition; nil keeps it in memory only, and each
	// new owner reads the log from its start.
	Checkpoints *Checkpoints

	Now       func() time.Time // wall clock; default time.Now
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

func (c NumbersConfig) withDefaults() NumbersConfig {
	setDefault(&c.PaneBits, 16)
	setDefault(&c.FlushEvery, time.Second)
	setDefault(&c.MaxRows, 50_000)
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

// portion is how many rows are handed over at a time.
func (c *NumbersConfig) portion() int { return max(1, c.MaxRows/portionsOfRows) }

// Numbers is the numbers role of one process.
type Numbers struct {
	role
	config      NumbersConfig
	assignments assignments[*numbersTask]
}

// NewNumbers returns a role that does nothing yet.
func NewNumbers(config NumbersConfig) *Numbers {
	c := config.withDefaults()
	n := &Numbers{config: c, role: role{
		name: event.RoleNumbers, rebuilds: true, drain: c.Drain, now: orNow(c.Now), telemetry: c.Telemetry, logger: c.Logger, keeper: c.Keeper, checkpoints: c.Checkpoints,
		bounds: c.Bounds.withDefaults(),
	}}
	n.more = n.silence
	n.assignments.changed = func(owned int) { c.Telemetry.Metrics().Set(telemetry.Partitions, float64(owned), event.RoleNumbers) }
	return n
}

// Run works on what the group assigns until ctx ends; then everything is flushed and
// given back.
func (n *Numbers) Run(ctx context.Context, join Join) error {
	return n.runGroup(ctx, join, func(ctx context.Context, claim Claim, log Log) error {
		serveStateful(ctx, &n.role, &n.assignments, claim, log, func() *numbersTask { return newNumbersTask(n, claim) }, nil)
		return nil
	})
}

// silence names inputs that have gone silent: no partition that was read to its end has
// brought an event for SilentAfter.
func (n *Numbers) silence(now time.Time, all []PartitionStatus) []Problem {
	var newest time.Time
	for i := range all {
		s := &all[i]
		if s.CaughtUpAt.IsZero() {
			return nil
		}
		for _, at := range [...]time.Time{s.CaughtUpAt, s.LastEvent} {
			if at.After(newest) {
				newest = at
			}
		}
	}
	if len(all) == 0 || n.config.SilentAfter == 0 || now.Sub(newest) <= n.config.SilentAfter {
		return nil
	}
	return []Problem{{Reason: ReasonInputSilent, Role: event.RoleNumbers, Detail: "no partition has brought an event since " + newest.UTC().Format(time.RFC3339)}}
}

// Ask calls question with the engine of every partition of this process, one after
// another, each in the goroutine that owns it. The question must be quick and must not
// keep the engine.
func (n *Numbers) Ask(ctx context.Context, question func(*engine.Engine)) error {
	return n.assignments.ask(ctx, func(t *numbersTask) { question(t.processor.Engine()) })
}

// Bands counts numbers by event.Band.
type Bands [3]int64

// Riskiest returns the numbers of this process with the lowest scores, lowest first and
// of equals by number_id, at most limit, and how many numbers there are in each band. A
// number that is on several partitions is named once, with its lowest score.
func (n *Numbers) Riskiest(ctx context.Context, limit int) ([]event.NumberStatus, Bands, error) {
	var numbers []event.NumberStatus
	var bands Bands
	var out event.Output
	err := n.Ask(ctx, func(e *engine.Engine) {
		out.Reset()
		for band, count := range e.Riskiest(limit, &out) {
			bands[band] += count
		}
		numbers = append(numbers, out.NumberStatuses...)
		slices.SortFunc(numbers, func(a, b event.NumberStatus) int {
			return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.NumberID, b.NumberID))
		})
		numbers = once(numbers)
		numbers = slices.Delete(numbers, min(limit, len(numbers)), len(numbers))
	})
	return numbers, bands, err
}

// once keeps the first status of each number.
func once(numbers []event.NumberStatus) []event.NumberStatus {
	seen := make(map[string]bool, len(numbers))
	return slices.DeleteFunc(numbers, func(s event.NumberStatus) bool {
		before := seen[s.NumberID]
		seen[s.NumberID] = true
		return before
	})
}

// Number returns the status of a number as of its last evaluation, false if no
// partition of this process knows it. Of a number that is on two partitions the status
// with the later clock counts.
func (n *Numbers) Number(ctx context.Context, numberID string) (status event.NumberStatus, found bool, err error) {
	var out event.Output
	err = n.Ask(ctx, func(e *engine.Engine) {
		out.Reset()
		if !e.Number(numberID, &out) {
			return
		}
		if s := &out.NumberStatuses[0]; !found || s.Clock > status.Clock {
			status, found = *s, true
		}
	})
	return status, found, err
}
