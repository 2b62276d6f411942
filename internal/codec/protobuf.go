package codec

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// stringFields are the string fields of an event by their tag, where that is one
// byte; noField is all else.
var stringFields = func() (t [256]field) {
	for tag := range t {
		t[tag] = noField
		f := field(tag>>3 - 1)
		if tag < 0x80 && tag>>3 > 0 && protowire.Type(tag&7) == protowire.BytesType && fields[f].shape == shapeString {
			t[tag] = f
		}
	}
	return t
}()

// scanProtobuf finds the fields of a Protobuf event (schemas/events/v1). Strings of
// up to 127 bytes with a tag of one byte, which most fields are, are found here;
// all else goes to the functions that know every form.
func (d *Decoder) scanProtobuf() {
	b, n := d.memory, len(d.record)
	for i := 0; i < n; {
		if f := stringFields[b[i]]; f != noField && b[i+1] < 0x80 {
			start := i + 2
			if i = d.scanShortString(start, start+int(b[i+1]), n, f); i < 0 {
				return
			}
			continue
		}
		number, wire, next := consumeTag(d.record, i)
		if next < 0 {
			d.badProtobuf()
			return
		}
		if number > protowire.Number(numEventFields) {
			if i = skipWire(d.record, next, number, wire, 2); i < 0 {
				d.badWire(i)
				return
			}
			continue
		}
		f := field(number - 1)
		if i = d.scanField(d.record, next, f, number, wire); i < 0 {
			return
		}
	}
}

// scanShortString keeps where a string is that must lie before limit, and steps
// over it; -1 after a rejection.
func (d *Decoder) scanShortString(start, end, limit int, f field) int {
	switch {
	case end > limit:
		return d.badProtobuf()
	case !isText(d.memory, start, end):
		return d.badUTF8(f)
	}
	d.values[f&63] = textSpan(start, end)
	return end
}

// scanTemplate finds the fields of a template message, which goes from i to
// the end of b, a part of the record.
func (d *Decoder) scanTemplate(b []byte, i int) bool {
	for i < len(b) {
		if number := b[i] >> 3; b[i]&7 == byte(protowire.BytesType) && number-1 < 3 && d.memory[i+1] < 0x80 {
			start := i + 2
			if i = d.scanShortString(start, start+int(d.memory[i+1]), len(b), fieldTemplateName+field(number-1)); i < 0 {
				return false
			}
			continue
		}
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
