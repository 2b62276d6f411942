// Package replay runs the engine over files of newline-delimited JSON events,
// as one partition with offsets 0, 1, 2 ...: it is how the contract is checked
// and how a policy is tried out. It uses the same decoder and the same engine
// as the pipeline, and neither Kafka nor ClickHouse.
//
// It promises that the same files lead to the same bytes (summary.json has the
// run's own speed and memory too, and so differs). A line that cannot be read
// goes to dead_letter.ndjson and stops nothing. It refuses to guess: a file that
// cannot be opened or decompressed ends the run with an error that names it. It
// starts no goroutine.
package replay
