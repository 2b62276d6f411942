// Package retry is the pause between two tries of something that may succeed
// later: it grows, it has a bound, and half of it is random.
//
// It promises that Wait returns as soon as its context ends, with the
// context's cause. It refuses to decide what is worth another try: that is the
// caller's knowledge. It starts no goroutine.
package retry
