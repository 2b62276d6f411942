package kafka

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// The versions of the Fetch request we speak. With the newer (Kafka 3.1) a topic
// is named by its id, so that every answer is of the very log that was meant;
// the older is the first with which a broker hands out zstd (Kafka 2.1).
const (
	fetchByID   = 13
	fetchByName = 10
)

// readCommitted is Kafka's isolation level that leaves out open transactions.
const readCommitted = 1

// rawFetch is one Fetch request of one partition and its answer, whose record
// batches stay as they came.
type rawFetch struct {
	topic     string
	id        TopicID
	partition int32
	offset    int64
	wait      time.Duration
	maxBytes  int32
	raw       []byte // memory for the answer
	answer    fetchAnswer
	broker    int32 // that answered
}

// fetchAnswer is what the broker said of the partition.
type fetchAnswer struct {
	code          int16
	throttle      time.Duration
	highWatermark int64
	lastStable    int64
	logStart      int64
	aborted       []aborted
	set           []byte // the record batches, in rawFetch.raw
	size          int
}

// do sends the request and waits for the answer.
func (f *rawFetch) do(ctx context.Context, c *Client) error {
	ctx, cancel := context.WithTimeout(ctx, f.wait+requestTimeout)
	defer cancel()
	versions := []int16{fetchByID, fetchByName}
	if f.id == (TopicID{}) {
		versions = versions[1:]
	}
	one := &call{
		key: protocol.Fetch, versions: versions, flexible: 12, raw: f.raw,
		encode: f.encode, decode: f.decode,
	}
	f.answer.code = noPartition
	f.raw = nil // until the answer is there the memory is the call's
	if err := c.leaderCall(ctx, c.fetching, f.topic, f.partition, one); err != nil {
		return err
	}
	f.raw, f.answer.size, f.broker = one.raw, len(one.raw), one.broker
	return nil
}

func (f *rawFetch) encode(w *wireWriter, version int16) {
	w.int32(-1) // no replica
	w.int32(int32(f.wait.Milliseconds()))
	w.int32(1) // at least so many bytes, else wait
	w.int32(f.maxBytes)
	w.int8(readCommitted)
	w.int32(0)  // no fetch session
	w.int32(-1) // and none wanted
	w.array(1)
	if version >= fetchByID {
		w.id(f.id)
	} else {
		w.text(f.topic)
	}
	w.array(1)
	w.int32(f.partition)
	w.int32(-1) // whatever the leader's epoch
	w.int64(f.offset)
	if version >= 12 {
		w.int32(-1) // nor that of the record before
	}
	w.int64(-1) // we hold no log
	w.int32(f.maxBytes)
	w.tags()
	w.tags()
	w.array(0) // topics to forget
	if version >= 11 {
		w.text("") // rack
	}
	w.tags()
}

// decode reads the answer's frame. With a quota used up it holds no topic at all,
// and code stays noPartition.
func (f *rawFetch) decode(r *wire, version int16) {
	a := &f.answer
	a.throttle = time.Duration(r.int32()) * time.Millisecond
	if code := r.int16(); code != 0 {
		a.code = code
	}
	r.skip(4) // session
	for range r.array() {
		if version >= fetchByID {
			r.id()
		} else {
			r.text()
		}
		for range r.array() {
			r.skip(4) // the partition, of which there is one
			a.code, a.highWatermark, a.lastStable, a.logStart = r.int16(), r.int64(), r.int64(), r.int64()
			for range r.array() {
				a.aborted = append(a.aborted, aborted{Producer: r.int64(), First: r.int64()})
				r.tags()
			}
			if version >= 11 {
				r.skip(4) // a replica to prefer: none without a rack
			}
			a.set = r.bytes()
			r.tags()
		}
		r.tags()
	}
	r.tags()
}
