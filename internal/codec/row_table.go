package codec

import "sendwatch/internal/event"

// rowCodecs is the one list of how the rows of each table are written and read.
// Each has the number of its field in the message sendwatch.rows.v1.Rows.
var rowCodecs = [event.NumTables]rowCodec{
	event.TableNumberMinutes:    blockedCodec(4, minuteBlocks, 14, (*rowDecoder).numberMinute, AppendNumberMinuteJSON),
	event.TableFingerprintHours: blockedCodec(5, hourBlocks, 15, (*rowDecoder).fingerprintHour, AppendFingerprintHourJSON),
	event.TableNumberStatus:     blockedCodec(6, statusBlocks, 16, (*rowDecoder).numberStatus, AppendNumberStatusJSON),
	event.TableContactOutcomes:  blockedCodec(7, contactBlocks, 17, (*rowDecoder).contactOutcome, AppendContactOutcomeJSON),
	event.TableAccountEvents: rowCodecOf(8, func(o *event.Output) *[]event.AccountEvent { return &o.AccountEvents },
		(*rowEncoder).accountEvent, (*rowDecoder).accountEvent, AppendAccountEventJSON),
	event.TablePortfolioStatus: rowCodecOf(9, func(o *event.Output) *[]event.PortfolioStatus { return &o.PortfolioStatus },
		(*rowEncoder).portfolioStatus, (*rowDecoder).portfolioStatus, AppendPortfolioStatusJSON),
	event.TableFlags: rowCodecOf(10, func(o *event.Output) *[]event.Flag { return &o.Flags },
		(*rowEncoder).flag, (*rowDecoder).flag, AppendFlag),
	// Changes are written in runs, and have no form in JSON.
	event.TableChanges: {
		field:  11,
		encode: func(e *rowEncoder, o *event.Output, rows []event.Row) int { return e.changes(o, rows) },
		decode: func(d *rowDecoder, r *wireReader, _ *event.Output) { d.changes(r) },
	},
}

// rowCodec is how the rows of one table are written and read.
type rowCodec struct {
	field int
	// encode writes the first of rows, which are of the table, or a run of them that has a
	// form of its own, and returns how many.
	encode func(e *rowEncoder, o *event.Output, rows []event.Row) int
	decode func(d *rowDecoder, r *wireReader, o *event.Output)
	json   func(dst []byte, o *event.Output, i int) []byte

	// Of a table whose rows are written as blocks, and field and decode are what earlier
	// releases wrote: the field of a block, a block's rows, and rows as blocks of their own.
	block       int
	blockRows   func(b *Block, o *event.Output)
	blocksOfOwn func(w *blockWriter, o *event.Output, to []event.Block) []event.Block
}

// blockedCodec returns the codec of a table whose rows are written as blocks.
func blockedCodec[R any](
	field int,
	t *blockTable[R],
	block int,
	decode func(d *rowDecoder, r *wireReader) R,
	json func(dst []byte, r *R) []byte,
) rowCodec {
	c := rowCodecOf(field, t.rows, nil, decode, json)
	c.block, c.blockRows = block, t.rowsOf
	c.encode = func(e *rowEncoder, o *event.Output, list []event.Row) int {
		first, n := list[0].Index, 1
		for n < min(len(list), t.most) && list[n] == (event.Row{Table: t.table, Index: first + n}) {
			n++
		}
		rows := (*t.rows(o))[first : first+n]
		rows = rows[:t.fit(rows)]
		var mark int
		e.w.b, mark = beginMessage(e.b, block)
		t.columns(e.w, rows)
		e.b = endMessage(e.w.b, mark)
		return len(rows)
	}
	c.blocksOfOwn = func(w *blockWriter, o *event.Output, to []event.Block) []event.Block {
		for rows := *t.rows(o); len(rows) > 0; {
			n := t.fit(rows)
			w.b = nil
			t.columns(w, rows[:n])
			to = append(to, event.Block{Table: t.table, Rows: n, Bytes: w.b})
			rows = rows[n:]
		}
		return to
	}
	return c
}

// rowCodecOf returns the codec of a table whose rows are in the field that rows
// points to, each a message of its own.
func rowCodecOf[R any](
	field int,
	rows func(o *event.Output) *[]R,
	encode func(e *rowEncoder, r *R),
	decode func(d *rowDecoder, r *wireReader) R,
	json func(dst []byte, r *R) []byte,
) rowCodec {
	return rowCodec{
		field: field,
		encode: func(e *rowEncoder, o *event.Output, list []event.Row) int {
			encode(e, &(*rows(o))[list[0].Index])
			return 1
		},
		decode: func(d *rowDecoder, r *wireReader, o *event.Output) {
			dst := rows(o)
			*dst = append(*dst, decode(d, r))
		},
		json: func(dst []byte, o *event.Output, i int) []byte { return json(dst, &(*rows(o))[i]) },
	}
}

// AppendRowJSON appends a row of a stored table as the JSON object that a
// replay writes.
func AppendRowJSON(dst []byte, o *event.Output, r event.Row) []byte {
	return rowCodecs[r.Table].json(dst, o, r.Index)
}
