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
	// many bytes, beyond which the next row or block begins a new one, and so many rows
	// that are not in blocks.
	maxRowsMessage = 256 << 10
	maxRowsOfOne   = 2_000
	// maxRowsOfBlocks bounds the rows in blocks of one record; codec.MaxBlockRows may be read.
	maxRowsOfBlocks = 16_384
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
	writer   codec.RowWriter
	blocked  []event.Row
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

// Tables whose rows are written one by one, in messages of one portfolio, which is what the
// portfolios role reads by; and those whose rows are written as blocks.
var keyedTables, blockedTables = func() (keyed, blocked []event.Table) {
	for t := range event.NumTables {
		if codec.IsBlocked(t) {
			blocked = append(blocked, t)
		} else {
			keyed = append(keyed, t)
		}
	}
	return keyed, blocked
}()

// rows makes messages of rows, each of bounded size, and has send send them, some at a time.
// Those of blocks have the first row's number as their key, so that they spread over the
// topic; the others the portfolio of all their rows, an empty one if these have none.
func (b *messageBuilder) rows(claim Claim, out *event.Output, send func([]event.Message) error) error {
	b.reset()
	b.blocked = b.blocked[:0]
	for _, t := range blockedTables {
		for i := range out.Rows(t) {
			b.blocked = append(b.blocked, event.Row{Table: t, Index: i})
		}
	}
	head := codec.Rows{Topic: claim.Topic, Partition: claim.Partition}
	for rows := b.blocked; len(rows) > 0; {
		n, err := b.addRows(numberOf(out, rows[0]), &head, out, rows[:min(len(rows), maxRowsOfBlocks)], send)
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	b.grouping.Arrange(out, keyedTables...)
	err := b.grouping.Each(func(id string, rows []event.Row) error {
		head.PortfolioID = id
		for len(rows) > 0 {
			n, err := b.addRows(id, &head, out, rows[:min(len(rows), maxRowsOfOne)], send)
			if err != nil {
				return err
			}
			rows = rows[n:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.send(send)
}

// addRows makes a message of as many of the rows as it takes, and returns how many.
func (b *messageBuilder) addRows(key string, head *codec.Rows, out *event.Output, rows []event.Row, send func([]event.Message) error) (n int, err error) {
	first := len(b.bytes)
	b.bytes, n = b.writer.Append(b.bytes, head, out, rows, maxRowsMessage)
	return n, b.add(key, first, send)
}

// numberOf returns the number of a row of a blocked table.
func numberOf(out *event.Output, r event.Row) string {
	switch r.Table {
	case event.TableNumberMinutes:
		return out.NumberMinutes[r.Index].NumberID
	case event.TableFingerprintHours:
		return out.FingerprintHours[r.Index].NumberID
	case event.TableNumberStatus:
		return out.NumberStatuses[r.Index].NumberID
	}
	return out.ContactOutcomes[r.Index].NumberID
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
