package event

import (
	"slices"
	"time"
)

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
	// HighWatermark is one past the last offset that all in-sync replicas hold.
	// Records between End and HighWatermark are in the log and cannot be read
	// yet: a transaction that is still open holds them back. Lag is HighWatermark
	// - Next, what is held back HighWatermark - End.
	HighWatermark int64
	// LogStart is the oldest offset that the broker still holds.
	LogStart int64
	// Bytes is the size of the answer on the wire.
	Bytes int
	// Unreadable are the ranges that this fetch had to step over.
	Unreadable []Unreadable
	// Lost are the offsets that the log's retention deleted before they were read.
	// If there are any, Next is at the log's start and Records is empty.
	Lost Lost
	// Throttled is for how long the broker's quota makes this client wait. An
	// answer without records then does not mean that the log was read to its end.
	Throttled time.Duration
}

// Lost is a run of offsets that were deleted before they were read: from First
// on, up to and without End. The zero value is none.
type Lost struct {
	First, End int64
}

// Count returns how many offsets were lost. Offsets of control records and of
// records that compaction had removed count as well: nobody can tell any more.
func (l Lost) Count() int64 { return l.End - l.First }

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

// Note is what is kept of one partition outside its log.
type Note struct {
	Offset int64 // an operator has acknowledged what happened before it; at least 0
	Text   string
}
