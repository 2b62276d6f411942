package codec

import (
	"encoding/binary"
	"errors"
	"math"

	"sendwatch/internal/event"
)

// errRows is the error of a batch that cannot be read. A batch comes from the
// pipeline itself, so there is nothing finer to say to a user.
var errRows = errors.New("codec: the batch is no sendwatch.rows.v1.Rows message; accepted are records that this program wrote to the rows topic")

// DecodeRows reads a batch into b, whose memory is used again. Rows do not
// alias the input. Fields that this version does not know are skipped; facts
// and levels that the batch does not have yet are none.
func DecodeRows(data []byte, b *Rows) error {
	if err := DecodeBlocks(data, b); err != nil {
		return err
	}
	return ReadBlocks(&b.Output)
}

// ReadBlocks replaces the blocks of an output by the rows that they hold, which alias
// nothing. It fails where Block.Read does.
func ReadBlocks(o *event.Output) error {
	var block Block
	for _, b := range o.Blocks {
		if err := block.Read(b.Table, b.Bytes); err != nil {
			return err
		}
		rowCodecs[b.Table].blockRows(&block, o)
	}
	clear(o.Blocks)
	o.Blocks = o.Blocks[:0]
	return nil
}

// DecodeBlocks is DecodeRows, but leaves blocks as they are, in b.Blocks: they alias the
// input. They were checked: Block.Read does not fail.
func DecodeBlocks(data []byte, b *Rows) error {
	b.Reset()
	b.Topic, b.Partition, b.PortfolioID = "", 0, ""
	// The header may stand anywhere in a Protobuf message, and every row needs it.
	head := wireReader{b: data}
	for head.next() {
		switch head.number {
		case 1:
			b.Topic = string(head.bytes)
		case 2:
			b.Partition = int32(head.int())
		case 3:
			b.PortfolioID = string(head.bytes)
		}
	}
	if head.bad {
		return errRows
	}
	d := rowDecoder{batch: b}
	rows := 0 // of blocks
	r := wireReader{b: data}
	for r.next() {
		row := wireReader{b: r.bytes}
		for t := range event.NumTables {
			switch c := &rowCodecs[t]; r.number {
			case c.field:
				c.decode(&d, &row, &b.Output)
			case c.block:
				if err := d.block.Read(t, r.bytes); err != nil {
					return err
				}
				b.Blocks = append(b.Blocks, event.Block{Table: t, Rows: d.block.Rows, Bytes: r.bytes})
				if rows += d.block.Rows; rows > MaxBlockRows {
					return errRows
				}
			}
		}
		switch r.number {
		case 12:
			b.SharedEvents = append(b.SharedEvents, d.sharedEvent(&row))
		case 13:
			b.Progress, b.HasProgress = d.progress(&row), true
		}
		if row.bad || d.bad {
			return errRows
		}
	}
	return nil
}

// rowDecoder reads the rows of one batch.
type rowDecoder struct {
	batch *Rows
	bad   bool
	block Block

	// The strings that were read last. Rows of one number follow each other, and
	// a string that repeats is not made again.
	number, waba, portfolio string
}

// same returns the bytes as a string, the one in *last if that is equal.
func same(last *string, b []byte) string {
	if string(b) != *last {
		*last = string(b)
	}
	return *last
}

// numbers reads the fixed64 values of a packed field.
func (d *rowDecoder) numbers(b []byte, each func(i int, v uint64)) {
	if len(b)%8 != 0 {
		d.bad = true
		return
	}
	for i := 0; i < len(b); i += 8 {
		each(i/8, binary.LittleEndian.Uint64(b[i:]))
	}
}

func (d *rowDecoder) numberMinute(r *wireReader) event.NumberMinute {
	m := event.NumberMinute{Pane: event.Pane{Partition: d.batch.Partition}, PortfolioID: d.batch.PortfolioID}
	for r.next() {
		switch r.number {
		case 1:
			m.Partition = int32(r.int())
		case 2:
			m.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			m.Pane.Pane = r.int()
		case 4:
			m.Version = r.int()
		case 5:
			m.NumberID = same(&d.number, r.bytes)
		case 6:
			m.Minute = r.int()
		case 7:
			m.Sent = r.int()
		case 8:
			m.Initiated = r.int()
		case 9:
			m.Held = r.int()
		case 10:
			m.Late = r.int()
		case 11:
			m.Delivered = r.int()
		case 12:
			m.Read = r.int()
		case 13:
			m.Received = r.int()
		case 14:
			m.Answered = r.int()
		case 15:
			m.Unanswered = r.int()
		case 16:
			m.Withdrawn = r.int()
		case 17:
			m.Blocks = r.int()
		case 18:
			m.Reports = r.int()
		case 19:
			m.Stops = r.int()
		case 20:
			m.SentAfterStop = r.int()
		case 21:
			m.TemplatesSent = r.int()
		case 22:
			m.ContactCount = r.int()
		case 23:
			for i, at := 0, 0; at < len(r.bytes); i++ {
				n, end := consumeVarint(r.bytes, at)
				if end < 0 {
					d.bad = true
					break
				}
				if i < len(m.Failed) {
					m.Failed[i] = int64(n)
				}
				at = end
			}
		case 24:
			m.Contacts = make([]uint64, 0, len(r.bytes)/8)
			d.numbers(r.bytes, func(_ int, v uint64) { m.Contacts = append(m.Contacts, v) })
		case 25:
			m.GroupMessages = r.int()
		}
	}
	return m
}

