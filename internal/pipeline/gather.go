package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// portfolioMinute is the distance of two portfolio minutes in ms.
const portfolioMinute = 60_000

// gatherer is one partition of the rows topic and the portfolios on it. Its
// goroutine owns every field.
//
// What it does is a function of the partition's log: changes are taken up to
// where a progress record says that there are no gaps, and minutes are evaluated
// when progress records allow it, never because of the wall clock. So whoever
// reads the log again evaluates the same minutes over the same changes at the
// same records, and names and numbers the same flags.
type gatherer struct {
	role *Portfolios
	place
	gathering  *engine.Gathering
	generation uint64
	policy     string // the version that decides now

	// shadow judges the same changes by another policy, nil without one. Only its
	// flags are wanted.
	shadow *engine.Gathering
	aside  event.Output

	asks <-chan func(*engine.Gathering) // questions for the owner

	sources []source // by partition of the events topic
	first   int64    // ms: the first minute that a change can show in
	minute  int64    // ms: evaluated last, 0 before
	copies  copies

	lastCommit time.Time
	decoded    codec.Rows
	out        event.Output
	outbox     outbox
	strange    bool // changes of another generation have been met
}

// source is a partition of the events topic as far as it was told of.
type source struct {
	told     bool
	progress codec.Progress
	policy   string                  // the version that decided there last
	buffer   []event.PortfolioChange // beyond the last progress, in any order
}

func newGatherer(r *Portfolios, claim Claim) *gatherer {
	first := r.config.Policies.First()
	g := &gatherer{
		role: r, place: newPlace(RolePortfolios, claim, &r.board, r.config.Now, r.config.Telemetry.Metrics()),
		gathering:  engine.NewGathering(claim.Topic, claim.Partition, first),
		generation: generation(first.Version), policy: first.Version,
		first: math.MaxInt64, copies: newCopies(),
	}
	if r.config.Shadow != nil {
		g.shadow = engine.NewGathering(claim.Topic, claim.Partition, r.config.Shadow)
	}
	return g
}

// run reads until ctx ends. It returns nil only if all outputs have been
// acknowledged.
func (g *gatherer) run(ctx context.Context, log Log) error {
	now := g.now
	work, stop := outlive(ctx, g.role.config.Drain)
	defer stop()

	g.committed = -1
	g.publish(StateOpening)
	if g.next == FromStart {
		g.role.notice.Do(func() {
			g.role.config.Logger.Info("there are no checkpoints: portfolios are made from the beginning of the rows topic; their flags and rows that were written before are written again, the same")
		})
	}
	if g.sources == nil {
		n, err := g.role.config.Topics.Partitions(ctx, g.role.config.Events)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		g.sources = make([]source, n)
		for i := range g.sources {
			g.sources[i].policy = g.policy
		}
	}
	next, err := log.Open(ctx, g.next)
	if err != nil {
		if ctx.Err() != nil {
			return nil // nothing was done, nothing is owed
		}
		return err
	}
	if g.next == FromStart && next > 0 {
		g.role.config.Logger.Warn(cutLog, "role", RolePortfolios, "partition", g.claim.String(), "first", next)
	}
	g.next, g.lastCommit = next, now()

	fetching, stopFetching := context.WithCancel(ctx)
	batches := ahead(fetching, g.claim, log, now, g.role.config.Telemetry)
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
				g.commit(log)
				return nil
			case f.err != nil:
				return f.err
			}
			if err := g.take(work, f); err != nil {
				return err
			}
			if now().Sub(g.lastCommit) >= g.role.config.Commit {
				g.commit(log)
			}
		case question := <-g.asks:
			question(g.gathering)
		case <-tick.C:
			g.publish(g.status.State)
			if err := g.copy(work); err != nil {
				return err
			}
		case <-ctx.Done():
			g.commit(log)
			return nil
		}
	}
}

// take reads a batch, evaluates what it allows to evaluate, and has what comes
// of it acknowledged.
func (g *gatherer) take(ctx context.Context, f fetched) error {
	start := g.now()
	ctx, span := g.role.config.Telemetry.StartSpan(ctx, telemetry.OperationApply, g.claim.Topic, g.claim.Partition)
	err := g.apply(ctx, f.batch)
	if err == nil {
		err = g.flush(ctx)
	}
	if err == nil {
		err = g.bounded()
	}
	span.End(len(f.batch.Records), err)
	if err != nil {
		return err
	}
	g.next = f.batch.Next
	g.report(f, g.now().Sub(start))
	return nil
}

