package pipeline

import (
	"context"
	"fmt"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// partition is one partition of the events topic and all that is known of it.
// Its goroutine owns every field.
type partition struct {
	role *Numbers
	place
	decoder *codec.Decoder
	engine  *engine.Engine
	judge   judge

	asks <-chan func(*engine.Engine) // questions for the owner

	out     event.Output // since the last barrier
	sent    int          // flags of out that are in the flags topic
	letters []event.DeadLetter
	rejects []*event.Record // beside letters: the records themselves
	outbox  outbox
	told    told // what the portfolios role knows of us

	// generation names what numbers the changes, beside the log.
	generation uint64

	taken       int // bytes of records since the last barrier
	lastBarrier time.Time
	idleSince   time.Time // when the last record was read
	lastClock   time.Time
	reported    engine.Stats
}

func newPartition(n *Numbers, claim Claim) *partition {
	c := &n.config
	j := newJudge(c, claim)
	p := &partition{
		role: n, place: newPlace(RoleNumbers, claim, &n.board, c.Now, c.Telemetry.Metrics()),
		decoder: decoder(c, j.policy), judge: j,
		generation: generation(j.policy.Version),
	}
	p.engine = engine.New(engine.Config{
		Topic: claim.Topic, Partition: claim.Partition, Policy: j.policy, DedupHorizon: c.DedupHorizon, PaneBits: c.PaneBits,
		MaxKeys:    c.MaxKeys,
		NoContacts: c.NoContacts,
		Feed:       c.Topics != nil,
		Budget:     c.MaxRows,
	})
	return p
}

// run reads until ctx ends, then brings everything to a barrier. It returns
// nil only if all outputs have been acknowledged.
func (p *partition) run(ctx context.Context, log Log) error {
	now := p.now
	work, stop := outlive(ctx, p.role.config.Drain)
	defer stop()

	p.committed = -1
	p.publish(StateOpening)
	if p.next == FromStart {
		p.role.notice.Do(func() {
			p.role.config.Logger.Info("there are no checkpoints: each partition is read from the beginning of its log; flags and rows that were written before are written again, the same")
		})
	}
	next, err := log.Open(ctx, p.next)
	if err != nil {
		if ctx.Err() != nil {
			return nil // nothing was done, nothing is owed
		}
		return err
	}
	if p.next == FromStart && next > 0 {
		p.role.config.Logger.Warn(cutLog, "role", RoleNumbers, "partition", p.claim.String(), "first", next)
	}
	p.next = next
	p.lastBarrier, p.idleSince = now(), now()

	fetching, stopFetching := context.WithCancel(ctx)
	batches := ahead(fetching, p.claim, log, now, p.role.config.Telemetry)
	defer func() {
		stopFetching()
		for range batches { // it must not touch the log after we have returned
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case f, open := <-batches:
			switch {
			case !open || ctx.Err() != nil:
				return p.barrier(work, log)
			case f.err != nil:
				return f.err
			}
			if err := p.take(work, f); err != nil {
				return err
			}
			if p.watch(f.batch) || p.due() {
				if err := p.barrier(work, log); err != nil {
					return err
				}
			}
			if err := p.announce(work, f.batch); err != nil {
				return err
			}
			if err := p.wakeClock(work, f.batch); err != nil {
				return err
			}
		case question := <-p.asks:
			question(p.engine)
		case <-tick.C:
			p.publish(p.status.State)
		case <-ctx.Done():
			return p.barrier(work, log)
		}
	}
}

// take applies a batch and sends what must not wait: its flags and dead letters.
func (p *partition) take(ctx context.Context, f fetched) error {
	start := p.now()
	tracer := p.role.config.Telemetry
	ctx, span := tracer.StartSpan(ctx, telemetry.OperationApply, p.claim.Topic, p.claim.Partition)
	err := p.apply(ctx, f.batch)
	applied := p.now()
	if err == nil {
		err = p.emit(ctx)
	}
	span.End(len(f.batch.Records), err)
	if err != nil {
		return err
	}
	if len(f.batch.Records) > 0 {
		p.idleSince = applied
	}
	p.report(f, applied.Sub(start))
	return nil
}

// apply decodes the records and feeds the engine. Dead letters alias the batch
// and must be sent before the next but one is fetched.
func (p *partition) apply(ctx context.Context, batch *event.Batch) error {
	var ev event.Event
	for i := range batch.Records {
		r := &batch.Records[i]
		p.taken += len(r.Value)
		content := codec.ContentUnknown
		if len(r.Headers) > 0 {
			content = codec.ParseContentType(r.Header(codec.ContentTypeHeader))
		}
		if err := p.decoder.Decode(&ev, r.Value, content, r.Timestamp); err != nil {
			more := p.engine.Skip(event.ClassRejected, r.Offset, r.Timestamp, &p.out)
			if err := p.goOn(ctx, more); err != nil {
				return err
			}
			p.reject(r, err)
			p.shade(nil, r, content)
			continue
		}
		p.shade(&ev, r, content)
		class, more := p.engine.Apply(&ev, r.Offset, r.Timestamp, &p.out)
		if err := p.goOn(ctx, more); err != nil {
			return err
		}
		if class == event.ClassApplied {
			if ev.Type == event.TypePolicy {
				if err := p.turn(&ev, r); err != nil {
					return err
				}
			}
			p.told.applied(&ev)
			if ev.Shared() {
				p.shareEvent(&ev, r)
			}
		}
	}
	for _, u := range batch.Unreadable {
		p.status.Unreadable += u.Last - u.First + 1
		p.metrics.Add(telemetry.Unreadable, u.Last-u.First+1, RoleNumbers, p.label)
		p.letters = append(p.letters, event.DeadLetter{
			Position: event.Position{Topic: p.claim.Topic, Partition: p.claim.Partition, Offset: u.First},
			Reason:   reasonUnreadable,
			Detail:   fmt.Sprintf("offsets %d to %d: %s", u.First, u.Last, u.Reason),
		})
		p.rejects = append(p.rejects, nil)
		p.role.config.Logger.Error("a batch of records cannot be read and is stepped over",
			"partition", p.claim.String(), "first", u.First, "last", u.Last, "reason", u.Reason)
	}
	p.next = batch.Next
	return nil
}

// goOn does what is left of a record, in portions, while more is true.
func (p *partition) goOn(ctx context.Context, more bool) error {
	for more {
		if err := p.sendSome(ctx); err != nil {
			return err
		}
		more = p.engine.Continue(&p.out)
	}
	return nil
}

// reasonUnreadable is the dead letter's reason of a whole run of offsets.
const reasonUnreadable = "unreadable"

func (p *partition) reject(r *event.Record, err error) {
	at := event.Position{Topic: p.claim.Topic, Partition: p.claim.Partition, Offset: r.Offset}
	p.letters = append(p.letters, codec.NewDeadLetter(at, r.Timestamp, r.Key, r.Value, err))
	p.rejects = append(p.rejects, r)
}

// maxTaken brings a barrier before its time: what is kept until then may be as
// much as what was read.
const maxTaken = 64 << 20

// due tells whether it is time for a barrier.
func (p *partition) due() bool {
	if p.next == p.committed {
		return false
	}
	return p.out.Len() >= p.role.config.MaxRows || p.taken >= maxTaken || p.now().Sub(p.lastBarrier) >= p.role.config.Barrier
}

// barrier is law 1, and the only place of it in this role: all outputs
// acknowledged, then the state durable, then the offset committed.
func (p *partition) barrier(ctx context.Context, log Log) error {
	ctx, span := p.role.config.Telemetry.StartSpan(ctx, telemetry.OperationFlush, p.claim.Topic, p.claim.Partition)
	err := p.settle(ctx, log)
	span.End(0, err)
	return err
}

func (p *partition) settle(ctx context.Context, log Log) error {
	if err := p.emit(ctx); err != nil {
		return err
	}
	for p.engine.Flush(&p.out) {
		if err := p.sendSome(ctx); err != nil {
			return err
		}
	}
	p.shadowFlags()
	if err := p.sendRows(ctx); err != nil {
		return err
	}
	if err := p.tellShared(ctx); err != nil {
		return err
	}
	p.noteChanges()
	if err := p.tellProgress(ctx); err != nil {
		return err
	}
	p.out.Reset()
	p.sent = 0
	// A checkpoint of the engine at p.next belongs here: after the outputs of
	// everything before p.next, before the offset says that they are done.
	if p.next != p.committed && p.next != FromStart {
		if err := log.Commit(p.next); err != nil {
			// Nothing is lost by it: the offset is for those who watch the lag.
			p.role.config.Logger.Warn("an offset could not be committed", "partition", p.claim.String(), "offset", p.next, "error", err)
		} else {
			p.committed = p.next
		}
	}
	p.taken, p.lastBarrier = 0, p.now()
	return nil
}

// sendSome writes what out holds and empties it, so that a barrier of very many
// rows, or a record that lets much time pass, needs no more memory than others.
func (p *partition) sendSome(ctx context.Context) error {
	if err := p.emit(ctx); err != nil {
		return err
	}
	if err := p.sendRows(ctx); err != nil {
		return err
	}
	p.noteChanges()
	p.out.Reset()
	p.sent = 0
	return nil
}

// noteChanges remembers the newest change that has been written.
func (p *partition) noteChanges() {
	if n := len(p.out.Changes); n > 0 {
		p.told.sequence = p.out.Changes[n-1].Sequence
	}
}

// produce writes messages to a topic.
func (p *partition) produce(ctx context.Context, topic string, messages []event.Message) error {
	return p.place.produce(ctx, p.role.config.Writer, topic, messages)
}

// report publishes, once a fetch, what was counted since the last.
func (p *partition) report(f fetched, apply time.Duration) {
	stats := p.engine.Stats()
	state := p.fetched(f)
	p.status.Engine = stats
	p.publish(state)

	m := p.metrics
	for class := range event.NumClasses {
		m.Add(telemetry.Records, stats.Records[class]-p.reported.Records[class], p.label, class.String())
	}
	m.Add(telemetry.LateEvents, stats.Late-p.reported.Late, p.label)
	m.Add(telemetry.DroppedKeys, stats.Dropped-p.reported.Dropped, p.label)
	for o := range engine.NumOddities {
		m.Add(telemetry.OddEvents, stats.Oddities[o]-p.reported.Oddities[o], p.label, o.String())
	}
	p.reported = stats
	if stats.Watermark > 0 { // before the first event there is no time to be behind of
		m.Set(telemetry.Watermark, float64(stats.Watermark)/1000, RoleNumbers, p.label)
	}
	for _, kind := range []struct {
		name string
		n    int
	}{
		{"numbers", stats.Numbers},
		{"conversations", stats.Conversations},
		{"pending", stats.Pending},
		{"fingerprints", stats.Fingerprints},
		{"templates", stats.Templates},
	} {
		m.Set(telemetry.StateEntries, float64(kind.n), RoleNumbers, p.label, kind.name)
	}
	m.Observe(telemetry.ApplyDuration, apply, RoleNumbers)
}