func (d *rowDecoder) fingerprintHour(r *wireReader) event.FingerprintHour {
	h := event.FingerprintHour{Pane: event.Pane{Partition: d.batch.Partition}, PortfolioID: d.batch.PortfolioID}
	for r.next() {
		switch r.number {
		case 1:
			h.Partition = int32(r.int())
		case 2:
			h.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			h.Pane.Pane = r.int()
		case 4:
			h.Version = r.int()
		case 5:
			h.NumberID = same(&d.number, r.bytes)
		case 6:
			h.Fingerprint = r.n
		case 7:
			h.Hour = r.int()
		case 8:
			h.Template = string(r.bytes)
		case 9:
			h.Sent = r.int()
		case 10:
			h.Initiated = r.int()
		case 11:
			h.Answered = r.int()
		case 12:
			h.Unanswered = r.int()
		case 13:
			h.Withdrawn = r.int()
		}
	}
	return h
}

func (d *rowDecoder) numberStatus(r *wireReader) event.NumberStatus {
	s := event.NumberStatus{Partition: d.batch.Partition, PortfolioID: d.batch.PortfolioID}
	for f := range event.NumFacts {
		if t := f.Type(); t == event.FactRatio || t == event.FactCapWord || t == event.FactTime {
			s.Facts[f] = math.NaN()
		}
	}
	for r.next() {
		switch r.number {
		case 1:
			s.Partition = int32(r.int())
		case 2:
			s.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			s.Version = r.int()
		case 4:
			s.NumberID = same(&d.number, r.bytes)
		case 5:
			s.WABAID = same(&d.waba, r.bytes)
		case 6:
			s.Minute = r.int()
		case 7:
			s.Clock = r.int()
		case 8:
			d.numbers(r.bytes, func(i int, v uint64) {
				if i < len(factOrder) {
					s.Facts[factOrder[i]] = math.Float64frombits(v)
				}
			})
		case 9:
			s.Score = int(r.int())
		case 10:
			s.Band = event.Band(r.int())
		case 11:
			for i := range min(len(levelOrder), len(r.bytes)) {
				s.Levels[levelOrder[i]] = event.Level(r.bytes[i])
			}
		case 12:
			s.Top = append(s.Top, d.contribution(&wireReader{b: r.bytes}))
		case 13:
			for i := range min(len(levelOrder), len(r.bytes)) {
				s.Silences[levelOrder[i]] = event.Silence(r.bytes[i])
			}
		case 14:
			s.AnsweredSender = r.int() != 0
		}
	}
	return s
}

func (d *rowDecoder) contribution(r *wireReader) event.Contribution {
	var c event.Contribution
	for r.next() {
		switch r.number {
		case 1:
			c.Factor, _ = event.ParseFactor(string(r.bytes))
		case 2:
			c.Key = string(r.bytes)
		case 3:
			c.Points = r.double()
		}
	}
	d.bad = d.bad || r.bad
	return c
}

func (d *rowDecoder) contactOutcome(r *wireReader) event.ContactOutcome {
	o := event.ContactOutcome{Pane: event.Pane{Partition: d.batch.Partition}, PortfolioID: d.batch.PortfolioID}
	for r.next() {
		switch r.number {
		case 1:
			o.Partition = int32(r.int())
		case 2:
			o.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			o.Pane.Pane = r.int()
		case 4:
			o.Version = r.int()
		case 5:
			o.NumberID = same(&d.number, r.bytes)
		case 6:
			o.Contact = r.n
		case 7:
			o.Answered = r.int()
		case 8:
			o.Unanswered = r.int()
		case 9:
			o.LastSent = r.int()
		case 10:
			o.LastReceived = r.int()
		case 11:
			o.UnansweredSince = r.int()
		}
	}
	return o
}

