// Package webhook turns what providers post into events of the contract.
//
// It promises that the same body, read with the same Source, leads to the same
// Result; that it never panics, whatever the body is; and that every update of
// a body has exactly one outcome: events were made of it, there is nothing to
// make of it (with the name of the reason), or it was not understood, and then
// it is kept whole, its names and texts taken out. Event ids derive from the
// number, the message and the status, never from the time of receipt where the
// body has an identity of its own, so that a body delivered twice changes
// nothing. What a body makes known beside its events stands apart from them:
// Result.Taught.
//
// It refuses bodies over MaxBody, updates over MaxUpdates and nesting over
// MaxDepth: what is refused is an update that was not understood. It has no
// clock; the time of receipt is part of the Source. What bodies say about each
// other (the portfolio of a WABA, the id of a displayed number, the phone
// behind a hidden id) is reported as Facts and asked for through a Directory,
// which belongs to the caller. The package starts no goroutine and keeps no
// state.
//
// One file is one provider: the words of its statuses, its error codes and the
// shape of its bodies and of its send call. README.md has the steps for a new
// one.
package webhook
