package codec

import (
	"encoding/base64"
	"errors"
	"strconv"

	"sendwatch/internal/event"
)

// The headers of a dead letter, beside those that the record came with. A
// record that was a dead letter before carries both; the last of a name counts.
const (
	HeaderReason    = "sendwatch-reason"
	HeaderField     = "sendwatch-field"
	HeaderDetail    = "sendwatch-detail"
	HeaderTopic     = "sendwatch-topic"
	HeaderPartition = "sendwatch-partition"
	HeaderOffset    = "sendwatch-offset"
	HeaderTimestamp = "sendwatch-timestamp"
)

// NewDeadLetter makes the dead letter of a record that Decode refused. Key and
// value are not copied.
func NewDeadLetter(at event.Position, timestamp int64, key, value []byte, err error) event.DeadLetter {
	l := event.DeadLetter{Position: at, Timestamp: timestamp, Key: key, Value: value, Reason: ReasonUnparsable}
	if r, ok := errors.AsType[*Rejection](err); ok {
		l.Reason, l.Field, l.Detail = r.Reason, r.Field, r.Detail
	}
	return l
}

// AppendDeadLetterHeaders appends what the dead-letter topic says beside the
// original key, value and headers: the reason, the field at fault if there is
// one, and where the record was.
func AppendDeadLetterHeaders(dst []event.Header, l *event.DeadLetter) []event.Header {
	add := func(key, value string) {
		if value != "" {
			dst = append(dst, event.Header{Key: []byte(key), Value: []byte(value)})
		}
	}
	add(HeaderReason, l.Reason)
	add(HeaderField, l.Field)
	add(HeaderDetail, l.Detail)
	add(HeaderTopic, l.Topic)
	add(HeaderPartition, strconv.Itoa(int(l.Partition)))
	add(HeaderOffset, strconv.FormatInt(l.Offset, 10))
	add(HeaderTimestamp, strconv.FormatInt(l.Timestamp, 10))
	return dst
}

// AppendDeadLetterJSON appends a dead letter as a replay writes it: the offset,
// the reason, and the original bytes in base64.
func AppendDeadLetterJSON(dst []byte, l *event.DeadLetter) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.num("offset", l.Offset)
	w.str("reason", l.Reason)
	w.strOrNull("field", l.Field)
	w.str("detail", l.Detail)
	w.name("", "value")
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, l.Value)
	w.b = append(w.b, '"')
	w.close('}')
	return w.b
}
