package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/retry"
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
	logsMu   sync.Mutex
	logs     map[int32]string // by partition: the Identity of the log that was served last
	notice   sync.Once        // of what every partition would say
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
	before, another := r.servedLog(claim)
	pause := retry.Backoff{First: time.Second, Max: time.Minute}
	var others rivals
	for reason, at, detail := NumReasons, int64(0), ""; ; {
		t, questions := a.claim(claim.Partition, fresh)
		if another && t.progress().claim.Identity != claim.Identity { // parked, of the old log
			a.release(claim.Partition, t, false)
			t, questions = a.claim(claim.Partition, fresh)
		}
		p := t.progress()
		p.claim, p.status.rivals = claim, others
		switch {
		case another:
			p.beginAnotherLog(ctx, before)
			another = false
		case reason != NumReasons:
			p.noteBegunAgain(reason, at, detail)
		}
		started := r.now()
		err := serveTask(ctx, r, t, questions, log, prepare)
		a.release(claim.Partition, t, err == nil)
		if r.now().Sub(started) > pause.Max {
			pause.Reset()
		}
		reason = NumReasons
		switch begins, why := r.restarts(ctx, err); {
		case p.renew(ctx, err, log):
			return
		case errors.Is(err, checkpoint.ErrFenced) && ctx.Err() == nil:
			others.note(r.now(), r.checkpoints.Every)
			p.status.rivals = others
			p.rest(err)
			leaveToOther(ctx, r.logger, claim)
		case begins:
			p.rest(err)
			r.logger.Warn("partition begins again: its log is read from the start, with a state that starts empty", "role", r.name, "partition", claim.String(), "error", err)
			reason, at, detail = why, p.next, err.Error()
			if pause.Wait(ctx) != nil {
				p.finish(ctx, err)
				return
			}
		case !p.finish(ctx, err):
			return
		}
	}
}

// serveTask drives a task until ctx ends or it fails.
func serveTask[T statefulTask](ctx context.Context, r *role, t T, questions <-chan func(), log Log, prepare func(context.Context, T) error) error {
	p := t.progress()
	l := loop{partitionProgress: p, task: t, questions: questions}
	kept := newStateKeeper(ctx, p, t)
	if kept != nil {
		l.states, l.owns = kept, kept.owns
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
	return l.run(ctx, log)
}

// sayStart says once that partitions are read from the start of their logs.
func (r *role) sayStart(p *partitionProgress) {
	if p.next != FromStart {
		return
	}
	why := "no checkpoints are kept (checkpoints.store)"
	if r.checkpoints != nil {
		why = "it has no checkpoint yet"
	}
	r.notice.Do(func() {
		r.logger.Info("reading a partition from the start of its log; flags and rows that were written before are written again, the same",
			"role", r.name, "partition", p.claim.String(), "because", why)
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
