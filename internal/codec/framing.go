package codec

// Framing is whose schema registry has a say in what stands in front of an event. An
// event without any frame is read whichever is named.
type Framing uint8

// The framings. Confluent's is the one that the contract names.
const (
	FramingConfluent Framing = iota // a zero byte and 4 bytes of id; for Protobuf also the message index
	FramingApicurio                 // a zero byte and 8 bytes of id; for Protobuf perhaps also the message's name
	FramingGlue                     // AWS Glue: 3, a byte that says how it is compressed, and a UUID
)

var framings = [...]string{"confluent", "apicurio", "glue"}

// Framings returns the names of the framings, by Framing.
func Framings() []string { return framings[:] }

// ParseFraming returns the framing of a name, false for a name that none has.
func ParseFraming(name string) (Framing, bool) {
	for i, f := range framings {
		if f == name {
			return Framing(i), true
		}
	}
	return 0, false
}

// unframe takes off what a registry's serialiser puts in front of an event. Neither a
// JSON object nor a Protobuf message begins with a zero byte, and no event with a 3, so
// the first byte decides whether there is a frame.
func (f Framing) unframe(record []byte, ct ContentType) ([]byte, ContentType) {
	switch {
	case f == FramingApicurio && record[0] == 0 && len(record) >= 9:
		return unframeApicurio(record[9:], ct)
	case f == FramingGlue && record[0] == 3 && len(record) >= 18 && record[1] == 0:
		return record[18:], ct
	case f == FramingConfluent:
		return unframe(record, ct)
	}
	return record, ct
}

// unframeApicurio steps over what Apicurio's serialiser of Protobuf writes behind its id:
//
//	+--------+-------------------------------+---------+
//	| length | Ref: 0x0a, length - 2, a name | event   |
//	| 1      | length                        | ...     |
//	+--------+-------------------------------+---------+
//
// It may be left out. An event that began with the same three bytes would have a field of
// ten bytes that begins with a control character.
func unframeApicurio(record []byte, ct ContentType) ([]byte, ContentType) {
	if ct == ContentJSON || len(record) < 3 || ct == ContentUnknown && record[0] == '{' {
		return record, ct
	}
	n := int(record[0])
	if n >= 2 && n < 0x22 && record[1] == 0x0a && int(record[2]) == n-2 && len(record) > n {
		record = record[n+1:]
	}
	return record, ContentProtobuf
}
