// Package failpoint names the moments between two durable steps, so that a test can
// make the real binary die, pause or fail at exactly one of them:
//
//	if err := failpoint.Here(failpoint.Saved); err != nil {
//		return err
//	}
//
// It promises that a binary built without the tag `failpoints` pays nothing: Here is an
// empty function that the compiler drops, and the environment is not read. With the tag,
// SENDWATCH_FAILPOINTS says what happens where:
//
//	SENDWATCH_FAILPOINTS="state.saved=exit@3,sink.inserted=sleep:2s,flags.send=error"
//
// exit ends the process at once with the status 86, as a crash does: nothing is closed,
// flushed or deferred. sleep:DURATION pauses the goroutine. error is what Here returns.
// @N means the N-th time that the point is reached, and no other; without it, every time.
// Each of the named points says on standard error that it was reached.
//
// It refuses to be used by rooms that are functions of their input: they have no durable
// steps. The product never sets the variable; a build with the tag is for tests.
package failpoint
