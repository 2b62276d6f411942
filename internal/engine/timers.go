package engine

import (
	"math"
	"math/bits"

	"sendwatch/internal/window"
)

// timers finds the numbers, or the portfolios, at which the passing of time alone may change
// something: a binary heap of (tick, subject), earliest first. A subject is in it
// at most once for its earliest tick; it is looked at then, and if nothing has
// changed after all, nothing is lost.
type timers struct{ heap []timer }

// timer is a tick and a subject (a numberIndex, or a portfolio's index) in one word, the tick in the upper half: minutes since
// 1938, so that any that an event can have is later. One after the year 10,000 is looked at before that.
type timer uint64

const timersBegin = 1 << 24 // minutes before 1970

func newTimer(minute int64, subject uint32) timer {
	return timer(timerTick(minute))<<32 | timer(subject)
}

// timerTick returns the tick of a minute as a timer has it. None is 0.
func timerTick(minute int64) uint32 { return uint32(min(max(minute+timersBegin, 1), math.MaxUint32)) }

func (t timer) minute() int64 { return int64(t>>32) - timersBegin }

func (w *timers) push(v timer) {
	w.heap = append(w.heap, v)
	h := w.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			return
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

func (w *timers) pop() uint32 {
	h := w.heap
	first := uint32(h[0])
	last := len(h) - 1
	h[0] = h[last]
	w.heap = h[:last]
	h = w.heap
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return first
		}
		if down+1 < last && h[down+1] < h[down] {
			down++
		}
		if h[i] <= h[down] {
			return first
		}
		h[down], h[i] = h[i], h[down]
		i = down
	}
}

// first returns the minute of the earliest, false if there is none.
func (w *timers) first() (int64, bool) {
	if len(w.heap) == 0 {
		return 0, false
	}
	return w.heap[0].minute(), true
}

// due appends the subjects that are to be looked at by the tick (ms).
func (w *timers) due(tick int64, dst []uint32) []uint32 {
	m := tick / minute
	for len(w.heap) > 0 && w.heap[0].minute() <= m {
		dst = append(dst, w.pop())
	}
	return dst
}

// scheduleTimer plans the next look at a number: the first tick at which its windows,
// its day of life, its account state or an episode can change.
func (e *Engine) scheduleTimer(n number) {
	if n.timerAt <= timerTick(e.lastTick/minute) {
		n.timerAt = 0
	}
	next := e.nextChange(n)
	if next == window.Never {
		return
	}
	at := max(ceil(next, minute), e.lastTick/minute+1)
	if n.timerAt != 0 && n.timerAt <= timerTick(at) {
		return
	}
	n.timerAt = timerTick(at)
	e.timers.push(newTimer(at, uint32(n.index)))
}

// nextChange returns the first time after the number's clock at which something
// about it changes without an event.
func (e *Engine) nextChange(n number) int64 {
	next := int64(window.Never)
	for _, at := range &n.moves {
		next = min(next, at)
	}
	if n.hours != 0 {
		oldest := int64(bits.Len32(n.hours)) - 1
		next = min(next, (n.hoursAt-oldest+activeHoursLen)*hour)
	}
	if cv := n.intervalCV(); cv == cv {
		next = min(next, n.newestInitiated+day)
	}
	next = min(next, scale(e.ages.Next(&n.waiting), quarter), n.quota.next(n.clock))
	for _, t := range [...]int64{n.coldUntil(), n.linked, n.linkUntil()} {
		if t > n.clock {
			next = min(next, t)
		}
	}
	next = min(next, n.start()+day*max(1, floor(n.clock-n.start(), day)+1), n.account.next(n.clock))
	if n.wake != never && n.clock < n.wake+wakeWatch {
		next = min(next, n.wake+wakeWatch)
	}
	if n.open.active != 0 {
		next = min(next, e.nextFall(&n.open, n.clock))
	}
	return next
}

// scale turns a bucket into the time at which it begins.
func scale(bucket, grain int64) int64 {
	if bucket == window.Never {
		return window.Never
	}
	return bucket * grain
}
