package codec

import (
	"encoding/binary"
	"math"

	"sendwatch/internal/event"
)

// SharedEvent is an event about a WABA or a portfolio that was applied on one
// partition: what the portfolios role needs to bring it to those that lack it.
type SharedEvent struct {
	ID          string
	Value       []byte // the record's, as it was read
	ContentType string // the record's header, empty if it had none
}

// Progress says how far a partition of the events topic is. It goes to every
// partition of the rows topic, behind all that came of the partition until then.
type Progress struct {
	Watermark int64 // ms, 0 before the first event
	Sequence  int64 // of the last change that has been written
	CaughtUp  bool  // the log was read to the end it had when it was opened
	Idle      bool  // read to its end, and nothing has moved the watermark for a while
	// Generation is equal as long as the same log makes the same changes: other
	// rules lead to other scores, and so to other numbers of the changes.
	Generation uint64
	Policy     string // the version that decides on the partition now
}

// Reset empties the batch but for what names it, and keeps its memory.
func (b *Rows) Reset() {
	b.Output.Reset()
	b.SharedEvents, b.Progress, b.HasProgress = b.SharedEvents[:0], Progress{}, false
}

// changes writes the first of the changes and those behind it that differ from it in
// their sequence and in A alone, and returns how many. The bulk are contacts, which one
// number writes to many a minute: ten bytes each.
func (e *rowEncoder) changes(o *event.Output, rows []event.Row) int {
	first := &o.Changes[rows[0].Index]
	n := 1
	for n < len(rows) && rows[n].Table == event.TableChanges && sameRun(first, &o.Changes[rows[n].Index]) {
		n++
	}
	e.begin(11, first.Partition, first.PortfolioID)
	e.ints(3, first.Visible, int64(first.Kind))
	e.b = appendText(e.b, 5, first.NumberID)
	e.ints(6, first.B)
	var mark int
	e.b, mark = beginMessage(e.b, 7)
	before := int64(0)
	for _, r := range rows[:n] {
		sequence := o.Changes[r.Index].Sequence
		e.b = binary.AppendUvarint(e.b, uint64(sequence-before))
		before = sequence
	}
	e.b = endMessage(e.b, mark)
	e.b = appendLength(e.b, 8, 8*n)
	for _, r := range rows[:n] {
		e.b = binary.LittleEndian.AppendUint64(e.b, o.Changes[r.Index].A)
	}
	e.end()
	return n
}

// sameRun reports whether two changes may be written in one run.
func sameRun(a, b *event.PortfolioChange) bool {
	return a.B == b.B && a.Visible == b.Visible && a.Kind == b.Kind && a.NumberID == b.NumberID &&
		a.PortfolioID == b.PortfolioID && a.Partition == b.Partition
}

func (e *rowEncoder) sharedEvent(s *SharedEvent) {
	e.b, e.mark = beginMessage(e.b, 12)
	e.b = appendText(e.b, 1, s.ID)
	if len(s.Value) > 0 {
		e.b = appendLength(e.b, 2, len(s.Value))
		e.b = append(e.b, s.Value...)
	}
	e.b = appendText(e.b, 3, s.ContentType)
	e.end()
}

func (e *rowEncoder) progress(p *Progress) {
	e.b, e.mark = beginMessage(e.b, 13)
	e.ints(1, p.Watermark, p.Sequence, oneIf(p.CaughtUp), oneIf(p.Idle))
	e.b = appendHash(e.b, 5, p.Generation)
	e.b = appendText(e.b, 6, p.Policy)
	e.end()
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// changes appends the changes of one run.
func (d *rowDecoder) changes(r *wireReader) {
	c := event.PortfolioChange{Partition: d.batch.Partition, PortfolioID: d.batch.PortfolioID}
	var sequences, a []byte
	for r.next() {
		switch r.number {
		case 1:
			c.Partition = int32(r.int())
		case 2:
			c.PortfolioID = same(&d.portfolio, r.bytes)
		case 3:
			c.Visible = r.int()
		case 4:
			c.Kind = event.ChangeKind(min(r.n, math.MaxUint8)) // one that is not known stays so
		case 5:
			c.NumberID = same(&d.number, r.bytes)
		case 6:
			c.B = r.int()
		case 7:
			sequences = r.bytes
		case 8:
			a = r.bytes
		}
	}
	at := 0
	d.numbers(a, func(_ int, v uint64) {
		step, end := consumeVarint(sequences, at)
		if d.bad || end < 0 {
			d.bad = true
			return
		}
		at = end
		c.Sequence += int64(step)
		c.A = v
		d.batch.Changes = append(d.batch.Changes, c)
	})
	d.bad = d.bad || at != len(sequences)
}

func (d *rowDecoder) sharedEvent(r *wireReader) SharedEvent {
	var s SharedEvent
	for r.next() {
		switch r.number {
		case 1:
			s.ID = string(r.bytes)
		case 2:
			s.Value = append([]byte(nil), r.bytes...)
		case 3:
			s.ContentType = string(r.bytes)
		}
	}
	return s
}

func (d *rowDecoder) progress(r *wireReader) Progress {
	var p Progress
	for r.next() {
		switch r.number {
		case 1:
			p.Watermark = r.int()
		case 2:
			p.Sequence = r.int()
		case 3:
			p.CaughtUp = r.n != 0
		case 4:
			p.Idle = r.n != 0
		case 5:
			p.Generation = r.n
		case 6:
			p.Policy = string(r.bytes)
		}
	}
	return p
}
