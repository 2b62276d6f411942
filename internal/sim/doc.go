// Package sim proves by simulation that the pipeline loses nothing and doubles nothing: tests only, crashes by seed.
//
// A schedule is one deployment in one bubble of virtual time (testing/synctest): a broker
// in memory behind a virtual network (kfake), processes that run the roles numbers, portfolios and
// sink with the real client and the real store of checkpoints, a random log (oracle/randlog)
// and a list of faults, all made from a seed. When the faults are over and the log is
// read to its end, what the topics and the store of rows hold is compared with the naive
// model (oracle), and with one run over the same log that nothing interrupted.
//
// It promises that a seed stands for one log and one list of faults. It cannot promise the same
// order of goroutines: bubbles do not fix it, so a seed that failed may need several runs
// (-count) to fail again.
//
// It refuses to touch a network, and to wait: all pauses are virtual. Files are written
// into a temporary folder. Nothing but its own tests may import it. ../ROBUSTNESS.md
// has the record of what long runs gave.
package sim
