// Package pipeline is the way of a record through a role: from a partition of
// the log through the engine to flags and rows (Numbers), from the rows topic to
// what shows over all numbers of a portfolio (Portfolios), and from there to
// ClickHouse (Sink).
//
// It promises the order of law 1, in one place for each role (barrier in
// partition.go, take and commit in gather.go, settle in sink.go): outputs acknowledged, then the state
// durable, then offsets committed. So after a crash at any point the log is
// read again from a point before anything that could be missing, and what is
// written twice is the same: flags have derived ids, rows are absolute.
// Until there are checkpoints the numbers and the portfolios role begin at the
// start of each partition's log.
//
// An error of one partition stops that partition and shows in Status; the
// others go on. What is waited for (a broker, ClickHouse) is waited for with
// bounded memory: a partition that cannot hand on its outputs fetches no more.
//
// It refuses to know Kafka, ClickHouse and HTTP: they come in through the
// interfaces of claim.go.
//
// Goroutines: one for each claimed partition, which owns its decoder and engine or its portfolios;
// one beside it that fetches ahead; one that inserts, in Sink. All end before
// Run returns. Questions travel to a partition's goroutine as functions (Ask).
package pipeline
