package engine

import (
	"math"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// Times of the contract, in ms.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour

	// grace is how far ticks stay behind the watermark, for late events.
	grace = 10 * minute
	// lateAfter is how far behind the watermark a send is no longer tracked.
	lateAfter = 24 * hour

	never = math.MinInt64 // a time that has not been
)

// DefaultDedupHorizon is for how long, in ms, an event's id is remembered.
const DefaultDedupHorizon = hour

// WholeLog is the PaneBits of a caller that wants one pane for all records.
const WholeLog = 63

// Config says which partition an Engine is for and how it judges.
type Config struct {
	Topic        string
	Partition    int32
	Policy       *policy.Policy
	DedupHorizon int64 // ms, DefaultDedupHorizon if 0
	PaneBits     uint8 // a pane is offset >> PaneBits; WholeLog for one pane
	MaxKeys      int   // contents, links, media or templates a number has in a window at a time; 0: no limit
	NoContacts   bool  // leave out contact_outcomes, which have nearly a row a send
	// FinalStatusOnly leaves out the statuses of minutes that passed: only what
	// Statuses gives is wanted.
	FinalStatusOnly bool
	// FlagsOnly computes flags and no rows at all, as a shadow policy needs it.
	FlagsOnly  bool
	Portfolios bool // evaluate portfolios over this partition's numbers, as a replay does
	Feed       bool // hand on what the portfolios role needs to know
	// Full, if there is one, is called while time goes on, after each number
	// that a tick looks at: a day without records is a status of every number. It
	// may take everything out of out.
	Full func(out *event.Output)
}

// Engine is the state of one partition. Make it with New.
type Engine struct {
	flagger
	cfg       Config
	watermark int64 // never before the first event
	lastTick  int64
	begun     bool

	dedup     dedup
	numbers   numbers
	wabas     names
	folios    names
	templates templates
	replies   window.Replies
	logs      logs
	wakes     wakes
	keyed     window.Pool[templateLevel]
	pane      pane
	changed   []uint32 // numbers with a status to write
	feed      feed
	portfolio Portfolios   // used in a replay only
	strikes   []strikeAt   // of the last 7 days, for numbers that move
	asked     event.Output // rows that a question brought about, until the next Flush

	// Scratch, empty between calls.
	settled []window.Settled
	due     []uint32
	scratch []byte
	eval    evaluation
}

// logs are the pools of the numbers' sliding windows by grain.
type logs struct {
	seconds, minutes, hours window.Logs
	fingerprints, links     window.Keyed // second-exact, 1 h
	media, templates        window.Keyed // by minute, 24 h
}

// keyed gives the logs that count by key.
func (l *logs) keyed() []*window.Keyed {
	return []*window.Keyed{&l.fingerprints, &l.links, &l.media, &l.templates}
}

// New makes the engine of a partition whose log is at its beginning.
func New(cfg Config) *Engine {
	if cfg.DedupHorizon == 0 {
		cfg.DedupHorizon = DefaultDedupHorizon
	}
	e := &Engine{cfg: cfg, watermark: never, lastTick: never}
	e.dedup.horizon = cfg.DedupHorizon
	e.logs = logs{
		seconds:      window.NewLogs(secondColumns, 3600, 600, 60),
		minutes:      window.NewLogs(minuteColumns, 24*60, 60),
		hours:        window.NewLogs(hourColumns, 30*24, 7*24),
		fingerprints: window.NewKeyed(3600),
		links:        window.NewKeyed(3600),
		media:        window.NewKeyed(24 * 60),
		templates:    window.NewKeys(24 * 60),
	}
	for _, k := range e.logs.keyed() {
		k.Limit(cfg.MaxKeys)
	}
	e.pane.current = never
	e.policy = cfg.Policy
	e.position = event.Position{Topic: cfg.Topic, Partition: cfg.Partition}
	e.feed.on = cfg.Portfolios || cfg.Feed
	e.portfolio = newPortfolios(cfg.Policy, e.position, &e.folios)
	return e
}

// Skip takes note of a record that was rejected or is of an unknown type: it
// moves the record clock and the pane, and is counted.
func (e *Engine) Skip(class event.Class, offset, recordTime int64, out *event.Output) {
	e.begin(offset, recordTime, out)
	e.stats.Records[class]++
}

