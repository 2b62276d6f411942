// Package oracle is the contract written down a second time, as slowly and
// plainly as it can be said: a naive model that the tests hold the engine
// against.
//
// It promises the same classes, facts, scores, flags and rows as the engine for
// the same log, computed from lists of everything that ever happened by looping
// over them at every evaluation. It shares the vocabulary (internal/event) with
// the engine and nothing else: its thresholds, the codes of errors and the priors
// of the nowcast are the contract's tables, written out by hand in section4.json
// and section5.json, and it knows no window, ring, bucket or policy file. It has
// fewer than 800 lines of code (TestModelIsSmall), so that it can be read against
// the contract in one sitting; the tables of section 7 are read off its lists by
// the tests (rows_test.go). The one liberty it takes is to
// leave out what cannot differ: a recomputation reports the next clock at which
// one of its comparisons with the clock turns out otherwise (see moment), and
// until then, and as long as nothing happens, the result is used again.
//
// It refuses to be fast, to forget anything, and to be imported by anything but
// tests. It owns no goroutine, does no I/O and reads no clock.
//
// Its tests hold it against the worked examples (TestExamples), and the product's
// decoder and shipped policy against it (TestDecoderAgrees, TestPolicyAsShipped).
// They compare it with three things on random logs (package randlog), each log
// named by its seed: the engine (TestEngineAgrees, 200 logs), the files that a
// replay writes (TestReplayAgrees, 60), and what the numbers and the portfolios
// role leave in the topics of an embedded broker while they are stopped, killed
// and started again (TestPipelineAgrees, 12). For as many as wanted:
//
//	go test ./internal/oracle -run Agrees -seeds 2000 -seed-from 10000 -timeout 60m
//
// or with -run '^TestEngineAgrees$' for one of them. A log on which they differ
// is named with the command that runs it again; the first is made small and
// printed. README.md beside this file keeps what long runs gave.
//
// Where the contract can be read in more than one way, the reading taken is
// marked "Reading:" beside the code. Those on which the worked examples decide
// say so.
package oracle
