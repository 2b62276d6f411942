package codec

import "sendwatch/internal/event"

// rowCodecs is the one list of how the rows of each table are written and read.
// Each has the number of its field in the message sendwatch.rows.v1.Rows.
var rowCodecs = [event.NumTables]rowCodec{
	event.TableNumberMinutes: rowCodecOf(4, func(o *event.Output) *[]event.NumberMinute { return &o.NumberMinutes },
		(*rowEncoder).numberMinute, (*rowDecoder).numberMinute, AppendNumberMinuteJSON),
	event.TableFingerprintHours: rowCodecOf(5, func(o *event.Output) *[]event.FingerprintHour { return &o.FingerprintHours },
		(*rowEncoder).fingerprintHour, (*rowDecoder).fingerprintHour, AppendFingerprintHourJSON),
	event.TableNumberStatus: rowCodecOf(6, func(o *event.Output) *[]event.NumberStatus { return &o.NumberStatuses },
		(*rowEncoder).numberStatus, (*rowDecoder).numberStatus, AppendNumberStatusJSON),
	event.TableContactOutcomes: rowCodecOf(7, func(o *event.Output) *[]event.ContactOutcome { return &o.ContactOutcomes },
		(*rowEncoder).contactOutcome, (*rowDecoder).contactOutcome, AppendContactOutcomeJSON),
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
