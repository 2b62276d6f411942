// Package pipeline runs the three roles of a process over partitions of topics:
// numbers reads events and writes flags and rows, portfolios reads the rows topic
// and evaluates what shows only over all numbers of a portfolio, and sink reads the
// rows topic and inserts it into a store.
//
// All roles share one loop (loop.go), which is also the one place where the order of
// durable effects is written: flush the outputs, save the state, commit the offset.
// What each step leaves behind when the process dies in it is written above the loop.
// A role is a task that the loop drives: numbersTask, portfolioTask, sinkTask.
//
// It promises that after a crash at any point the log is read again from a point
// before anything that could be missing, and that what is written twice is the same:
// flags have derived ids, rows are absolute. With checkpoints (checkpoints.go) numbers
// and portfolios continue from the state that was saved last; without, they begin at
// the start of each partition's log.
//
// An error of one partition stops that partition and shows in Status; the others
// continue. A partition whose outputs cannot be written fetches no more once a bounded
// amount waits, so a broker or a ClickHouse that is away takes bounded memory.
//
// It refuses to know Kafka, ClickHouse and HTTP: they come in through the interfaces
// of claim.go.
//
// Goroutines: one for each claimed partition, which owns its task; beside it one that
// fetches ahead and, while there is anything to write, one for flags and one for rows
// (lane), which waits and commits behind it; one that inserts, in Sink. All end before
// Run returns, but for a claim or a save of checkpoints whose store does not answer: those are
// left behind (errLeft). Questions travel to a partition's goroutine as functions.
package pipeline
