package codec

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The append functions of this file write Protobuf fields. As in proto3, a zero
// or empty value is left out. Varints are those of encoding/binary, which are the
// same: with protowire's a batch of rows took twice as long (0.46 us a row
// against 0.23).

// appendTag appends a field's number and wire type.
func appendTag(dst []byte, number int, wire protowire.Type) []byte {
	return binary.AppendUvarint(dst, protowire.EncodeTag(protowire.Number(number), wire))
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
	return binary.AppendUvarint(appendTag(dst, number, protowire.VarintType), uint64(v))
}

// appendHash appends a fixed64 field.
func appendHash(dst []byte, number int, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return binary.LittleEndian.AppendUint64(appendTag(dst, number, protowire.Fixed64Type), v)
}

// appendDouble appends a double field; set writes a zero too.
func appendDouble(dst []byte, number int, v float64, set bool) []byte {
	bits := math.Float64bits(v)
	if bits == 0 && !set {
		return dst
	}
	return binary.LittleEndian.AppendUint64(appendTag(dst, number, protowire.Fixed64Type), bits)
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
	return append(appendLength(dst, number, len(s)), s...)
}

// appendLength appends the head of a field of so many bytes.
func appendLength(dst []byte, number, bytes int) []byte {
	return binary.AppendUvarint(appendTag(dst, number, protowire.BytesType), uint64(bytes))
}

// beginMessage begins a field whose length is not known yet: one byte is kept
// for it. endMessage makes it right, and moves what was written where a longer
// length needs the room.
func beginMessage(dst []byte, number int) (_ []byte, mark int) {
	dst = append(appendTag(dst, number, protowire.BytesType), 0)
	return dst, len(dst)
}

// endMessage ends what beginMessage began.
func endMessage(dst []byte, mark int) []byte {
	n := len(dst) - mark
	if n < 0x80 {
		dst[mark-1] = byte(n)
		return dst
	}
	var room [10]byte
	length := binary.AppendUvarint(room[:0], uint64(n))
	dst = append(dst, length[1:]...)
	copy(dst[mark+len(length)-1:], dst[mark:mark+n])
	copy(dst[mark-1:], length)
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
	end := -1
	r.number, r.n, r.bytes = int(number), 0, nil
	if i >= 0 {
		switch wire {
		case protowire.VarintType:
			r.n, end = consumeVarint(r.b, i)
		case protowire.BytesType:
			if i, end = consumeBytes(r.b, i); end >= 0 {
				r.bytes = r.b[i:end]
			}
		case protowire.Fixed64Type:
			var n int
			if r.n, n = protowire.ConsumeFixed64(r.b[i:]); n >= 0 {
				end = i + n
			}
		default:
			end = skipWire(r.b, i, number, wire, 1)
		}
	}
	r.i, r.bad = end, end < 0
	return !r.bad
}

// int returns the present field as an integer.
func (r *wireReader) int() int64 { return int64(r.n) }

// double returns the present field as a double.
func (r *wireReader) double() float64 { return math.Float64frombits(r.n) }

// The consume functions of this file read a part of a message that begins at i
// and return where it ends, -1 if it is malformed.

// consumeVarint reads a varint. One that reads eight bytes at once and joins their
// bits was tried: alone it was twice as slow as protowire's loop, whose branches are
// foreseen (33 against 16 ns for a time in ms), in the decoder it made no difference.
func consumeVarint(b []byte, i int) (n uint64, end int) {
	if i < len(b) && b[i] < 0x80 { // most are, and the call is worth leaving out
		return uint64(b[i]), i + 1
	}
	n, size := protowire.ConsumeVarint(b[i:])
	if size < 0 {
		return 0, -1
	}
	return n, i + size
}

// consumeTag reads a field's number and wire type.
func consumeTag(b []byte, i int) (number protowire.Number, wire protowire.Type, end int) {
	tag, end := consumeVarint(b, i)
	if end < 0 || tag>>3 > uint64(protowire.MaxValidNumber) || tag>>3 < uint64(protowire.MinValidNumber) {
		return 0, 0, -1
	}
	number, wire = protowire.DecodeTag(tag)
	return number, wire, end
}

// consumeBytes reads a length and returns where its bytes begin and end.
func consumeBytes(b []byte, i int) (start, end int) {
	n, start := consumeVarint(b, i)
	if start < 0 || n > uint64(len(b)-start) {
		return 0, -1
	}
	return start, start + int(n)
}

// skipWire steps over the value of a field of any wire type. It returns tooDeep
// if groups in it lie deeper than MaxDepth, which protowire would follow down to
// 10,000 levels.
func skipWire(b []byte, i int, number protowire.Number, wire protowire.Type, depth int) int {
	if wire != protowire.StartGroupType {
		n := protowire.ConsumeFieldValue(number, wire, b[i:])
		if n < 0 {
			return -1
		}
		return i + n
	}
	if depth > MaxDepth {
		return tooDeep
	}
	for {
		n, w, next := consumeTag(b, i)
		switch {
		case next < 0:
			return -1
		case w == protowire.EndGroupType && n == number:
			return next
		}
		if i = skipWire(b, next, n, w, depth+1); i < 0 {
			return i
		}
	}
}
