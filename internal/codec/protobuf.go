package codec

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// scanProtobuf finds the fields of a Protobuf event (schemas/events/v1).
func (d *Decoder) scanProtobuf(b []byte) {
	for i := 0; i < len(b); {
		number, wire, next := consumeTag(b, i)
		if next < 0 {
			d.badProtobuf()
			return
		}
		if number > protowire.Number(numEventFields) {
			if i = skipWire(b, next, number, wire, 2); i < 0 {
				d.badWire(i)
				return
			}
			continue
		}
		f := field(number - 1)
		if i = d.scanField(b, next, f, number, wire); i < 0 {
			return
		}
	}
}

// scanTemplate finds the fields of a template message, which goes from i to
// the end of b.
func (d *Decoder) scanTemplate(b []byte, i int) bool {
	for i < len(b) {
		number, wire, next := consumeTag(b, i)
		if next < 0 {
			d.badProtobuf()
			return false
		}
		if number > 3 {
			if i = skipWire(b, next, number, wire, 3); i < 0 {
				d.badWire(i)
				return false
			}
			continue
		}
		if i = d.scanField(b, next, fieldTemplateName+field(number-1), number, wire); i < 0 {
			return false
		}
	}
	return true
}

// scanNames keeps the strings of a message that is nothing but a list of
// them, its field 1. It goes from i to the end of b; one that comes twice is
// merged.
func (d *Decoder) scanNames(b []byte, i int, f field) bool {
	for i < len(b) {
		number, wire, next := consumeTag(b, i)
		if next < 0 {
			d.badProtobuf()
			return false
		}
		if number != 1 || wire != protowire.BytesType {
			if i = skipWire(b, next, number, wire, 3); i < 0 {
				d.badWire(i)
				return false
			}
			continue
		}
		start, end := consumeBytes(b, next)
		if end < 0 {
			d.badProtobuf()
			return false
		}
		if !utf8.Valid(b[start:end]) {
			d.badUTF8(f)
			return false
		}
		l := d.listOf(f)
		*l = append(*l, b[start:end])
		i = end
	}
	return true
}

// scanField keeps where a known field is and steps over it; -1 after a rejection.
func (d *Decoder) scanField(b []byte, i int, f field, number protowire.Number, wire protowire.Type) int {
	want := protowire.BytesType
	if s := fields[f].shape; s == shapeInt || s == shapeBool {
		want = protowire.VarintType
	}
	if wire != want {
		end := skipWire(b, i, number, wire, 2)
		if end < 0 {
			return d.badWire(end)
		}
		d.set(f, spanOf(illTyped, 0, 0))
		return end
	}
	if want == protowire.VarintType {
		n, end := consumeVarint(b, i)
		if end < 0 {
			return d.badProtobuf()
		}
		v := spanOf(varint, i, end)
		if fields[f].shape == shapeBool {
			v = spanOf(boolean, int(min(n, 1)), 0)
		}
		d.set(f, v)
		return end
	}
	start, end := consumeBytes(b, i)
	if end < 0 {
		return d.badProtobuf()
	}
	kind := plain
	switch fields[f].shape {
	case shapeMessage:
		// A message that comes twice is merged, as Protobuf has it.
		if !d.scanTemplate(b[:end], start) {
			return -1
		}
		kind = object
	case shapeStrings:
		if !utf8.Valid(b[start:end]) {
			return d.badUTF8(f)
		}
		l := d.listOf(f)
		*l = append(*l, b[start:end])
		kind = list
	case shapeNames:
		if !d.scanNames(b[:end], start, f) {
			return -1
		}
		kind = list
	default:
		if !utf8.Valid(b[start:end]) {
			return d.badUTF8(f)
		}
	}
	if start == end && kind == plain {
		kind = blank
	}
	d.set(f, spanOf(kind, start, end))
	return end
}

// badProtobuf rejects the record and returns -1.
func (d *Decoder) badProtobuf() int {
	d.reject(ReasonUnparsable, noField,
		"not a Protobuf message; accepted is sendwatch.events.v1.Event, or JSON that begins with `{` or has the content type application/json")
	return -1
}

// badWire rejects the record for what skipWire gave.
func (d *Decoder) badWire(code int) int {
	if code == tooDeep {
		d.reject(ReasonTooDeep, noField, "groups nested deeper than 32 levels; the event itself is the first")
		return -1
	}
	return d.badProtobuf()
}

// badUTF8 rejects the record and returns -1.
func (d *Decoder) badUTF8(f field) int {
	d.reject(ReasonUnparsable, f, "not UTF-8; Protobuf strings must be")
	return -1
}
