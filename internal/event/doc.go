// Package event is the vocabulary of Sendwatch: the events that come in, the
// facts and factors that are computed, and the rows and flags that go out.
//
// It promises plain values without behaviour beyond names and parsing, so that
// every other room can speak the same words without importing each other. It
// refuses text and phone numbers: a contact is a 64-bit keyed hash here and a
// message text is a fingerprint (the codec sees to that). It owns no goroutine,
// does no I/O and reads no clock. All times are milliseconds since the Unix
// epoch, UTC, unless a name ends in another unit.
package event
