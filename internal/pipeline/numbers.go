package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
)

// Role names, as in the configuration and in metrics.
const (
	RoleNumbers    = "numbers"
	RolePortfolios = "portfolios"
	RoleSink       = "sink"
)

// NumbersConfig is what the numbers role needs to know.
type NumbersConfig struct {
	Flags, Rows, DeadLetter string // topics written
	Writer                  Writer
	Topics                  Topics // nil: the portfolios role is told nothing
	Secret                  codec.Secret
	Policy                  *policy.Policy // decides throughout, where there are no Policies
	Policies                Policies
	Shadow                  *policy.Policy // judges beside, for ClickHouse only; nil for none
	DedupHorizon            int64          // ms, the engine's default if 0
	PaneBits                uint8          // a pane is offset >> PaneBits, default 16
	MaxKeys                 int            // of a number in a window at a time, 0 for no limit
	NoContacts              bool           // leave out contact_outcomes, nearly a row a send

	// Barrier is the longest time between two barriers while records come;
	// default 1 s. MaxRows brings one earlier; default 50,000.
	Barrier time.Duration
	MaxRows int
	// Drain is how long a claim may go on once it is to be given back; default 5 s.
	Drain time.Duration
	// Newest is how many flags are remembered for the API; default 1,000.
	Newest int

	Now       func() time.Time // wall clock; default time.Now
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

func (c NumbersConfig) withDefaults() NumbersConfig {
	setDefault(&c.PaneBits, 16)
	setDefault(&c.Barrier, time.Second)
	setDefault(&c.MaxRows, 50_000)
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

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Numbers is the numbers role of one process.
type Numbers struct {
	config NumbersConfig
	board  board
	newest ring
	notice sync.Once
	roster roster[*partition, *engine.Engine]
}

// NewNumbers gives a role that does nothing yet.
func NewNumbers(config NumbersConfig) *Numbers {
	config = config.withDefaults()
	n := &Numbers{config: config, newest: ring{size: config.Newest}}
	n.roster.counted = func(owned int) {
		config.Telemetry.Metrics().Set(telemetry.Partitions, float64(owned), RoleNumbers)
	}
	return n
}

// Run works on what the group gives until ctx ends; then everything is brought
// to a barrier and given back.
func (n *Numbers) Run(ctx context.Context, join Join) error { return join(ctx, n.serve) }

// serve owns one partition until ctx ends.
func (n *Numbers) serve(ctx context.Context, claim Claim, log Log) error {
	p, asks := n.roster.claim(claim.Partition, func() *partition { return newPartition(n, claim) })
	p.asks = asks
	defer p.metrics.Forget("role", RoleNumbers, "partition", p.label)
	err := p.run(ctx, log)
	n.roster.release(claim.Partition, p, err == nil)
	p.end(ctx, err, n.config.Logger)
	return nil
}

// Ask calls question with the engine of every partition of this process, one
// after another, each in the goroutine that owns it. The question must be quick
// and must not keep the engine.
func (n *Numbers) Ask(ctx context.Context, question func(*engine.Engine)) error {
	return n.roster.ask(ctx, question)
}

// Newest gives the newest flags of this process, newest first, each as it went
// to the flags topic.
func (n *Numbers) Newest(limit int) []json.RawMessage { return n.newest.last(limit) }

// Remember takes a flag of another role among the newest.
func (n *Numbers) Remember(flag json.RawMessage) { n.newest.add(flag) }

// Status tells how far each partition is.
func (n *Numbers) Status() []PartitionStatus { return n.board.all() }

// Live gives nil while every partition's loop goes round.
func (n *Numbers) Live() error { return live(RoleNumbers, n.board.all(), n.config.Now()) }

// Ready gives nil once the partitions are assigned and have been read to their
// end, while Kafka answers.
func (n *Numbers) Ready() error {
	all := n.board.all()
	return errors.Join(ready(RoleNumbers, n.board.hasJoined(), all), silent(RoleNumbers, all, n.config.Now()))
}

// maxNewest bounds the bytes of the flags that a ring remembers: a flag with long
// ids may have most of a megabyte.
const maxNewest = 16 << 20

// ring remembers the last flags, size of them or maxNewest bytes.
type ring struct {
	size  int
	mu    sync.Mutex
	flags []json.RawMessage // oldest first
	bytes int
}

func (r *ring) add(flag json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flags = append(r.flags, flag)
	r.bytes += len(flag)
	for len(r.flags) > r.size || r.bytes > maxNewest {
		r.bytes -= len(r.flags[0])
		r.flags[0] = nil // the memory behind the slice's start is kept
		r.flags = r.flags[1:]
	}
}

func (r *ring) last(limit int) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.flags[len(r.flags)-min(limit, len(r.flags)):])
	slices.Reverse(out)
	return out
}
