package pipeline

import (
	"strconv"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

const (
	// maxDeadLetter bounds a dead letter's value so that it fits a broker's default
	// limit for a message with its key and headers. What is cut is said.
	maxDeadLetter = 768 << 10
	// headerTruncated is the length that a cut dead letter had.
	headerTruncated = "sendwatch-truncated-from"
	// maxDeadLetterHead bounds a dead letter's key and the headers that its record
	// came with, together. Where more is left out, headerLeftOut says what.
	maxDeadLetterHead = 128 << 10
	headerLeftOut     = "sendwatch-left-out"
	// maxRowsMessage and maxRowsOfOne bound one record of the rows topic: so
	// many bytes, beyond which the next row begins a new one, and so many rows.
	maxRowsMessage = 256 << 10
	maxRowsOfOne   = 2_000
	// maxMessage bounds the key and the value of any message: a topic's default
	// limit is 1,048,588 bytes, and one that a broker refuses for its size would
	// stop the partition for good. Rows stay below it by what an event can hold
	// (256 KiB): the longest have two ids of one event and three of another, and the
	// portfolio's twice.
	maxMessage = 1_000_000
	// maxAtOnce is how many bytes of messages are made before they are sent.
	maxAtOnce = 8 << 20
)

// messageBuilder makes messages of outputs, and reuses their memory.
type messageBuilder struct {
	messages []event.Message
	bytes    []byte
	headers  []event.Header
	grouping event.Grouping
}

func (b *messageBuilder) reset() {
	b.messages, b.bytes, b.headers = b.messages[:0], b.bytes[:0], b.headers[:0]
}

// deadLetters makes messages of dead letters: the original key, value and headers, and
// the reason and position as headers. Entries without a record stand for a run of
// offsets.
func (b *messageBuilder) deadLetters(letters []event.DeadLetter, rejected []*event.Record) []event.Message {
	b.reset()
	for i := range letters {
		l := &letters[i]
		first := len(b.headers)
		key, room := l.Key, maxDeadLetterHead-len(l.Key)
		if room < 0 {
			key, room = nil, maxDeadLetterHead
			b.headers = append(b.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("key")})
		}
		if r := rejected[i]; r != nil {
			for _, h := range r.Headers {
				// A header takes 48 bytes of memory, however short it is.
				if room -= len(h.Key) + len(h.Value) + 48; room < 0 {
					b.headers = append(b.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("headers")})
					break
				}
				b.headers = append(b.headers, h)
			}
		}
		b.headers = codec.AppendDeadLetterHeaders(b.headers, l)
		value := l.Value
		if len(value) > maxDeadLetter {
			b.headers = append(b.headers, event.Header{Key: []byte(headerTruncated), Value: strconv.AppendInt(nil, int64(len(value)), 10)})
			value = value[:maxDeadLetter]
		}
		b.messages = append(b.messages, event.Message{Key: key, Value: value, Headers: b.headers[first:len(b.headers):len(b.headers)]})
	}
	return b.messages
}

// flags makes messages of flags and has send send them, some at a time. One that no
// broker takes goes to tooLarge instead.
func (b *messageBuilder) flags(flags []event.Flag, send func([]*event.Flag, []event.Message) error, tooLarge func(f *event.Flag, size int)) error {
	b.reset()
	var of []*event.Flag // the messages' flags
	sendSome := func(messages []event.Message) error {
		err := send(of, messages)
		of = of[:0]
		return err
	}
	for i := range flags {
		f := &flags[i]
		first, key := len(b.bytes), subject(f)
		b.bytes = codec.AppendFlag(b.bytes, f)
		if n := len(b.bytes) - first + len(key); n > maxMessage {
			b.bytes = b.bytes[:first]
			tooLarge(f, n)
			continue
		}
		of = append(of, f)
		if err := b.add(key, first, sendSome); err != nil {
			return err
		}
	}
	return b.send(sendSome)
}

// rows makes messages of rows: each of one portfolio, which is its key, and of bounded
// size. Rows without a portfolio have an empty key. It has send send them, some at a
// time.
func (b *messageBuilder) rows(claim Claim, out *event.Output, send func([]event.Message) error) error {
	b.reset()
	b.grouping.Arrange(out)
	err := b.grouping.Each(func(id string, rows []event.Row) error {
		head := codec.Rows{Topic: claim.Topic, Partition: claim.Partition, PortfolioID: id}
		for len(rows) > 0 {
			first, n := len(b.bytes), 0
			b.bytes, n = codec.AppendSomeRows(b.bytes, &head, out, rows[:min(len(rows), maxRowsOfOne)], maxRowsMessage)
			rows = rows[n:]
			if err := b.add(id, first, send); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.send(send)
}

// add makes a message of the bytes from first on, and sends what there is once it is
// much.
func (b *messageBuilder) add(key string, first int, send func([]event.Message) error) error {
	b.messages = append(b.messages, event.Message{Key: []byte(key), Value: b.bytes[first:len(b.bytes):len(b.bytes)]})
	if len(b.bytes) < maxAtOnce {
		return nil
	}
	return b.send(send)
}

func (b *messageBuilder) send(send func([]event.Message) error) error {
	if len(b.messages) == 0 {
		return nil
	}
	err := send(b.messages)
	b.reset()
	return err
}
