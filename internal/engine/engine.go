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
	MaxLinks     int   // links that tie identifiers of a number's contacts; 0: no limit
	MaxKeys      int   // contents, links, media or templates a number has in a window at a time; 0: no limit
	NoContacts   bool  // leave out contact_outcomes, which have nearly a row a send
	// FinalStatusOnly leaves out the statuses of minutes that passed: only what
	// Statuses returns is wanted.
	FinalStatusOnly bool
	// FlagsOnly computes flags and no rows at all, as a shadow policy needs it.
	FlagsOnly bool
	// StatusByChange leaves out statuses in which a reader sees nothing new, for at most
	// an hour (status.go).
	StatusByChange bool
	AnyOrder       bool // rows need not be sorted: nobody looks at their order
	Portfolios     bool // evaluate portfolios over this partition's numbers, as a replay does
	Feed           bool // hand on what the portfolios role needs to know
	// Budget is how many rows and flags one call appends before it returns with
	// more to come, so that a record that brings days of ticks, or a pane of very
	// many rows, needs no more memory than others; 0 for no limit. Portfolios over
	// this partition's numbers are evaluated whole.
	Budget int
}

// Engine is the state of one partition. Make it with New.
type Engine struct {
	episodeTracker
	cfg       Config
	watermark int64 // never before the first event
	lastTick  int64
	begun     bool

	dedup        dedup
	numbers      numbers
	wabas        interner
	portfolioIDs interner
	templates    templates
	replies      window.Replies
	links        window.Links
	held         window.Pool[uint64] // identifiers whose links are held
	ages         window.AgePool
	logs         logs
	timers       timers
	levels       window.Pool[templateLevel]
	restarts     window.Pool[restart]
	pane         pane
	changed      []numberIndex // numbers with a status to write
	statuses     statusBook
	changelog    changelog
	portfolio    Portfolios // used in a replay only
	strikes      []strikeAt // of the last 7 days, for numbers that move
	progress     progress

	// Scratch, empty between calls.
	resolved []window.Resolved
	due      []numberIndex // of the tick, or of the shared event, in progress
	dueNow   []uint32      // what the timers and the wheel of expiry name
	scratch  []byte
	way      []uint64 // the identifiers on the way to a name
	eval     evaluation

	gates gates // of the policy

	foreseen     []foreseen
	nextForeseen int
	touched      uint64 // nobody reads it: Foresee writes it so that its looks are not left out
}

// logs are the pools of the numbers' sliding windows by grain.
type logs struct {
	seconds, hours      window.SlidingPool[uint32]
	minutes             window.SlidingPool[uint64] // who adds people to groups says how many at once
	fingerprints, links window.Keyed               // second-exact, 1 h
	media, templates    window.Keyed               // by minute, 24 h; templates are fingerprints
}

// keyed returns the logs that count by key.
func (l *logs) keyed() []*window.Keyed {
	return []*window.Keyed{&l.fingerprints, &l.links, &l.media, &l.templates}
}

// New makes the engine of a partition whose log is at its beginning.
func New(cfg Config) *Engine {
	if cfg.DedupHorizon == 0 {
		cfg.DedupHorizon = DefaultDedupHorizon
	}
	e := &Engine{cfg: cfg, watermark: never, lastTick: never, progress: progress{last: -1}}
	e.dedup.horizon = cfg.DedupHorizon
	e.logs = logs{
		seconds: window.NewSlidingPool[uint32](
			window.Window{Width: 3600, Columns: secondColumns}, window.Window{Width: 600, Columns: secondColumns10m}, window.Window{Width: 60, Columns: secondColumns1m}),
		minutes:      window.NewSlidingPool[uint64](window.Window{Width: 24 * 60, Columns: minuteColumns}, window.Window{Width: 60, Columns: minuteColumns60m}),
		hours:        window.NewSlidingPool[uint32](window.Window{Width: 30 * 24, Columns: hourColumns}, window.Window{Width: 7 * 24, Columns: hourColumns}),
		fingerprints: window.NewKeyed(3600),
		links:        window.NewKeyed(3600),
		media:        window.NewKeyed(24 * 60),
	}
	e.logs.templates = window.NewKeyed(24*60, window.WithoutTop, window.Beside(&e.logs.fingerprints), window.Merging(60))
	for _, k := range e.logs.keyed() {
		k.Limit(cfg.MaxKeys)
	}
	e.pane.current = never
	e.policy, e.gates = cfg.Policy, newGates(cfg.Policy)
	e.position = event.Position{Topic: cfg.Topic, Partition: cfg.Partition}
	e.changelog.on = cfg.Portfolios || cfg.Feed
	e.portfolio = newPortfolios(cfg.Policy, e.position, &e.portfolioIDs)
	return e
}

// SetPolicy makes another policy decide from the next record on. Episodes go
// on: they keep their ids, and the next evaluation moves them. Every number is
// evaluated at the next tick and every portfolio at the next portfolio minute,
// as the contract has it, since any of their levels may differ now.
func (e *Engine) SetPolicy(p *policy.Policy) {
	e.policy, e.gates = p, newGates(p)
	next := floor(e.lastTick, minute) + 1
	for i := range e.numbers.end() {
		n := e.numbers.view(i)
		n.profile = -1
		n.awaitingChanged() // a policy has priors of its own
		n.templateLevelsStale = true
		if n.timerAt == 0 || n.timerAt > timerTick(next) {
			n.timerAt = timerTick(next)
			e.timers.push(newTimer(next, uint32(i)))
		}
	}
	e.portfolio.setPolicy(p)
}

// Skip records a record that was rejected or is of an unknown type: it moves the
// record clock and the pane, and is counted. While more is true, call Continue.
func (e *Engine) Skip(class event.Class, offset, recordTime int64, out *event.Output) (more bool) {
	e.begin(offset, recordTime)
	e.stats.Records[class]++
	return e.resume(out)
}

// Apply takes one decoded record: time advances to the event's, with the ticks
// that this brings, the event is counted, and its number is evaluated. What
// comes of it is appended to out. It returns the record's class. While more is
// true the record is not done: call Continue, until it returns false, before
// anything else; the event must stay as it is until then.
func (e *Engine) Apply(ev *event.Event, offset, recordTime int64, out *event.Output) (class event.Class, more bool) {
	if ev.Type == event.TypeUnknown {
		return event.ClassIgnored, e.Skip(event.ClassIgnored, offset, recordTime, out)
	}
	e.begin(offset, recordTime)
	class = event.ClassDuplicate
	number, f := noNumber, e.foresight(ev)
	if f != nil {
		number = f.number
	} else {
		f = &foreseen{id: hashID(ev.ID)}
	}
	if e.dedup.add(f.id) {
		class = event.ClassApplied
		e.progress.event, e.progress.before, e.progress.number = ev, e.watermark, number
		e.aim(ev.Time)
	}
	e.stats.Records[class]++
	return class, e.resume(out)
}

// AdvanceTo moves the watermark to t, with the ticks that this brings, as a
// clock event would. Before the first event it does nothing. While more is true,
// call Continue.
func (e *Engine) AdvanceTo(t int64, out *event.Output) (more bool) {
	if !e.begun {
		return false
	}
	e.aim(t)
	return e.resume(out)
}

// begin opens a record: its offset, its pane, and the record clock.
func (e *Engine) begin(offset, recordTime int64) {
	e.position.Offset, e.originOffset = offset, offset
	e.progress.offset, e.changelog.offset = offset, offset
	e.dedup.advance(recordTime)
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
