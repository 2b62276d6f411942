// Package demo shows the product in one process: an in-memory Kafka, the
// embedded ClickHouse, and traffic whose flags are known beforehand. It plays a
// month of history, goes on live, and says at the end whether every flag that
// was due came and no healthy number was in danger.
//
// It promises that what it judges is what was delivered: it reads the flags
// topic as any other consumer would. The roles are not its own: Run is given the
// function that connects them (Start), the same that the run command uses, so
// that what the demo shows is the product.
//
// It refuses data of an earlier demo in its folder: rows of two runs have the
// same numbers at other times. Everything that Run starts, broker, engine and
// goroutines, has ended when Run returns.
package demo
