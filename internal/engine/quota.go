package engine

import (
	"math"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// quota is the quota of new chats of an app sender: the number.cap with the
// largest time.
type quota struct {
	time        int64 // never before the first
	end         int64 // never if it has none
	used, total int64 // total -1 for none
	status      event.CapStatus
}

// update takes a number.cap.
func (q *quota) update(ev *event.Event) {
	if ev.Time < q.time {
		return
	}
	*q = quota{time: ev.Time, end: never, used: ev.CapUsed, total: ev.CapTotal, status: ev.CapStatus}
	if ev.HasCycleEnd {
		q.end = ev.CycleEnd
	}
}

// over reports whether the cycle has ended at the clock, or none has begun.
func (q *quota) over(clock int64) bool {
	return q.time == never || q.end != never && q.end <= clock
}

// word returns the status that holds at the clock, event.CapAbsent for none.
func (q *quota) word(clock int64) event.CapStatus {
	if q.over(clock) {
		return event.CapAbsent
	}
	return q.status
}

// share returns cap_share at the clock, NaN for none.
func (q *quota) share(clock int64) float64 {
	if q.over(clock) || q.total < 0 {
		return math.NaN()
	}
	return float64(q.used) / float64(q.total)
}

// next returns the first time after the clock at which the quota changes by
// itself.
func (q *quota) next(clock int64) int64 {
	if q.time != never && q.end > clock {
		return q.end
	}
	return window.Never
}
