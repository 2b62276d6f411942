// Package sqlprint writes the rows of a query for people (table, vertical) and
// for programs (json, csv).
//
// It promises that a result without end needs bounded memory (the widths of a
// table go by its first rows), that no value reaches a terminal as a command to
// it, that times are UTC, and that what JSON cannot say exactly is said as text:
// integers beyond 2^53, which JavaScript and jq round, are strings.
//
// It refuses to know where rows come from. It owns no goroutine.
package sqlprint
