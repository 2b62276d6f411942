package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// portfolioMinute is the distance of two portfolio minutes in ms.
const portfolioMinute = 60_000

// portfolioTask is one partition of the rows topic and the portfolios on it. Its
// goroutine owns every field.
//
// What it does is a function of the partition's log: changes are taken up to where a
// progress record says that there are no gaps, and minutes are evaluated when progress
// records allow it, never because of the wall clock. So another reader of the log
// evaluates the same minutes over the same changes at the same records, and names and
// numbers the same flags.
type portfolioTask struct {
	partitionProgress
	config     *PortfoliosConfig
	portfolios *engine.PortfolioEngine
	generation uint64
	policy     string // the version in force

	// shadow decides over the same changes by another policy, nil without one. Only its
	// flags are wanted.
	shadow    *engine.PortfolioEngine
	shadowOut event.Output
	shadowed  bool           // the state that was copied last has its state
	state     portfolioState // memory for the next checkpoint

	sources   []source // by partition of the events topic
	log       string   // which log the events topic is
	first     int64    // ms: the first minute that a change can show in
	minute    int64    // ms: evaluated last, 0 before
	broadcast broadcast
	places    places
	copied    time.Time // when shared events that some partition lacks were looked for last

	decoded     codec.Rows
	out         event.Output
	messages    messageBuilder
	foreignSeen bool // changes of another generation have been met
}

// source is a partition of the events topic as far as its progress records say.
type source struct {
	seen     bool
	progress codec.Progress
	policy   string                  // the version that decided there last
	buffer   []event.PortfolioChange // beyond the last progress, in any order
	missing  int64                   // changes before it may be missing (missed_changes.go), 0 where none is
}

func newPortfolioTask(r *Portfolios, claim Claim) *portfolioTask {
	first := r.config.Policies.First()
	t := &portfolioTask{
		partitionProgress: newPartitionProgress(&r.role, claim, FromStart),
		config:            &r.config,
		portfolios:        engine.NewPortfolioEngine(claim.Topic, claim.Partition, first),
		policy:            first.Version,
		first:             math.MaxInt64, broadcast: newBroadcast(),
	}
	t.flags = newFlagSender(&r.role, r.config.Writer, r.config.Flags, r.config.Recent)
	if r.config.Shadow != nil {
		t.shadow = engine.NewPortfolioEngine(claim.Topic, claim.Partition, r.config.Shadow)
	}
	return t
}

func (t *portfolioTask) progress() *partitionProgress { return &t.partitionProgress }

// findSources looks up the partitions of the events topic. A state that knows another
// number of them cannot be continued.
func (t *portfolioTask) findSources(ctx context.Context) error {
	n, err := t.config.Topics.Partitions(ctx, t.config.Events)
	switch {
	case err != nil:
		return err
	case int(n) == len(t.sources):
		return nil
	case t.sources != nil && t.checkpoints == nil: // parked, of fewer partitions
		return &anotherLogError{topic: t.config.Events, had: t.log, have: fmt.Sprintf("of %d partitions", n)}
	case t.sources != nil:
		return &keptError{fmt.Errorf("the state of %s is of %d partitions of %s, which has %d now: numbers have moved between them; %s",
			t.claim.String(), len(t.sources), t.config.Events, n, checkpoint.ReadAgain)}
	}
	if t.log, err = t.config.Topics.Identity(ctx, t.config.Events); err != nil {
		return err
	}
	t.generation = generation(t.config.Policies.First().Version, t.log)
	t.sources = make([]source, n)
	for i := range t.sources {
		t.sources[i].policy = t.policy
	}
	return nil
}

// apply takes a batch, evaluates the minutes that it allows, and has what comes of them
// acknowledged. Once a second it copies shared events to the partitions that lack them.
func (t *portfolioTask) apply(ctx context.Context, batch *event.Batch) error {
	if batch.Lost.Count() > 0 {
		t.noteLost(batch.Lost, "")
	}
	if batch.Lost.Count() > 0 || t.cut {
		t.cut = false
		t.noteMissing()
	}
	for i := range batch.Records {
		if err := t.applyRecord(ctx, &batch.Records[i]); err != nil {
			return err
		}
	}
	for _, u := range batch.Unreadable {
		t.skip(u.First, u.Last, u.Reason)
	}
	if err := t.writeAll(ctx); err != nil {
		return err
	}
	if err := t.checkWaiting(); err != nil {
		return err
	}
	t.report()
	if now := t.now(); now.Sub(t.copied) >= time.Second {
		t.copied = now
		return t.copyShared(ctx)
	}
	return nil
}

