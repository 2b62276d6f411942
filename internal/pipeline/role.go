package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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

	keeper Keeper // nil: incidents are kept in memory only
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

// serveStateful owns one partition of a role with state until ctx ends.
func serveStateful[T statefulTask](
	ctx context.Context, r *role, a *assignments[T], claim Claim, log Log, fresh func() T, prepare func(context.Context, T) error,
) {
	t, questions := a.claim(claim.Partition, fresh)
	p := t.progress()
	p.claim = claim
	if p.next == FromStart {
		r.notice.Do(func() {
			r.logger.Info("reading every partition from the start of its log, because there are no checkpoints; flags and rows that were written before are written again, the same",
				"role", r.name)
		})
	}
	l := loop{partitionProgress: p, task: t, questions: questions}
	if prepare != nil {
		l.prepare = func(ctx context.Context) error { return prepare(ctx, t) }
	}
	err := l.run(ctx, log)
	a.release(claim.Partition, t, err == nil)
	p.finish(ctx, err)
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
