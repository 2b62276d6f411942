package engine

import "sendwatch/internal/event"

// markChanged notes that a number has a status to write.
func (e *Engine) markChanged(i uint32, n *number) {
	if !n.changed && !e.cfg.FinalStatusOnly && !e.cfg.FlagsOnly {
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
		NumberID: e.numbers.ids.string(n.id), WABAID: e.wabas.string(n.waba), PortfolioID: e.portfolioIDs.string(n.portfolio),
		Minute: floor(n.clock, minute) * minute, Clock: n.clock,
		Facts: e.facts(i, n), Score: int(n.score), Band: event.BandOf(int(n.score)), Levels: n.levels,
		Top: e.contributions(n),
	}
}
