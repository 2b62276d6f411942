package event

import "slices"

// Record is one record of a topic as it lies in the log. Its bytes belong to
// what fetched it; a Batch says for how long.
type Record struct {
	Offset    int64
	Timestamp int64 // ms; the broker's own if the topic says LogAppendTime
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header is one header of a record.
type Header struct {
	Key, Value []byte
}

// Header returns the value of the last header named key, nil if there is none.
func (r *Record) Header(key string) []byte {
	for _, v := range slices.Backward(r.Headers) {
		if string(v.Key) == key {
			return v.Value
		}
	}
	return nil
}

// Batch is a run of one partition's log in offset order, as one fetch gave it.
type Batch struct {
	Records []Record
	// Next is the offset to go on from. It may grow without any record: control
	// records, aborted transactions and compacted offsets are stepped over.
	Next int64
	// End is one past the last offset that could be read when the broker
	// answered; Next == End means that the log was read to its end.
	End int64
	// LogStart is the oldest offset that the broker still holds.
	LogStart int64
	// Bytes is the size of the answer on the wire.
	Bytes int
	// Unreadable are the ranges that this fetch had to step over.
	Unreadable []Unreadable
}

// Unreadable is a run of offsets whose bytes cannot be made sense of: a broken
// checksum, a batch that decompresses beyond all bounds. First and Last are
// both part of it.
type Unreadable struct {
	First, Last int64
	Reason      string
}

// Message is a record to be written.
type Message struct {
	// Partition is where it goes if PartitionSet, else Key decides.
	Partition    int32
	PartitionSet bool
	Timestamp    int64 // ms; 0 is now
	Key, Value   []byte
	Headers      []Header
}
