package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/processor"
	"sendwatch/internal/telemetry"
)

// numbersTask is one partition of the events topic and all that is known of it. Its
// goroutine owns every field.
type numbersTask struct {
	partitionProgress
	config    *NumbersConfig
	processor *processor.Processor
	state     numbersState // memory for the next checkpoint

	rows        *rowSender
	out         *event.Output // since something was handed over last
	sentFlags   int           // so many of out.Flags are on their way to the flags topic
	handed      int           // rows handed over since the last flush
	kept        int           // bytes of records since something was handed over last
	deadLetters []event.DeadLetter
	rejected    []*event.Record // beside deadLetters: the records, nil for a run of offsets
	messages    messageBuilder
	sent        sentProgress // what the portfolios role knows of this partition
	requested   string       // the version that the policy event appended last names

	// generation identifies the numbering of changes; a reader drops changes of another.
	generation uint64

	newNumbers      []string // seen for the first time since the last flush
	knownNumbers    int
	minute          lastMinute
	batchTally      tally
	readBefore      int64     // offset: an earlier owner has read what lies before it, which is no news of the last minute
	aheadBy         int64     // ms: the largest event time beyond the wall clock
	bytesSinceFlush int       // of records
	atEnd           bool      // by the last batch the log was read to its end
	idleSince       time.Time // when the last record was read
	lastClock       time.Time // when a clock event was appended last
	reported        engine.Stats
}

func newNumbersTask(n *Numbers, claim Claim) *numbersTask {
	c := &n.config
	first := c.Policies.First()
	t := &numbersTask{
		partitionProgress: newPartitionProgress(&n.role, claim, FromStart),
		config:            c,
		generation:        generation(first.Version, claim.Identity),
		idleSince:         n.now(), readBefore: claim.Committed,
		processor: processor.New(processor.Config{
			Engine: engine.Config{
				Topic: claim.Topic, Partition: claim.Partition, Policy: first, DedupHorizon: c.DedupHorizon, PaneBits: c.PaneBits,
				MaxKeys: c.MaxKeys, MaxLinks: c.MaxLinks, NoContacts: c.NoContacts, Feed: c.Topics != nil, Budget: c.portion(),
				AnyOrder: true, StatusByChange: c.StatusByChange,
			},
			Secret: c.Secret, Framing: c.Framing, Policies: c.Policies, Shadow: c.Shadow,
		}),
	}
	t.flags = newFlagSender(&n.role, c.Writer, c.Flags, c.Recent)
	t.rows = newRowSender(&n.role, c, claim, t.flags)
	t.beside, t.out = t.rows.lane, t.rows.empty()
	return t
}

func (t *numbersTask) progress() *partitionProgress { return &t.partitionProgress }

// apply applies a batch and sends what must not wait: its flags and dead letters. A
// partition that is read to its end may be given a policy event or a clock event.
func (t *numbersTask) apply(ctx context.Context, batch *event.Batch) error {
	if batch.Lost.Count() > 0 {
		t.noteLost(batch.Lost, "")
	}
	t.batchTally, t.atEnd = tally{}, batch.Next >= batch.End
	latest := t.now().Add(watermarkAhead).UnixMilli()
	foreseen := 0
	for i := range batch.Records {
		if i == foreseen {
			foreseen += t.processor.Foresee(batch.Records[i:])
		}
		if err := t.applyRecord(ctx, &batch.Records[i], latest); err != nil {
			return err
		}
	}
	for _, u := range batch.Unreadable {
		t.skipUnreadable(u)
	}
	if err := t.sendUrgent(ctx); err != nil {
		return err
	}
	if t.out.Len() >= t.config.portion() || t.kept >= maxPortionBytes {
		if err := t.handOver(ctx, nil, nil); err != nil {
			return err
		}
	}
	if len(batch.Records) > 0 {
		t.idleSince = t.now()
	}
	t.sent.noteBatch(batch, t.now())
	t.report()
	if batch.Next < batch.End || batch.Throttled > 0 {
		return nil // it has not been read to its end
	}
	if err := t.appendPolicyEvent(ctx); err != nil {
		return err
	}
	return t.appendClockEvent(ctx)
}

