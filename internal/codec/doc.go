// Package codec turns bytes into events and flags and rows into bytes.
//
// It promises that both input formats, JSON and Protobuf, pass the same checks
// and give the same event; that a record is either an event or a Rejection
// that names the field and what is accepted, whatever its bytes are; that it
// never panics; and that reading an event allocates nothing. It ends what must
// not go further: a contact becomes a 64-bit keyed hash here, a text becomes a
// fingerprint or a recognised preference, and no rejection repeats a value.
//
// It refuses what the contract (section 2 and 8) refuses, and judges nothing
// else: whether an event makes sense is for the engine. What a Decoder keeps from
// one record to the next is memory, the order in which keys came, and what single
// characters become; none of it changes an event. A Decoder serves one goroutine,
// encoders, which are plain functions, serve any. It starts no goroutine.
//
// Where things are: decoder.go has the way of a record through the package,
// json.go (with key.go and swar.go, which make it quick) and protobuf.go find the
// fields, check.go judges them for both,
// text.go, rune_table.go, link.go and siphash.go make the fingerprints and hashes. event_write.go
// writes events; row_table.go lists how each table is written, which flag.go,
// rows.go, changes.go and ndjson.go do, and for tables of many rows block_tables.go, whose columns
// block_write.go writes and block.go reads; deadletter.go writes dead letters.
package codec
