package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	fetchapi "github.com/segmentio/kafka-go/protocol/fetch"
)

// fetchVersion is the version of the Fetch request we speak: the first with
// which a broker hands out zstd (Kafka 2.1, 2018), and old enough for all that
// came after.
const fetchVersion = 10

// maxResponse bounds an answer: a broker sends at least one whole batch however
// little was asked for, and nobody writes batches beyond this.
const maxResponse = 128 << 20

// rawFetch is one Fetch request of one partition and its answer. kafka-go
// routes it to the leader by the embedded request and then leaves the
// connection to RawExchange, so that the answer is read in one piece into
// memory of ours instead of being decoded record by record.
//
// When a call is given up before the answer is there, kafka-go's connection
// goroutine still owns the exchange and its memory: both are dropped then, never
// reused.
type rawFetch struct {
	*fetchapi.Request
	version int16
	raw     []byte
	answer  fetchAnswer
}

// fetchAnswer is what the broker said of the partition.
type fetchAnswer struct {
	code          int16
	highWatermark int64
	lastStable    int64
	logStart      int64
	aborted       []aborted
	set           []byte // the record batches, in rawFetch.raw
	size          int
}

// newRawFetch asks for topic and partition from offset on; raw is the memory
// for the answer.
func newRawFetch(topic string, partition int32, offset int64, maxWaitMillis, maxBytes int32, raw []byte, txns []aborted) *rawFetch {
	return &rawFetch{
		raw:    raw,
		answer: fetchAnswer{aborted: txns[:0]},
		Request: &fetchapi.Request{
			ReplicaID:      -1,
			MaxWaitTime:    maxWaitMillis,
			MinBytes:       1,
			MaxBytes:       maxBytes,
			IsolationLevel: 1, // read_committed
			SessionEpoch:   -1,
			Topics: []fetchapi.RequestTopic{{
				Topic: topic,
				Partitions: []fetchapi.RequestPartition{{
					Partition: partition, CurrentLeaderEpoch: -1, FetchOffset: offset,
					LogStartOffset: -1, PartitionMaxBytes: maxBytes,
				}},
			}},
		},
	}
}

// Required takes over every connection; a broker too old is found out there.
func (e *rawFetch) Required(versions map[protocol.ApiKey]int16) bool {
	e.version = versions[protocol.Fetch]
	return true
}

// RawExchange writes the request and reads the whole answer.
func (e *rawFetch) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if e.version < fetchVersion {
		return nil, errors.New("the broker is older than Kafka 2.1, which is the oldest that is supported")
	}
	if _, err := rw.Write(e.encode()); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > maxResponse {
		return nil, fmt.Errorf("the broker announces an answer of %d bytes; at most %d are taken", size, maxResponse)
	}
	if int64(cap(e.raw)) < size {
		e.raw = make([]byte, size)
	}
	e.raw = e.raw[:size]
	if _, err := io.ReadFull(rw, e.raw); err != nil {
		return nil, err
	}
	if err := e.decode(); err != nil {
		return nil, err
	}
	return e, nil
}

// encode returns the request as on the wire: size, header, body.
func (e *rawFetch) encode() []byte {
	topic := &e.Topics[0]
	partition := &topic.Partitions[0]
	b := make([]byte, 4, 128+len(topic.Topic))
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.Fetch))
	b = binary.BigEndian.AppendUint16(b, fetchVersion)
	b = binary.BigEndian.AppendUint32(b, 0) // correlation id: one request at a time
	b = appendString(b, "sendwatch")
	b = binary.BigEndian.AppendUint32(b, uint32(e.ReplicaID))
	b = binary.BigEndian.AppendUint32(b, uint32(e.MaxWaitTime))
	b = binary.BigEndian.AppendUint32(b, uint32(e.MinBytes))
	b = binary.BigEndian.AppendUint32(b, uint32(e.MaxBytes))
	b = append(b, byte(e.IsolationLevel))
	b = binary.BigEndian.AppendUint32(b, 0) // no fetch session
	b = binary.BigEndian.AppendUint32(b, uint32(e.SessionEpoch))
	b = binary.BigEndian.AppendUint32(b, 1) // one topic
	b = appendString(b, topic.Topic)
	b = binary.BigEndian.AppendUint32(b, 1) // one partition
	b = binary.BigEndian.AppendUint32(b, uint32(partition.Partition))
	b = binary.BigEndian.AppendUint32(b, uint32(partition.CurrentLeaderEpoch))
	b = binary.BigEndian.AppendUint64(b, uint64(partition.FetchOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(partition.LogStartOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(partition.PartitionMaxBytes))
	b = binary.BigEndian.AppendUint32(b, 0) // no forgotten topics
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// decode reads the answer's frame; the record batches stay as they are.
func (e *rawFetch) decode() error {
	w := wire{data: e.raw}
	w.skip(4) // throttle time, which the broker has already made us wait
	code := w.int16()
	w.skip(4) // session
	if topics := w.int32(); topics == 1 {
		w.skip(int(w.int16())) // the topic's name
		if w.int32() == 1 {
			w.skip(4) // the partition's number
			a := &e.answer
			a.code, a.highWatermark, a.lastStable, a.logStart = w.int16(), w.int64(), w.int64(), w.int64()
			for range max(0, w.int32()) {
				if w.malformed {
					break
				}
				a.aborted = append(a.aborted, aborted{Producer: w.int64(), First: w.int64()})
			}
			if n := w.int32(); n > 0 {
				a.set = w.take(int(n))
			}
		}
	} else if code == 0 {
		w.malformed = true
	}
	if w.malformed {
		return errors.New("the broker's answer to a fetch is malformed")
	}
	if code != 0 {
		e.answer.code = code
	}
	e.answer.size = len(e.raw)
	return nil
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// wire reads Kafka's fixed-size numbers; malformed sticks.
type wire struct {
	data      []byte
	malformed bool
}

func (w *wire) take(n int) []byte {
	if n < 0 || n > len(w.data) {
		w.malformed, w.data = true, nil
		return nil
	}
	out := w.data[:n:n]
	w.data = w.data[n:]
	return out
}

func (w *wire) skip(n int) { w.take(n) }

func (w *wire) int16() int16 {
	if b := w.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (w *wire) int32() int32 {
	if b := w.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (w *wire) int64() int64 {
	if b := w.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}
