package codec

import (
	"math"
	"slices"

	"sendwatch/internal/event"
)

// blockTable is how the rows of one table are written as a block and read back. Each
// column has the number of its field in the block's message of rows.proto.
type blockTable[R any] struct {
	table event.Table
	rows  func(o *event.Output) *[]R
	most  int // rows of a block that is written: so many lie in the cache while column by column is read

	whole []namedColumn // in the order of get and set
	get   func(r *R, to []int64)
	set   func(r *R, from []int64)
	texts []textColumn[R]

	// facts, levels and lists: columns that a table has beside these.
	moreColumns []namedColumn
	moreWrite   func(w *blockWriter, rows []R)
	moreRead    func(b *Block, rows []R)

	time     int              // the column whose month all rows of a block have; 0 for none
	timeOf   func(r *R) int64 // its value
	elements func(r *R) int   // bytes of what lists hold
}

// namedColumn is a column of numbers.
type namedColumn struct {
	number int
	name   string // of the field, and of the column in the store
	kind   columnKind
}

// textColumn is a column of strings.
type textColumn[R any] struct {
	number int
	name   string
	at     func(r *R) *string
}

// columnKind says what message a column is.
type columnKind uint8

const (
	noColumn columnKind = iota
	wholeColumn
	doublesColumn
	textsColumn
	hashesColumn
	contributionsColumn
)

// Numbers of columns that are more than a number.
const (
	columnNumber    = 2 // of number_id and portfolio_id, in every block
	columnPortfolio = 3
	columnContacts  = 33
	columnWABA      = 6
	columnTemplate  = 9
	columnTop       = 12
	columnSilences  = 13
	columnFacts     = 20 // and up, in the order of factOrder
	columnLevels    = 120
	maxColumns      = columnLevels + int(event.NumNumberFactors)
)

// columnsOf numbers columns of whole numbers from the first on.
func columnsOf(first int, names ...string) []namedColumn {
	list := make([]namedColumn, len(names))
	for i, name := range names {
		list[i] = namedColumn{first + i, name, wholeColumn}
	}
	return list
}

// minuteBlocks are blocks of number_minutes.
var minuteBlocks = newBlockTable(blockTable[event.NumberMinute]{
	table: event.TableNumberMinutes, most: 1024,
	rows: func(o *event.Output) *[]event.NumberMinute { return &o.NumberMinutes },
	whole: columnsOf(4, "partition", "version", "pane", "minute",
		"sent", "initiated", "held", "late", "delivered", "read", "received", "answered", "unanswered", "withdrawn",
		"blocks", "reports", "stops", "sent_after_stop", "templates_sent", "group_messages", "contact_count",
		"failed_account", "failed_reputation", "failed_contact", "failed_fatigue", "failed_pace", "failed_window", "failed_neutral", "failed_operational"),
	get: func(r *event.NumberMinute, to []int64) {
		_ = to[28]
		to[0], to[1], to[2], to[3] = int64(r.Partition), r.Version, r.Pane.Pane, r.Minute
		to[4], to[5], to[6], to[7], to[8], to[9], to[10] = r.Sent, r.Initiated, r.Held, r.Late, r.Delivered, r.Read, r.Received
		to[11], to[12], to[13], to[14], to[15], to[16] = r.Answered, r.Unanswered, r.Withdrawn, r.Blocks, r.Reports, r.Stops
		to[17], to[18], to[19], to[20] = r.SentAfterStop, r.TemplatesSent, r.GroupMessages, r.ContactCount
		copy(to[21:], r.Failed[:])
	},
	set: func(r *event.NumberMinute, from []int64) {
		r.Partition, r.Version, r.Pane.Pane, r.Minute = int32(from[0]), from[1], from[2], from[3]
		r.Sent, r.Initiated, r.Held, r.Late, r.Delivered, r.Read, r.Received = from[4], from[5], from[6], from[7], from[8], from[9], from[10]
		r.Answered, r.Unanswered, r.Withdrawn, r.Blocks, r.Reports, r.Stops = from[11], from[12], from[13], from[14], from[15], from[16]
		r.SentAfterStop, r.TemplatesSent, r.GroupMessages, r.ContactCount = from[17], from[18], from[19], from[20]
		copy(r.Failed[:], from[21:])
	},
	texts: []textColumn[event.NumberMinute]{
		{columnNumber, "number_id", func(r *event.NumberMinute) *string { return &r.NumberID }},
		{columnPortfolio, "portfolio_id", func(r *event.NumberMinute) *string { return &r.PortfolioID }},
	},
	moreColumns: []namedColumn{{columnContacts, "contacts", hashesColumn}},
	moreWrite: func(w *blockWriter, rows []event.NumberMinute) {
		w.hashes(columnContacts, len(rows), func(i int) []uint64 { return rows[i].Contacts })
	},
	moreRead: func(b *Block, rows []event.NumberMinute) {
		b.Hashes(columnContacts).each(len(rows), func(i int, list []uint64) { rows[i].Contacts = list })
	},
	time: 7, timeOf: func(r *event.NumberMinute) int64 { return r.Minute },
	elements: func(r *event.NumberMinute) int { return 8 * len(r.Contacts) },
})

