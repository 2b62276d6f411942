package pipeline

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"sendwatch/internal/retry"
	"sendwatch/internal/telemetry"
)

// runGroup keeps the role a member of its group until ctx ends, and watches over what is
// wrong with it. A group that cannot be joined, or that ends with an error, is named and
// tried again: the trouble of one role never ends the others.
func (r *role) runGroup(ctx context.Context, join Join, serve Serve) error {
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.watch(watching)
	}()
	defer func() { stop(); <-ended }()
	pause := retry.Backoff{First: time.Second, Max: 30 * time.Second}
	for {
		err := join(ctx, func(ctx context.Context, claim Claim, log Log) error {
			r.Joined()
			return serve(ctx, claim, log)
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		r.Failing(err)
		r.logger.Error("group ended with an error and is joined again: mend the cause, nothing need be restarted", "role", r.name, "error", err)
		if pause.Wait(ctx) != nil {
			return nil
		}
	}
}

// Joined records that the role is a member of its group, with or without partitions.
func (r *role) Joined() {
	r.joined.Store(true)
	r.failing.Store(nil)
}

// Failing records why the role cannot be a member of its group at present; nil that it
// can again.
func (r *role) Failing(err error) {
	if err == nil {
		r.failing.Store(nil)
		return
	}
	r.failing.Store(&err)
}

// Problems returns what is wrong with the role now, the worst first. It is nil for a
// role that does what it is there for.
func (r *role) Problems() []Problem {
	var list []Problem
	switch failing := r.failing.Load(); {
	case failing != nil:
		list = append(list, Problem{Reason: reasonOf(*failing, ReasonGroup), Role: r.name, Detail: (*failing).Error()})
	case !r.joined.Load():
		list = append(list, Problem{Reason: ReasonUnassigned, Role: r.name, Detail: "the group has not been joined yet"})
	}
	now, all := r.now(), r.statuses.all()
	for i := range all {
		list = append(list, all[i].problems(now, &r.bounds)...)
	}
	if r.more != nil {
		list = append(list, r.more(now, all)...)
	}
	return list
}

// watched identifies a problem in the log and the metrics.
type watched struct {
	reason    Reason
	partition string
}

// watch looks once a second at what is wrong with the role: what begins and ends is
// logged and shown as a metric. It ends with ctx.
func (r *role) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	current := map[watched]bool{}
	var kept time.Time
	keepFailed := 0 // times in a row
	for {
		select {
		case <-ctx.Done():
			r.telemetry.Metrics().Forget("role", r.name)
			return
		case <-tick.C:
		}
		current = r.show(current)
		if now := r.now(); now.Sub(kept) >= keepEvery {
			kept = now
			err := r.keep(ctx)
			switch {
			case err == nil:
				keepFailed = 0
			case ctx.Err() == nil:
				keepFailed++
			}
			if keepFailed == keepNoisyAfter && err != nil {
				r.logger.Warn("acknowledgements cannot be kept in Kafka: what happens is shown until this process ends; see whether it may use the group",
					"role", r.name, "error", err)
			}
		}
	}
}

// show logs what began and ended since before, sets the metric, and returns what is in
// force.
func (r *role) show(before map[watched]bool) map[watched]bool {
	m := r.telemetry.Metrics()
	current := map[watched]bool{}
	for _, p := range r.Problems() {
		w := watched{p.Reason, ""}
		if p.Topic != "" {
			w.partition = strconv.Itoa(int(p.Partition))
		}
		current[w] = true
		m.Set(telemetry.NotReady, 1, r.name, w.partition, p.Reason.String())
		// What every start brings is no news for a warning.
		if !before[w] && p.Reason != ReasonUnassigned && p.Reason != ReasonCatchingUp && p.Reason != ReasonStopped {
			r.logger.Warn("not ready", "reason", p.Reason.String(), "role", r.name, "topic", p.Topic, "partition", w.partition,
				"detail", p.Detail, "do", reasons[p.Reason].Action)
		}
	}
	for w := range before {
		if current[w] {
			continue
		}
		m.Forget("role", r.name, "partition", w.partition, "reason", w.reason.String())
		r.logger.Info("reason for not being ready is over", "reason", w.reason.String(), "role", r.name, "partition", w.partition)
	}
	return current
}

// Ready returns nil while nothing is wrong with the role, else everything that is.
func (r *role) Ready() error { return Unready(r.Problems(), true) }

// CaughtUp reports whether the role has partitions and all have been read to the end that
// they had at the first fetch. Unlike Ready it says nothing of what was read.
func (r *role) CaughtUp() bool {
	all := r.statuses.all()
	for i := range all {
		if all[i].CaughtUpAt.IsZero() || all[i].State == StateStopped {
			return false
		}
	}
	return len(all) > 0
}

// Unready returns the problems that make a process not ready as one error, nil if there
// are none. alone says that the process has one role only.
func Unready(all []Problem, alone bool) error {
	var lines []string
	for i := range all {
		if all[i].Counts(alone) {
			lines = append(lines, all[i].String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
