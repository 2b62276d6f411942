// Package scenario reads and runs test files for policies: what numbers do, in
// lines that a person can read, and what is expected of it at given times. The
// engine's own tests and `sendwatch policy test` use the same format, which
// schemas/policy/TESTING.md explains.
//
// It promises that nothing is faked: each line becomes events in JSON, which go
// through the decoder and the engine as the records of one partition; that every
// mistake of a file is found in one reading, with its line and what is accepted;
// that only what is written is compared; and that Update changes nothing of a
// file but the expectations that were not met.
//
// It refuses to guess: a word it does not know is a mistake. It starts no
// goroutine, reads no clock and opens no file: its caller does.
//
// Reading order: file.go (files and cases), action.go (the lines), record.go (the
// events they become), expect.go and flagline.go (what is expected), run.go,
// update.go.
package scenario
