package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/telemetry"
)

// role is what the roles of a process have in common: settings, and the statuses of
// the partitions.
type role struct {
	name      string
	rebuilds  bool // its state follows from the whole log
	drain     time.Duration
	now       func() time.Time
	telemetry *telemetry.Telemetry
	logger    *slog.Logger
	bounds    Bounds

	checkpoints *Checkpoints // nil: states are in memory only
	keeper      Keeper       // nil: incidents are kept in memory only
	// more returns what is wrong with the role beside its partitions; nil for nothing.
	more func(now time.Time, all []PartitionStatus) []Problem

	statuses statuses
	notes    notes
	joined   atomic.Bool
	failing  atomic.Pointer[error] // why it cannot be in its group at present
	notice   sync.Once             // of what every partition would say
}

// Status returns how far each partition is, by partition.
func (r *role) Status() []PartitionStatus { return r.statuses.all() }

// Live returns nil while the loop of every partition goes round, else which one is
// stuck.
func (r *role) Live() error { return live(r.name, r.statuses.all(), r.now()) }

// statefulTask is a task whose state outlives a claim.
type statefulTask interface {
	comparable
	task
	progress() *partitionProgress
}

// serveStateful owns one partition of a role with state until ctx ends. Where others
// have claimed its checkpoints in between, it begins again with the newest of them.
func serveStateful[T statefulTask](
	ctx context.Context, r *role, a *assignments[T], claim Claim, log Log, fresh func() T, prepare func(context.Context, T) error,
) {
	for {
		t, questions := a.claim(claim.Partition, fresh)
		p := t.progress()
		p.claim = claim
		l := loop{partitionProgress: p, task: t, questions: questions}
		kept := newStateKeeper(ctx, p, t)
		if kept != nil {
			l.states = kept
		}
		l.prepare = func(ctx context.Context) error {
			if kept != nil {
				if err := kept.claim(ctx); err != nil {
					return err
				}
			}
			r.sayStart(p)
			if prepare != nil {
				return prepare(ctx, t)
			}
			return nil
		}
		err := l.run(ctx, log)
		a.release(claim.Partition, t, err == nil)
		if !errors.Is(err, checkpoint.ErrFenced) || ctx.Err() != nil {
			p.finish(ctx, err)
			return
		}
		leaveToOther(ctx, r.logger, claim)
	}
}

// sayStart says once that partitions are read from the start of their logs.
func (r *role) sayStart(p *partitionProgress) {
	if p.next != FromStart {
		return
	}
	why := "because no checkpoints are kept (checkpoints.store)"
	if r.checkpoints != nil {
		why = "because it has no checkpoint yet"
	}
	r.notice.Do(func() {
		r.logger.Info("reading a partition from the start of its log, "+why+"; flags and rows that were written before are written again, the same",
			"role", r.name, "partition", p.claim.String())
	})
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// orNow returns now, or the wall clock if there is none.
func orNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
