// Package traffic plays portfolios of senders whose behaviour is known: healthy
// ones of several sizes and rhythms, and misbehaving ones, each built to trip
// known factors (contract, section 5). The demo, the benchmarks and the
// simulation share it.
//
// It promises that the same Config makes the same records byte for byte, that
// records come in the order in which they arrive, and that a history of any
// length streams in bounded memory: what it holds grows with the messages that
// are still to be delivered, read or answered. Every number says in a Number
// whether it is healthy and, if not, which factors must have flagged it by when.
//
// A record's time is its arrival. Its event's time is the same or earlier: some
// records overtake others, some come hours late, a few come after more than a
// day, some come twice, and a few cannot be read, as it happens with webhooks.
//
// It refuses to know the wall clock: who wants live traffic holds each record
// back until its time has come. It starts no goroutine, and a Generator belongs
// to one. The contacts are invented: their numbers lie in 555 ranges.
package traffic
