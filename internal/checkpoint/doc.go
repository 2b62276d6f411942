// Package checkpoint keeps the offset and the state of a partition in a blob
// store: one object a checkpoint, the newest valid one wins, and an epoch fence
// keeps a paused owner from doing harm. README.md beside this file is its
// specification: the bytes, the crash states of every operation, the fence.
//
// It promises that what Claim returns is whole and was written for this topic,
// partition and layout of state; that a damaged newest state falls back to the one
// before it, and reports it; that after a claim no save of an earlier owner is
// reported as saved or is ever read; and that nothing is allocated for a length
// that the object cannot have.
//
// It refuses to know what is in a section, to decide when to write, and to go on
// without a state where there was one. It starts no goroutine. A Store may be used
// by several; an Owner belongs to one.
package checkpoint
