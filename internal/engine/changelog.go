package engine

import "sendwatch/internal/event"

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

// changelog takes down the changes of a partition until they are handed on.
type changelog struct {
	on      bool
	visible int64
	count   int64 // of all changes ever noted
	list    []change
}

// add takes down a change, if anyone wants it and it concerns a portfolio.
func (f *changelog) add(kind event.ChangeKind, portfolio, number uint32, a uint64, b int64) {
	if f.on && portfolio != 0 {
		f.count++
		f.list = append(f.list, change{f.visible, kind, portfolio, number, a, b})
	}
}

// drain writes the changes taken down to out, for the portfolios role.
func (e *Engine) drain(out *event.Output) {
	first := e.changelog.count - int64(len(e.changelog.list)) + 1
	for k, c := range e.changelog.list {
		v := event.PortfolioChange{
			Partition: e.cfg.Partition, Sequence: first + int64(k), Visible: c.visible, Kind: c.kind,
			PortfolioID: e.portfolioIDs.string(c.portfolio), A: c.a, B: c.b,
		}
		if c.number != noIndex {
			v.NumberID = e.numbers.ids.string(e.numbers.at(c.number).id)
		}
		out.Changes = append(out.Changes, v)
	}
	e.changelog.list = e.changelog.list[:0]
}
