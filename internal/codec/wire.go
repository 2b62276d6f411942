package codec

import (
	"encoding/binary"
	"math"
)

// The append functions of this file write Protobuf fields. As in proto3, a
// zero or empty value is left out.

// appendTag appends a field's number and wire type.
func appendTag(dst []byte, number, wire int) []byte {
	return binary.AppendUvarint(dst, uint64(number)<<3|uint64(wire))
}

// appendInt appends an integer field.
func appendInt(dst []byte, number int, v int64) []byte {
	if v == 0 {
		return dst
	}
	return appendIntSet(dst, number, v)
}

// appendIntSet appends an integer field with presence.
func appendIntSet(dst []byte, number int, v int64) []byte {
	return binary.AppendUvarint(appendTag(dst, number, wireVarint), uint64(v))
}

// appendHash appends a fixed64 field.
func appendHash(dst []byte, number int, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return binary.LittleEndian.AppendUint64(appendTag(dst, number, wireFixed64), v)
}

// appendDouble appends a double field; set writes a zero too.
func appendDouble(dst []byte, number int, v float64, set bool) []byte {
	bits := math.Float64bits(v)
	if bits == 0 && !set {
		return dst
	}
	return binary.LittleEndian.AppendUint64(appendTag(dst, number, wireFixed64), bits)
}

// appendText appends a string field.
func appendText(dst []byte, number int, s string) []byte {
	if s == "" {
		return dst
	}
	return appendTextSet(dst, number, s)
}

// appendTextSet appends a string field with presence, or an element of a list.
func appendTextSet(dst []byte, number int, s string) []byte {
	dst = binary.AppendUvarint(appendTag(dst, number, wireBytes), uint64(len(s)))
	return append(dst, s...)
}

// beginMessage begins a field whose length is not known yet: one byte is kept
// for it. endMessage makes it right, and moves what was written where a longer
// length needs the room.
func beginMessage(dst []byte, number int) (_ []byte, mark int) {
	dst = append(appendTag(dst, number, wireBytes), 0)
	return dst, len(dst)
}

// endMessage ends what beginMessage began.
func endMessage(dst []byte, mark int) []byte {
	n := len(dst) - mark
	if n < 0x80 {
		dst[mark-1] = byte(n)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	dst = append(dst, length[:size-1]...)
	copy(dst[mark+size-1:], dst[mark:mark+n])
	copy(dst[mark-1:], length[:size])
	return dst
}

// wireReader walks over the fields of a Protobuf message.
type wireReader struct {
	b      []byte
	i      int
	number int
	bad    bool

	// The value of the present field: one of the two.
	n     uint64
	bytes []byte
}

// next steps to the next field; false at the end or where the bytes are malformed.
func (r *wireReader) next() bool {
	if r.bad || r.i >= len(r.b) {
		return false
	}
	number, wire, i := consumeTag(r.b, r.i)
	if i < 0 {
		r.bad = true
		return false
	}
	r.number, r.n, r.bytes = int(number), 0, nil
	end := skipWire(r.b, i, number, wire, 1)
	if end < 0 {
		r.bad = true
		return false
	}
	switch wire {
	case wireVarint:
		r.n, _ = consumeVarint(r.b, i)
	case wireFixed64:
		r.n = binary.LittleEndian.Uint64(r.b[i:])
	case wireBytes:
		start, _ := consumeBytes(r.b, i)
		r.bytes = r.b[start:end]
	}
	r.i = end
	return true
}

// int gives the present field as an integer.
func (r *wireReader) int() int64 { return int64(r.n) }

// double gives the present field as a double.
func (r *wireReader) double() float64 { return math.Float64frombits(r.n) }
