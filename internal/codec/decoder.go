package codec

import (
	"bytes"

	"sendwatch/internal/event"
)

// MaxRecord is the largest record that is read, in bytes.
const MaxRecord = 256 << 10

// MaxDepth is how deep a record may be nested; the event itself is the first level.
const MaxDepth = 32

// Config is what a Decoder needs to know.
type Config struct {
	// Secret is the key of the contact hashes.
	Secret Secret
	// StopWords and ResumeWords are what a contact writes to opt out and in
	// again. Case does not matter, nor white space, punctuation and symbols around them. A word in both
	// lists is a stop word.
	StopWords, ResumeWords []string
	// Framing is whose frame may stand in front of an event; default FramingConfluent.
	Framing Framing
}

// ContentType is how a record is encoded.
type ContentType uint8

// ContentUnknown leaves it to the first byte: `{` is JSON, all else Protobuf.
const (
	ContentUnknown ContentType = iota
	ContentJSON
	ContentProtobuf
)

// ContentTypeHeader is the record header that says how a record is encoded.
const ContentTypeHeader = "content-type"

// ParseContentType reads the value of the header. Parameters
// (`application/json; charset=utf-8`) and, as in all media types, upper and
// lower case do not matter; what is neither JSON nor Protobuf is ContentUnknown.
func ParseContentType(s []byte) ContentType {
	for i, c := range s {
		if c == ';' || c == ' ' {
			s = s[:i]
			break
		}
	}
	switch {
	case bytes.EqualFold(s, []byte("application/json")):
		return ContentJSON
	case bytes.EqualFold(s, []byte("application/protobuf")), bytes.EqualFold(s, []byte("application/x-protobuf")):
		return ContentProtobuf
	}
	return ContentUnknown
}

// String returns the header's value, empty where it says neither.
func (c ContentType) String() string {
	switch c {
	case ContentJSON:
		return "application/json"
	case ContentProtobuf:
		return "application/protobuf"
	}
	return ""
}

// Decoder reads records. It serves one goroutine.
type Decoder struct {
	secret     Secret
	framing    Framing
	words      map[string]event.Preference // trimmed and folded
	wordBytes  int                         // of the longest word
	wordStarts wordStarts

	// What belongs to the current record.
	*Memory
	record    []byte // without its padding
	values    [64]value
	group     int // of the event's type, as far as it has been seen
	rejection *Rejection

	keys keyReader

	// Memory that is used again for each record, and of which no event aliases anything.
	hosts   [][]byte
	text    textMemory
	content []byte // what the fingerprint is the hash of
	link    []byte
	address []byte // an identifier in its canonical form
}

// Memory is what an event aliases beside the record that it was read from. It is good
// until the Decoder that uses it reads another record: who wants to have several events
// at once gives each a Memory (Decoder.Use). The zero Memory is ready.
type Memory struct {
	memory       []byte // the record's bytes with their padding
	unescaped    []byte
	links        [][]byte
	restrictions [][]byte
	inputs       [][]byte
	linkHashes   []uint64
	languageForm [6]byte // a language in its canonical form
}

// NewDecoder returns a decoder that allocates only where a record is larger than
// all before it.
func NewDecoder(c Config) *Decoder {
	d := &Decoder{secret: c.Secret, framing: c.Framing, words: map[string]event.Preference{}, text: newTextMemory(), keys: newKeyReader(), Memory: new(Memory)}
	d.addWords(c.ResumeWords, event.PreferenceResume)
	d.addWords(c.StopWords, event.PreferenceStop)
	return d
}

// Use makes what is decoded from now on alias another Memory.
func (d *Decoder) Use(m *Memory) { d.Memory = m }

