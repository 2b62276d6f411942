package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// Lengths of time in milliseconds. A time that is 0 is none: no event is from before 2009.
const second, minute, quarter, hour, day, never, year2009 = int64(1000), 60 * second, 15 * minute, 60 * minute, 24 * hour, int64(math.MinInt64), int64(1230768000000)

// Row is a row of any table by column name; nil is none.
type Row map[string]any

// Oracle is the model of one partition.
type Oracle struct {
	Flags                                   []Row // all transitions so far; episode names the flag, offset the record that caused it
	horizon, recordClock, watermark, offset int64
	applied                                 map[string]int64 // ids
	numbers                                 map[string]*number
	portfolios                              map[string]*portfolio
	templates                               map[[2]string]*template // by WABA and name/language
	watch                                   func(*subject)          // called after each evaluation
}

// New returns the model of an empty partition with a dedup horizon in milliseconds.
func New(horizon int64) *Oracle {
	return &Oracle{
		horizon: horizon, applied: map[string]int64{}, numbers: map[string]*number{}, portfolios: map[string]*portfolio{},
		templates: map[[2]string]*template{}, watch: func(*subject) {},
	}
}

// Skip passes over a record that became no event.
func (o *Oracle) Skip(offset, recordTime int64) {
	if o.offset = offset; recordTime >= year2009 {
		o.recordClock = max(o.recordClock, recordTime)
	}
}

// Apply applies the event of the next record and returns its class. Reading: an
// id is remembered from when it was applied; a duplicate does not renew it.
func (o *Oracle) Apply(ev *event.Event, offset, recordTime int64) event.Class {
	o.Skip(offset, recordTime)
	if ev.Type == event.TypeUnknown {
		return event.ClassIgnored
	}
	if at, known := o.applied[string(ev.ID)]; known && o.recordClock-at <= o.horizon {
		return event.ClassDuplicate
	}
	o.applied[string(ev.ID)] = o.recordClock
	before := o.watermark
	o.AdvanceTo(ev.Time)
	if ev.Type == event.TypeTemplate {
		get(o.templates, [2]string{string(ev.WABAID), ev.Template.Key()}, template{}).update(ev)
	}
	for _, n := range o.concerned(ev) {
		n.clock, n.next, n.watermark = max(n.clock, ev.Time), never, o.watermark
		n.apply(ev, before, get(o.templates, [2]string{n.waba, ev.Template.Key()}, template{}).category)
		o.evaluate(n)
	}
	return event.ClassApplied
}

// concerned returns the numbers of which this is an event, in order, once it is
// known whom they belong to.
func (o *Oracle) concerned(ev *event.Event) []*number {
	id, waba, folio := string(ev.NumberID), string(ev.WABAID), string(ev.PortfolioID)
	if ev.Type == event.TypeLimit || id != "" && folio != "" {
		p := get(o.portfolios, folio, portfolio{subject: begin("portfolio", folio, 0), limit: math.NaN(), unique: make([]float64, 10)})
		p.limit, p.next = cmp.Or(float64(ev.Limit), p.limit), never
	}
	if id != "" {
		n := get(o.numbers, id, number{
			subject: begin("number", id, ev.Time), start: ev.Time, marks: map[string][]mark{}, talks: map[uint64]*talk{}, links: map[uint64]*link{},
			known: event.Event{Inputs: event.AllInputs},
		})
		n.waba, n.portfolio = cmp.Or(waba, n.waba), cmp.Or(folio, n.portfolio)
		return []*number{n}
	}
	return slices.DeleteFunc(inOrder(o.numbers), func(n *number) bool {
		ofWABA := ev.Type == event.TypeTemplate || ev.Scope == event.ScopeWABA
		return (!ofWABA || n.waba != waba) && (ev.Scope != event.ScopePortfolio || n.portfolio != folio)
	})
}

// latest is what the event with the largest time said, of equals the one applied
// later; at is 0 while none has.
type latest[T any] struct {
	is T
	at int64
}

func (l *latest[T]) set(said bool, is T, at int64) {
	if said && at >= l.at {
		l.is, l.at = is, at
	}
}

