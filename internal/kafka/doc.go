// Package kafka turns a consumer group's generations into claims, reads a
// partition's log, writes records that are acknowledged when a call returns,
// and looks after topics. It is the only package that imports kafka-go, of which
// it uses the transport (brokers, connections, SASL) and no client: requests are
// written and answers judged here. README.md shows how, with the table of every
// answer that Apache Kafka may give and what it leads to.
//
// It promises:
//
//   - Group: one call of the given function for each partition held, its context
//     ended when the generation ends, its offsets committed under that generation
//     and no other. Partitions stay with their member as far as shares are even.
//     Whatever keeps a member from joining is named and tried again.
//   - Fetcher: records in offset order without a silent gap. What retention deleted
//     before it was read, and what cannot be read, is reported as a range of
//     offsets. A log that ends before the position, a topic that was created again
//     and a changed partition count are named errors. Checksums are checked, control
//     records and aborted transactions left out. A batch is decompressed in bounded
//     memory, in portions if it is large.
//   - Produce: every message acknowledged by all in-sync replicas, in order per
//     partition, once, or an error. Only where the cluster refuses to number batches,
//     or has lost acknowledged records, may a message be written twice.
//   - CreateMissing changes only what does not exist; Check changes nothing.
//
// It refuses kafka-go's Reader, which skips deleted data in silence, lets an old
// owner move a group's offset, and returns broken, aborted and control records; and
// its ConsumerGroup, whose heartbeats end with a connection, which shares a group
// with any application that speaks its protocols' names, and which is silent while
// it drains.
//
// Goroutines: a Client's transports keep their own until Close; Group.Run owns one
// for each claim and one that waits for them, and returns when all have ended; a
// Fetcher and a Producer have none of their own between calls.
package kafka