// applyRecord applies one record. One that is no rows batch is counted and skipped.
func (t *portfolioTask) applyRecord(ctx context.Context, r *event.Record) error {
	b := &t.decoded
	if err := codec.DecodeBlocks(r.Value, b); err != nil {
		t.skip(r.Offset, r.Offset, err.Error())
		return nil
	}
	if b.Topic != t.config.Events || b.Partition < 0 || int(b.Partition) >= len(t.sources) {
		return nil // what this role has written itself, among others
	}
	s := &t.sources[b.Partition]
	for k := range b.Changes {
		switch c := &b.Changes[k]; {
		case c.Partition != b.Partition:
		case c.Kind == event.ChangePlace:
			t.notePlace(c, r.Offset)
		case !valid(c):
		case c.Sequence > s.progress.Sequence:
			s.buffer = append(s.buffer, *c)
		case c.Sequence < s.missing:
			t.takeAgain(s, c)
			s.buffer = append(s.buffer, *c)
		}
	}
	for k := range b.SharedEvents {
		t.broadcast.noteApplied(&b.SharedEvents[k], b.Partition, len(t.sources), t.now())
	}
	if b.HasProgress {
		return t.advance(ctx, b.Partition, &b.Progress, r.Offset)
	}
	return nil
}

// skip counts offsets that cannot be read. A record that the numbers role wrote can only
// have been damaged since: its changes are lost, even if they are written again, because
// progress records have vouched for them.
func (t *portfolioTask) skip(first, last int64, reason string) {
	t.noteUnreadable(first, last)
	t.logger.Error("skipped an undecodable record of the rows topic: if the numbers role wrote it, figures and flags of portfolios may be low until the portfolios role is restarted on a readable log",
		"role", event.RolePortfolios, "partition", t.claim.String(), "first", first, "last", last, "reason", reason)
}

// checkWaiting returns an error once too many changes wait.
func (t *portfolioTask) checkWaiting() error {
	n := t.waitingChanges()
	if n <= t.config.MaxWaiting {
		return nil
	}
	var behind []int
	reached := t.reached()
	for i := range t.sources {
		if s := &t.sources[i]; !s.seen || s.progress.Watermark <= reached && !s.progress.Idle {
			behind = append(behind, i)
		}
	}
	return fmt.Errorf("%s: %d changes wait for the partitions %v of %s, which are behind or have stopped; see what holds them up",
		t.claim.String(), n, behind, t.config.Events)
}

// waitingChanges counts the changes that no evaluated minute has seen.
func (t *portfolioTask) waitingChanges() int {
	_, n := t.portfolios.Stats()
	for i := range t.sources {
		n += len(t.sources[i].buffer)
	}
	return n
}

// valid reports whether a change can be applied. A change comes from the pipeline
// itself; one of a newer version or with broken bytes must do no harm.
func valid(c *event.PortfolioChange) bool {
	switch {
	case c.PortfolioID == "" || c.Kind > event.ChangeLimit:
		return false
	case c.NumberID == "":
		return c.Kind == event.ChangeContact || c.Kind == event.ChangeLimit
	}
	return c.Kind != event.ChangeScore || c.A <= 100
}

// advance takes a progress record: the changes that it vouches for, in their order, and
// then the minutes that are reached with it.
func (t *portfolioTask) advance(ctx context.Context, partition int32, p *codec.Progress, offset int64) error {
	s := &t.sources[partition]
	if p.Generation != t.generation {
		// Its changes are numbered otherwise, and follow from other rules. A numbers
		// role under our rules reads its log from the beginning.
		if !t.foreignSeen {
			t.foreignSeen = true
			t.logger.Warn("ignoring changes of another policy or version: run the numbers role with the same policy as the portfolios role",
				"partition", t.claim.String(), "events_partition", partition)
		}
		s.buffer = s.buffer[:0]
		return t.checkLog(ctx, p.Generation)
	}
	slices.SortFunc(s.buffer, func(a, b event.PortfolioChange) int { return cmp.Compare(a.Sequence, b.Sequence) })
	n := 0
	for ; n < len(s.buffer) && s.buffer[n].Sequence <= p.Sequence; n++ {
		t.portfolios.Take(&s.buffer[n])
		if t.shadow != nil {
			t.shadow.Take(&s.buffer[n])
		}
		if t.minute == 0 {
			t.first = min(t.first, s.buffer[n].Visible)
		}
	}
	if s.missing == unknownSequence {
		s.missing = p.Sequence + 1
		if n > 0 {
			s.missing = s.buffer[0].Sequence
		}
	}
	s.buffer = slices.Delete(s.buffer, 0, n)
	if p.Watermark >= s.progress.Watermark {
		if err := t.switchPolicy(s, p.Policy); err != nil {
			return err
		}
	}
	// A partition that is read again reports less than it did before.
	watermark, sequence := max(s.progress.Watermark, p.Watermark), max(s.progress.Sequence, p.Sequence)
	s.seen, s.progress = true, *p
	s.progress.Watermark, s.progress.Sequence = watermark, sequence
	return t.evaluate(ctx, offset)
}

