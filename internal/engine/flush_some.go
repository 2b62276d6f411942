package engine

import (
	"slices"

	"sendwatch/internal/event"
)

// Unwritten returns how many rows and statuses Flush would append at most.
func (e *Engine) Unwritten() int {
	n := len(*e.unwrittenStatuses())
	for _, list := range e.pane.dirty {
		n += len(list)
	}
	return n
}

// FlushSome appends some of the rows and statuses that Flush would, about as many as most. Records may be applied
// before the next call; what they change is written once more. It must not be called in the middle of a Flush.
//
// What there is at the first call is put in the order of portfolios, so that each call takes rows of a few of them: they are
// written to a topic that is keyed by portfolio. Changes for portfolios, whose order is their own, are
// left to Flush.
func (e *Engine) FlushSome(most int, out *event.Output) {
	e.progress.limit = unlimited
	p, statuses, all := &e.pane, e.unwrittenStatuses(), max(1, e.Unwritten())
	if p.arranged == 0 {
		e.arrange()
	}
	p.arranged = max(0, p.arranged-most)
	share := func(n int) int { return min(n, (n*most+all-1)/all) }
	for table, list := range p.dirty {
		n := share(len(list))
		for _, slot := range list[:n] {
			e.writeRow(table, slot, out)
		}
		p.dirty[table] = slices.Delete(list, 0, n)
	}
	n := share(len(*statuses))
	for _, i := range (*statuses)[:n] {
		e.flushStatus(i, out)
	}
	*statuses = slices.Delete(*statuses, 0, n)
}

// arrange puts the rows and statuses that changed in the order of portfolios, and of one portfolio in that of numbers.
func (e *Engine) arrange() {
	p := &e.pane
	p.arranged = e.Unwritten()
	sort := func(n int, number func(k int) numberIndex) []uint64 {
		p.keys = p.keys[:0]
		for k := range n {
			p.keys = append(p.keys, uint64(number(k))<<32|uint64(k))
		}
		p.keys = p.radix.sort(p.keys)
		for at, key := range p.keys {
			p.keys[at] = uint64(e.numbers.look(numberIndex(key>>32)).portfolio)<<32 | uint64(uint32(key))
		}
		p.keys = p.radix.sort(p.keys)
		return p.keys
	}
	for table, list := range p.dirty {
		p.slots = append(p.slots[:0], list...)
		for at, key := range sort(len(list), func(k int) numberIndex { return p.numberOf(table, list[k]) }) {
			list[at] = p.slots[uint32(key)]
		}
	}
	list := *e.unwrittenStatuses()
	p.numbers = append(p.numbers[:0], list...)
	for at, key := range sort(len(list), func(k int) numberIndex { return list[k] }) {
		list[at] = p.numbers[uint32(key)]
	}
}