// template is what the updates of one template of one WABA say; paused is how
// often they paused it.
type template struct {
	status, rating latest[string]
	pauses         latest[int64]
	paused         int64
	category       event.Category
}

func (t *template) update(ev *event.Event) {
	before := t.status.is
	if t.status.set(len(ev.TemplateStatus) > 0, string(ev.TemplateStatus), ev.Time); before != "PAUSED" && t.status.is == "PAUSED" {
		t.paused++
	}
	t.rating.set(ev.TemplateQuality != event.RatingNone, ev.TemplateQuality.String(), ev.Time)
	t.pauses.set(ev.HasPauses, ev.Pauses, ev.Time)
	t.category = cmp.Or(ev.Template.Category, t.category)
}

// AdvanceTo moves the watermark to t, with the ticks and portfolio minutes this
// brings. Reading: the first event sets it and brings none.
func (o *Oracle) AdvanceTo(t int64) {
	if o.watermark == 0 {
		o.watermark = t
	}
	numbers, portfolios := inOrder(o.numbers), inOrder(o.portfolios)
	for m := (o.watermark/minute + 1) * minute; m <= t; m += minute {
		for _, n := range numbers {
			n.resolve("unanswered", 0, func(s *send) bool { return s.at+48*hour <= m-10*minute })
		}
		for _, n := range numbers {
			n.clock = max(n.clock, m-10*minute)
			o.evaluate(n)
		}
		for _, p := range portfolios {
			p.clock = m
			o.evaluatePortfolio(p)
		}
	}
	o.watermark = max(o.watermark, t)
}

// moment is a clock that remembers when the first of its answers will change.
type moment struct{ clock, next int64 }

func now(clock int64) *moment { return &moment{clock, math.MaxInt64} }

// reached reports whether the clock is at or past t.
func (m *moment) reached(t int64) bool {
	if m.clock < t {
		m.next = min(m.next, t)
	}
	return m.clock >= t
}

// within reports whether t lies in the window that ends at the clock, both cut to
// the grain: floor(clock/g) - width/g < floor(t/g) <= floor(clock/g).
func (m *moment) within(t, grain, width int64) bool {
	t -= t % grain
	return m.reached(t) && !m.reached(t+width)
}

// subject is a number or a portfolio as it was last evaluated; next is the clock
// at which its verdicts may change by themselves.
type subject struct {
	kind, id    string
	clock, next int64
	facts       map[string]float64
	words       map[string]string
	score       any // nil of a portfolio
	verdicts    []verdict
	episodes    map[[2]string]*episode // by factor and key
}

// episode is a flag: where it stands, where it began, and by level the clock of
// the last evaluation that computed it.
type episode struct {
	level    event.Level
	began    [2]int64 // offset and clock: one record may bring several episodes
	sequence int64
	last     [3]int64
}

// transitions are named by the level before and after.
var transitions = [3][3]event.Transition{
	{0, event.TransitionRaised, event.TransitionRaised}, {event.TransitionCleared, 0, event.TransitionEscalated}, {event.TransitionCleared, event.TransitionEased, 0},
}

func begin(kind, id string, clock int64) subject {
	return subject{kind: kind, id: id, clock: clock, next: never, episodes: map[[2]string]*episode{}}
}

// repeats reports whether an evaluation at the clock can only repeat the last, and
// records it then: nothing happened, and no comparison with the clock turns out
// otherwise.
func (s *subject) repeats() bool {
	for i := 0; i < len(s.verdicts) && s.clock < s.next; i++ {
		s.verdicts[i].episode.last[s.verdicts[i].level] = s.clock
	}
	return s.clock < s.next
}

