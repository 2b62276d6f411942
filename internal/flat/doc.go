// Package flat copies state that lies in plain values into bytes and back.
//
// A structure says once, in a method that hands each of its fields to a Copier,
// what its state is. The same method writes it, reads it, and lists the types that
// it is made of, so that the three cannot disagree. Values are copied as they lie in
// memory, at the speed of a copy; a reader must have made sure that the types
// lie as they did for the writer (Types, and the layout of a checkpoint).
//
// It promises that nothing is allocated for a length that the bytes cannot have,
// and that bytes which are too short or too long are an error. It refuses types that
// hold a pointer. It does not look into values: that the bytes are those that were
// written is for a checksum to say. A Snapshot copies a state while its owner goes on: Finish
// may run in another goroutine, nothing else is safe for concurrent use.
package flat
