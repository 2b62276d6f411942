package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/retry"
	"sendwatch/internal/telemetry"
)

// inserter collects the rows of several partitions and inserts them together, one insert
// at a time.
type inserter struct {
	config  *SinkConfig
	blocks  chan block
	clients atomic.Int64 // partitions that can still hand in a block
	fault   atomic.Pointer[string]
}

// block is one partition's rows on their way to the store. Its owner waits for done and
// touches nothing of it until then.
type block struct {
	ctx  context.Context
	rows *event.Output
	done chan error
}

func newInserter(config *SinkConfig) inserter {
	return inserter{config: config, blocks: make(chan block)}
}

// insert returns once the store has taken the rows, or ctx has ended.
func (s *inserter) insert(ctx context.Context, rows *event.Output) error {
	b := block{ctx: ctx, rows: rows, done: make(chan error, 1)}
	select {
	case s.blocks <- b:
		return <-b.done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run inserts until ctx ends. A block waits until there is enough, until every partition
// has one waiting, or until Every has passed since the last insert.
func (s *inserter) run(ctx context.Context) {
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
		waiting = s.collect(waiting, max(0, s.config.Every-s.config.Now().Sub(last)))
		all.Reset()
		for _, b := range waiting {
			all.Append(b.rows)
		}
		err := s.store(ctx, waiting, &all)
		last = s.config.Now()
		for _, b := range waiting {
			b.done <- err
		}
	}
}

// collect waits for more blocks, no longer than it is worth.
func (s *inserter) collect(waiting []block, longest time.Duration) []block {
	deadline := time.NewTimer(longest)
	defer deadline.Stop()
	n := waiting[0].rows.Len()
	for n < s.config.MaxRows && (n < s.config.MaxRows/10 || int64(len(waiting)) < s.clients.Load()) {
		select {
		case b := <-s.blocks:
			waiting = append(waiting, b)
			n += b.rows.Len()
		case <-deadline.C:
			return waiting
		}
	}
	return waiting
}

// store tries until the store has taken the rows or every block's owner has given up.
// The rows stay the same, so a try whose outcome is unknown is simply repeated.
func (s *inserter) store(ctx context.Context, waiting []block, all *event.Output) error {
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
		err := failpoint.Here(failpoint.Inserting)
		if err == nil {
			err = s.config.Store.Write(spanned, all)
		}
		if err == nil {
			err = failpoint.Here(failpoint.Inserted)
		}
		span.End(all.Len(), err)
		if err == nil {
			if s.fault.Swap(nil) != nil {
				s.config.Logger.Info("insert succeeded again")
			}
			m.Observe(telemetry.InsertDuration, s.config.Now().Sub(start))
			for t := range event.NumStoredTables {
				m.Add(telemetry.SinkRows, int64(all.Rows(t)), t.String())
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("rows were not stored in time: %w", errors.Join(context.Cause(ctx), err))
		}
		m.Add(telemetry.SinkErrors, 1)
		text := err.Error()
		if s.fault.Swap(&text) == nil {
			s.config.Logger.Warn("insert failed and is retried: rows wait in Kafka and none is lost; see whether ClickHouse is up and takes inserts", "error", err)
		}
		_ = pause.Wait(ctx) // its end is noticed by the next try
	}
}

// lastFault returns why the last try failed, "" while it did not.
func (s *inserter) lastFault() string {
	if text := s.fault.Load(); text != nil {
		return *text
	}
	return ""
}