// applyRecord applies one record. Its dead letter aliases the batch and is sent before
// the next batch is taken.
// Event times beyond latest are remembered with their number.
func (t *numbersTask) applyRecord(ctx context.Context, r *event.Record, latest int64) error {
	t.bytesSinceFlush += len(r.Value)
	t.kept += len(r.Value)
	news := r.Offset >= t.readBefore
	if news {
		t.batchTally.records++
	}
	before := t.processor.Policy()
	class, more, err := t.processor.Apply(r, t.out)
	for more && err == nil {
		if err = t.handOver(ctx, nil, nil); err == nil {
			more, err = t.processor.Continue(t.out)
		}
	}
	if err != nil {
		return fmt.Errorf("%s, offset %d: %w", t.claim.String(), r.Offset, err)
	}
	switch class {
	case event.ClassRejected:
		if news {
			t.batchTally.rejected++
		}
		t.deadLetters, t.rejected = append(t.deadLetters, t.processor.DeadLetter()), append(t.rejected, r)
	case event.ClassApplied:
		ev := t.processor.Event()
		t.sent.noteApplied(ev)
		switch {
		case ev.Shared():
			t.shareEvent(ev, r)
		case len(ev.NumberID) > 0:
			t.noteNumber(ev, r, latest)
		}
		if now := t.processor.Policy(); now != before {
			t.logger.Info("policy switched", "partition", t.claim.String(), "offset", r.Offset, "policy", now.Version, "before", before.Version)
			t.metrics.Add(telemetry.PolicyChanges, 1, t.label, "applied")
		}
	}
	return nil
}

// noteNumber looks at an applied event of a number for what only this partition can see:
// whether the number is new here, its key, and a time beyond the wall clock.
func (t *numbersTask) noteNumber(ev *event.Event, r *event.Record, latest int64) {
	if n := t.processor.Engine().NumberCount(); n > t.knownNumbers {
		t.knownNumbers = n
		if t.config.Topics != nil {
			t.newNumbers = append(t.newNumbers, string(ev.NumberID))
		}
	}
	if !bytes.Equal(r.Key, ev.NumberID) && r.Offset >= t.readBefore {
		t.batchTally.misKeyed++
	}
	if ev.Time > latest && ev.Time > t.aheadBy {
		t.aheadBy = ev.Time
		t.status.WatermarkBy = shortID(string(ev.NumberID))
	}
}

// reasonUnreadable is the dead letter's reason of a whole run of offsets.
const reasonUnreadable = "unreadable"

// skipUnreadable leaves a dead letter for a run of offsets that are not even a batch.
func (t *numbersTask) skipUnreadable(u event.Unreadable) {
	t.noteUnreadable(u.First, u.Last)
	t.deadLetters = append(t.deadLetters, event.DeadLetter{
		Position: event.Position{Topic: t.claim.Topic, Partition: t.claim.Partition, Offset: u.First},
		Reason:   reasonUnreadable,
		Detail:   fmt.Sprintf("offsets %d to %d: %s", u.First, u.Last, u.Reason),
	})
	t.rejected = append(t.rejected, nil)
	t.logger.Error("skipped a batch of events that cannot be read: its events are missing in every figure; see what wrote or damaged it",
		"partition", t.claim.String(), "first", u.First, "last", u.Last, "reason", u.Reason)
}

// maxBytesSinceFlush brings a flush before its time: what is kept until then may be as
// much as what was read.
const maxBytesSinceFlush = 64 << 20

// due reports whether rows should be flushed, or the portfolios role should learn that
// this partition is idle.
func (t *numbersTask) due() bool {
	if t.config.Topics != nil && !t.sent.idle && t.isIdle() {
		return true
	}
	if t.next == t.flushed {
		return false
	}
	if t.handed+t.out.Len() >= t.config.MaxRows || t.bytesSinceFlush >= maxBytesSinceFlush {
		return true
	}
	every := t.config.FlushEvery
	if t.flags.busy() {
		every *= stormFlushes // it would wait for them; the partition reads on meanwhile
	}
	return t.now().Sub(t.lastFlush) >= every
}

// stormFlushes is how many flushes may be left out while flags are being written.
const stormFlushes = 10

// flush hands over all that came of the log so far, and then the progress record that
// vouches for it. The channel is closed once everything is acknowledged.
func (t *numbersTask) flush(ctx context.Context) (<-chan struct{}, error) {
	for t.processor.Flush(t.out) {
		if err := t.handOver(ctx, nil, nil); err != nil {
			return nil, err
		}
	}
	acknowledged := make(chan struct{})
	if err := t.handOver(ctx, t.progressNow, acknowledged); err != nil {
		return nil, err
	}
	t.handed, t.bytesSinceFlush = 0, 0
	return acknowledged, nil
}

