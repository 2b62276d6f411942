package oracle

import (
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// Lengths of time in milliseconds, and a time that is not known.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	never  = int64(math.MinInt64)
)

// Oracle is the model of one partition.
type Oracle struct {
	Records map[event.Class]int // records by class
	Late    int                 // late sends
	// AccountEvents are what the platform said: which record, when and of what type.
	AccountEvents []Row
	Flags         []Row // all transitions so far; episode names the flag, offset the record that caused it

	horizon, recordClock int64
	watermark            int64 // never before the first event
	offset               int64 // of the last record
	ids                  map[string]int64
	numbers              map[string]*number
	portfolios           map[string]*portfolio
	templates            map[[2]string]*template // by WABA and name/language
	watch                func(string, Row)       // told every status as it is evaluated, if set
	changes              int                     // grows with everything that may change a portfolio
}

// Row is a row of any table by column name; nil is none.
type Row map[string]any

// New gives the model of an empty partition with a dedup horizon in milliseconds.
func New(horizon int64) *Oracle {
	return &Oracle{
		Records: map[event.Class]int{}, horizon: horizon, recordClock: never, watermark: never, ids: map[string]int64{},
		numbers: map[string]*number{}, portfolios: map[string]*portfolio{}, templates: map[[2]string]*template{},
	}
}

// Skip counts a record that became no event.
func (o *Oracle) Skip(class event.Class, offset, recordTime int64) {
	o.offset, o.recordClock = offset, max(o.recordClock, recordTime)
	o.Records[class]++
}

// Apply takes the event of the next record and says what became of it. Reading:
// an id is remembered from when it was applied; a duplicate does not renew it.
func (o *Oracle) Apply(ev *event.Event, offset, recordTime int64) event.Class {
	o.offset, o.recordClock = offset, max(o.recordClock, recordTime)
	class := event.ClassApplied
	if at, known := o.ids[string(ev.ID)]; ev.Type == event.TypeUnknown {
		class = event.ClassIgnored
	} else if known && o.recordClock-at <= o.horizon {
		class = event.ClassDuplicate
	}
	o.Records[class]++
	if class != event.ClassApplied {
		return class
	}
	o.ids[string(ev.ID)] = o.recordClock
	before := o.watermark
	o.AdvanceTo(ev.Time)
	o.changes++
	if slices.Contains([]event.Type{event.TypeAccount, event.TypeQuality, event.TypeTemplate, event.TypeLimit}, ev.Type) {
		o.AccountEvents = append(o.AccountEvents, Row{"offset": offset, "time": ev.Time, "type": ev.Type.String(), "id": string(ev.ID)})
	}
	switch {
	case ev.Type == event.TypeClock || ev.Type == event.TypePolicy:
	case ev.Type == event.TypeLimit:
		o.portfolio(string(ev.PortfolioID)).limit = ev.Limit
	case ev.Shared():
		if ev.Type == event.TypeTemplate {
			o.updateTemplate(ev)
		}
		for _, n := range inOrder(o.numbers) {
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

// happen lets an event happen to a number; before is the watermark before it.
func (o *Oracle) happen(n *number, ev *event.Event, before int64) {
	n.clock = max(n.clock, ev.Time)
	if n.take(ev, before) {
		o.Late++
	}
	o.evaluate(n)
}

// AdvanceTo moves the watermark to t, with the ticks and portfolio minutes this
// brings. Reading: the first event sets it and brings none.
func (o *Oracle) AdvanceTo(t int64) {
	if o.watermark == never {
		o.watermark = t
	}
	for m := (o.watermark/minute + 1) * minute; m <= t; m += minute {
		i := m - 10*minute
		for _, n := range o.numbers {
			n.expire(i)
		}
		for _, n := range inOrder(o.numbers) {
			n.clock = max(n.clock, i)
			if !n.repeats(n.clock) {
				o.evaluate(n)
			}
		}
		for _, p := range inOrder(o.portfolios) {
			o.evaluatePortfolio(p, m)
		}
	}
	o.watermark = max(o.watermark, t)
}

func (o *Oracle) portfolio(id string) *portfolio {
	if o.portfolios[id] == nil {
		o.portfolios[id] = &portfolio{id: id, unique: map[int64]int{}, judgement: newJudgement()}
	}
	return o.portfolios[id]
}

// template is what the updates of one template of one WABA say.
type template struct {
	status, quality   string
	statusAt, ratedAt int64
	pauses            int
}

func (o *Oracle) updateTemplate(ev *event.Event) {
	key := [2]string{string(ev.WABAID), templateKey(ev)}
	if o.templates[key] == nil {
		o.templates[key] = &template{}
	}
	t := o.templates[key]
	if status := string(ev.TemplateStatus); status != "" && ev.Time >= t.statusAt {
		if status == "PAUSED" && t.status != "PAUSED" {
			t.pauses++
		}
		t.status, t.statusAt = status, ev.Time
	}
	if ev.TemplateQuality != event.RatingNone && ev.Time >= t.ratedAt {
		t.quality, t.ratedAt = ev.TemplateQuality.String(), ev.Time
	}
}

// moment is a clock that remembers when the first of its answers will change.
type moment struct{ clock, next int64 }

func now(clock int64) *moment { return &moment{clock, math.MaxInt64} }

// reached tells whether the clock is at or past t.
func (m *moment) reached(t int64) bool {
	if m.clock < t {
		m.next = min(m.next, t)
	}
	return m.clock >= t
}

// within tells whether t lies in the window that ends at the clock, both cut to
// the grain: floor(clock/g) - width/g < floor(t/g) <= floor(clock/g).
func (m *moment) within(t, grain, width int64) bool {
	t -= t % grain
	return m.reached(t) && !m.reached(t+width)
}

// inOrder gives the values of a map in the order of its keys.
func inOrder[V any](m map[string]V) []V {
	var all []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[k])
	}
	return all
}
