// Package oracle is the contract written down a second time, as slowly and
// plainly as it can be said: a naive model that the tests hold the engine
// against.
//
// It promises the same classes, facts, scores, flags and rows as the engine for
// the same log, computed from lists of everything that ever happened by looping
// over them at every evaluation. It shares the vocabulary (internal/event) with
// the engine and nothing else: its thresholds are written out by hand and it
// knows no window, ring, bucket or policy file. The one liberty it takes is to
// leave out what cannot differ: a recomputation reports the next clock at which
// one of its comparisons with the clock turns out otherwise (see moment), and
// until then, and as long as nothing happens, the result is used again.
//
// It refuses to be fast, to forget anything, and to be imported by anything but
// tests. It owns no goroutine, does no I/O and reads no clock.
//
// Where the contract can be read in more than one way, the reading taken is
// marked "Reading:" beside the code. Those on which the worked examples decide
// say so.
package oracle