func (d *rowDecoder) accountEvent(r *wireReader) event.AccountEvent {
	a := event.AccountEvent{PortfolioID: d.batch.PortfolioID}
	a.Topic, a.Partition = d.batch.Topic, d.batch.Partition
	for r.next() {
		switch r.number {
		case 1:
			a.Partition = int32(r.int())
		case 2:
			a.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			a.Topic = string(r.bytes)
		case 4:
			a.Offset = r.int()
		case 5:
			a.Time = r.int()
		case 6:
			a.Type = event.ParseType(r.bytes)
		case 7:
			a.ID = string(r.bytes)
		case 8:
			a.NumberID = same(&d.number, r.bytes)
		case 9:
			a.WABAID = same(&d.waba, r.bytes)
		case 10:
			a.Template = string(r.bytes)
		case 11:
			a.State = string(r.bytes)
		case 12:
			a.Quality = string(r.bytes)
		case 13:
			a.ExpiresAt = r.int()
		case 14:
			a.Limit = r.int()
		case 15:
			a.Scope = string(r.bytes)
		case 16:
			a.Restrict = append(a.Restrict, string(r.bytes))
		case 17:
			a.Reason = string(r.bytes)
		}
	}
	return a
}

func (d *rowDecoder) portfolioStatus(r *wireReader) event.PortfolioStatus {
	s := event.PortfolioStatus{Partition: d.batch.Partition, PortfolioID: d.batch.PortfolioID}
	for r.next() {
		switch r.number {
		case 1:
			s.Partition = int32(r.int())
		case 2:
			s.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			s.Version = r.int()
		case 4:
			s.Minute = r.int()
		case 5:
			s.Clock = r.int()
		case 6:
			s.UniqueInitiated = r.int()
		case 7:
			s.Limit = r.int()
		case 8:
			s.Restricted7d = r.int()
		case 9:
			s.SharedConn = r.int()
		case 10:
			s.NumbersHigh = r.int()
		case 11:
			s.NumbersMedium = r.int()
		case 12:
			s.NumbersLow = r.int()
		case 13:
			s.Score = int(r.int())
		case 14:
			for i := range min(len(s.Levels), len(r.bytes)) {
				s.Levels[i] = event.Level(r.bytes[i])
			}
		}
	}
	return s
}

func (d *rowDecoder) flag(r *wireReader) event.Flag {
	f := event.Flag{PortfolioID: d.batch.PortfolioID, Score: -1, ETA: -1}
	f.Position.Topic, f.Position.Partition = d.batch.Topic, d.batch.Partition
	for r.next() {
		switch r.number {
		case 1:
			f.Position.Partition = int32(r.int())
		case 2:
			f.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			f.Position.Topic = string(r.bytes)
		case 4:
			f.Position.Offset = r.int()
		case 5:
			f.FlagID = string(r.bytes)
		case 6:
			f.Sequence = r.int()
		case 7:
			f.Transition, _ = event.ParseTransition(r.bytes)
		case 8:
			f.Level, _ = event.ParseLevel(r.bytes)
		case 9:
			f.NumberID = same(&d.number, r.bytes)
		case 10:
			f.WABAID = same(&d.waba, r.bytes)
		case 11:
			f.Factor, _ = event.ParseFactor(string(r.bytes))
		case 12:
			f.Key = string(r.bytes)
		case 13:
			f.Value = d.value(&wireReader{b: r.bytes})
		case 14:
			f.Warn = d.value(&wireReader{b: r.bytes})
		case 15:
			f.Danger = d.value(&wireReader{b: r.bytes})
		case 16:
			f.Score = int(r.int())
		case 17:
			f.EventTime = r.int()
		case 18:
			f.EmittedAt = r.int()
		case 19:
			f.PolicyVersion = string(r.bytes)
		case 20:
			f.Evidence.Counts = append(f.Evidence.Counts, d.namedCount(&wireReader{b: r.bytes}))
		case 21:
			f.Evidence.Fingerprints = append(f.Evidence.Fingerprints, d.content(&wireReader{b: r.bytes}))
		case 22:
			f.Evidence.Templates = append(f.Evidence.Templates, d.content(&wireReader{b: r.bytes}))
		case 23:
			f.Advice = string(r.bytes)
		case 24:
			f.ETA = r.int()
		case 25:
			f.Shadow = r.n != 0
		}
	}
	return f
}

func (d *rowDecoder) value(r *wireReader) event.Value {
	var v event.Value
	for r.next() {
		switch r.number {
		case 1:
			v = event.NumberValue(r.double())
		case 2:
			v = event.WordValue(string(r.bytes))
		}
	}
	d.bad = d.bad || r.bad
	return v
}

func (d *rowDecoder) namedCount(r *wireReader) event.NamedCount {
	var c event.NamedCount
	for r.next() {
		switch r.number {
		case 1:
			c.Name = string(r.bytes)
		case 2:
			c.Value = r.double()
		}
	}
	d.bad = d.bad || r.bad
	return c
}

func (d *rowDecoder) content(r *wireReader) event.FingerprintCount {
	var c event.FingerprintCount
	for r.next() {
		switch r.number {
		case 1:
			c.Fingerprint = r.n
		case 2:
			c.Template = string(r.bytes)
		case 3:
			c.Count = r.int()
		}
	}
	d.bad = d.bad || r.bad
	return c
}
