package engine

import (
	"math"
	"slices"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// uniqueMinutes is the width of unique_initiated_24h: a moving 24 h by minute.
const uniqueMinutes = 24 * 60

// strikeWatch is how long a strike counts for restricted_7d.
const strikeWatch = 7 * day

// paceMinutes is how far back the pace of limit_usage looks.
const paceMinutes = 10

// Portfolios keeps the facts of portfolios over the numbers that changes name, and
// their flags. It takes changes (changelog.go), each with the first portfolio
// minute that sees it.
type Portfolios struct {
	episodeTracker
	ids      *interner               // of portfolios
	all      window.Slots[portfolio] // by index - 1 of ids
	members  window.Slots[member]    // by number
	contacts window.Uniques
	shared   window.Maxima
	byIP     window.Table // ip hash, portfolio -> ipCounts
	ipCounts window.Slots[uint32]
	strikes  []strikeAt
	history  window.Pool[uniqueAt]
	dirty    []uint32
	timers   timers
	minute   int64 // the last portfolio minute, ms; never before the first
}

func newPortfolios(p *policy.Policy, at event.Position, ids *interner) Portfolios {
	return Portfolios{
		episodeTracker: episodeTracker{policy: p, position: at}, ids: ids,
		contacts: window.NewUniques(uniqueMinutes, window.ExactUniques), minute: never,
	}
}

// setPolicy makes another policy decide from the next evaluation on.
func (p *Portfolios) setPolicy(next *policy.Policy) {
	p.policy = next
	for i := range p.all.End() {
		if p.all.Look(i).known {
			p.markDirty(i + 1)
		}
	}
}

// member is what a portfolio needs to know of a number.
type member struct {
	portfolio uint32 // 0 for none
	score     uint8
	scored    bool
	ipHash    uint64
}

type strikeAt struct {
	time   int64
	number numberIndex
}

// uniqueAt is the value that unique_initiated_24h took at a portfolio minute.
type uniqueAt struct{ minute, value int64 }

type portfolio struct {
	known, dirty, evaluated bool
	limit                   int64 // 0 if not known, -1 unlimited
	contacts                window.UniqueCounts
	sharing                 window.Maximum
	scores                  [101]uint32 // how many of its numbers have the score
	open                    openEpisodes
	history                 window.Ring
	since                   int64 // the first portfolio minute at which it was evaluated
	timerAt                 int64
	last                    portfolioFacts
	levels                  [event.NumFactors - event.NumNumberFactors]event.Level
}

type portfolioFacts struct {
	unique, limit, restricted, sharing int64
	bands                              [3]int64
	score                              int
}

// at returns a portfolio by its index in ids, known if need be.
func (p *Portfolios) at(i uint32) *portfolio {
	for p.all.End() < i {
		p.all.At(p.all.New()).timerAt = never
	}
	return p.all.At(i - 1)
}

// markDirty makes a portfolio known and to be evaluated at the next minute.
func (p *Portfolios) markDirty(i uint32) *portfolio {
	f := p.at(i)
	f.known = true
	if !f.dirty {
		f.dirty = true
		p.dirty = append(p.dirty, i)
	}
	return f
}

func (p *Portfolios) member(number numberIndex) *member {
	for p.members.End() <= uint32(number) {
		p.members.New()
	}
	return p.members.At(uint32(number))
}

// take applies all changes of a changelog and empties it.
func (p *Portfolios) take(f *changelog) {
	for _, c := range f.list {
		p.apply(c)
	}
	f.list = f.list[:0]
}

// apply takes one change. What it says of a number holds for a number that
// belongs to the portfolio; the order of the changelog sees to that. A number that comes on
// several partitions, against the contract, belongs where the last change puts it.
func (p *Portfolios) apply(c change) {
	f := p.markDirty(c.portfolio)
	switch c.kind {
	case event.ChangeContact:
		// What is too old for the minute that sees it would only wait for it to go:
		// a history that comes late would cost memory for good.
		if c.minute() >= c.visible/minute-uniqueMinutes {
			p.contacts.Add(&f.contacts, c.portfolio, c.contact(), c.minute())
		}
		return
	case event.ChangeLimit:
		f.limit = c.limit()
		return
	case event.ChangeStrike:
		p.strikes = append(p.strikes, strikeAt{c.struckAt(), c.number})
		return
	}
	m := p.member(c.number)
	if c.kind == event.ChangeLeave {
		if m.portfolio == c.portfolio {
			p.leave(m)
		}
		return
	}
	if m.portfolio != c.portfolio {
		p.leave(m)
		m.portfolio = c.portfolio
	}
	switch c.kind {
	case event.ChangeScore:
		p.count(m, f, -1)
		m.score, m.scored = c.score(), true
		p.count(m, f, +1)
	case event.ChangeIP:
		p.countIP(m, f, -1)
		m.ipHash = c.ipHash()
		p.countIP(m, f, +1)
	}
}

// leave takes a number off its portfolio's counts, if it belongs to one.
func (p *Portfolios) leave(m *member) {
	if m.portfolio == 0 {
		return
	}
	f := p.markDirty(m.portfolio)
	p.count(m, f, -1)
	p.countIP(m, f, -1)
	*m = member{}
}

// count moves the count of the numbers of a portfolio with the member's score.
func (p *Portfolios) count(m *member, f *portfolio, by int) {
	if m.scored {
		f.scores[m.score] = uint32(int(f.scores[m.score]) + by)
	}
}

// countIP moves the count of the numbers of a portfolio with the member's ip hash.
func (p *Portfolios) countIP(m *member, f *portfolio, by int) {
	if m.ipHash == 0 {
		return
	}
	k := window.Key{A: m.ipHash, B: uint64(m.portfolio)}
	slot, ok := p.byIP.Get(k)
	if !ok {
		slot = p.ipCounts.New()
		p.byIP.Put(k, slot)
	}
	c := p.ipCounts.At(slot)
	was := *c
	*c = uint32(int(was) + by)
	p.shared.Move(&f.sharing, was, *c)
	if *c == 0 {
		p.byIP.Delete(k)
		p.ipCounts.Free(slot)
	}
}

// evaluate evaluates every portfolio at the clock m. Those at which nothing can
// have changed are left out. offset is that of the record that brings it about,
// originOffset what an episode that begins now is named after.
func (p *Portfolios) evaluate(m, offset, originOffset int64, out *event.Output) {
	p.minute, p.position.Offset, p.originOffset = m, offset, originOffset
	for _, i := range p.timers.due(m, nil) {
		p.at(i).timerAt = never
		p.markDirty(i)
	}
	if len(p.dirty) == 0 {
		return
	}
	slices.SortFunc(p.dirty, func(a, b uint32) int { return strings.Compare(p.ids.string(a), p.ids.string(b)) })
	for _, i := range p.dirty {
		p.evaluateOne(i, m, out)
	}
	p.dirty = p.dirty[:0]
}

// evaluateOne computes a portfolio's facts at m, moves its flags and plans the
// next look.
func (p *Portfolios) evaluateOne(i uint32, m int64, out *event.Output) {
	f := p.at(i)
	f.dirty = false
	first := !f.evaluated
	if first {
		f.evaluated, f.since = true, m
	} else {
		// The minutes left out since saw what the last evaluation saw.
		p.carryForward(&f.open, m-minute)
	}
	now := p.facts(i, f, m)
	changed := first || now != f.last
	f.last = now
	p.remember(f, m)

	rules := p.policy.Portfolio([]byte(p.ids.string(i)))
	for k, v := range f.values() {
		factor := event.FactorLimitUsage + event.Factor(k)
		level, _ := rules.Rules[factor].Judge(v, 0, 0)
		s, moved := p.step(&f.open, factor, 0, level, m, func() [2]uint64 {
			return p.deriveID(append([]byte("portfolio\x00"), p.ids.string(i)...), factor, "", m)
		})
		f.levels[k] = s.is
		if moved {
			changed = true
			p.flag(i, f, factor, v, s, out)
			p.closeStep(&f.open, s)
		}
	}
	if changed {
		out.PortfolioStatus = append(out.PortfolioStatus, p.status(i, f))
	}
	p.plan(i, f, m, p.nextFall(&f.open, m))
}

// facts computes the facts of a portfolio at m.
func (p *Portfolios) facts(i uint32, f *portfolio, m int64) portfolioFacts {
	p.contacts.Advance(&f.contacts, m/minute-1)
	now := portfolioFacts{
		unique: p.contacts.Count(&f.contacts), limit: f.limit, sharing: int64(f.sharing.Top()), score: -1,
	}
	for score, n := range f.scores {
		if n > 0 {
			if now.score < 0 {
				now.score = score
			}
			now.bands[event.BandOf(score)] += int64(n)
		}
	}
	p.strikes = slices.DeleteFunc(p.strikes, func(s strikeAt) bool { return s.time <= m-strikeWatch })
	struck := map[numberIndex]bool{}
	for _, s := range p.strikes {
		if p.member(s.number).portfolio == i && !struck[s.number] {
			struck[s.number] = true
			now.restricted++
		}
	}
	return now
}

// values returns the values of the portfolio factors in their order.
func (f *portfolio) values() [event.NumFactors - event.NumNumberFactors]float64 {
	usage := math.NaN()
	if f.limit > 0 {
		usage = float64(f.last.unique) / float64(f.limit)
	}
	return [...]float64{usage, float64(f.last.restricted), float64(f.last.sharing)}
}

// remember keeps the values that unique_initiated_24h took in the last minutes.
func (p *Portfolios) remember(f *portfolio, m int64) {
	n := f.history.Len()
	if n == 0 || p.history.At(&f.history, n-1).value != f.last.unique {
		p.history.PushBack(&f.history, uniqueAt{m, f.last.unique})
	}
	for f.history.Len() > 1 && p.history.At(&f.history, 1).minute <= m-paceMinutes*minute {
		p.history.PopFront(&f.history)
	}
}

// before returns the value that unique_initiated_24h took paceMinutes ago, 0 if the portfolio was not evaluated then.
func (p *Portfolios) before(f *portfolio) int64 {
	then := p.minute - paceMinutes*minute
	if then < f.since {
		return 0
	}
	value := int64(0)
	for k := range f.history.Len() {
		if h := p.history.At(&f.history, k); h.minute <= then {
			value = h.value
		}
	}
	return value
}

// plan finds the next minute at which the passing of time may change the
// portfolio.
func (p *Portfolios) plan(i uint32, f *portfolio, m, next int64) {
	if b := p.contacts.Next(&f.contacts); b != window.Never {
		next = min(next, (b+1)*minute)
	}
	for _, s := range p.strikes {
		if p.member(s.number).portfolio == i {
			next = min(next, s.time+strikeWatch)
		}
	}
	if next == window.Never {
		return
	}
	at := max(ceil(next, minute), m/minute+1)
	if f.timerAt != never && f.timerAt > m/minute && f.timerAt <= at {
		return
	}
	f.timerAt = at
	p.timers.push(newTimer(at, i))
}

// flag writes one transition of a portfolio's episode.
func (p *Portfolios) flag(i uint32, f *portfolio, factor event.Factor, value float64, s transitionStep, out *event.Output) {
	r := &p.policy.Portfolio([]byte(p.ids.string(i))).Rules[factor]
	fl := p.newFlag(s, factor, r, 0)
	fl.PortfolioID, fl.Score, fl.EventTime = p.ids.string(i), -1, p.minute
	if value == value && r.On {
		fl.Value = event.NumberValue(value)
	}
	if factor == event.FactorLimitUsage && s.is == event.LevelWarn && f.limit > 0 && r.On {
		if pace := f.last.unique - p.before(f); pace > 0 && r.Danger.Exists() {
			fl.ETA = eta(leastCount(&r.Danger, f.limit)-float64(f.last.unique), float64(pace))
		}
	}
	fl.Evidence.Counts = []event.NamedCount{
		{Name: "unique_initiated_24h", Value: float64(f.last.unique)},
		{Name: "restricted_7d", Value: float64(f.last.restricted)},
		{Name: "shared_connection", Value: float64(f.last.sharing)},
	}
	if f.limit != 0 {
		fl.Evidence.Counts = append(fl.Evidence.Counts, event.NamedCount{Name: "limit", Value: float64(f.limit)})
	}
	out.Flags = append(out.Flags, fl)
	p.stats.flagged(factor, fl.Transition)
}

// leastCount returns the smallest count whose share of the limit meets a threshold.
func leastCount(t *policy.Threshold, limit int64) float64 {
	c := math.Floor(t.Value*float64(limit)) - 1
	for !t.Met(c / float64(limit)) {
		c++
	}
	return c
}

func (p *Portfolios) status(i uint32, f *portfolio) event.PortfolioStatus {
	return event.PortfolioStatus{
		Version: p.position.Offset, Partition: p.position.Partition, PortfolioID: p.ids.string(i),
		Minute: p.minute, Clock: p.minute,
		UniqueInitiated: f.last.unique, Limit: f.last.limit, Restricted7d: f.last.restricted, SharedConn: f.last.sharing,
		NumbersHigh: f.last.bands[event.BandHigh], NumbersMedium: f.last.bands[event.BandMedium],
		NumbersLow: f.last.bands[event.BandLow], Score: f.last.score, Levels: f.levels,
	}
}

// Statuses appends what is known of every portfolio, as of its last evaluation,
// by the bytes of portfolio_id.
func (p *Portfolios) Statuses(out *event.Output) {
	var list []uint32
	for i := range p.all.End() {
		if p.all.Look(i).evaluated {
			list = append(list, i+1)
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return strings.Compare(p.ids.string(a), p.ids.string(b)) })
	for _, i := range list {
		out.PortfolioStatus = append(out.PortfolioStatus, p.status(i, p.at(i)))
	}
}

// PortfolioStatuses appends what is known of every portfolio of a replay, as of
// its last evaluation.
func (e *Engine) PortfolioStatuses(out *event.Output) { e.portfolio.Statuses(out) }