// apply takes a batch of records. One that is no rows batch is counted, logged and
// passed over.
func (g *gatherer) apply(ctx context.Context, batch *event.Batch) error {
	for i := range batch.Records {
		r := &batch.Records[i]
		b := &g.decoded
		if err := codec.DecodeRows(r.Value, b); err != nil {
			g.bad(r.Offset, r.Offset, err.Error())
			continue
		}
		if b.Topic != g.role.config.Events || b.Partition < 0 || int(b.Partition) >= len(g.sources) {
			continue // what this role has written itself, among others
		}
		s := &g.sources[b.Partition]
		for k := range b.Changes {
			if c := &b.Changes[k]; c.Partition == b.Partition && c.Sequence > s.progress.Sequence && sound(c) {
				s.buffer = append(s.buffer, *c)
			}
		}
		for k := range b.SharedEvents {
			g.copies.reported(&b.SharedEvents[k], b.Partition, len(g.sources), g.now())
		}
		if b.HasProgress {
			if err := g.advance(ctx, b.Partition, &b.Progress, r.Offset); err != nil {
				return err
			}
		}
	}
	for _, u := range batch.Unreadable {
		g.bad(u.First, u.Last, u.Reason)
	}
	return nil
}

// bad notes offsets that cannot be read. A record that the numbers role wrote can
// only have been damaged since: what it told is not known any more, also if it is
// told again, because progress records have vouched for it.
func (g *gatherer) bad(first, last int64, reason string) {
	g.status.Unreadable += last - first + 1
	g.metrics.Add(telemetry.Unreadable, last-first+1, RolePortfolios, g.label)
	g.role.config.Logger.Error("a record of the rows topic cannot be read and is passed over; one that something else wrote does no harm, "+
		"of one that was damaged figures and flags of portfolios lack what it told",
		"role", RolePortfolios, "partition", g.claim.String(), "first", first, "last", last, "reason", reason)
}

// bounded gives an error once too many changes wait.
func (g *gatherer) bounded() error {
	n := g.waiting()
	if n <= g.role.config.MaxWaiting {
		return nil
	}
	var behind []int
	reached := g.reached()
	for i := range g.sources {
		if s := &g.sources[i]; !s.told || s.progress.Watermark <= reached && !s.progress.Idle {
			behind = append(behind, i)
		}
	}
	return fmt.Errorf("%s stops: %d changes wait for the partitions %v of %s, which are behind or have stopped; see what holds them up, then start this process again",
		g.claim.String(), n, behind, g.role.config.Events)
}

// waiting counts the changes that no evaluated minute has seen.
func (g *gatherer) waiting() int {
	_, n := g.gathering.Stats()
	for i := range g.sources {
		n += len(g.sources[i].buffer)
	}
	return n
}

// sound tells whether a change can be applied. A change comes from the pipeline
// itself; one of a newer version or with broken bytes must do no harm.
func sound(c *event.PortfolioChange) bool {
	switch {
	case c.PortfolioID == "" || c.Kind > event.ChangeLimit:
		return false
	case c.NumberID == "":
		return c.Kind == event.ChangeContact || c.Kind == event.ChangeLimit
	}
	return c.Kind != event.ChangeScore || c.A <= 100
}

