// Package engine keeps all state of one partition and turns events into facts,
// flags and rows (contract, sections 3 to 7).
//
// It promises to be a function of the log: Apply first advances time to the
// event's, then counts it, then evaluates its number; the same records give
// the same bytes out, in `run` and in `replay` alike. It has no clock,
// goroutine, lock, log, randomness or I/O; what comes out is appended to a
// buffer that the caller owns, at most Config.Budget rows a call. State is flat (see package window), so that it
// is nothing to the garbage collector and a checkpoint is a copy.
//
// It refuses to forget in silence, to look at the wall clock, and to know
// Kafka, ClickHouse or the shape of a record. One goroutine owns an Engine.
//
// Reading order: engine.go (Apply), progress.go (time, and how a call stops and
// goes on), number.go (what is known of a number), names.go (which identifiers are
// one contact), count.go (what each event does), evaluate.go (factors, score) and
// episode.go (flags), pane.go (rows).
package engine