// conclude moves the subject's flags to its verdicts.
func (o *Oracle) conclude(s *subject, m *moment, verdicts []verdict) {
	for t := range s.episodes { // templates that are no longer sent
		if !slices.ContainsFunc(verdicts, func(v verdict) bool { return t == v.topic() }) {
			verdicts = append(verdicts, verdict{factor: event.FactorTemplateQuality, key: t[1]})
		}
	}
	slices.SortFunc(verdicts, func(a, b verdict) int { return cmp.Or(cmp.Compare(a.factor, b.factor), cmp.Compare(a.key, b.key)) })
	for i, v := range verdicts {
		e := get(s.episodes, v.topic(), episode{})
		verdicts[i].episode = e
		e.last[v.level] = m.clock
		was, level := e.level, v.level
		for l := level + 1; l <= event.LevelDanger; l++ {
			if !m.reached(e.last[l] + 10*minute) {
				level = l
			}
		}
		if level == was || !v.factor.Flags() {
			continue
		}
		if e.level, e.sequence = level, e.sequence+1; was == event.LevelNone {
			e.began, e.sequence = [2]int64{o.offset, m.clock}, 0
		}
		flag := Row{
			"subject": s.kind, "id": s.id, "factor": v.factor.String(), "key": v.key, "transition": transitions[was][level].String(),
			"level": level.String(), "event_time": m.clock, "value": v.value, "score": s.score, "eta": nil,
			"offset": o.offset, "sequence": e.sequence, "episode": fmt.Sprint(v.topic(), e.began),
		}
		if level == event.LevelWarn && v.eta > 0 && v.eta <= 3600 {
			flag["eta"] = v.eta
		}
		o.Flags = append(o.Flags, flag)
	}
	s.verdicts, s.next = verdicts, m.next
	o.watch(s)
}

// evaluate judges a number at its clock.
func (o *Oracle) evaluate(n *number) {
	if n.repeats() {
		return
	}
	m := now(n.clock)
	o.conclude(&n.subject, m, o.verdicts(n, m))
	for _, p := range o.portfolios {
		p.next = never
	}
}

// portfolio is what is known of one portfolio; the rest comes from its numbers.
type portfolio struct {
	subject
	limit  float64   // NaN unknown, -1 unlimited
	unique []float64 // unique_initiated_24h of all portfolio minutes, and ten zeros before
}

// evaluatePortfolio judges a portfolio at the portfolio minute its clock is at.
func (o *Oracle) evaluatePortfolio(p *portfolio) {
	if p.repeats() {
		p.unique = append(p.unique, p.facts["unique_initiated_24h"])
		return
	}
	m, f := now(p.clock), map[string]float64{"limit": p.limit, "headroom": math.NaN(), "usage": math.NaN(), "score": math.NaN()}
	contacts, connections := map[uint64]bool{}, map[uint64]float64{}
	for _, n := range o.numbers {
		for _, s := range n.sends {
			if s.initiated && s.portfolio == p.id && m.within(s.at+minute, minute, day) {
				contacts[s.contact] = true
			}
		}
		if n.portfolio != p.id {
			continue
		}
		if slices.ContainsFunc(n.marks["strikes"], func(k mark) bool { return m.within(k.at, 1, 7*day) }) {
			f["restricted_7d"]++
		}
		connections[n.known.IPHash]++
		f["numbers_"+event.BandOf(int(n.facts["score"])).String()]++
		if !(f["score"] <= n.facts["score"]) {
			f["score"] = n.facts["score"]
		}
	}
	delete(connections, 0) // those of which none is known
	unique := float64(len(contacts))
	f["unique_initiated_24h"], f["shared_connection"] = unique, largest(connections)
	if p.unique = append(p.unique, unique); p.limit > 0 {
		f["headroom"], f["usage"], f["unit"] = max(0, p.limit-unique), unique/p.limit, p.limit
		f["unique_10m"] = unique - p.unique[len(p.unique)-11]
	}
	p.facts = f
	o.conclude(&p.subject, m, weigh(f, nil, "portfolio"))
}

// get returns what a map has for a key, and puts begin there if it has nothing.
func get[K comparable, V any](m map[K]*V, k K, begin V) *V {
	if m[k] == nil {
		m[k] = &begin
	}
	return m[k]
}

// inOrder returns the values of a map in the order of its keys.
func inOrder[V any](m map[string]V) (all []V) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[k])
	}
	return all
}

func largest[K comparable](counts map[K]float64) (most float64) {
	for _, c := range counts {
		most = max(most, c)
	}
	return most
}
