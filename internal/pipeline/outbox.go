package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"strconv"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

const (
	// maxLetter bounds a dead letter's value so that it fits a broker's default
	// limit for a message with its key and headers. What is cut is said.
	maxLetter = 768 << 10
	// headerTruncated gives the length that a cut dead letter had.
	headerTruncated = "sendwatch-truncated-from"
	// maxLetterHead bounds a dead letter's key and the headers that its record
	// came with, together. Where more is left out, headerLeftOut says what.
	maxLetterHead = 128 << 10
	headerLeftOut = "sendwatch-left-out"
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

// outbox is memory for messages, used again and again.
type outbox struct {
	messages []event.Message
	bytes    []byte
	headers  []event.Header
	rows     codec.Rows
}

func (o *outbox) reset() {
	o.messages, o.bytes, o.headers = o.messages[:0], o.bytes[:0], o.headers[:0]
}

// emit sends the dead letters and flags that have not been sent. Flags stay in
// out: they go into the rows as well.
func (p *partition) emit(ctx context.Context) error {
	if len(p.letters) > 0 {
		if err := p.produce(ctx, p.role.config.DeadLetter, p.outbox.letters(p.letters, p.rejects)); err != nil {
			return err
		}
		m := p.metrics
		for i := range p.letters {
			m.Add(telemetry.DeadLetters, 1, p.letters[i].Reason)
		}
		p.letters, p.rejects = p.letters[:0], p.rejects[:0]
	}
	if p.sent == len(p.out.Flags) {
		return nil
	}
	fresh := p.out.Flags[p.sent:]
	now := p.now().UnixMilli()
	for i := range fresh {
		fresh[i].EmittedAt = now
	}
	m := p.metrics
	err := p.outbox.flags(fresh, func(messages []event.Message) error {
		if err := p.produce(ctx, p.role.config.Flags, messages); err != nil {
			return err
		}
		for i := range messages {
			p.role.newest.add(slices.Clone(messages[i].Value))
		}
		return nil
	}, func(f *event.Flag, size int) { leftOut(p.role.config.Logger, m, f, size) })
	if err != nil {
		return err
	}
	for i := range fresh {
		f := &fresh[i]
		m.Add(telemetry.Flags, 1, f.Factor.String(), f.Level.String(), f.Transition.String())
	}
	p.sent = len(p.out.Flags)
	return nil
}

// leftOut says that a flag is too large for the flags topic. Only ids that are
// long and full of control characters come to it, which JSON writes as six.
func leftOut(logger *slog.Logger, m *telemetry.Metrics, f *event.Flag, size int) {
	m.Add(telemetry.OversizedFlags, 1, f.Factor.String())
	logger.Error("a flag is larger than a broker takes and is left out of the flags topic; it is in ClickHouse. Its subject's ids are at fault: see what makes them",
		"flag_id", f.FlagID, "factor", f.Factor.String(), "bytes", size, "partition", f.Position.Partition, "offset", f.Position.Offset)
}

// letters makes messages of dead letters: the original key, value and headers,
// and the reason and position as headers. Entries without a record stand for a
// run of offsets.
func (o *outbox) letters(letters []event.DeadLetter, rejects []*event.Record) []event.Message {
	o.reset()
	for i := range letters {
		l := &letters[i]
		first := len(o.headers)
		key, room := l.Key, maxLetterHead-len(l.Key)
		if room < 0 {
			key, room = nil, maxLetterHead
			o.headers = append(o.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("key")})
		}
		if r := rejects[i]; r != nil {
			for _, h := range r.Headers {
				// A header takes 48 bytes of memory, however short it is.
				if room -= len(h.Key) + len(h.Value) + 48; room < 0 {
					o.headers = append(o.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("headers")})
					break
				}
				o.headers = append(o.headers, h)
			}
		}
		o.headers = codec.AppendDeadLetterHeaders(o.headers, l)
		value := l.Value
		if len(value) > maxLetter {
			o.headers = append(o.headers, event.Header{Key: []byte(headerTruncated), Value: strconv.AppendInt(nil, int64(len(value)), 10)})
			value = value[:maxLetter]
		}
		o.messages = append(o.messages, event.Message{Key: key, Value: value, Headers: o.headers[first:len(o.headers):len(o.headers)]})
	}
	return o.messages
}

// flags makes messages of flags, but for those of a shadow policy, and has send
// send them, some at a time. One that no broker takes goes to tooLarge instead.
func (o *outbox) flags(flags []event.Flag, send func([]event.Message) error, tooLarge func(f *event.Flag, size int)) error {
	o.reset()
	for i := range flags {
		f := &flags[i]
		if f.Shadow {
			continue
		}
		first := len(o.bytes)
		o.bytes = codec.AppendFlag(o.bytes, f)
		key := f.NumberID
		if key == "" {
			key = f.PortfolioID
		}
		if n := len(o.bytes) - first + len(key); n > maxMessage {
			o.bytes = o.bytes[:first]
			tooLarge(f, n)
			continue
		}
		if err := o.add(key, first, send); err != nil {
			return err
		}
	}
	return o.send(send)
}

// add makes a message of the bytes from first on, and sends what there is once it
// is much.
func (o *outbox) add(key string, first int, send func([]event.Message) error) error {
	o.messages = append(o.messages, event.Message{Key: []byte(key), Value: o.bytes[first:len(o.bytes):len(o.bytes)]})
	if len(o.bytes) < maxAtOnce {
		return nil
	}
	return o.send(send)
}

func (o *outbox) send(send func([]event.Message) error) error {
	if len(o.messages) == 0 {
		return nil
	}
	err := send(o.messages)
	o.reset()
	return err
}

// sendRows sends all rows of out.
func (p *partition) sendRows(ctx context.Context) error {
	return p.outbox.batches(p.claim, &p.out, func(messages []event.Message) error {
		return p.produce(ctx, p.role.config.Rows, messages)
	})
}

// batches makes messages of rows: each of one portfolio, which is its key, and
// of bounded size. Rows without a portfolio have an empty key. It has send send
// them, some at a time.
func (o *outbox) batches(claim Claim, out *event.Output, send func([]event.Message) error) error {
	o.reset()
	byPortfolio := out.ByPortfolio()
	portfolios := make([]string, 0, len(byPortfolio))
	for id := range byPortfolio {
		portfolios = append(portfolios, id)
	}
	slices.Sort(portfolios)
	for _, id := range portfolios {
		o.rows = codec.Rows{Topic: claim.Topic, Partition: claim.Partition, PortfolioID: id}
		size, count := 0, 0
		flush := func() error {
			first := len(o.bytes)
			o.bytes = codec.AppendRows(o.bytes, &o.rows)
			o.rows.Reset()
			size, count = 0, 0
			return o.add(id, first, send)
		}
		for _, r := range byPortfolio[id] {
			n := codec.RowSize(out, r)
			if count > 0 && (size+n > maxRowsMessage || count >= maxRowsOfOne) {
				if err := flush(); err != nil {
					return err
				}
			}
			o.rows.AppendRow(out, r)
			size, count = size+n, count+1
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return o.send(send)
}