// hourBlocks are blocks of fingerprint_hours.
var hourBlocks = newBlockTable(blockTable[event.FingerprintHour]{
	table: event.TableFingerprintHours, most: 2048,
	rows:  func(o *event.Output) *[]event.FingerprintHour { return &o.FingerprintHours },
	whole: append(columnsOf(4, "partition", "version", "pane", "hour", "fingerprint"), columnsOf(10, "sent", "initiated", "answered", "unanswered", "withdrawn")...),
	get: func(r *event.FingerprintHour, to []int64) {
		_ = to[9]
		to[0], to[1], to[2], to[3], to[4] = int64(r.Partition), r.Version, r.Pane.Pane, r.Hour, int64(r.Fingerprint)
		to[5], to[6], to[7], to[8], to[9] = r.Sent, r.Initiated, r.Answered, r.Unanswered, r.Withdrawn
	},
	set: func(r *event.FingerprintHour, from []int64) {
		r.Partition, r.Version, r.Pane.Pane, r.Hour, r.Fingerprint = int32(from[0]), from[1], from[2], from[3], uint64(from[4])
		r.Sent, r.Initiated, r.Answered, r.Unanswered, r.Withdrawn = from[5], from[6], from[7], from[8], from[9]
	},
	texts: []textColumn[event.FingerprintHour]{
		{columnNumber, "number_id", func(r *event.FingerprintHour) *string { return &r.NumberID }},
		{columnPortfolio, "portfolio_id", func(r *event.FingerprintHour) *string { return &r.PortfolioID }},
		{columnTemplate, "template", func(r *event.FingerprintHour) *string { return &r.Template }},
	},
	time: 7, timeOf: func(r *event.FingerprintHour) int64 { return r.Hour },
})

// contactBlocks are blocks of contact_outcomes. Their table has no partitions.
var contactBlocks = newBlockTable(blockTable[event.ContactOutcome]{
	table: event.TableContactOutcomes, most: 2048,
	rows:  func(o *event.Output) *[]event.ContactOutcome { return &o.ContactOutcomes },
	whole: columnsOf(4, "partition", "version", "pane", "contact", "answered", "unanswered", "unanswered_since", "last_sent", "last_received"),
	get: func(r *event.ContactOutcome, to []int64) {
		_ = to[8]
		to[0], to[1], to[2], to[3] = int64(r.Partition), r.Version, r.Pane.Pane, int64(r.Contact)
		to[4], to[5], to[6], to[7], to[8] = r.Answered, r.Unanswered, r.UnansweredSince, r.LastSent, r.LastReceived
	},
	set: func(r *event.ContactOutcome, from []int64) {
		r.Partition, r.Version, r.Pane.Pane, r.Contact = int32(from[0]), from[1], from[2], uint64(from[3])
		r.Answered, r.Unanswered, r.UnansweredSince, r.LastSent, r.LastReceived = from[4], from[5], from[6], from[7], from[8]
	},
	texts: []textColumn[event.ContactOutcome]{
		{columnNumber, "number_id", func(r *event.ContactOutcome) *string { return &r.NumberID }},
		{columnPortfolio, "portfolio_id", func(r *event.ContactOutcome) *string { return &r.PortfolioID }},
	},
})

// statusBlocks are blocks of number_status.
var statusBlocks = newBlockTable(blockTable[event.NumberStatus]{
	table: event.TableNumberStatus, most: 512,
	rows: func(o *event.Output) *[]event.NumberStatus { return &o.NumberStatuses },
	whole: append(columnsOf(4, "partition", "version"),
		columnsOf(7, "minute", "clock", "score", "band", "answered_sender")...),
	get: func(r *event.NumberStatus, to []int64) {
		_ = to[6]
		to[0], to[1], to[2], to[3], to[4], to[5], to[6] = int64(r.Partition), r.Version, r.Minute, r.Clock, int64(r.Score), int64(r.Band), 0
		if r.AnsweredSender {
			to[6] = 1
		}
	},
	set: func(r *event.NumberStatus, from []int64) {
		r.Partition, r.Version, r.Minute, r.Clock, r.Score, r.Band = int32(from[0]), from[1], from[2], from[3], int(from[4]), event.Band(from[5])
		r.AnsweredSender = from[6] != 0
	},
	texts: []textColumn[event.NumberStatus]{
		{columnNumber, "number_id", func(r *event.NumberStatus) *string { return &r.NumberID }},
		{columnPortfolio, "portfolio_id", func(r *event.NumberStatus) *string { return &r.PortfolioID }},
		{columnWABA, "waba_id", func(r *event.NumberStatus) *string { return &r.WABAID }},
	},
	moreColumns: statusColumns(),
	moreWrite:   writeStatuses,
	moreRead:    readStatuses,
	time:        7, timeOf: func(r *event.NumberStatus) int64 { return r.Minute },
	elements: func(r *event.NumberStatus) int {
		bytes := len(levelOrder)
		for i := range r.Top {
			bytes += 64 + len(r.Top[i].Key)
		}
		return bytes
	},
})

