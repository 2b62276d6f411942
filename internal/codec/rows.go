package codec

import (
	"sendwatch/internal/event"
)

// Rows is one batch of rows: those of one portfolio that come of one partition
// of the events topic. It is one record of the rows topic.
type Rows struct {
	Topic       string // the events topic
	Partition   int32  // of the events topic
	PortfolioID string
	event.Output
	SharedEvents []SharedEvent
	Progress     Progress
	HasProgress  bool
}

// AppendRows appends a batch as the Protobuf message sendwatch.rows.v1.Rows.
// Where a row has the batch's topic, partition or portfolio, it does not repeat it; blocks
// name all of each row.
func AppendRows(dst []byte, b *Rows) []byte {
	var all []event.Row
	for t := range event.NumTables {
		for i := range b.Rows(t) {
			all = append(all, event.Row{Table: t, Index: i})
		}
	}
	e := rowEncoder{b: dst, batch: b, w: new(blockWriter)}
	e.head()
	for n := 0; n < len(all); {
		n += e.row(&b.Output, all[n:])
	}
	for i := range b.SharedEvents {
		e.sharedEvent(&b.SharedEvents[i])
	}
	if b.HasProgress {
		e.progress(&b.Progress)
	}
	return e.b
}

// AppendBlocks appends the rows of an output's tables that are written as blocks, as blocks
// in memory of their own.
func AppendBlocks(to []event.Block, o *event.Output) []event.Block {
	var w blockWriter
	for t := range rowCodecs {
		if c := &rowCodecs[t]; c.block > 0 {
			to = c.blocksOfOwn(&w, o, to)
		}
	}
	return to
}

// IsBlocked reports whether rows of a table are written as blocks: of any portfolio, and not
// one by one.
func IsBlocked(t event.Table) bool { return rowCodecs[t].block > 0 }

// RowWriter writes batches of rows, and keeps memory from one to the next. Its zero value is
// ready.
type RowWriter struct{ blocks blockWriter }

// Append appends a batch of rows of an output, those of one table one after
// another: as many as fit into maxBytes, the message that is appended whole, and at least
// one row, run or block. It returns how many rows. What names the batch is taken from head. Rows are written
// from where they lie.
func (w *RowWriter) Append(dst []byte, head *Rows, o *event.Output, rows []event.Row, maxBytes int) (_ []byte, n int) {
	e := rowEncoder{b: dst, batch: head, w: &w.blocks}
	e.head()
	for n < len(rows) {
		before := len(e.b)
		written := e.row(o, rows[n:])
		if n > 0 && len(e.b)-len(dst) > maxBytes {
			return e.b[:before], n
		}
		n += written
	}
	return e.b, n
}

// rowEncoder writes the rows of one batch.
type rowEncoder struct {
	b     []byte
	mark  int
	batch *Rows
	w     *blockWriter
}

// head writes what names the batch.
func (e *rowEncoder) head() {
	e.b = appendText(e.b, 1, e.batch.Topic)
	e.b = appendInt(e.b, 2, int64(e.batch.Partition))
	e.b = appendText(e.b, 3, e.batch.PortfolioID)
}

// row writes the first of the rows, or the first few if they have a form together, and
// returns how many.
func (e *rowEncoder) row(o *event.Output, rows []event.Row) int {
	return rowCodecs[rows[0].Table].encode(e, o, rows)
}

// begin begins a row with what most rows share with their batch.
func (e *rowEncoder) begin(number int, partition int32, portfolio string) {
	e.b, e.mark = beginMessage(e.b, number)
	if partition != e.batch.Partition {
		e.b = appendIntSet(e.b, 1, int64(partition))
	}
	if portfolio != e.batch.PortfolioID {
		e.b = appendTextSet(e.b, 2, portfolio)
	}
}

// end ends a row.
func (e *rowEncoder) end() { e.b = endMessage(e.b, e.mark) }

// ints writes integer fields that are numbered in a row.
func (e *rowEncoder) ints(number int, values ...int64) {
	for i, v := range values {
		e.b = appendInt(e.b, number+i, v)
	}
}

