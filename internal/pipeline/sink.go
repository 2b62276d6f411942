package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/retry"
	"sendwatch/internal/telemetry"
)

// SinkConfig is what the sink role needs to know.
type SinkConfig struct {
	Store Store
	// Every is the least time between two inserts while there is little to
	// insert; default 1 s. MaxRows brings one earlier; default 100,000.
	Every   time.Duration
	MaxRows int
	// MaxBytes bounds what one partition holds, as it came off the wire;
	// default 4 MiB.
	MaxBytes int
	// Drain is how long a claim may go on once it is to be given back; default 5 s.
	Drain time.Duration
	// Retry is the longest pause between two tries of an insert; default 30 s.
	Retry time.Duration

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
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Sink is the sink role of one process: what the rows topic holds goes to the
// store. All its partitions share one inserter, since a store likes few large
// inserts better than many small ones.
type Sink struct {
	config SinkConfig
	board  board
	blocks chan block
	claims atomic.Int64 // partitions that can still hand in a block
	fault  atomic.Pointer[string]
}

// block is one partition's rows on their way to the store. Its owner waits for
// done and touches nothing of it until then.
type block struct {
	ctx  context.Context
	rows *event.Output
	done chan error
}

// NewSink gives a role that does nothing yet.
func NewSink(config SinkConfig) *Sink {
	return &Sink{config: config.withDefaults(), blocks: make(chan block)}
}

// Run works on what the group gives until ctx ends; then what was fetched is
// inserted, committed and given back.
func (s *Sink) Run(ctx context.Context, join Join) error {
	// The inserter is stopped last: the partitions need it to drain.
	inserting, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.insertAll(inserting)
	}()
	err := join(ctx, s.serve)
	stop()
	<-ended
	return err
}

// serve owns one partition of the rows topic until ctx ends.
func (s *Sink) serve(ctx context.Context, claim Claim, log Log) error {
	s.claims.Add(1)
	defer s.claims.Add(-1)
	p := &sinkPartition{sink: s, place: newPlace(RoleSink, claim, &s.board, s.config.Now, s.config.Telemetry.Metrics())}
	defer p.metrics.Forget("role", RoleSink, "partition", p.label)
	p.end(ctx, p.run(ctx, log), s.config.Logger)
	return nil
}

// sinkPartition is one partition of the rows topic. Its goroutine owns it.
type sinkPartition struct {
	sink *Sink
	place
	decoded codec.Rows
	rows    event.Output // since the last commit
	bytes   int
}

