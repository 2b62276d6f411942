// Package policystore keeps the policies that a deployment has used, by version,
// and watches the policy file for a new one.
//
// It promises that a policy once taken can be found again under its version, by
// every process that shares the folder and after any restart, also when the
// shipped policy that it extends has changed since: the text of both is kept.
// A new file with a mistake is refused and the policy in force stays. Without a
// folder it remembers for as long as the process lives, and says so.
//
// It refuses to decide from which record on a policy holds: a `policy` event in
// the log does that. Run is its only goroutine, and its caller's.
package policystore
