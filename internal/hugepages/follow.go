package hugepages

import (
	"context"
	"os"
	"strings"
	"time"
)

// every is how often the heap is looked at. It grows by 4 MiB at least, by some hundred MiB a
// second at most; to look costs some 30 us.
const every = 250 * time.Millisecond

// Follow asks for huge pages for the heap until ctx ends. It returns at once where that is of no use.
func Follow(ctx context.Context) {
	if !Wanted() {
		return
	}
	var h heap
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		h.ask()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Wanted reports whether Linux gives huge pages to those that ask, and nobody has told
// this process not to.
func Wanted() bool {
	return asks(enabled()) && !strings.Contains(os.Getenv("GODEBUG"), "disablethp=1")
}

// asks reports whether a setting of transparent_hugepage/enabled gives huge pages to those that
// ask: the one in brackets is in force.
func asks(setting string) bool { return strings.Contains(setting, "[madvise]") }

// heap is what of the heap has been asked for.
type heap struct{ asked []span }

// span is addresses from one to before another.
type span struct{ from, to uintptr }

// ask asks for what has come to the heap since it was called last.
func (h *heap) ask() {
	now := heapSpans()
	for _, s := range without(now, h.asked) {
		advise(s)
	}
	h.asked = now
}

// without returns what of spans is in none of others. Both are sorted and do not overlap.
func without(spans, others []span) []span {
	var rest []span
	for _, s := range spans {
		for _, o := range others {
			if o.to <= s.from {
				continue
			}
			if o.from >= s.to {
				break
			}
			if o.from > s.from {
				rest = append(rest, span{s.from, o.from})
			}
			s.from = min(s.to, o.to)
		}
		if s.from < s.to {
			rest = append(rest, s)
		}
	}
	return rest
}