// advance takes a progress record: the changes that it vouches for, in their
// order, and then the minutes that are reached with it.
func (g *gatherer) advance(ctx context.Context, partition int32, p *codec.Progress, offset int64) error {
	s := &g.sources[partition]
	if p.Generation != g.generation {
		// Its changes are numbered otherwise, and follow from other rules. Whoever
		// runs the numbers role under our rules reads the log from its beginning.
		if !g.strange {
			g.strange = true
			g.role.config.Logger.Warn("changes that were made under another policy or by another version are left out; "+
				"the numbers role must run with the same policy as the portfolios role",
				"partition", g.claim.String(), "events_partition", partition)
		}
		s.buffer = s.buffer[:0]
		return nil
	}
	slices.SortFunc(s.buffer, func(a, b event.PortfolioChange) int { return cmp.Compare(a.Sequence, b.Sequence) })
	n := 0
	for ; n < len(s.buffer) && s.buffer[n].Sequence <= p.Sequence; n++ {
		g.gathering.Take(&s.buffer[n])
		if g.shadow != nil {
			g.shadow.Take(&s.buffer[n])
		}
		if g.minute == 0 {
			g.first = min(g.first, s.buffer[n].Visible)
		}
	}
	s.buffer = slices.Delete(s.buffer, 0, n)
	if p.Watermark >= s.progress.Watermark {
		if err := g.turn(s, p.Policy); err != nil {
			return err
		}
	}
	// A partition that is read again tells less than it told before.
	watermark, sequence := max(s.progress.Watermark, p.Watermark), max(s.progress.Sequence, p.Sequence)
	s.told, s.progress = true, *p
	s.progress.Watermark, s.progress.Sequence = watermark, sequence

	reached := g.reached()
	minute := g.minute + portfolioMinute
	if g.minute == 0 {
		minute = g.first
	}
	for ; minute <= reached; minute += portfolioMinute {
		g.minute = minute
		g.gathering.Evaluate(minute, offset, &g.out)
		g.shade(minute, offset)
		if g.out.Len() >= g.role.config.MaxRows {
			if err := g.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// shade evaluates a minute by the shadow policy. Its flags go among the rows; its
// rows are those of the live policy, which writes them.
func (g *gatherer) shade(minute, offset int64) {
	if g.shadow == nil {
		return
	}
	g.shadow.Evaluate(minute, offset, &g.aside)
	for _, f := range g.aside.Flags {
		f.Shadow = true
		g.out.Flags = append(g.out.Flags, f)
	}
	g.aside.Reset()
}

// turn makes another policy decide once it does on one of the partitions; the
// others take it at nearly the same time.
func (g *gatherer) turn(s *source, version string) error {
	if version == s.policy {
		return nil
	}
	s.policy = version
	if version == g.policy {
		return nil
	}
	next, err := g.role.config.Policies.Find(version)
	if err != nil {
		return fmt.Errorf("%s stops: %w", g.claim.String(), err)
	}
	g.policy = version
	g.gathering.SetPolicy(next)
	return nil
}

// reached gives the time up to which nothing is to be expected any more: that of
// the slowest partition that is not idle, or of the fastest if all are. Until
// every partition has told where it is, there is none.
func (g *gatherer) reached() int64 {
	slowest, fastest := int64(math.MaxInt64), int64(0)
	for i := range g.sources {
		s := &g.sources[i]
		if !s.told {
			return 0
		}
		fastest = max(fastest, s.progress.Watermark)
		begun := s.progress.Watermark != 0
		if !s.progress.Idle && (begun || !s.progress.CaughtUp) {
			slowest = min(slowest, s.progress.Watermark)
		}
	}
	return min(slowest, fastest)
}

// flush has all that was evaluated acknowledged: flags first, since somebody
// waits for them, then the rows, which carry the flags as well.
func (g *gatherer) flush(ctx context.Context) error {
	if g.out.Len() == 0 {
		return nil
	}
	now := g.now().UnixMilli()
	for i := range g.out.Flags {
		g.out.Flags[i].EmittedAt = now
	}
	m := g.metrics
	err := g.outbox.flags(g.out.Flags, func(messages []event.Message) error {
		if err := g.produce(ctx, g.role.config.Flags, messages); err != nil {
			return err
		}
		for i := range messages {
			flag := bytes.Clone(messages[i].Value)
			g.role.newest.add(flag)
			if g.role.config.Remember != nil {
				g.role.config.Remember(flag)
			}
		}
		return nil
	}, func(f *event.Flag, size int) { leftOut(g.role.config.Logger, m, f, size) })
	if err != nil {
		return err
	}
	for i := range g.out.Flags {
		if f := &g.out.Flags[i]; !f.Shadow {
			m.Add(telemetry.Flags, 1, f.Factor.String(), f.Level.String(), f.Transition.String())
		}
	}
	err = g.outbox.batches(g.claim, &g.out, func(messages []event.Message) error {
		return g.produce(ctx, g.role.config.Rows, messages)
	})
	if err != nil {
		return err
	}
	g.out.Reset()
	return nil
}

// commit says how far the partition is done. All that came of it has been
// acknowledged: take does not return before. A checkpoint belongs before it.
func (g *gatherer) commit(log Log) {
	g.lastCommit = g.now()
	if g.next == g.committed || g.next == FromStart {
		return
	}
	if err := log.Commit(g.next); err != nil {
		// Nothing is lost by it: the offset is for those who watch the lag.
		g.role.config.Logger.Warn("an offset could not be committed", "partition", g.claim.String(), "offset", g.next, "error", err)
		return
	}
	g.committed = g.next
}

// produce writes messages to a topic.
func (g *gatherer) produce(ctx context.Context, topic string, messages []event.Message) error {
	return g.place.produce(ctx, g.role.config.Writer, topic, messages)
}

// report publishes, once a fetch, how far the partition is.
func (g *gatherer) report(f fetched, apply time.Duration) {
	state := g.fetched(f)
	portfolios, _ := g.gathering.Stats()
	gathered := Gathered{Portfolios: portfolios, Waiting: g.waiting(), Minute: g.minute, Shared: g.copies.pending(), Copied: g.copies.made}
	for i := range g.sources {
		s := &g.sources[i]
		gathered.Behind = max(gathered.Behind, s.progress.Watermark-g.minute)
		if !s.told {
			gathered.Silent = append(gathered.Silent, int32(i))
		}
	}
	if g.minute == 0 {
		gathered.Behind = 0
	}
	g.status.Gathered = gathered
	g.publish(state)

	m := g.metrics
	if g.minute > 0 {
		m.Set(telemetry.Watermark, float64(g.minute)/1000, RolePortfolios, g.label)
	}
	m.Set(telemetry.EvaluationLag, float64(gathered.Behind)/1000, g.label)
	m.Set(telemetry.StateEntries, float64(gathered.Portfolios), RolePortfolios, g.label, "portfolios")
	m.Set(telemetry.StateEntries, float64(gathered.Waiting), RolePortfolios, g.label, "changes")
	m.Set(telemetry.StateEntries, float64(gathered.Shared), RolePortfolios, g.label, "shared_events")
	m.Observe(telemetry.ApplyDuration, apply, RolePortfolios)
}
