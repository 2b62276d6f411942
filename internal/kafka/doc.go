// Package kafka turns a consumer group's generations into claims, reads a
// partition's log, writes records that are acknowledged when a call returns,
// and looks after topics. It is the only package that imports kafka-go.
//
// It promises:
//
//   - Group: one call of the given function for each partition held, its
//     context ended when the generation ends, its offsets committed under that
//     generation and no other.
//   - Fetcher: records in offset order without a silent gap. A log that begins
//     after the position or ends before it, and a topic whose partition count
//     changed, are named errors. Checksums are checked, control records and
//     aborted transactions left out, decompression is bounded, and a batch that
//     cannot be read is stepped over and reported as a range of offsets.
//   - Produce: every message acknowledged by all in-sync replicas, in order per
//     partition, or an error. A message may be written twice where an
//     acknowledgement was lost.
//   - CreateMissing changes only what does not exist; Check changes nothing.
//
// It refuses kafka-go's Reader: that one skips deleted data in silence, lets an
// old owner move a group's offset, and hands out broken, aborted and control
// records.
//
// Goroutines: a Client's transport keeps its own until Close; Group.Run owns one
// for each claim and returns when all have ended; a Fetcher has none.
package kafka