// Apply takes one decoded record: time advances to the event's, with the ticks
// that this brings, the event is counted, and its number is evaluated. What
// comes of it is appended to out. It returns the record's class.
func (e *Engine) Apply(ev *event.Event, offset, recordTime int64, out *event.Output) event.Class {
	if ev.Type == event.TypeUnknown {
		e.Skip(event.ClassIgnored, offset, recordTime, out)
		return event.ClassIgnored
	}
	e.begin(offset, recordTime, out)
	if !e.dedup.add(ev.ID) {
		e.stats.Records[event.ClassDuplicate]++
		return event.ClassDuplicate
	}
	e.stats.Records[event.ClassApplied]++

	before := e.watermark
	e.advance(ev.Time, out)
	switch {
	case ev.Type == event.TypeClock || ev.Type == event.TypePolicy:
	case ev.Shared():
		e.applyShared(ev, out)
	default:
		i := e.number(ev)
		e.touch(i, ev.Time, out) // before it moves: the minute that passed belongs where it was
		e.join(i, ev)
		e.count(i, ev, before, out)
		e.evaluate(i, out)
	}
	e.replies.Sweep(e.watermark, 2)
	return event.ClassApplied
}

// AdvanceTo moves the watermark to t, with the ticks that this brings, as a
// clock event would. Before the first event it does nothing.
func (e *Engine) AdvanceTo(t int64, out *event.Output) {
	if e.begun {
		e.advance(t, out)
	}
}

// begin opens the record: its offset, its pane, and the record clock.
func (e *Engine) begin(offset, recordTime int64, out *event.Output) {
	e.position.Offset, e.mark = offset, offset
	if pane := offset >> e.cfg.PaneBits; pane != e.pane.current {
		e.closePane(out)
		e.pane.current = pane
	}
	e.pane.last = offset
	e.dedup.advance(recordTime)
}

// advance moves the watermark to t and, for each full minute m that it reaches,
// evaluates first the tick m - grace and then the portfolio minute m.
func (e *Engine) advance(t int64, out *event.Output) {
	if !e.begun {
		e.begun, e.watermark = true, t
		e.lastTick = floor(t, minute)*minute - grace
		e.feed.visible = (floor(t, minute) + 1) * minute
		return
	}
	if t <= e.watermark {
		return
	}
	last := floor(t, minute)
	for m := floor(e.watermark, minute) + 1; m <= last; m++ {
		if due := e.nextDue(m); due > m {
			m = min(due, last)
			e.lastTick = (m-1)*minute - grace
		}
		e.feed.visible = m * minute
		e.tick(m*minute-grace, out)
		if e.cfg.Portfolios {
			e.portfolio.take(&e.feed)
			e.portfolio.evaluate(m*minute, e.position.Offset, e.mark, out)
		}
	}
	e.watermark = t
	e.feed.visible = (floor(t, minute) + 1) * minute
}

// nextDue gives the first minute from m on at which a tick or a portfolio minute
// has anything to do, so that a log that is silent for years costs what happens
// in them and not every minute.
func (e *Engine) nextDue(m int64) int64 {
	if e.replies.Waiting() {
		return m
	}
	due := int64(window.Never)
	if at, ok := e.wakes.first(); ok {
		due = at + grace/minute
	}
	if e.cfg.Portfolios {
		if len(e.feed.list) > 0 || len(e.portfolio.dirty) > 0 {
			return m
		}
		if at, ok := e.portfolio.wakes.first(); ok {
			due = min(due, at)
		}
	}
	return max(m, due)
}

// tick is the passing of the full minute at: what is 48 hours old expires, and
// every number is evaluated. Numbers at which nothing can change are left out:
// their clock is moved when they are next looked at (touch).
func (e *Engine) tick(at int64, out *event.Output) {
	e.due = e.wakes.due(at, e.due[:0])
	e.due = e.replies.Expiring(at, e.due)
	e.sortNumbers(&e.due)
	for _, i := range e.due {
		e.touch(i, at, out) // writes the status of the minute that passed, as it was
		if e.cfg.Full != nil {
			e.cfg.Full(out)
		}
	}
	e.lastTick = at
	e.settled = e.replies.Expire(at, e.settled[:0])
	e.settle()
	for _, i := range e.due {
		e.evaluate(i, out)
	}
}

// floor divides rounding down, also below zero.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ceil divides rounding up.
func ceil(a, b int64) int64 { return -floor(-a, b) }
