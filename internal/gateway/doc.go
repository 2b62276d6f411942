// Package gateway takes the webhooks of providers and the sends of a BSP over
// HTTP, and bodies that lie in a topic, and writes the events that they become,
// what they teach beside these, and the number.profile that they add up to.
//
// It promises that a body is answered 200 only once all its events, and what was
// not understood of it, are acknowledged by the brokers; that one which cannot be
// written is answered 503 with Retry-After; that a body without a valid signature
// is answered 401, counted and stored nowhere; and that a body that is sent again
// brings events with the same ids. Signatures and tokens are compared in constant
// time, over the bytes as they came.
//
// It refuses bodies over webhook.MaxBody, and more bodies at a time than fit into
// its budget of memory; slow ones are cut off. It never logs an address, a header
// or a body: tokens may stand in the one, people in the other.
//
// A Gateway is safe for concurrent use. Run owns the server's goroutines and the
// one that writes; what many requests wait for is written in one go.
package gateway