// texts writes string fields that are numbered in a row.
func (e *rowEncoder) texts(number int, values ...string) {
	for i, v := range values {
		e.b = appendText(e.b, number+i, v)
	}
}

func (e *rowEncoder) accountEvent(r *event.AccountEvent) {
	e.begin(8, r.Partition, r.PortfolioID)
	e.topic(r.Topic)
	e.ints(4, r.Offset, r.Time)
	e.texts(6, r.Type.String(), r.ID, r.NumberID, r.WABAID, r.Template, r.State, r.Quality)
	e.ints(13, r.ExpiresAt, r.Limit)
	e.b = appendText(e.b, 15, r.Scope)
	for _, s := range r.Restrict {
		e.b = appendTextSet(e.b, 16, s)
	}
	e.b = appendText(e.b, 17, r.Reason)
	e.end()
}

// topic writes the topic of a position.
func (e *rowEncoder) topic(topic string) {
	if topic != e.batch.Topic {
		e.b = appendTextSet(e.b, 3, topic)
	}
}

func (e *rowEncoder) portfolioStatus(r *event.PortfolioStatus) {
	e.begin(9, r.Partition, r.PortfolioID)
	e.ints(3, r.Version, r.Minute, r.Clock, r.UniqueInitiated, r.Limit, r.Restricted7d, r.SharedConn,
		r.NumbersHigh, r.NumbersMedium, r.NumbersLow, int64(r.Score))
	e.b = appendLength(e.b, 14, len(r.Levels))
	for _, l := range r.Levels {
		e.b = append(e.b, byte(l))
	}
	e.end()
}

func (e *rowEncoder) flag(r *event.Flag) {
	e.begin(10, r.Position.Partition, r.PortfolioID)
	e.topic(r.Position.Topic)
	e.ints(4, r.Position.Offset)
	e.b = appendText(e.b, 5, r.FlagID)
	e.ints(6, r.Sequence)
	e.texts(7, r.Transition.String(), r.Level.String(), r.NumberID, r.WABAID, r.Factor.String(), r.Key)
	e.value(13, r.Value)
	e.value(14, r.Warn)
	e.value(15, r.Danger)
	if r.Score >= 0 {
		e.b = appendIntSet(e.b, 16, int64(r.Score))
	}
	e.ints(17, r.EventTime, r.EmittedAt)
	e.b = appendText(e.b, 19, r.PolicyVersion)
	for _, c := range r.Evidence.Counts {
		var mark int
		e.b, mark = beginMessage(e.b, 20)
		e.b = appendText(e.b, 1, c.Name)
		e.b = appendDouble(e.b, 2, c.Value, false)
		e.b = endMessage(e.b, mark)
	}
	e.contents(21, r.Evidence.Fingerprints)
	e.contents(22, r.Evidence.Templates)
	e.b = appendText(e.b, 23, r.Advice)
	if r.ETA >= 0 {
		e.b = appendIntSet(e.b, 24, r.ETA)
	}
	if r.Shadow {
		e.b = appendIntSet(e.b, 25, 1)
	}
	e.end()
}

// value writes a number or a word; a value that is none is left out.
func (e *rowEncoder) value(number int, v event.Value) {
	if v.Kind == event.ValueNone {
		return
	}
	var mark int
	e.b, mark = beginMessage(e.b, number)
	if v.Kind == event.ValueNumber {
		e.b = appendDouble(e.b, 1, v.Number, true)
	} else {
		e.b = appendTextSet(e.b, 2, v.Word)
	}
	e.b = endMessage(e.b, mark)
}

// contents writes a list of contents.
func (e *rowEncoder) contents(number int, list []event.FingerprintCount) {
	for _, c := range list {
		var mark int
		e.b, mark = beginMessage(e.b, number)
		e.b = appendHash(e.b, 1, c.Fingerprint)
		e.b = appendText(e.b, 2, c.Template)
		e.ints(3, c.Count)
		e.b = endMessage(e.b, mark)
	}
}
