// Package policy holds what is held against a sender: profiles of thresholds,
// weights and samples for every factor (contract, section 5), severity and the
// trust score, and the advice in words. Thresholds are data: they come from a
// policy file (schemas/policy), never from code.
//
// It promises that a Policy, once loaded, is immutable and safe for concurrent
// use, and that its Version is a function of its content alone. It refuses a
// file with any mistake and names all of them at once. It owns no goroutine and
// does no I/O.
package policy
