package engine

import (
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// PortfolioEngine is the portfolios of one partition of the rows topic, which hold
// numbers of several partitions of the events topic. It takes their changes in
// any interleaving and as often as they come; those of one partition must come
// in order.
type PortfolioEngine struct {
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

// NewPortfolioEngine makes an empty one. Topic and partition are the positions' of
// its flags: those of the rows topic.
func NewPortfolioEngine(topic string, partition int32, p *policy.Policy) *PortfolioEngine {
	g := &PortfolioEngine{}
	g.portfolios = newPortfolios(p, event.Position{Topic: topic, Partition: partition}, &g.ids)
	return g
}

// Take takes one change; one that it has seen already does nothing.
func (g *PortfolioEngine) Take(c *event.PortfolioChange) {
	for len(g.sources) <= int(c.Partition) {
		g.sources = append(g.sources, source{})
	}
	s := &g.sources[c.Partition]
	if c.Sequence <= s.taken {
		return
	}
	s.taken = c.Sequence
	number := noNumber
	if c.NumberID != "" {
		number = numberNamed(g.numbers.intern([]byte(c.NumberID)))
	}
	s.wait = append(s.wait, change{c.Sequence, c.Visible, c.Kind, g.ids.intern([]byte(c.PortfolioID)), number, c.A, c.B})
}

// TakeAgain has the changes of a partition from a sequence on taken once more, as if they had not been
// seen: some before them had not, and of what is said of one number the last holds. All that is said
// twice then is the same: a contact, a member, a score, a limit.
func (g *PortfolioEngine) TakeAgain(partition int32, from int64) {
	if int(partition) < len(g.sources) {
		s := &g.sources[partition]
		s.taken = min(s.taken, from-1)
	}
}

// Evaluate evaluates every portfolio at the portfolio minute m (ms), which must
// rise from call to call. All changes that m sees must have been taken. offset
// is that of the record that brings it about. An episode that begins is named
// after m, since partitions have no order in common.
func (g *PortfolioEngine) Evaluate(m, offset int64, out *event.Output) {
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

// newer reports whether a limit holds from now on. Every partition reports each,
// sooner or later: of what one partition reports the last holds, as in a replay,
// and another's takes over only with a later event, so that a partition that is
// behind brings no limit back that has been replaced.
func (g *PortfolioEngine) newer(source int, c change) bool {
	for len(g.limits) <= int(c.portfolio) {
		g.limits = append(g.limits, limitOf{source: source, time: never})
	}
	l := &g.limits[c.portfolio]
	at := c.limitAt()
	if source != l.source && at <= l.time {
		return false
	}
	l.source, l.time = source, max(l.time, at)
	return true
}

// Statuses appends what is known of every portfolio, as of its last evaluation.
func (g *PortfolioEngine) Statuses(out *event.Output) { g.portfolios.Statuses(out) }

// Stats returns how many portfolios are known and how many changes wait.
func (g *PortfolioEngine) Stats() (portfolios, waiting int) {
	for k := range g.sources {
		waiting += len(g.sources[k].wait) - g.sources[k].head
	}
	return g.ids.len(), waiting
}

// SetPolicy makes another policy decide from the next evaluation on.
func (g *PortfolioEngine) SetPolicy(p *policy.Policy) { g.portfolios.setPolicy(p) }
