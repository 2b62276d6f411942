package hugepages

import (
	"context"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"time"
)

const (
	// every is how often the heap is looked at, which costs some 50 us.
	every = 250 * time.Millisecond
	// dense says what part of the heap, one in so many, may be returned.
	dense = 20
)

// Follow asks for huge pages for the heap as it grows, until ctx ends. It returns at once where
// that is of no use.
func Follow(ctx context.Context) {
	if !Wanted() {
		return
	}
	h := newHeap()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.ask(h.sizes())
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

// heap is what of the heap huge pages are asked for.
type heap struct {
	samples [3]metrics.Sample
	asked   []span
}

func newHeap() *heap {
	h := &heap{}
	h.samples[0].Name = "/memory/classes/heap/released:bytes"
	h.samples[1].Name = "/memory/classes/heap/objects:bytes"
	h.samples[2].Name = "/memory/classes/heap/unused:bytes"
	return h
}

// sizes returns what of the heap is in use, and what of it Go has returned.
func (h *heap) sizes() (used, released uint64) {
	metrics.Read(h.samples[:])
	return h.samples[1].Value.Uint64() + h.samples[2].Value.Uint64(), h.samples[0].Value.Uint64()
}

// ask asks for what has come to a heap that is dense, and for nothing of another one any more.
func (h *heap) ask(used, released uint64) {
	if released*dense > used+released {
		for _, s := range h.asked {
			advise(s, false)
		}
		h.asked = nil
		return
	}
	for _, s := range heapSpans() {
		if !slices.Contains(h.asked, s) {
			advise(s, true)
			h.asked = append(slices.DeleteFunc(h.asked, s.holds), s)
		}
	}
}
