package engine

import (
	"slices"

	"sendwatch/internal/event"
)

// Number appends what is known of one number, as of its last evaluation; false
// if it is not known. It changes nothing, and neither do Riskiest and Statuses.
func (e *Engine) Number(id string, out *event.Output) bool {
	name, ok := e.numbers.ids.find([]byte(id))
	if !ok || name == 0 {
		return false
	}
	e.snapshotStatus(numberNamed(name), out)
	return true
}

// Riskiest appends what is known of the numbers with the lowest scores, the
// lowest first, of equals by number_id, at most limit. It also counts all
// numbers by band. It looks at each number's score alone, so that asking does
// not hold up a partition with many numbers.
func (e *Engine) Riskiest(limit int, out *event.Output) (bands [3]int64) {
	byScore := [101][]numberIndex{}
	var counts [101]int
	for i := range e.numbers.end() {
		counts[e.numbers.look(i).score]++
	}
	last := 0 // the highest score that can be among them
	for sum := 0; last < 100; last++ {
		if sum += counts[last]; sum >= limit {
			break
		}
	}
	for score, n := range counts {
		bands[event.BandOf(score)] += int64(n)
	}
	for i := range e.numbers.end() {
		if s := int(e.numbers.look(i).score); s <= last {
			byScore[s] = append(byScore[s], i)
		}
	}
	for score := range last + 1 {
		list := byScore[score]
		e.sortNumbers(&list)
		for _, i := range list {
			if limit--; limit < 0 {
				return bands
			}
			e.snapshotStatus(i, out)
		}
	}
	return bands
}

// snapshotStatus appends the status of one number at its clock. It changes
// nothing: the number is looked at in a copy whose clock is at the last tick.
func (e *Engine) snapshotStatus(i numberIndex, out *event.Output) {
	known := e.numbers.view(i)
	s, t := *known.standing, *known.traffic
	n := number{i, &s, known.told, &t}
	// At the ticks that left the number out nothing about it changed (scheduleTimer),
	// so that its sums and levels hold at the last of them.
	if e.lastTick > n.synced && e.lastTick > n.clock {
		n.clock = e.lastTick
	}
	e.appendStatus(n, out)
}

// Statuses appends what is known of every number, as of its last evaluation, by
// the bytes of number_id. It changes nothing.
func (e *Engine) Statuses(out *event.Output) {
	list := make([]numberIndex, e.numbers.end())
	for i := range list {
		list[i] = numberIndex(i)
	}
	e.sortNumbers(&list)
	for _, i := range list {
		e.snapshotStatus(i, out)
	}
}

// writeStatus writes what is known of a number at its clock.
func (e *Engine) writeStatus(n number, out *event.Output) {
	n.status &^= statusChanged
	e.appendStatus(n, out)
}

// appendStatus appends what is known of a number at its clock and returns it. The row is
// filled in where it lies: it is as large as a page of facts.
func (e *Engine) appendStatus(n number, out *event.Output) *event.NumberStatus {
	rows := slices.Grow(out.NumberStatuses, 1)
	out.NumberStatuses = rows[:len(rows)+1]
	s := &out.NumberStatuses[len(rows)]
	*s = event.NumberStatus{}
	s.Version, s.Partition = e.position.Offset, e.cfg.Partition
	s.NumberID, s.WABAID, s.PortfolioID = e.numbers.ids.string(n.index.name()), e.wabas.string(n.waba), e.portfolioIDs.string(n.portfolio)
	s.Minute, s.Clock = floor(n.clock, minute)*minute, n.clock
	s.Score, s.Band, s.Levels = int(n.score), event.BandOf(int(n.score)), n.levels
	e.facts(n, &s.Facts)
	var top [event.TopFactors]event.Contribution
	lost := e.numbers.lostBy(n.standing)
	if k := lost.contributions(&top); k > 0 {
		s.Top = out.Contributions(k)
		copy(s.Top, top[:k])
	}
	c := n.circumstances()
	s.AnsweredSender = e.policy.AnsweredSender(&c)
	if silent := e.policy.Silent(&c); silent != 0 {
		for f := range event.NumNumberFactors {
			if silent.Has(f) {
				s.Silences[f] = e.policy.Silence(f, &c)
			}
		}
	}
	return s
}