// Decode reads one record into ev. Slices of ev alias value and the Memory in use,
// both only until the next Decode with it. recordTime is the record's own
// timestamp, which an event's time may pass by MaxAhead at most; one before
// MinTime is none, and then any time may be. An event of an
// unknown type has the type event.TypeUnknown, an ID and a Time. For a bad record
// it returns a *Rejection, and ev holds nothing of use.
func (d *Decoder) Decode(ev *event.Event, value []byte, ct ContentType, recordTime int64) error {
	d.rejection = nil
	clear(d.values[:numFields])
	d.unescaped = d.unescaped[:0]
	d.links, d.restrictions, d.inputs = d.links[:0], d.restrictions[:0], d.inputs[:0]
	*ev = event.Event{}
	if d.open(value, ct) {
		d.check(ev, recordTime)
	}
	if d.rejection != nil {
		return d.rejection
	}
	return nil
}

// open finds the fields of the record; false after a rejection.
func (d *Decoder) open(record []byte, ct ContentType) bool {
	switch {
	case len(record) == 0:
		d.reject(ReasonUnparsable, noField, "the record has no value; accepted is one event, JSON or Protobuf")
		return false
	case len(record) > MaxRecord:
		d.reject(ReasonTooLarge, noField, "larger than 262144 bytes")
		return false
	}
	first := record[0]
	record, ct = d.framing.unframe(record, ct)
	d.keep(record)
	if ct == ContentUnknown {
		ct = ContentProtobuf
		if len(record) > 0 && record[0] == '{' {
			ct = ContentJSON
		}
	}
	if ct == ContentJSON {
		d.scanJSON()
	} else {
		d.scanProtobuf()
	}
	if r := d.rejection; r != nil && r.Reason == ReasonUnparsable && (first == 0 || first == 1 || first == 3) {
		r.Detail += "; it begins like the frame of a schema registry: kafka.framing says whose frame is stepped over"
	}
	return d.rejection == nil
}

// keep copies the record to where zero bytes follow it. What that costs, some 10 ns,
// is less than asking for the record's end in each step of a scan.
func (d *Decoder) keep(record []byte) {
	n := len(record)
	if cap(d.memory) < n+padding {
		d.memory = make([]byte, n+padding, 2*n+padding)
	}
	d.memory = d.memory[:n+padding]
	copy(d.memory, record)
	clear(d.memory[n:])
	d.record = d.memory[:n:n]
	d.group = 0
}

// unframe takes off the framing of a Confluent schema registry:
//
//	+------+-----------------------+------------------------------+---------+
//	| 0x00 | schema id, big-endian | Protobuf only: message index | event   |
//	| 1    | 4 bytes               | 1 byte, or a counted list    | ...     |
//	+------+-----------------------+------------------------------+---------+
//
// Neither a JSON object nor a Protobuf message begins with a zero byte, so the
// first byte decides. The message index is one zero byte for the first message of
// a schema, else a zigzag varint with the number of indexes and the indexes.
// Producers without a registry leave it out; a count of up to 3 would be the
// Protobuf field number 0, which does not exist, so up to there both are kept
// apart. Longer lists are not accepted. Which message the index names does not
// matter: the topic carries one.
func unframe(record []byte, ct ContentType) ([]byte, ContentType) {
	if record[0] != 0 || len(record) < 5 {
		return record, ct
	}
	record = record[5:]
	if ct == ContentJSON || len(record) == 0 || (ct == ContentUnknown && record[0] == '{') {
		return record, ct
	}
	switch count := record[0]; count {
	case 0:
		return record[1:], ContentProtobuf
	case 2, 4, 6:
		i := 1
		for range count / 2 {
			if _, i = consumeVarint(record, i); i < 0 {
				return record, ContentProtobuf
			}
		}
		return record[i:], ContentProtobuf
	}
	return record, ContentProtobuf
}

// reject keeps the first reason for which the record is no event.
func (d *Decoder) reject(reason string, f field, detail string) {
	if d.rejection != nil {
		return
	}
	d.rejection = &Rejection{Reason: reason, Detail: detail}
	if f < noField {
		d.rejection.Field = fields[f].name
	}
}
