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
	maxRecords  = 512 << 10
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
	b.plain, b.headers, b.aborted, b.active = b.plain[:0], b.headers[:0], b.aborted[:0], b.active[:0]
}

// decodeBatches reads the batches of set into b from offset from on. It ends before a
// broken batch and returns it; a batch cut short by the fetch's size is none.
func (b *buffer) decodeBatches(set []byte, from int64, d *decompressor, maxPlain int) (unreadable *badBatch) {
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
			return &badBatch{base: max(base, from), last: max(base, from), next: -1, reason: "its length is impossible"}
		}
		if length+batchPrefix > int64(len(set)) {
			break // the rest comes with the next fetch
		}
		whole = true
		one, rest := set[:length+batchPrefix], set[length+batchPrefix:]
		last := base + int64(int32(binary.BigEndian.Uint32(one[batchLastDeltaAt:])))
		fail := func(reason string, checked bool) *badBatch {
			return &badBatch{base: max(base, from), last: last, next: peekBase(rest), reason: reason, checked: checked}
		}
		if magic := one[batchMagicAt]; magic != 2 {
			return fail(fmt.Sprintf("its message format is %d, not 2", magic), false)
		}
		if crc32.Checksum(one[batchAttrsAt:], castagnoli) != binary.BigEndian.Uint32(one[batchChecksumAt:]) {
			return fail("its checksum is wrong", false)
		}
		set = rest
		if last < from {
			continue
		}
		if len(b.batch.Records) > goodRecords || len(b.plain) > maxPlain/2 {
			return nil // enough; the next fetch begins here
		}
		if !b.isVisible(one, last) {
			b.batch.Next = last + 1
			continue
		}
		if err := b.decodeRecords(one, base, from, d, maxPlain); err != nil {
			return fail(err.Error(), true)
		}
		b.batch.Next = last + 1
	}
	return nil
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
func (b *buffer) isVisible(one []byte, last int64) bool {
	attributes := binary.BigEndian.Uint16(one[batchAttrsAt:])
	producer := int64(binary.BigEndian.Uint64(one[batchProducerAt:]))
	for i := 0; i < len(b.aborted); {
		if b.aborted[i].First > last {
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
	if attributes&attrControl != 0 {
		if open >= 0 && isAbortMarker(one) {
			b.active[open] = b.active[len(b.active)-1]
			b.active = b.active[:len(b.active)-1]
		}
		return false
	}
	return attributes&attrTransactional == 0 || open < 0
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

// decodeRecords appends a batch's records from offset from on, or none of them.
func (b *buffer) decodeRecords(one []byte, base, from int64, d *decompressor, maxPlain int) error {
	attributes := binary.BigEndian.Uint16(one[batchAttrsAt:])
	baseTime := int64(binary.BigEndian.Uint64(one[batchBaseTimeAt:]))
	maxTime := int64(binary.BigEndian.Uint64(one[batchMaxTimeAt:]))
	count := int64(int32(binary.BigEndian.Uint32(one[batchCountAt:])))
	lastDelta := int64(int32(binary.BigEndian.Uint32(one[batchLastDeltaAt:])))
	if count < 0 || count > maxRecords {
		return fmt.Errorf("it claims %d records; at most %d are taken", count, maxRecords)
	}
	data := one[batchHeader:]
	if codec := Codec(attributes & attrCodec); codec != 0 {
		start := len(b.plain)
		var err error
		if b.plain, err = d.append(b.plain, data, codec, maxPlain); err != nil {
			if errors.Is(err, errTooLarge) {
				return fmt.Errorf("it decompresses to more than %d bytes", maxPlain)
			}
			return errors.New("it cannot be decompressed")
		}
		data = b.plain[start:]
	}

	records, headers := len(b.batch.Records), len(b.headers)
	undo := func() error {
		b.batch.Records, b.headers = b.batch.Records[:records], b.headers[:headers]
		return errMalformed
	}
	r := reader{data: data}
	previous := int64(-1)
	for range count {
		size := r.varint()
		if r.malformed || size < 0 || size > int64(len(r.data)) {
			return undo()
		}
		one := reader{data: r.data[:size]}
		r.data = r.data[size:]
		one.take(1)
		timestamp, delta := baseTime+one.varint(), one.varint()
		if attributes&attrLogAppendTime != 0 {
			timestamp = maxTime
		}
		key, value := one.bytes(), one.bytes()
		n := one.varint()
		if one.malformed || n < 0 || delta <= previous || delta > lastDelta || n > int64(maxHeaders-len(b.headers)+headers) {
			return undo()
		}
		previous = delta
		first := len(b.headers)
		for range n {
			b.headers = append(b.headers, event.Header{Key: one.bytes(), Value: one.bytes()})
			if one.malformed {
				return undo()
			}
		}
		if base+delta < from {
			continue
		}
		b.batch.Records = append(b.batch.Records, event.Record{
			Offset: base + delta, Timestamp: timestamp, Key: key, Value: value, Headers: b.headers[first:len(b.headers):len(b.headers)],
		})
	}
	return nil
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
