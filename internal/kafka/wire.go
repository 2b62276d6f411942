package kafka

import (
	"encoding/binary"
	"math"
)

// Kafka's primitive types, big-endian
// (https://kafka.apache.org/protocol#protocol_types). A version of an API is
// either plain or flexible (KIP-482): flexible ones write lengths as unsigned
// varints of n+1, 0 being null, and end each structure with tagged fields.

// wireWriter builds a request.
type wireWriter struct {
	data     []byte
	flexible bool
}

func (w *wireWriter) int8(v int8)   { w.data = append(w.data, byte(v)) }
func (w *wireWriter) int16(v int16) { w.data = binary.BigEndian.AppendUint16(w.data, uint16(v)) }
func (w *wireWriter) int32(v int32) { w.data = binary.BigEndian.AppendUint32(w.data, uint32(v)) }
func (w *wireWriter) int64(v int64) { w.data = binary.BigEndian.AppendUint64(w.data, uint64(v)) }
func (w *wireWriter) id(v TopicID)  { w.data = append(w.data, v[:]...) }

func (w *wireWriter) bool(v bool) {
	if v {
		w.int8(1)
	} else {
		w.int8(0)
	}
}

// array begins an array of n elements.
func (w *wireWriter) array(n int) {
	if w.flexible {
		w.data = binary.AppendUvarint(w.data, uint64(n)+1)
	} else {
		w.int32(int32(n))
	}
}

func (w *wireWriter) text(s string) {
	if w.flexible {
		w.data = binary.AppendUvarint(w.data, uint64(len(s))+1)
	} else {
		w.int16(int16(len(s)))
	}
	w.data = append(w.data, s...)
}

// orNull writes s, or null if it is empty.
func (w *wireWriter) orNull(s string) {
	switch {
	case s != "":
		w.text(s)
	case w.flexible:
		w.int8(0)
	default:
		w.int16(-1)
	}
}

// bytes writes a byte string, which is never null.
func (w *wireWriter) bytes(b []byte) {
	w.array(len(b))
	w.data = append(w.data, b...)
}

// tags ends a structure without tagged fields.
func (w *wireWriter) tags() {
	if w.flexible {
		w.int8(0)
	}
}

// wire reads an answer. malformed sticks, so that a run of reads needs one check.
type wire struct {
	data      []byte
	flexible  bool
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

func (w *wire) int8() int8 {
	if b := w.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

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

func (w *wire) id() (id TopicID) {
	copy(id[:], w.take(len(id)))
	return id
}

func (w *wire) uvarint() uint64 {
	v, n := binary.Uvarint(w.data)
	if n <= 0 {
		w.malformed, w.data = true, nil
		return 0
	}
	w.data = w.data[n:]
	return v
}

// compact reads a flexible length; null is -1.
func (w *wire) compact() int {
	n := w.uvarint()
	if n > math.MaxInt32 {
		w.malformed, w.data = true, nil
		return 0
	}
	return int(n) - 1
}

// array returns how many elements follow: none for null. Every element has at
// least a byte, so that a count beyond the answer's end is malformed and nothing
// is made for it.
func (w *wire) array() int {
	n := 0
	if w.flexible {
		n = w.compact()
	} else {
		n = int(w.int32())
	}
	if n > len(w.data) {
		w.malformed, w.data = true, nil
		return 0
	}
	return max(0, n)
}

// text reads a string; null is empty.
func (w *wire) text() string {
	if w.flexible {
		return string(w.take(max(0, w.compact())))
	}
	return string(w.take(max(0, int(w.int16()))))
}

// bytes reads a byte string; null is nil.
func (w *wire) bytes() []byte {
	n := 0
	if w.flexible {
		n = w.compact()
	} else {
		n = int(w.int32())
	}
	if n < 0 {
		return nil
	}
	return w.take(n)
}

// tags skips a structure's tagged fields.
func (w *wire) tags() {
	if !w.flexible {
		return
	}
	for range w.uvarint() {
		w.uvarint()
		w.skip(int(min(w.uvarint(), math.MaxInt32)))
		if w.malformed {
			return
		}
	}
}
