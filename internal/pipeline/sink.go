package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// SinkConfig is what the sink role needs to know.
type SinkConfig struct {
	Store Store
	// Every is the least time between two inserts while there is little to insert;
	// default 1 s. MaxRows brings one earlier; default 100,000.
	Every   time.Duration
	MaxRows int
	// MaxBytes bounds what one partition holds, as it came off the wire; default 4 MiB.
	MaxBytes int
	// Drain is how long a claim may continue once it must be given back; default 5 s.
	Drain time.Duration
	// Retry is the longest pause between two tries of an insert; default 30 s.
	Retry time.Duration

	// Bounds say from when on something is a reason for not being ready.
	Bounds Bounds
	// Keeper keeps what an operator has to acknowledge; nil keeps it in memory only.
	Keeper Keeper

	Now       func() time.Time // wall clock; default time.Now
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

func (c SinkConfig) withDefaults() SinkConfig {
	setDefault(&c.Every, time.Second)
	setDefault(&c.MaxRows, 100_000)
	setDefault(&c.MaxBytes, 4<<20)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.Retry, 30*time.Second)
	setDefault(&c.Logger, slog.Default())
	c.Now = orNow(c.Now)
	return c
}

// Sink is the sink role of one process: what the rows topic holds goes to the store. All
// its partitions share one inserter, since a store likes few large inserts better than
// many small ones.
type Sink struct {
	role
	config   SinkConfig
	inserter inserter
}

// NewSink returns a role that does nothing yet.
func NewSink(config SinkConfig) *Sink {
	c := config.withDefaults()
	s := &Sink{config: c, role: role{
		name: event.RoleSink, drain: c.Drain, now: c.Now, telemetry: c.Telemetry, logger: c.Logger, keeper: c.Keeper, bounds: c.Bounds.withDefaults(),
	}}
	s.more = s.refusal
	s.inserter = newInserter(&s.config)
	return s
}

// Run works on what the group assigns until ctx ends; then what was fetched is inserted,
// committed and given back.
func (s *Sink) Run(ctx context.Context, join Join) error {
	// The inserter is stopped last: the partitions need it to drain.
	inserting, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.inserter.run(inserting)
	}()
	err := s.runGroup(ctx, join, s.serve)
	stop()
	<-ended
	return err
}

// serve owns one partition of the rows topic until ctx ends.
func (s *Sink) serve(ctx context.Context, claim Claim, log Log) error {
	s.inserter.clients.Add(1)
	defer s.inserter.clients.Add(-1)
	from := claim.Committed
	for {
		t := &sinkTask{sink: s, partitionProgress: newPartitionProgress(&s.role, claim, from), newest: claim.CommittedTime}
		l := loop{partitionProgress: &t.partitionProgress, task: t}
		l.owns = func(ctx context.Context) error { return t.notReplaced(ctx, log) }
		err := l.run(ctx, log)
		if replaced, ok := errors.AsType[*replacedError](err); ok && ctx.Err() == nil {
			t.rest(err)
			leaveToOther(ctx, s.logger, claim)
			if ctx.Err() == nil {
				claim.Committed, claim.CommittedTime, from = replaced.committed, 0, replaced.committed
				continue
			}
			err = nil
		}
		if !t.finish(ctx, err) {
			return nil
		}
		from = t.committed
	}
}

// Fault returns why the last try to store rows failed, "" while it does not.
func (s *Sink) Fault() string { return s.inserter.lastFault() }

// refusal names a store that takes no rows.
func (s *Sink) refusal(time.Time, []PartitionStatus) []Problem {
	if fault := s.Fault(); fault != "" {
		return []Problem{{Reason: ReasonStoreRefuses, Role: event.RoleSink, Detail: "rows cannot be stored now and wait in Kafka: " + fault}}
	}
	return nil
}
