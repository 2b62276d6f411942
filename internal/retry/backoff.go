package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// The bounds of a Backoff that names none: short enough that a leader election
// costs no visible delay, long enough that an outage of an hour costs a broker
// no more than a request every few seconds.
const (
	DefaultFirst = 50 * time.Millisecond
	DefaultMax   = 5 * time.Second
)

// Backoff is the pause before another try: it doubles from First to Max. Half
// of it is random, so that many clients that failed together do not come back
// together. The zero value is ready to use. It belongs to one goroutine.
type Backoff struct {
	First, Max time.Duration // zero: DefaultFirst, DefaultMax
	tries      int
}

// Wait pauses, or returns the cause of ctx's end.
func (b *Backoff) Wait(ctx context.Context) error {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// next returns the pause after one more failed try.
func (b *Backoff) next() time.Duration {
	first, longest := b.First, b.Max
	if first <= 0 {
		first = DefaultFirst
	}
	if longest <= 0 {
		longest = DefaultMax
	}
	pause := longest
	if first <= longest>>min(b.tries, 62) { // compared before it is shifted, which could overflow
		pause = first << b.tries
	}
	b.tries++
	return pause/2 + rand.N(max(pause/2, 1))
}

// Tries returns how many pauses there were since the last Reset.
func (b *Backoff) Tries() int { return b.tries }

// Reset makes the next pause the first again, after a success.
func (b *Backoff) Reset() { b.tries = 0 }
