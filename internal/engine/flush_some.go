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
// What there is at the first call is put in the order of numbers, so that each call takes rows of a few of them: what
// they share is written once. Changes for portfolios, whose order is their own, are
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

// arrange puts the rows and statuses that changed in the order of numbers.
func (e *Engine) arrange() {
	p := &e.pane
	p.arranged = e.Unwritten()
	for table, list := range p.dirty {
		p.keys = p.keys[:0]
		for _, slot := range list {
			p.keys = append(p.keys, uint64(p.numberOf(table, slot))<<32|uint64(slot))
		}
		p.keys = p.radix.sort(p.keys)
		for at, key := range p.keys {
			list[at] = uint32(key)
		}
	}
	list := *e.unwrittenStatuses()
	p.keys = p.keys[:0]
	for _, i := range list {
		p.keys = append(p.keys, uint64(i)<<32)
	}
	p.keys = p.radix.sort(p.keys)
	for at, key := range p.keys {
		list[at] = numberIndex(key >> 32)
	}
}