// unwritten returns how many rows and changes a flush would hand over.
func (t *numbersTask) unwritten() int { return t.processor.Engine().Unwritten() + t.out.Len() }

// crowded reports whether what is unwritten is all that may be in memory. A partition that is behind has no
// flag that could be early: it is flushed at once where it has a flush's rows, which is the least work.
func (t *numbersTask) crowded() bool {
	most := t.config.MaxRows
	if t.atEnd {
		most *= crowdedRows
	}
	return t.unwritten() >= most || t.bytesSinceFlush >= maxBytesSinceFlush
}

// crowdedRows is how many flushes' rows may be unwritten in a partition that is read to its end.
const crowdedRows = 4

// rowsAhead is how many rows are written ahead at a time: their events hold up those behind
// them for half a millisecond.
const rowsAhead = 512

// writeSome hands over some of the rows that a flush is due to write.
func (t *numbersTask) writeSome(ctx context.Context) (written int, err error) {
	t.processor.FlushSome(rowsAhead, t.out)
	written = t.out.Len()
	return written, t.handOver(ctx, nil, nil)
}

// handOver hands over what is there to be written, behind all that was handed over
// before, and at the end of a flush progress. It waits while too much is on its way, and
// returns what has kept an earlier write from being acknowledged.
func (t *numbersTask) handOver(ctx context.Context, progress func() *codec.Progress, acknowledged chan<- struct{}) error {
	if err := t.sendUrgent(ctx); err != nil {
		return err
	}
	if n := len(t.out.Changes); n > 0 {
		t.sent.sequence = t.out.Changes[n-1].Sequence
	}
	p := portion{rows: t.out, shared: t.sent.shared, numbers: t.newNumbers}
	if progress != nil {
		p.progress = progress()
	}
	t.handed += t.out.Len()
	t.out, t.sentFlags, t.sent.shared, t.newNumbers, t.kept = t.rows.empty(), 0, nil, nil, 0
	give := func() error {
		return t.beside.give(ctx, func(ctx context.Context) error {
			err := t.rows.write(ctx, &p)
			if err == nil && acknowledged != nil {
				close(acknowledged)
			}
			return err
		})
	}
	if t.beside.full() {
		return t.waiting(give)
	}
	return give()
}

// sendUrgent has the dead letters acknowledged and the flags sent that have not been.
// Flags stay in out: they are written among the rows as well.
func (t *numbersTask) sendUrgent(ctx context.Context) error {
	if len(t.deadLetters) > 0 {
		if err := failpoint.Here(failpoint.SendingLetters); err != nil {
			return err
		}
		if err := t.produce(ctx, t.config.Writer, t.config.DeadLetter, t.messages.deadLetters(t.deadLetters, t.rejected)); err != nil {
			return err
		}
		if err := failpoint.Here(failpoint.SentLetters); err != nil {
			return err
		}
		for i := range t.deadLetters {
			t.metrics.Add(telemetry.DeadLetters, 1, t.deadLetters[i].Reason)
		}
		t.deadLetters, t.rejected = t.deadLetters[:0], t.rejected[:0]
	}
	if err := t.flags.send(ctx, t.out.Flags[t.sentFlags:]); err != nil {
		return err
	}
	t.sentFlags = len(t.out.Flags)
	return nil
}

// report publishes, once a fetch, what was counted since the last.
func (t *numbersTask) report() {
	stats := t.processor.Engine().Stats()
	t.status.Engine = stats
	t.status.lastMinute = t.minute.add(t.now(), t.batchTally)
	t.status.LastEvent = t.sent.moved
	m := t.metrics
	for class := range event.NumClasses {
		m.Add(telemetry.Records, stats.Records[class]-t.reported.Records[class], t.label, class.String())
	}
	m.Add(telemetry.LateEvents, stats.Late-t.reported.Late, t.label)
	m.Add(telemetry.DroppedKeys, stats.Dropped-t.reported.Dropped, t.label)
	for o := range engine.NumAnomalies {
		m.Add(telemetry.Anomalies, stats.Anomalies[o]-t.reported.Anomalies[o], t.label, o.String())
	}
	t.reported = stats
	if stats.Watermark > 0 { // before the first event there is no time to be behind of
		m.Set(telemetry.Watermark, float64(stats.Watermark)/1000, event.RoleNumbers, t.label)
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
		m.Set(telemetry.StateEntries, float64(kind.n), event.RoleNumbers, t.label, kind.name)
	}
}
