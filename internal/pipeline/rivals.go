package pipeline

import "time"

// rivals are other processes that have claimed the checkpoints of a partition while its
// claim was here: an operator who rewinds does so once, and a process that took the
// partition over ends the claim. One that does it again reads the same partition.
type rivals struct {
	claims      int
	first, last time.Time
	within      time.Duration // the next one comes within so long, if there is to be one
}

// note records that this process has found itself fenced. Each of two that share a
// partition notices when it saves next, and then leaves it to the other for a while.
func (r *rivals) note(now time.Time, every time.Duration) {
	if !r.last.IsZero() && now.Sub(r.last) > r.within {
		*r = rivals{}
	}
	if r.claims == 0 {
		r.first = now
	}
	r.claims++
	r.last, r.within = now, 3*(every+fencedPause)
}

// contest reports whether others go on claiming the partition.
func (r *rivals) contest(now time.Time) bool { return r.claims > 1 && now.Sub(r.last) <= r.within }
