package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"sendwatch/internal/event"
)

// A record batch, message format 2, numbers big-endian
// (https://kafka.apache.org/documentation/#recordbatch):
//
//	 0  base offset        8
//	 8  length             4   of what follows this field
//	12  leader epoch       4
//	16  magic              1   2
//	17  checksum           4   CRC-32C of all that follows
//	21  attributes         2   codec, timestamp type, transactional, control
//	23  last offset delta  4
//	27  base timestamp     8
//	35  max timestamp      8
//	43  producer id        8
//	51  producer epoch     2
//	53  base sequence      4
//	57  record count       4
//	61  records                compressed as a whole
//
// and a record, whose numbers are zigzag varints:
//
//	length, attributes (1 byte), timestamp delta, offset delta,
//	key length (-1: null), key, value length, value,
//	header count, each: key length, key, value length, value
const (
	batchLengthAt    = 8
	batchMagicAt     = 16
	batchChecksumAt  = 17
	batchAttrsAt     = 21
	batchLastDeltaAt = 23
	batchBaseTimeAt  = 27
	batchMaxTimeAt   = 35
	batchProducerAt  = 43
	batchEpochAt     = 51
	batchSequenceAt  = 53
	batchCountAt     = 57
	batchHeader      = 61
	batchPrefix      = 12 // base offset and length, which the length leaves out

	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

// Bounds on what one fetch may decodeRecords to: a record costs us 88 bytes and a
// header 48, however few bytes they are on the wire.
const (
	maxRecords  = 512 << 10 // more in one batch are handed out in portions
	maxHeaders  = 1 << 20
	goodRecords = 64 << 10 // beyond these a fetch ends at the next batch
)

// castagnoli is the checksum's polynomial; the table is constant.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errMalformed = errors.New("its records are malformed")

// aborted is a transaction whose records from First on must not be seen.
type aborted struct {
	Producer int64
	First    int64
}

// badBatch is a batch that could not be read.
type badBatch struct {
	base, last int64
	next       int64 // base offset of the batch behind it, -1 if not seen
	reason     string
	// checked: the checksum was right, so the header can be believed and
	// another try would end the same.
	checked bool
}

// buffer is the memory of one fetch.
type buffer struct {
	batch   event.Batch
	raw     []byte // the answer as it came
	plain   []byte // what was decompressed
	headers []event.Header
	aborted []aborted
	active  []int64 // producers whose aborted transaction is open while walking
}

// reset empties the buffer and frees memory that one odd fetch made large.
func (b *buffer) reset() {
	const large = 8 << 20
	if cap(b.plain) > large && len(b.plain) < cap(b.plain)/8 {
		b.plain = nil
	}
	if cap(b.batch.Records) > goodRecords*2 && len(b.batch.Records) < goodRecords/2 {
		b.batch.Records, b.headers = nil, nil
	}
	b.batch.Records = b.batch.Records[:0]
	b.batch.Unreadable = b.batch.Unreadable[:0]
	b.batch.Lost, b.batch.Throttled, b.batch.Bytes = event.Lost{}, 0, 0
	b.plain, b.headers, b.aborted, b.active = b.plain[:0], b.headers[:0], b.aborted[:0], b.active[:0]
}

// takeRaw takes the answer's memory away, for what outlives the buffer's use.
func (b *buffer) takeRaw() []byte {
	raw := b.raw
	b.raw = nil
	return raw
}

// decodeBatches reads the batches of set into b from offset from on. It ends
// before a batch that cannot be read and returns it, and before one that is too
// large to be decoded at once and returns that; a batch cut short by the fetch's
// size is neither.
func (b *buffer) decodeBatches(set []byte, from int64, d *decompressor, maxPlain int) (unreadable *badBatch, huge []byte) {
	b.batch.Next = from
	whole := len(set) == 0 // a broker sends at least one batch whole
	defer func() {
		if !whole && unreadable == nil {
			unreadable = &badBatch{base: from, last: from, next: -1, reason: "its length runs beyond the answer"}
		}
	}()
	for len(set) >= batchHeader {
		base := int64(binary.BigEndian.Uint64(set))
		length := int64(int32(binary.BigEndian.Uint32(set[batchLengthAt:])))
		if length < batchHeader-batchPrefix {
			return &badBatch{base: max(base, from), last: max(base, from), next: -1, reason: "its length is impossible"}, nil
		}
		if length+batchPrefix > int64(len(set)) {
			break // the rest comes with the next fetch
		}
		whole = true
		one, rest := set[:length+batchPrefix], set[length+batchPrefix:]
		head := readHead(one)
		fail := func(reason string, checked bool) *badBatch {
			return &badBatch{base: max(base, from), last: head.last, next: peekBase(rest), reason: reason, checked: checked}
		}
		if magic := one[batchMagicAt]; magic != 2 {
			return fail(fmt.Sprintf("its message format is %d, not 2", magic), false), nil
		}
		if crc32.Checksum(one[batchAttrsAt:], castagnoli) != binary.BigEndian.Uint32(one[batchChecksumAt:]) {
			return fail("its checksum is wrong", false), nil
		}
		set = rest
		if head.last < from {
			continue
		}
		if len(b.batch.Records) > goodRecords || len(b.plain) > maxPlain/2 {
			return nil, nil // enough; the next fetch begins here
		}
		if !b.isVisible(one, &head) {
			b.batch.Next = head.last + 1
			continue
		}
		if err := b.decodeRecords(one, &head, from, d, maxPlain); errors.Is(err, errTooLarge) {
			return nil, one
		} else if err != nil {
			return fail(err.Error(), true), nil
		}
		b.batch.Next = head.last + 1
	}
	return nil, nil
}

// peekBase returns the base offset of the batch at the start of set, -1 if none
// is to be seen.
func peekBase(set []byte) int64 {
	if len(set) < batchMagicAt+1 || set[batchMagicAt] != 2 {
		return -1
	}
	return int64(binary.BigEndian.Uint64(set))
}

// isVisible reports whether a batch holds records for us: no control batch, no part
// of an aborted transaction. It follows which transactions are open, as the
// Java client's Fetcher does: the broker lists the aborted ones, and each
// begins at its first offset and ends at its abort marker.
func (b *buffer) isVisible(one []byte, head *batchHead) bool {
	producer := int64(binary.BigEndian.Uint64(one[batchProducerAt:]))
	for i := 0; i < len(b.aborted); {
		if b.aborted[i].First > head.last {
			i++
			continue
		}
		b.active = append(b.active, b.aborted[i].Producer)
		b.aborted[i] = b.aborted[len(b.aborted)-1]
		b.aborted = b.aborted[:len(b.aborted)-1]
	}
	open := -1
	for i, p := range b.active {
		if p == producer {
			open = i
		}
	}
	if head.attributes&attrControl != 0 {
		if open >= 0 && isAbortMarker(one) {
			b.active[open] = b.active[len(b.active)-1]
			b.active = b.active[:len(b.active)-1]
		}
		return false
	}
	return head.attributes&attrTransactional == 0 || open < 0
}

// isAbortMarker reads a control record's key: version, then type, 0 for abort.
func isAbortMarker(one []byte) bool {
	r := reader{data: one[batchHeader:]}
	r.varint() // length
	r.take(1)  // attributes
	r.varint() // timestamp delta
	r.varint() // offset delta
	key := r.bytes()
	return !r.malformed && len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == 0
}

// batchHead is what a batch's header says of its records.
type batchHead struct {
	base, last        int64
	baseTime, maxTime int64
	count             int64
	attributes        uint16
}

func readHead(one []byte) batchHead {
	base := int64(binary.BigEndian.Uint64(one))
	return batchHead{
		base: base, last: base + int64(int32(binary.BigEndian.Uint32(one[batchLastDeltaAt:]))),
		baseTime: int64(binary.BigEndian.Uint64(one[batchBaseTimeAt:])), maxTime: int64(binary.BigEndian.Uint64(one[batchMaxTimeAt:])),
		count: int64(int32(binary.BigEndian.Uint32(one[batchCountAt:]))), attributes: binary.BigEndian.Uint16(one[batchAttrsAt:]),
	}
}

func (h *batchHead) codec() Codec { return Codec(h.attributes & attrCodec) }

// decodeRecords appends a batch's records from offset from on, or none of them.
// errTooLarge asks for the batch to be decoded in portions.
func (b *buffer) decodeRecords(one []byte, head *batchHead, from int64, d *decompressor, maxPlain int) error {
	if head.count < 0 || head.count > head.last-head.base+1 {
		return errMalformed
	}
	if head.count > maxRecords {
		return errTooLarge
	}
	data := one[batchHeader:]
	if codec := head.codec(); codec != 0 {
		start := len(b.plain)
		var err error
		if b.plain, err = d.append(b.plain, data, codec, maxPlain); err != nil {
			if errors.Is(err, errTooLarge) {
				return errTooLarge
			}
			return errors.New("it cannot be decompressed")
		}
		data = b.plain[start:]
	}
	records, headers := len(b.batch.Records), len(b.headers)
	r, previous := reader{data: data}, int64(-1)
	for range head.count {
		size := r.varint()
		record := r.take(size)
		if r.malformed || !b.decodeRecord(record, head, &previous, from, maxHeaders+headers) {
			b.batch.Records, b.headers = b.batch.Records[:records], b.headers[:headers]
			return errMalformed
		}
	}
	return nil
}

// decodeRecord appends one record if its offset is not before from, and reports
// whether it is well-formed. previous is the offset delta of the record before.
func (b *buffer) decodeRecord(data []byte, head *batchHead, previous *int64, from int64, headerLimit int) bool {
	one := reader{data: data}
	one.take(1) // attributes
	timestamp, delta := head.baseTime+one.varint(), one.varint()
	if head.attributes&attrLogAppendTime != 0 {
		timestamp = head.maxTime
	}
	key, value := one.bytes(), one.bytes()
	n := one.varint()
	if one.malformed || n < 0 || delta <= *previous || head.base+delta > head.last || n > int64(headerLimit-len(b.headers)) {
		return false
	}
	*previous = delta
	first := len(b.headers)
	for range n {
		b.headers = append(b.headers, event.Header{Key: one.bytes(), Value: one.bytes()})
		if one.malformed {
			return false
		}
	}
	if head.base+delta >= from {
		b.batch.Records = append(b.batch.Records, event.Record{
			Offset: head.base + delta, Timestamp: timestamp, Key: key, Value: value, Headers: b.headers[first:len(b.headers):len(b.headers)],
		})
	}
	return true
}

// reader walks varints and byte strings; malformed sticks, so that a run of reads
// needs one check.
type reader struct {
	data      []byte
	malformed bool
}

func (r *reader) varint() int64 {
	if len(r.data) > 0 && r.data[0] < 0x80 {
		u := r.data[0]
		r.data = r.data[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.malformed, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.data)) {
		r.malformed, r.data = true, nil
		return nil
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

// bytes reads a byte string; null is nil.
func (r *reader) bytes() []byte {
	n := r.varint()
	if n == -1 {
		return nil
	}
	return r.take(n)
}
