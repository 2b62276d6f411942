package codec

import (
	"compress/zlib"
	"encoding/binary"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// Framing is what may stand in front of an event: the mark that a schema
// registry's serialiser leaves. Records without one are read in any case, and so
// are those whose schema id is in a record header.
type Framing uint8

// The framings. FramingConfluent is the contract's own.
const (
	// FramingConfluent is a zero byte and a schema id of 4 bytes.
	FramingConfluent Framing = iota
	// FramingApicurio is a zero byte and an id of 8 bytes: what Apicurio's
	// serialisers write unless told to be Confluent's. It takes the place of
	// Confluent's, which the same byte begins.
	FramingApicurio
	// FramingGlue is AWS Glue's header of 18 bytes. Confluent's is read beside it.
	FramingGlue
)

var framingNames = [...]string{"confluent", "apicurio", "glue"}

// String returns the framing's name in configuration.
func (f Framing) String() string { return framingNames[f] }

// ParseFraming returns the framing named s.
func ParseFraming(s string) (Framing, bool) {
	for f, name := range framingNames {
		if s == name {
			return Framing(f), true
		}
	}
	return 0, false
}

// Sizes of the marks, in bytes.
const (
	confluentMark = 5
	apicurioMark  = 9
	glueMark      = 18
)

// unframe takes off the mark of a schema registry; false after a rejection.
//
//	           +------+------------------+------------------------------+-------+
//	Confluent  | 0x00 | schema id        | Protobuf only: message index | event |
//	           | 1    | 4 bytes          | 1 byte, or a counted list    |       |
//	           +------+------------------+------------------------------+-------+
//	Apicurio   | 0x00 | global or        | Protobuf only, perhaps: a    | event |
//	           | 1    | content id, 8    | length and a Ref message     |       |
//	           +------+------------------+------------------------------+-------+
//	AWS Glue   | 0x03 | compression: 0,  | Protobuf only: message index | event |
//	           | 1    | 5 zlib; UUID, 16 | a varint; compressed with    |       |
//	           +------+------------------+------------------------------+-------+
//
// Neither a JSON object nor a Protobuf message begins with a byte below 8, which
// would be the field number 0, so the first byte decides. Integers are big-endian.
// Which message an index names does not matter: the topic carries one.
func (d *Decoder) unframe(record []byte, ct ContentType) ([]byte, ContentType, bool) {
	switch {
	case d.framing == FramingGlue && record[0] == 3 && len(record) >= glueMark:
		payload := record[glueMark:]
		switch record[1] {
		case 0:
		case 5:
			var ok bool
			if payload, ok = d.inflate(payload); !ok {
				return nil, ct, false
			}
		default:
			d.reject(ReasonUnparsable, noField, "a header of AWS Glue with an unknown compression; accepted are none and zlib")
			return nil, ct, false
		}
		if isJSON(payload, ct) {
			return payload, ct, true
		}
		if len(payload) > 0 && payload[0] < 8 { // the index
			payload = payload[1:]
		}
		return payload, ContentProtobuf, true
	case d.framing == FramingApicurio && record[0] == 0 && len(record) >= apicurioMark:
		payload := record[apicurioMark:]
		if isJSON(payload, ct) {
			return payload, ct, true
		}
		return payload[refLength(payload):], ContentProtobuf, true
	case d.framing != FramingApicurio && record[0] == 0 && len(record) >= confluentMark:
		payload := record[confluentMark:]
		if isJSON(payload, ct) || len(payload) == 0 {
			return payload, ct, true
		}
		return payload[indexLength(payload):], ContentProtobuf, true
	}
	return record, ct, true
}

// isJSON reports whether what follows a mark is JSON.
func isJSON(payload []byte, ct ContentType) bool {
	return ct == ContentJSON || ct == ContentUnknown && len(payload) > 0 && payload[0] == '{'
}

// indexLength returns the length of Confluent's message index in front of a
// Protobuf message: a zero byte for the schema's first message, else a count and
// the indexes, as zigzag varints or, from older clients and where
// `use.deprecated.format` says so, as plain ones. Producers without a registry
// leave it out. A count of up to 7 cannot be the message, so up to there all are
// kept apart; where both readings of a list hold, it is zigzag's.
func indexLength(payload []byte) int {
	count := payload[0]
	switch {
	case count == 0:
		return 1
	case count > 7:
		return 0
	}
	if count%2 == 0 {
		if n, ok := listLength(payload, int(count/2), true); ok {
			return n
		}
	}
	if n, ok := listLength(payload, int(count), false); ok {
		return n
	}
	return 0
}

// listLength returns the length of a counted list of varints, and whether it is
// one: no index is negative, and a message may begin behind it.
func listLength(payload []byte, count int, zigzag bool) (n int, ok bool) {
	i := 1
	for range count {
		var index uint64
		if index, i = consumeVarint(payload, i); i < 0 || zigzag && protowire.DecodeZigZag(index) < 0 {
			return 0, false
		}
	}
	_, _, end := consumeTag(payload, i)
	return i, i == len(payload) || end > 0
}

// refLength returns the length of the Ref message that Apicurio's serialisers
// put in front of a Protobuf message, its own length included: the field 1, the
// name of the message, and perhaps more. It returns 0 if there is none. An event
// that begins with the same bytes would have a control character in its id.
func refLength(payload []byte) int {
	if len(payload) < 3 || payload[0] >= ' ' || len(payload) <= int(payload[0]) {
		return 0
	}
	size := int(payload[0])
	if size < 2 || payload[1] != 0x0a || int(payload[2]) > size-2 {
		return 0
	}
	return 1 + size
}

// inflate unpacks what Glue's serialiser packed; false after a rejection. What it
// returns is good until the next Decode.
func (d *Decoder) inflate(packed []byte) ([]byte, bool) {
	d.packed.Reset(packed)
	err := error(nil)
	if d.zlib == nil {
		d.zlib, err = zlib.NewReader(&d.packed)
	} else {
		err = d.zlib.(zlib.Resetter).Reset(&d.packed, nil)
	}
	d.unpacked.Reset()
	if err == nil {
		_, err = d.unpacked.ReadFrom(io.LimitReader(d.zlib, MaxRecord+1))
	}
	switch {
	case d.unpacked.Len() > MaxRecord:
		d.reject(ReasonTooLarge, noField, "larger than 262144 bytes unpacked")
		return nil, false
	case err != nil:
		d.reject(ReasonUnparsable, noField, "a header of AWS Glue says zlib, and what follows is none")
		return nil, false
	}
	return d.unpacked.Bytes(), true
}

// hintAtFraming names the mark of a schema registry that another framing than
// the decoder's would take off.
func (d *Decoder) hintAtFraming(record []byte) {
	hint := ""
	switch {
	case d.rejection.Reason != ReasonUnparsable && d.rejection.Field != fieldType.String():
	case record[0] == 0 && d.framing != FramingApicurio && len(record) > apicurioMark && binary.BigEndian.Uint32(record[1:]) == 0:
		hint = "a zero byte and an id of 8 bytes: the frame of an Apicurio registry's serialiser; accepted with kafka.framing apicurio, or let it write Confluent's 4 bytes or the id in a header"
	case record[0] == 0 && d.framing == FramingApicurio:
		hint = "a zero byte, and no id of 8 bytes with an event behind; kafka.framing says apicurio, where Confluent's frame of 4 bytes is not read"
	case record[0] == 0:
		hint = "a zero byte, the frame of a schema registry's serialiser, and no event behind its schema id of 4 bytes; accepted is sendwatch.events.v1.Event or a JSON object there"
	case record[0] == 1 && len(record) > 17:
		hint = "a byte 1 as in front of a registry's GUID; accepted are Confluent's frame (0 and 4 bytes) and ids in a header"
	case record[0] == 3 && d.framing != FramingGlue && len(record) > glueMark && (record[1] == 0 || record[1] == 5):
		hint = "a header of AWS Glue; accepted with kafka.framing glue"
	}
	if hint != "" {
		d.rejection.Detail = hint
	}
}
