// Package window holds the structures over event time that the engine is made
// of: rings in a shared arena, an open-addressing table, bucket logs with
// several sliding windows over one log, keyed windows with their maximum, the
// distinct keys of a moving window, the 48-hour reply tracker, in which a
// pending send takes at most 32 bytes, and links between identifiers, which take at most 24 each.
//
// It promises exact answers for events in any order: a late event is put at its
// own time, and a window counts it if its time lies inside. Only distinct keys
// beyond a number that is given become an estimate (Uniques). All state is flat:
// slices of structs without pointers, so that there is nothing for the garbage
// collector to walk and a copy of the slices is a snapshot. It refuses to know
// what it counts: numbers, contacts and contents are indexes and hashes here.
// Nothing in it is safe for concurrent use; one goroutine owns a partition. It
// reads no clock: time is an argument.
package window
