package kafka

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"sendwatch/internal/event"
)

// encoder builds batches. One goroutine at a time.
type encoder struct {
	plain   []byte
	deflate compressor
}

var errTooLargeMessage = errors.New("a message's headers or key are larger than Kafka allows")

// encode returns the batch of the first n messages, as many as fit into maxBytes
// and at least one.
func (e *encoder) encode(messages []event.Message, members []int, maxBytes int, codec Codec) (batch []byte, n int, err error) {
	now := time.Now().UnixMilli()
	stamp := func(m *event.Message) int64 {
		if m.Timestamp != 0 {
			return m.Timestamp
		}
		return now
	}
	base := stamp(&messages[members[0]])
	newest := base
	e.plain = e.plain[:0]
	for _, i := range members {
		m := &messages[i]
		if n > 0 && len(e.plain)+len(m.Value)+len(m.Key)+64 > maxBytes {
			break
		}
		if len(m.Key) > maxResponse || len(m.Value) > maxResponse {
			return nil, 0, errTooLargeMessage
		}
		e.plain = appendRecord(e.plain, m, stamp(m)-base, n)
		newest = max(newest, stamp(m))
		n++
	}

	records, attributes := e.plain, uint16(0)
	if codec > 0 && len(e.plain) > 512 {
		compressed, err := e.deflate.compress(e.plain, codec)
		if err != nil {
			return nil, 0, err
		}
		if len(compressed) < len(e.plain) { // else it could become more than a broker takes
			records, attributes = compressed, uint16(codec)
		}
	}
	// A fresh batch every time: an earlier one may still be in a connection's
	// hands after a timeout.
	b := make([]byte, batchHeader, batchHeader+len(records))
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(batchHeader-batchPrefix+len(records)))
	binary.BigEndian.PutUint32(b[batchPrefix:], ^uint32(0)) // leader epoch: the broker fills it in
	b[batchMagicAt] = 2
	binary.BigEndian.PutUint16(b[batchAttrsAt:], attributes)
	binary.BigEndian.PutUint32(b[batchLastDeltaAt:], uint32(n-1))
	binary.BigEndian.PutUint64(b[batchBaseTimeAt:], uint64(base))
	binary.BigEndian.PutUint64(b[batchMaxTimeAt:], uint64(newest))
	binary.BigEndian.PutUint64(b[batchProducerAt:], ^uint64(0)) // no producer id
	binary.BigEndian.PutUint16(b[batchEpochAt:], ^uint16(0))
	binary.BigEndian.PutUint32(b[batchSequenceAt:], ^uint32(0))
	binary.BigEndian.PutUint32(b[batchCountAt:], uint32(n))
	b = append(b, records...)
	checksumBatch(b)
	return b, n, nil
}

// stampProducer numbers a batch's records from sequence on, under a producer's id.
func stampProducer(b []byte, id producerID, sequence int32) {
	binary.BigEndian.PutUint64(b[batchProducerAt:], uint64(id.id))
	binary.BigEndian.PutUint16(b[batchEpochAt:], uint16(id.epoch))
	binary.BigEndian.PutUint32(b[batchSequenceAt:], uint32(sequence))
	checksumBatch(b)
}

func checksumBatch(b []byte) {
	binary.BigEndian.PutUint32(b[batchChecksumAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
}

// appendRecord writes one record; its length comes first, so its size is
// computed before.
func appendRecord(b []byte, m *event.Message, timeDelta int64, offsetDelta int) []byte {
	size := 1 + varintLen(timeDelta) + varintLen(int64(offsetDelta)) + bytesLen(m.Key) + bytesLen(m.Value) + varintLen(int64(len(m.Headers)))
	for _, h := range m.Headers {
		size += varintLen(int64(len(h.Key))) + len(h.Key) + bytesLen(h.Value)
	}
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0)
	b = binary.AppendVarint(b, timeDelta)
	b = binary.AppendVarint(b, int64(offsetDelta))
	b = appendBytes(b, m.Key)
	b = appendBytes(b, m.Value)
	b = binary.AppendVarint(b, int64(len(m.Headers)))
	for _, h := range m.Headers {
		b = binary.AppendVarint(b, int64(len(h.Key))) // a header's key is never null
		b = append(b, h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

func varintLen(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}

func bytesLen(v []byte) int {
	if v == nil {
		return 1
	}
	return varintLen(int64(len(v))) + len(v)
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, 1) // zigzag of -1
	}
	b = binary.AppendVarint(b, int64(len(v)))
	return append(b, v...)
}

// murmur2 is Austin Appleby's 32-bit MurmurHash2 with the seed that Kafka's
// Java client uses, so that keys land where a Java producer would put them.
func murmur2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		h = h*m ^ (k^k>>r)*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
