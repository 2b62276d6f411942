// Package processor is the one step from a record of the events topic to its
// class: decoder, engine, the policy in force and, where one is set, a shadow
// policy, as one unit for one partition. `run`, `replay`, the scenarios and the
// back-test all drive it.
//
// It promises to be a function of the log, as the engine is: the same records
// bring the same outputs, in order. Every record ends in exactly one class; what
// could not be decoded comes back as a dead letter and never stops its
// neighbours. A `policy` event that names a policy that nobody has is the one
// error: to decide by another would write other flags under the same log.
//
// It is resumable: a record that moves time on by days brings more rows than
// should be held at once. A call that has appended engine.Config.Budget rows
// returns with more to come, and the caller goes on with Continue once it has
// taken the rows away.
//
// It refuses to fetch, to send and to look at the wall clock. One goroutine owns
// a Processor; all its state is in it, so that it can be saved and restored as a
// whole.
package processor
