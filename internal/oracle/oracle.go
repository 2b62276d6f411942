package oracle

import (
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// Lengths of time in milliseconds.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour

	grace    = 10 * minute // a tick is this far behind the watermark
	patience = 48 * hour   // how long a send waits for its reply
)

// never stands for a time that is not known.
const never = int64(math.MinInt64)

// Oracle is the model of one partition. It is fed like an engine and asked at
// any time for everything it has found.
type Oracle struct {
	// Flags are all transitions so far. Of each the subject, factor, key,
	// transition, level, value, score, time, eta, sequence and offset are set.
	// FlagID names the episode, in other words than the engine does.
	Flags []event.Flag
	// Records counts the records of each class, Late the late sends.
	Records [event.NumClasses]int64
	Late    int64

	horizon     int64
	recordClock int64
	ids         map[string]int64 // event id -> record clock when it was applied
	watermark   int64            // never before the first event
	offset      int64            // of the record being applied
	numbers     map[string]*number
	portfolios  map[string]*portfolio
	templates   map[[2]string]*template // by WABA and name/language
	changes     int                     // counts everything that may change a portfolio
}

// New gives the model of an empty partition whose duplicates are known for
// horizon milliseconds of the record clock.
func New(horizon int64) *Oracle {
	return &Oracle{
		horizon: horizon, recordClock: never, watermark: never,
		ids: map[string]int64{}, numbers: map[string]*number{},
		portfolios: map[string]*portfolio{}, templates: map[[2]string]*template{},
	}
}

// Skip counts a record that became no event.
func (o *Oracle) Skip(class event.Class, recordTime int64) {
	o.recordClock = max(o.recordClock, recordTime)
	o.Records[class]++
}

// Apply takes the event of the next record and says what became of it
// (contract, section 2, "Classes", and section 3).
func (o *Oracle) Apply(ev *event.Event, offset, recordTime int64) event.Class {
	o.recordClock = max(o.recordClock, recordTime)
	class := o.classify(ev)
	o.Records[class]++
	if class != event.ClassApplied {
		return class
	}
	o.offset = offset
	o.ids[string(ev.ID)] = o.recordClock
	before := o.watermark
	o.AdvanceTo(ev.Time)
	o.changes++
	switch {
	case ev.Type == event.TypeClock || ev.Type == event.TypePolicy:
	case ev.Type == event.TypeLimit:
		o.portfolio(string(ev.PortfolioID)).limit = ev.Limit
	case ev.Shared():
		if ev.Type == event.TypeTemplate {
			o.updateTemplate(ev)
		}
		for _, id := range slices.Sorted(maps.Keys(o.numbers)) {
			n := o.numbers[id]
			if ev.Scope == event.ScopePortfolio && n.portfolio == string(ev.PortfolioID) ||
				ev.Scope != event.ScopePortfolio && n.waba == string(ev.WABAID) {
				o.happen(n, ev, before)
			}
		}
	default:
		n := o.numbers[string(ev.NumberID)]
		if n == nil {
			n = newNumber(string(ev.NumberID), ev.Time)
			o.numbers[n.id] = n
		}
		if len(ev.WABAID) > 0 {
			n.waba = string(ev.WABAID)
		}
		if len(ev.PortfolioID) > 0 {
			n.portfolio = string(ev.PortfolioID)
			o.portfolio(n.portfolio)
		}
		o.happen(n, ev, before)
	}
	return class
}

// classify tells an event of an unknown type and a repeated one from the rest.
// Reading: an id is remembered from the record clock at which it was applied; a
// duplicate does not renew it.
func (o *Oracle) classify(ev *event.Event) event.Class {
	if ev.Type == event.TypeUnknown {
		return event.ClassIgnored
	}
	if at, ok := o.ids[string(ev.ID)]; ok && o.recordClock-at <= o.horizon {
		return event.ClassDuplicate
	}
	return event.ClassApplied
}

// happen lets an event happen to a number: the clock moves, the event is
// counted, the number is evaluated. before is the watermark before the event.
func (o *Oracle) happen(n *number, ev *event.Event, before int64) {
	n.clock = max(n.clock, ev.Time)
	if n.count(ev, before) {
		o.Late++
	}
	o.evaluate(n)
}

// AdvanceTo moves the watermark to t, with the ticks and portfolio minutes this
// brings, if it is behind. Before the first event it only sets it.
func (o *Oracle) AdvanceTo(t int64) {
	if o.watermark == never {
		o.watermark = t
	}
	for m := (o.watermark/minute + 1) * minute; m <= t; m += minute {
		o.tick(m - grace)
		for _, id := range slices.Sorted(maps.Keys(o.portfolios)) {
			o.evaluatePortfolio(o.portfolios[id], m)
		}
	}
	o.watermark = max(o.watermark, t)
}

// tick expires what has waited long enough at i and evaluates every number.
func (o *Oracle) tick(i int64) {
	for _, n := range o.numbers {
		n.expire(i)
	}
	for _, id := range slices.Sorted(maps.Keys(o.numbers)) {
		n := o.numbers[id]
		n.clock = max(n.clock, i)
		if n.asBefore(n.clock) {
			n.again(n.clock)
		} else {
			o.evaluate(n)
		}
	}
}

func (o *Oracle) portfolio(id string) *portfolio {
	p := o.portfolios[id]
	if p == nil {
		p = &portfolio{id: id, judgement: judgement{episodes: newEpisodes()}, unique: map[int64]int64{}}
		o.portfolios[id] = p
	}
	return p
}

// template is what the updates of one template of one WABA say.
type template struct {
	status            string
	quality           event.Rating
	statusAt, ratedAt int64
	pauses            int
}

func (o *Oracle) updateTemplate(ev *event.Event) {
	key := [2]string{string(ev.WABAID), templateKey(ev)}
	t := o.templates[key]
	if t == nil {
		t = &template{statusAt: never, ratedAt: never}
		o.templates[key] = t
	}
	if len(ev.TemplateStatus) > 0 && ev.Time >= t.statusAt {
		if string(ev.TemplateStatus) == "PAUSED" && t.status != "PAUSED" {
			t.pauses++
		}
		t.status, t.statusAt = string(ev.TemplateStatus), ev.Time
	}
	if ev.TemplateQuality != event.RatingNone && ev.Time >= t.ratedAt {
		t.quality, t.ratedAt = ev.TemplateQuality, ev.Time
	}
}

// templateKey names the template of an event, empty if it has none.
func templateKey(ev *event.Event) string {
	if !ev.HasTemplate && ev.Type != event.TypeTemplate {
		return ""
	}
	return string(ev.Template.Name) + "/" + string(ev.Template.Language)
}

// moment is a clock that remembers when the answers it gave will change: every
// comparison of a fact with the clock goes through it.
type moment struct {
	clock int64
	next  int64 // the earliest clock at which an answer given changes
}

func clockAt(clock int64) *moment { return &moment{clock: clock, next: math.MaxInt64} }

// reached tells whether the clock is at or past t.
func (m *moment) reached(t int64) bool {
	if m.clock >= t {
		return true
	}
	m.next = min(m.next, t)
	return false
}

// within tells whether time t lies in the window of the given width that ends
// at the clock, both cut to the grain: floor(clock/g) - width/g < floor(t/g) <=
// floor(clock/g).
func (m *moment) within(t, grain, width int64) bool {
	start := t / grain * grain
	return m.reached(start) && !m.reached(start+width)
}
