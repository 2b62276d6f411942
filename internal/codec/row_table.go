package codec

import "sendwatch/internal/event"

// rowCodecs is the one list of how the rows of each table are written and read.
// Each has the number of its field in the message sendwatch.rows.v1.Rows.
var rowCodecs = [event.NumTables]rowCodec{
	event.TableNumberMinutes: rowCodecOf(4, func(o *event.Output) *[]event.NumberMinute { return &o.NumberMinutes },
		(*rowEncoder).numberMinute, (*rowDecoder).numberMinute, numberMinuteSize, AppendNumberMinuteJSON),
	event.TableFingerprintHours: rowCodecOf(5, func(o *event.Output) *[]event.FingerprintHour { return &o.FingerprintHours },
		(*rowEncoder).fingerprintHour, (*rowDecoder).fingerprintHour, fingerprintHourSize, AppendFingerprintHourJSON),
	event.TableNumberStatus: rowCodecOf(6, func(o *event.Output) *[]event.NumberStatus { return &o.NumberStatuses },
		(*rowEncoder).numberStatus, (*rowDecoder).numberStatus, numberStatusSize, AppendNumberStatusJSON),
	event.TableContactOutcomes: rowCodecOf(7, func(o *event.Output) *[]event.ContactOutcome { return &o.ContactOutcomes },
		(*rowEncoder).contactOutcome, (*rowDecoder).contactOutcome, contactOutcomeSize, AppendContactOutcomeJSON),
	event.TableAccountEvents: rowCodecOf(8, func(o *event.Output) *[]event.AccountEvent { return &o.AccountEvents },
		(*rowEncoder).accountEvent, (*rowDecoder).accountEvent, accountEventSize, AppendAccountEventJSON),
	event.TablePortfolioStatus: rowCodecOf(9, func(o *event.Output) *[]event.PortfolioStatus { return &o.PortfolioStatus },
		(*rowEncoder).portfolioStatus, (*rowDecoder).portfolioStatus, portfolioStatusSize, AppendPortfolioStatusJSON),
	event.TableFlags: rowCodecOf(10, func(o *event.Output) *[]event.Flag { return &o.Flags },
		(*rowEncoder).flag, (*rowDecoder).flag, flagSize, AppendFlag),
	// Changes are written in runs, and have no form in JSON.
	event.TableChanges: {
		field:  11,
		encode: func(e *rowEncoder, o *event.Output) { e.changes(o.Changes) },
		decode: func(d *rowDecoder, r *wireReader, _ *event.Output) { d.changes(r) },
		size:   func(o *event.Output, i int) int { return changeSize(&o.Changes[i]) },
	},
}

// rowCodec is how the rows of one table are written and read.
type rowCodec struct {
	field  int
	encode func(e *rowEncoder, o *event.Output) // all rows of the table
	decode func(d *rowDecoder, r *wireReader, o *event.Output)
	size   func(o *event.Output, i int) int
	json   func(dst []byte, o *event.Output, i int) []byte
}

// rowCodecOf returns the codec of a table whose rows are in the field that rows
// points to, each a message of its own.
func rowCodecOf[R any](
	field int,
	rows func(o *event.Output) *[]R,
	encode func(e *rowEncoder, r *R),
	decode func(d *rowDecoder, r *wireReader) R,
	size func(r *R) int,
	json func(dst []byte, r *R) []byte,
) rowCodec {
	return rowCodec{
		field: field,
		encode: func(e *rowEncoder, o *event.Output) {
			list := *rows(o)
			for i := range list {
				encode(e, &list[i])
			}
		},
		decode: func(d *rowDecoder, r *wireReader, o *event.Output) {
			dst := rows(o)
			*dst = append(*dst, decode(d, r))
		},
		size: func(o *event.Output, i int) int { return size(&(*rows(o))[i]) },
		json: func(dst []byte, o *event.Output, i int) []byte { return json(dst, &(*rows(o))[i]) },
	}
}

// AppendRowJSON appends a row of a stored table as the JSON object that a
// replay writes.
func AppendRowJSON(dst []byte, o *event.Output, r event.Row) []byte {
	return rowCodecs[r.Table].json(dst, o, r.Index)
}

// RowSize estimates a row's size in AppendRows, rather too large: fixed parts as
// the largest rows have them, and what varies without bound by its length.
func RowSize(o *event.Output, r event.Row) int {
	return rowCodecs[r.Table].size(o, r.Index)
}

func numberMinuteSize(r *event.NumberMinute) int { return 256 + len(r.NumberID) + 8*len(r.Contacts) }

func fingerprintHourSize(r *event.FingerprintHour) int { return 256 + lengths(r.NumberID, r.Template) }

func numberStatusSize(r *event.NumberStatus) int { return 1_024 + lengths(r.NumberID, r.WABAID) }

func contactOutcomeSize(r *event.ContactOutcome) int { return 256 + len(r.NumberID) }

func accountEventSize(r *event.AccountEvent) int {
	n := 256 + lengths(r.ID, r.NumberID, r.WABAID, r.Topic, r.Template, r.State, r.Reason)
	for _, s := range r.Restrict {
		n += len(s) + 4
	}
	return n
}

func portfolioStatusSize(*event.PortfolioStatus) int { return 256 }

func flagSize(r *event.Flag) int {
	n := 1_024 + lengths(r.Advice, r.NumberID, r.WABAID, r.Key, r.Value.Word, r.PolicyVersion, r.Position.Topic) + 64*len(r.Evidence.Counts)
	for _, contents := range [...][]event.FingerprintCount{r.Evidence.Fingerprints, r.Evidence.Templates} {
		for i := range contents {
			n += 128 + len(contents[i].Template)
		}
	}
	return n
}

func changeSize(r *event.PortfolioChange) int { return 64 + len(r.NumberID) }

// lengths adds up strings, each of which may be as long as a record.
func lengths(strings ...string) int {
	n := 0
	for _, s := range strings {
		n += len(s)
	}
	return n
}