// run reads until ctx ends.
func (p *sinkPartition) run(ctx context.Context, log Log) error {
	work, stop := outlive(ctx, p.sink.config.Drain)
	defer stop()
	p.publish(StateOpening)
	next, err := log.Open(ctx, p.claim.Committed)
	if err != nil {
		return err
	}
	p.next, p.committed = next, next

	fetching, stopFetching := context.WithCancel(ctx)
	batches := ahead(fetching, p.claim, log, p.now, p.sink.config.Telemetry)
	defer func() {
		stopFetching()
		for range batches { // it must not touch the log after we have returned
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.publish(p.status.State)
		case f, open := <-batches:
			switch {
			case !open || ctx.Err() != nil:
				return p.settle(work, log)
			case f.err != nil:
				return f.err
			}
			p.take(f)
			// More is collected only while more is there to be had at once.
			if p.next >= f.batch.End || p.bytes >= p.sink.config.MaxBytes || p.rows.Len() >= p.sink.config.MaxRows {
				if err := p.settle(work, log); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return p.settle(work, log)
		}
	}
}

// take decodes a batch of records. One that is no rows batch is not ours to
// repair and stops nothing: it is counted, logged and passed over.
func (p *sinkPartition) take(f fetched) {
	for i := range f.batch.Records {
		r := &f.batch.Records[i]
		if err := codec.DecodeRows(r.Value, &p.decoded); err != nil {
			p.bad(r.Offset, r.Offset, err.Error())
			continue
		}
		p.decoded.Changes = p.decoded.Changes[:0] // they are of use to portfolios alone
		p.rows.Append(&p.decoded.Output)
		p.bytes += len(r.Value)
	}
	for _, u := range f.batch.Unreadable {
		p.bad(u.First, u.Last, u.Reason)
	}
	p.next = f.batch.Next
	p.report(f)
}

func (p *sinkPartition) bad(first, last int64, reason string) {
	p.status.Unreadable += last - first + 1
	p.metrics.Add(telemetry.Unreadable, last-first+1, RoleSink, p.label)
	p.sink.config.Logger.Error("a record of the rows topic cannot be read and is passed over; if the numbers role wrote it, ClickHouse lacks its rows "+
		"until the processes of the numbers role are started again, which write everything anew",
		"role", RoleSink, "partition", p.claim.String(), "first", first, "last", last, "reason", reason)
}

// settle is law 1 in this role: rows stored, then the offset committed.
func (p *sinkPartition) settle(ctx context.Context, log Log) error {
	if p.rows.Len() > 0 {
		state := p.status.State
		p.publish(StateWaiting)
		b := block{ctx: ctx, rows: &p.rows, done: make(chan error, 1)}
		select {
		case p.sink.blocks <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := <-b.done; err != nil {
			return err
		}
		p.rows.Reset()
		p.bytes = 0
		p.publish(state)
	}
	if p.next != p.committed {
		if err := log.Commit(p.next); err != nil {
			p.sink.config.Logger.Warn("an offset could not be committed; the rows before it are written again, the same",
				"partition", p.claim.String(), "offset", p.next, "error", err)
			return nil
		}
		p.committed = p.next
	}
	return nil
}

func (p *sinkPartition) report(f fetched) {
	p.publish(p.fetched(f))
	p.metrics.Set(telemetry.Partitions, float64(p.sink.claims.Load()), RoleSink)
}

// insertAll gathers blocks and inserts them, one insert at a time. A block
// waits until there is enough, until every partition has one waiting, or until
// Every has passed since the last insert.
func (s *Sink) insertAll(ctx context.Context) {
	var last time.Time
	var all event.Output
	for {
		var waiting []block
		select {
		case b := <-s.blocks:
			waiting = append(waiting, b)
		case <-ctx.Done():
			return
		}
		deadline := time.NewTimer(max(0, s.config.Every-s.config.Now().Sub(last)))
		n := waiting[0].rows.Len()
	gather:
		for n < s.config.MaxRows && (n < s.config.MaxRows/10 || int64(len(waiting)) < s.claims.Load()) {
			select {
			case b := <-s.blocks:
				waiting = append(waiting, b)
				n += b.rows.Len()
			case <-deadline.C:
				break gather
			}
		}
		deadline.Stop()
		all.Reset()
		for _, b := range waiting {
			all.Append(b.rows)
		}
		err := s.insert(ctx, waiting, &all)
		last = s.config.Now()
		for _, b := range waiting {
			b.done <- err
		}
	}
}

// insert tries until the store has taken the rows or every block's owner has
// given up. The rows stay the same, so a try whose outcome is unknown is
// simply repeated.
func (s *Sink) insert(ctx context.Context, waiting []block, all *event.Output) error {
	// As long as one owner waits, it is worth trying.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var left atomic.Int64
	left.Store(int64(len(waiting)))
	for _, b := range waiting {
		defer context.AfterFunc(b.ctx, func() {
			if left.Add(-1) == 0 {
				cancel(context.Cause(b.ctx))
			}
		})()
	}
	m := s.config.Telemetry.Metrics()
	pause := retry.Backoff{First: 250 * time.Millisecond, Max: s.config.Retry}
	for {
		start := s.config.Now()
		spanned, span := s.config.Telemetry.StartSpan(ctx, telemetry.OperationInsert, "all", -1)
		err := s.config.Store.Write(spanned, all)
		span.End(all.Len(), err)
		if err == nil {
			if s.fault.Swap(nil) != nil {
				s.config.Logger.Info("rows are stored again")
			}
			m.Observe(telemetry.InsertDuration, s.config.Now().Sub(start))
			for t := range event.NumStoredTables {
				m.Add(telemetry.SinkRows, int64(all.Rows(t)), t.String())
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the rows were not stored in time: %w", errors.Join(context.Cause(ctx), err))
		}
		m.Add(telemetry.SinkErrors, 1)
		text := err.Error()
		if s.fault.Swap(&text) == nil {
			s.config.Logger.Warn("rows could not be stored; they wait in Kafka and the insert is tried again", "error", err)
		}
		_ = pause.Wait(ctx) // its end is noticed by the next try
	}
}

// Fault says why the last try to store rows failed, "" while it does.
func (s *Sink) Fault() string {
	if text := s.fault.Load(); text != nil {
		return *text
	}
	return ""
}

// Status tells how far each partition is.
func (s *Sink) Status() []PartitionStatus { return s.board.all() }

// Live gives nil while every partition's loop goes round.
func (s *Sink) Live() error { return live(RoleSink, s.board.all(), s.config.Now()) }

// Stopped gives nil while no partition is stopped.
func (s *Sink) Stopped() error { return stopped(RoleSink, s.board.all()) }

// Ready gives nil once the partitions are assigned and read to their end, while
// Kafka answers and ClickHouse takes rows.
func (s *Sink) Ready() error {
	if fault := s.Fault(); fault != "" {
		return fmt.Errorf("%s: rows cannot be stored now and wait in Kafka: %s", RoleSink, fault)
	}
	all := s.board.all()
	asking := slices.DeleteFunc(slices.Clone(all), func(p PartitionStatus) bool { return p.State == StateWaiting }) // for ClickHouse
	return errors.Join(ready(RoleSink, s.board.hasJoined(), all), silent(RoleSink, asking, s.config.Now()))
}