// statusColumns are the columns of number_status that statusBlocks does not list.
func statusColumns() []namedColumn {
	list := []namedColumn{{columnTop, "top", contributionsColumn}, {columnSilences, "silences", textsColumn}}
	for i, f := range factOrder {
		kind := doublesColumn
		if isWhole(f) {
			kind = wholeColumn
		}
		list = append(list, namedColumn{columnFacts + i, f.String(), kind})
	}
	for i, f := range levelOrder {
		list = append(list, namedColumn{columnLevels + i, "level_" + f.String(), wholeColumn})
	}
	return list
}

// isWhole reports whether a fact is a whole number, and always there.
func isWhole(f event.Fact) bool { return f.Type() == event.FactCount || f.Type() == event.FactWord }

func writeStatuses(w *blockWriter, rows []event.NumberStatus) {
	w.contributions(columnTop, rows)
	silences := func(int) string { return "" }
	for i := range rows {
		if rows[i].Silences != [event.NumNumberFactors]event.Silence{} {
			silences = func(i int) string { return silencesText(&rows[i]) }
			break
		}
	}
	w.texts(columnSilences, len(rows), silences)
	for k, f := range factOrder {
		w.fact(columnFacts+k, rows, f)
	}
	var leveled [event.NumNumberFactors]event.Level // not none in one of the rows
	for i := range rows {
		if i == 0 || rows[i].Levels != rows[i-1].Levels {
			for f, l := range rows[i].Levels {
				leveled[f] |= l
			}
		}
	}
	for k, f := range levelOrder {
		if leveled[f] != event.LevelNone {
			w.level(columnLevels+k, rows, f)
		}
	}
}

// silencesText returns a row's silences as the column has them: none is an empty string.
func silencesText(r *event.NumberStatus) string {
	if r.Silences == [event.NumNumberFactors]event.Silence{} {
		return ""
	}
	var text [event.NumNumberFactors]byte
	for k, f := range levelOrder {
		text[k] = byte(r.Silences[f])
	}
	return string(text[:])
}

func readStatuses(b *Block, rows []event.NumberStatus) {
	for k, f := range factOrder {
		c := b.Numbers(columnFacts + k)
		for i := range rows {
			if isWhole(f) {
				rows[i].Facts[f] = float64(int64(c.at(i)))
			} else {
				rows[i].Facts[f] = math.Float64frombits(c.at(i))
			}
		}
	}
	for k, f := range levelOrder {
		c := b.Numbers(columnLevels + k)
		for i := range rows {
			rows[i].Levels[f] = event.Level(c.at(i))
		}
	}
	silences := b.Texts(columnSilences)
	for i := range rows {
		for k, why := range silences.at(i) {
			if k < len(levelOrder) {
				rows[i].Silences[levelOrder[k]] = event.Silence(why)
			}
		}
	}
	b.Contributions(columnTop).each(len(rows), func(i int, list []event.Contribution) { rows[i].Top = list })
}

// newBlockTable completes a table's list of columns.
func newBlockTable[R any](t blockTable[R]) *blockTable[R] {
	kinds := &columnKinds[t.table]
	for _, c := range slices.Concat(t.whole, t.moreColumns) {
		kinds[c.number] = c.kind
		columnNames[t.table][c.name] = c.number
		if c.kind == doublesColumn {
			doublesColumns[t.table] = append(doublesColumns[t.table], c.number)
		}
	}
	for _, c := range t.texts {
		kinds[c.number] = textsColumn
		columnNames[t.table][c.name] = c.number
	}
	timeColumns[t.table] = t.time
	return &t
}

// What a reader of blocks has to know of a table: filled by newBlockTable.
var (
	columnKinds    [event.NumTables][maxColumns]columnKind
	columnNames    = newColumnNames()
	timeColumns    [event.NumTables]int
	doublesColumns [event.NumTables][]int
)

func newColumnNames() (names [event.NumTables]map[string]int) {
	for t := range names {
		names[t] = map[string]int{}
	}
	return names
}

// Column returns the number of a table's column by its name, which is that of the field in
// rows.proto and of the column in the store; 0 if blocks of the table have none of that name.
func Column(t event.Table, name string) int { return columnNames[t][name] }

// rowsOf reads a block as rows, which do not alias it, behind those that the output has.
func (t *blockTable[R]) rowsOf(b *Block, o *event.Output) {
	list := t.rows(o)
	first := len(*list)
	*list = append(*list, make([]R, b.Rows)...)
	rows := (*list)[first:]
	whole := make([]int64, len(t.whole))
	for i := range rows {
		for k, c := range t.whole {
			whole[k] = int64(b.Numbers(c.number).at(i))
		}
		t.set(&rows[i], whole)
	}
	for _, c := range t.texts {
		column, last := b.Texts(c.number), ""
		for i := range rows {
			*c.at(&rows[i]) = same(&last, column.at(i))
		}
	}
	if t.moreRead != nil {
		t.moreRead(b, rows)
	}
}