// checkLog returns an error if changes are of another generation because the events topic
// is another log than the one that the state is of.
func (t *portfolioTask) checkLog(ctx context.Context, generated uint64) error {
	log, err := t.config.Topics.Identity(ctx, t.config.Events)
	if err != nil {
		return err
	}
	if generation(t.config.Policies.First().Version, log) != generated {
		return nil
	}
	return &anotherLogError{topic: t.config.Events, had: t.log, have: log}
}

// evaluate evaluates the minutes up to the one that every partition has reached.
func (t *portfolioTask) evaluate(ctx context.Context, offset int64) error {
	reached := t.reached()
	minute := t.minute + portfolioMinute
	if t.minute == 0 {
		minute = t.first
	}
	for ; minute <= reached; minute += portfolioMinute {
		t.minute = minute
		t.portfolios.Evaluate(minute, offset, &t.out)
		t.evaluateShadow(minute, offset)
		if t.out.Len() >= t.config.MaxRows {
			if err := t.writeAll(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// evaluateShadow evaluates a minute by the shadow policy. Its flags go among the rows;
// its rows are those of the policy in force, which writes them.
func (t *portfolioTask) evaluateShadow(minute, offset int64) {
	if t.shadow == nil {
		return
	}
	t.shadow.Evaluate(minute, offset, &t.shadowOut)
	for _, f := range t.shadowOut.Flags {
		f.Shadow = true
		t.out.Flags = append(t.out.Flags, f)
	}
	t.shadowOut.Reset()
}

// switchPolicy makes another policy decide once it does on one of the partitions; the
// others follow at nearly the same time.
func (t *portfolioTask) switchPolicy(s *source, version string) error {
	if version == s.policy {
		return nil
	}
	s.policy = version
	if version == t.policy {
		return nil
	}
	next, err := t.config.Policies.Find(version)
	if err != nil {
		return fmt.Errorf("%s: %w", t.claim.String(), err)
	}
	t.policy = version
	t.portfolios.SetPolicy(next)
	return nil
}

// reached returns the time up to which nothing more can come: that of the slowest
// partition that is not idle, or of the fastest if all are. Until every partition has
// reported, there is none.
func (t *portfolioTask) reached() int64 {
	slowest, fastest := int64(math.MaxInt64), int64(0)
	for i := range t.sources {
		s := &t.sources[i]
		if !s.seen {
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

// due reports whether it is time for a commit: apply leaves no output unacknowledged.
func (t *portfolioTask) due() bool { return t.now().Sub(t.lastFlush) >= t.config.FlushEvery }

// flush has nothing left to hand over.
func (t *portfolioTask) flush(ctx context.Context) (<-chan struct{}, error) {
	return nil, t.writeAll(ctx)
}

// writeAll has all that was evaluated acknowledged: flags first, since somebody waits for
// them, then the rows, which carry the flags as well.
func (t *portfolioTask) writeAll(ctx context.Context) error {
	if err := t.flags.send(ctx, t.out.Flags); err != nil {
		return err
	}
	if err := t.awaitFlags(t.out.Flags); err != nil {
		return err
	}
	err := t.messages.rows(t.claim, &t.out, func(messages []event.Message) error {
		return t.produce(ctx, t.config.Writer, t.config.Rows, messages)
	})
	if err == nil {
		t.out.Reset()
	}
	return err
}

// report publishes, once a fetch, how far the partition is.
func (t *portfolioTask) report() {
	portfolios, _ := t.portfolios.Stats()
	p := PortfolioProgress{
		Portfolios: portfolios, Waiting: t.waitingChanges(), Minute: t.minute, Shared: t.broadcast.pending(), Copied: t.broadcast.copied,
	}
	for i := range t.sources {
		s := &t.sources[i]
		p.Behind = max(p.Behind, s.progress.Watermark-t.minute)
		if !s.seen {
			p.Silent = append(p.Silent, int32(i))
		}
	}
	if t.minute == 0 {
		p.Behind = 0
	}
	t.status.Portfolios = p

	m := t.metrics
	if t.minute > 0 {
		m.Set(telemetry.Watermark, float64(t.minute)/1000, event.RolePortfolios, t.label)
	}
	m.Set(telemetry.EvaluationLag, float64(p.Behind)/1000, t.label)
	m.Set(telemetry.StateEntries, float64(p.Portfolios), event.RolePortfolios, t.label, "portfolios")
	m.Set(telemetry.StateEntries, float64(p.Waiting), event.RolePortfolios, t.label, "changes")
	m.Set(telemetry.StateEntries, float64(p.Shared), event.RolePortfolios, t.label, "shared_events")
}
