package engine

import (
	"cmp"
	"slices"

	"sendwatch/internal/event"
)

// markChanged notes that a number has a status to write.
func (e *Engine) markChanged(i uint32, n *number) {
	if !n.changed && !e.cfg.FinalStatusOnly {
		n.changed = true
		e.changed = append(e.changed, i)
	}
}

// writeStatus writes what is known of a number at its clock.
func (e *Engine) writeStatus(i uint32, out *event.Output) {
	n := e.numbers.at(i)
	n.changed = false
	out.NumberStatuses = append(out.NumberStatuses, e.status(i, n))
}

func (e *Engine) status(i uint32, n *number) event.NumberStatus {
	return event.NumberStatus{
		Version: e.position.Offset, Partition: e.cfg.Partition,
		NumberID: e.numbers.names.string(n.id), WABAID: e.wabas.string(n.waba), PortfolioID: e.folios.string(n.portfolio),
		Minute: floor(n.clock, minute) * minute, Clock: n.clock,
		Facts: e.facts(i, n), Score: int(n.score), Band: event.BandOf(int(n.score)), Levels: n.levels,
		Top: e.contributions(n),
	}
}

// Statuses appends what is known of every number, as of its last evaluation, by
// the bytes of number_id. It may be asked at any time and takes no row away from
// the log's output: what falls due by it goes out with the next Flush.
func (e *Engine) Statuses(out *event.Output) {
	e.due = e.due[:0]
	for i := range e.numbers.all {
		e.due = append(e.due, uint32(i))
	}
	e.sortNumbers(&e.due)
	for _, i := range e.due {
		e.touch(i, never, &e.asked)
		out.NumberStatuses = append(out.NumberStatuses, e.status(i, e.numbers.at(i)))
	}
}

// contributions gives what lowered the score of a number, largest first.
func (e *Engine) contributions(n *number) []event.Contribution {
	var list []event.Contribution
	for f, points := range n.points {
		if points > 0 {
			list = append(list, event.Contribution{Factor: event.Factor(f), Points: float64(points)})
		}
	}
	slices.SortStableFunc(list, func(a, b event.Contribution) int { return cmp.Compare(b.Points, a.Points) })
	return list[:min(len(list), event.TopFactors)]
}
