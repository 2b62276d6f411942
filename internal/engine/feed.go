package engine

import (
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// change is something that a portfolio must know of one of its numbers. A
// number's partition hands changes on in the order in which they came about,
// each with the first portfolio minute that sees it, so that portfolios can be
// evaluated elsewhere as exactly as here.
type change struct {
	visible   int64 // ms, a full minute
	kind      event.ChangeKind
	portfolio uint32 // whom it concerns
	number    uint32
	a         uint64 // contact, ip hash or score
	b         int64  // minute, time or limit
}

// feed takes down the changes of a partition until they are handed on.
type feed struct {
	on      bool
	visible int64
	count   int64 // of all changes ever noted
	list    []change
}

// note takes down a change, if anyone wants it and it concerns a portfolio.
func (f *feed) note(kind event.ChangeKind, portfolio, number uint32, a uint64, b int64) {
	if f.on && portfolio != 0 {
		f.count++
		f.list = append(f.list, change{f.visible, kind, portfolio, number, a, b})
	}
}

// handOn writes the changes taken down to out, for the portfolios role.
func (e *Engine) handOn(out *event.Output) {
	first := e.feed.count - int64(len(e.feed.list)) + 1
	for k, c := range e.feed.list {
		v := event.PortfolioChange{
			Partition: e.cfg.Partition, Sequence: first + int64(k), Visible: c.visible, Kind: c.kind,
			PortfolioID: e.portfolioIDs.string(c.portfolio), A: c.a, B: c.b,
		}
		if c.number != noIndex {
			v.NumberID = e.numbers.ids.string(e.numbers.at(c.number).id)
		}
		out.Changes = append(out.Changes, v)
	}
	e.feed.list = e.feed.list[:0]
}

// Gathering is the portfolios of one partition of the rows topic, which hold
// numbers of several partitions of the events topic. It takes their changes in
// any interleaving and as often as they come; those of one partition must come
// in order.
type Gathering struct {
	portfolios Portfolios
	ids        interner
	numbers    interner
	sources    []source // by partition of the events topic
	limits     []limitOf
}

// limitOf says where a portfolio's limit comes from.
type limitOf struct {
	source int
	time   int64 // the largest event time of a limit
}

// source is one partition of the events topic.
type source struct {
	taken int64    // sequence of the last change
	wait  []change // in order; those before head have been applied
	head  int
}

// NewGathering makes an empty one. Topic and partition are the positions' of
// its flags: those of the rows topic.
func NewGathering(topic string, partition int32, p *policy.Policy) *Gathering {
	g := &Gathering{}
	g.portfolios = newPortfolios(p, event.Position{Topic: topic, Partition: partition}, &g.ids)
	return g
}

// Take takes one change; one that it has seen already does nothing.
func (g *Gathering) Take(c *event.PortfolioChange) {
	for len(g.sources) <= int(c.Partition) {
		g.sources = append(g.sources, source{})
	}
	s := &g.sources[c.Partition]
	if c.Sequence <= s.taken {
		return
	}
	s.taken = c.Sequence
	number := noIndex
	if c.NumberID != "" {
		number = g.numbers.intern([]byte(c.NumberID)) - 1
	}
	s.wait = append(s.wait, change{c.Visible, c.Kind, g.ids.intern([]byte(c.PortfolioID)), number, c.A, c.B})
}

// Evaluate evaluates every portfolio at the portfolio minute m (ms), which must
// rise from call to call. All changes that m sees must have been taken. offset
// is that of the record that brings it about. An episode that begins is named
// after m, since partitions have no order in common.
func (g *Gathering) Evaluate(m, offset int64, out *event.Output) {
	for k := range g.sources {
		s := &g.sources[k]
		for ; s.head < len(s.wait) && s.wait[s.head].visible <= m; s.head++ {
			if c := s.wait[s.head]; c.kind != event.ChangeLimit || g.newer(k, c) {
				g.portfolios.apply(c)
			}
		}
		// A partition may be weeks ahead of another: what waits is moved only once
		// as much has gone.
		if s.head > len(s.wait)/2 {
			s.wait, s.head = slices.Delete(s.wait, 0, s.head), 0
		}
	}
	g.portfolios.evaluate(m, offset, m, out)
}

// newer tells whether a limit holds from now on. Every partition tells of each,
// sooner or later: of what one partition tells the last holds, as in a replay,
// and another's takes over only with a later event, so that a partition that is
// behind brings no limit back that has been replaced.
func (g *Gathering) newer(source int, c change) bool {
	for len(g.limits) <= int(c.portfolio) {
		g.limits = append(g.limits, limitOf{source: source, time: never})
	}
	l := &g.limits[c.portfolio]
	at := int64(c.a)
	if source != l.source && at <= l.time {
		return false
	}
	l.source, l.time = source, max(l.time, at)
	return true
}

// Statuses appends what is known of every portfolio, as of its last evaluation.
func (g *Gathering) Statuses(out *event.Output) { g.portfolios.Statuses(out) }

// Stats gives how many portfolios are known and how many changes wait.
func (g *Gathering) Stats() (portfolios, waiting int) {
	for k := range g.sources {
		waiting += len(g.sources[k].wait) - g.sources[k].head
	}
	return g.ids.len(), waiting
}
