package engine

import (
	"cmp"
	"slices"

	"sendwatch/internal/event"
)

// Number appends what is known of one number, as of its last evaluation; false
// if it is not known. Like Statuses it takes no row away from the output.
func (e *Engine) Number(id string, out *event.Output) bool {
	name, ok := e.numbers.names.find([]byte(id))
	if !ok || name == 0 {
		return false
	}
	e.show(name-1, out)
	return true
}

// Riskiest appends what is known of the numbers with the lowest scores, the
// lowest first, of equals by number_id, at most limit. It also counts all
// numbers by band. It looks at each number's score alone, so that asking does
// not hold up a partition with many numbers.
func (e *Engine) Riskiest(limit int, out *event.Output) (bands [3]int64) {
	byScore := [101][]uint32{}
	var counts [101]int
	for i := range e.numbers.all {
		counts[e.numbers.all[i].score]++
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
	for i := range e.numbers.all {
		if s := int(e.numbers.all[i].score); s <= last {
			byScore[s] = append(byScore[s], uint32(i))
		}
	}
	for score := range last + 1 {
		list := byScore[score]
		e.sortNumbers(&list)
		for _, i := range list {
			if limit--; limit < 0 {
				return bands
			}
			e.show(i, out)
		}
	}
	return bands
}

// show appends the status of one number for whoever asked.
func (e *Engine) show(i uint32, out *event.Output) {
	e.touch(i, never, &e.asked)
	out.NumberStatuses = append(out.NumberStatuses, e.status(i, e.numbers.at(i)))
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
		e.show(i, out)
	}
}

// contributions gives what lowered the score of a number, largest first.
func (e *Engine) contributions(n *number) []event.Contribution {
	var list []event.Contribution
	for f, points := range n.points {
		if points > 0 {
			list = append(list, event.Contribution{Factor: event.Factor(f), Points: points})
		}
	}
	slices.SortStableFunc(list, func(a, b event.Contribution) int { return cmp.Compare(b.Points, a.Points) })
	return list[:min(len(list), event.TopFactors)]
}
