// Package architecture holds the rules of the house as tests: which room may
// import which, what the pure rooms must not touch, what may lie in the root,
// and how a package looks. It has no code of its own.
//
// A rule that fails here names the file and the rule. Either the file is wrong,
// or the house has changed: then change the table in the same commit and say
// why in internal/README.md.
package architecture
