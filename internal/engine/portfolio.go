package engine

import (
	"bytes"
	"math"
	"slices"

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

// portfolios keeps the facts of all portfolios over the numbers it is told of.
// It knows numbers by index only.
type portfolios struct {
	all      []portfolio // by index - 1 of the names
	members  []member    // by number
	contacts window.Keyed
	shared   window.Maxima
	byIP     window.Table // ip hash, portfolio -> ipCounts
	ipCounts window.Slots[uint32]
	strikes  []strikeAt
	history  window.Pool[uniqueAt]
	dirty    []uint32
	wakes    wakes
	minute   int64 // the last portfolio minute, ms; never before the first
	on       bool
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
	number uint32
}

// uniqueAt is the value that unique_initiated_24h took at a portfolio minute.
type uniqueAt struct{ minute, value int64 }

type portfolio struct {
	known, dirty, evaluated bool
	limit                   int64 // 0 if not known, -1 unlimited
	contacts                window.KeyedLog
	sharing                 window.Maximum
	scores                  [101]uint32 // how many of its numbers have the score
	track                   track
	history                 window.Ring
	since                   int64 // the first portfolio minute at which it was evaluated
	scheduled               int64
	last                    portfolioFacts
	levels                  [event.NumFactors - event.NumNumberFactors]event.Level
}

type portfolioFacts struct {
	unique, restricted, sharing int64
	bands                       [3]int64
	score                       int
}

// at gives a portfolio by its index in the names, known if need be.
func (p *portfolios) at(i uint32) *portfolio {
	for len(p.all) < int(i) {
		p.all = append(p.all, portfolio{scheduled: never})
	}
	return &p.all[i-1]
}

// touch makes a portfolio known and to be evaluated at the next minute.
func (p *portfolios) touch(i uint32) *portfolio {
	f := p.at(i)
	f.known = true
	if !f.dirty {
		f.dirty = true
		p.dirty = append(p.dirty, i)
	}
	return f
}

func (p *portfolios) member(number uint32) *member {
	for len(p.members) <= int(number) {
		p.members = append(p.members, member{})
	}
	return &p.members[number]
}

// move tells that a number belongs to another portfolio now.
func (p *portfolios) move(number, to uint32) {
	if !p.on {
		return
	}
	m := p.member(number)
	p.leave(m)
	m.portfolio = to
	p.join(m)
}

func (p *portfolios) leave(m *member) {
	if m.portfolio == 0 {
		return
	}
	f := p.touch(m.portfolio)
	if m.scored {
		f.scores[m.score]--
	}
	p.countIP(m, f, -1)
}

func (p *portfolios) join(m *member) {
	if m.portfolio == 0 {
		return
	}
	f := p.touch(m.portfolio)
	if m.scored {
		f.scores[m.score]++
	}
	p.countIP(m, f, +1)
}

// countIP moves the count of the numbers of a portfolio with the member's ip hash.
func (p *portfolios) countIP(m *member, f *portfolio, by int) {
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

// scored tells a number's latest score.
func (p *portfolios) scored(number uint32, score uint8) {
	if !p.on {
		return
	}
	m := p.member(number)
	if m.scored && m.score == score {
		return
	}
	if m.portfolio == 0 {
		m.score, m.scored = score, true
		return
	}
	f := p.touch(m.portfolio)
	if m.scored {
		f.scores[m.score]--
	}
	m.score, m.scored = score, true
	f.scores[score]++
}

// connected tells a number's last ip hash.
func (p *portfolios) connected(number uint32, ipHash uint64) {
	if !p.on {
		return
	}
	m := p.member(number)
	if m.ipHash == ipHash {
		return
	}
	if m.portfolio != 0 {
		p.countIP(m, p.touch(m.portfolio), -1)
	}
	m.ipHash = ipHash
	if m.portfolio != 0 {
		p.countIP(m, p.touch(m.portfolio), +1)
	}
}

// strike tells that a number was restricted anew at time t.
func (p *portfolios) strike(number uint32, t int64) {
	if !p.on {
		return
	}
	p.strikes = append(p.strikes, strikeAt{t, number})
	if m := p.member(number); m.portfolio != 0 {
		p.touch(m.portfolio)
	}
}

// limit tells a portfolio's limit.
func (p *portfolios) limit(i uint32, limit int64) {
	if p.on {
		p.touch(i).limit = limit
	}
}

// initiated tells of an initiated send, counted for the portfolio that the
// number belongs to.
func (p *portfolios) initiated(i uint32, contact uint64, at int64) {
	if !p.on || i == 0 {
		return
	}
	f := p.touch(i)
	last := int64(never)
	if p.minute != never {
		last = p.minute/minute - 1
	}
	if last == never {
		last = at
	}
	p.contacts.Add(&f.contacts, i, contact, at, max(last, at))
}

// portfolioMinute evaluates every portfolio at the clock m. Those at which
// nothing can have changed are left out.
func (e *Engine) portfolioMinute(m int64, out *event.Output) {
	p := &e.portfolio
	if !p.on {
		return
	}
	p.minute = m
	for _, i := range p.wakes.due(m, nil) {
		p.at(i).scheduled = never
		p.touch(i)
	}
	if len(p.dirty) == 0 {
		return
	}
	slices.SortFunc(p.dirty, func(a, b uint32) int { return bytes.Compare(e.folios.get(a), e.folios.get(b)) })
	for _, i := range p.dirty {
		e.evaluatePortfolio(i, m, out)
	}
	p.dirty = p.dirty[:0]
}

// evaluatePortfolio computes a portfolio's facts at m, moves its flags and
// plans the next look.
func (e *Engine) evaluatePortfolio(i uint32, m int64, out *event.Output) {
	p := &e.portfolio
	f := p.at(i)
	f.dirty = false
	if f.evaluated {
		// The minutes left out since saw what the last evaluation saw.
		e.extend(&f.track, m-minute)
	} else {
		f.evaluated, f.since = true, m
	}
	now := p.facts(i, f, m)
	changed := now != f.last
	f.last = now
	p.remember(f, m)

	rules := e.cfg.Policy.Portfolio(e.folios.get(i))
	values := p.values(f)
	for k, v := range values {
		factor := event.FactorLimitUsage + event.Factor(k)
		level, _ := rules.Rules[factor].Judge(v, 0, 0)
		s, moved := e.step(&f.track, factor, 0, level, m, func() [2]uint64 {
			return e.deriveID(append([]byte("portfolio\x00"), e.folios.get(i)...), factor, "")
		})
		f.levels[k] = s.is
		if moved {
			changed = true
			e.flagPortfolio(i, f, factor, v, s, m, out)
			e.settleStep(&f.track, s)
		}
	}
	if changed {
		out.PortfolioStatus = append(out.PortfolioStatus, e.portfolioStatus(i, f, m))
	}
	p.plan(i, f, m, e.nextStep(&f.track, m))
}

// facts computes the facts of a portfolio at m.
func (p *portfolios) facts(i uint32, f *portfolio, m int64) portfolioFacts {
	p.contacts.Advance(&f.contacts, m/minute-1)
	now := portfolioFacts{unique: int64(f.contacts.Keys()), sharing: int64(f.sharing.Top()), score: -1}
	for score, n := range f.scores {
		if n > 0 {
			if now.score < 0 {
				now.score = score
			}
			now.bands[event.BandOf(score)] += int64(n)
		}
	}
	p.strikes = slices.DeleteFunc(p.strikes, func(s strikeAt) bool { return s.time <= m-strikeWatch })
	struck := map[uint32]bool{}
	for _, s := range p.strikes {
		if p.members[s.number].portfolio == i && !struck[s.number] {
			struck[s.number] = true
			now.restricted++
		}
	}
	return now
}

// values gives the values of the portfolio factors in their order.
func (p *portfolios) values(f *portfolio) [event.NumFactors - event.NumNumberFactors]float64 {
	usage := math.NaN()
	if f.limit > 0 {
		usage = float64(f.last.unique) / float64(f.limit)
	}
	return [...]float64{usage, float64(f.last.restricted), float64(f.last.sharing)}
}

// remember keeps the values that unique_initiated_24h took in the last minutes.
func (p *portfolios) remember(f *portfolio, m int64) {
	n := f.history.Len()
	if n == 0 || p.history.At(&f.history, n-1).value != f.last.unique {
		p.history.PushBack(&f.history, uniqueAt{m, f.last.unique})
	}
	for f.history.Len() > 1 && p.history.At(&f.history, 1).minute <= m-paceMinutes*minute {
		p.history.PopFront(&f.history)
	}
}

// before gives the value that unique_initiated_24h took paceMinutes before m, 0
// if the portfolio was not evaluated then.
func (p *portfolios) before(f *portfolio, m int64) int64 {
	then := m - paceMinutes*minute
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
func (p *portfolios) plan(i uint32, f *portfolio, m, next int64) {
	if b := p.contacts.Next(&f.contacts); b != window.Never {
		next = min(next, (b+1)*minute)
	}
	for _, s := range p.strikes {
		if p.members[s.number].portfolio == i {
			next = min(next, s.time+strikeWatch)
		}
	}
	if next == window.Never {
		return
	}
	at := max(ceil(next, minute), m/minute+1)
	if f.scheduled != never && f.scheduled > m/minute && f.scheduled <= at {
		return
	}
	f.scheduled = at
	p.wakes.push(wakeAt{at, i})
}

// flagPortfolio writes one transition of a portfolio's episode.
func (e *Engine) flagPortfolio(i uint32, f *portfolio, factor event.Factor, value float64, s step, m int64, out *event.Output) {
	r := &e.cfg.Policy.Portfolio(e.folios.get(i)).Rules[factor]
	fl := e.newFlag(s, factor, r, 0)
	fl.PortfolioID, fl.Score, fl.EventTime = e.folios.string(i), -1, m
	if value == value && r.On {
		fl.Value = event.NumberValue(value)
	}
	if factor == event.FactorLimitUsage && s.is == event.LevelWarn && f.limit > 0 && r.On {
		if pace := f.last.unique - e.portfolio.before(f, m); pace > 0 && r.Danger.Exists() {
			fl.ETA = eta(leastCount(&r.Danger, f.limit)-float64(f.last.unique), float64(pace))
		}
	}
	counts := []event.NamedCount{
		{Name: "unique_initiated_24h", Value: float64(f.last.unique)},
		{Name: "restricted_7d", Value: float64(f.last.restricted)},
		{Name: "shared_connection", Value: float64(f.last.sharing)},
	}
	if f.limit != 0 {
		counts = append(counts, event.NamedCount{Name: "limit", Value: float64(f.limit)})
	}
	fl.Evidence.Counts = counts
	out.Flags = append(out.Flags, fl)
	e.stats.flagged(factor, fl.Transition)
}

// leastCount gives the smallest count whose share of the limit meets a threshold.
func leastCount(t *policy.Threshold, limit int64) float64 {
	c := math.Floor(t.Value*float64(limit)) - 1
	for !t.Met(c / float64(limit)) {
		c++
	}
	return c
}

func (e *Engine) portfolioStatus(i uint32, f *portfolio, m int64) event.PortfolioStatus {
	return event.PortfolioStatus{
		Version: e.offset, Partition: e.cfg.Partition, PortfolioID: e.folios.string(i), Minute: m, Clock: m,
		UniqueInitiated: f.last.unique, Limit: f.limit, Restricted7d: f.last.restricted, SharedConn: f.last.sharing,
		NumbersHigh: f.last.bands[event.BandHigh], NumbersMedium: f.last.bands[event.BandMedium],
		NumbersLow: f.last.bands[event.BandLow], Score: f.last.score, Levels: f.levels,
	}
}

// PortfolioStatuses appends what is known of every portfolio, as of its last
// evaluation, by the bytes of portfolio_id.
func (e *Engine) PortfolioStatuses(out *event.Output) {
	p := &e.portfolio
	var list []uint32
	for i := range p.all {
		if p.all[i].evaluated {
			list = append(list, uint32(i+1))
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return bytes.Compare(e.folios.get(a), e.folios.get(b)) })
	for _, i := range list {
		out.PortfolioStatus = append(out.PortfolioStatus, e.portfolioStatus(i, p.at(i), p.minute))
	}
}
