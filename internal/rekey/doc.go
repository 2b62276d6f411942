// Package rekey copies a topic of events to another one, each event on the partition of
// its number: for a topic whose producers sent no keys or hashed them in several ways,
// and for one that is to have more partitions.
//
// It promises that the events of a number come in the order of the time at which they
// were written, and those that shared a partition in the order that they had there;
// that times, headers and values stay what they were; and that what cannot be read is
// copied as it is. It leaves out clock events, which belong to one partition and are
// made again, and writes a policy event to every partition, once.
//
// It refuses to decide which topics are read and written and when that is safe: that is
// its caller's. It starts no goroutine, and its memory is that of one fetched batch a
// partition.
package rekey
