package event

// Output collects what one or more events bring about, table by table. The
// caller owns it and empties it with Reset; what fills it only appends. A new
// table is a field here, a Table and its line in the list of tables.
type Output struct {
	Flags            []Flag
	NumberMinutes    []NumberMinute
	FingerprintHours []FingerprintHour
	NumberStatuses   []NumberStatus
	ContactOutcomes  []ContactOutcome
	AccountEvents    []AccountEvent
	PortfolioStatus  []PortfolioStatus
	Changes          []PortfolioChange
}

// Table names one table of an Output.
type Table uint8

// The tables, those that are stored first.
const (
	TableNumberMinutes Table = iota
	TableFingerprintHours
	TableNumberStatus
	TableContactOutcomes
	TableAccountEvents
	TablePortfolioStatus
	TableFlags
	// NumStoredTables counts the tables above, which the store has. The others
	// are read from the rows topic by the roles alone.
	NumStoredTables
)

// The tables that are not stored.
const (
	TableChanges Table = NumStoredTables + iota
	// NumTables counts all tables.
	NumTables
)

// tables is the one list of the tables: name, rows and portfolio of a row.
var tables = [NumTables]table{
	TableNumberMinutes:    tableOf("number_minutes", func(o *Output) *[]NumberMinute { return &o.NumberMinutes }, func(r *NumberMinute) string { return r.PortfolioID }),
	TableFingerprintHours: tableOf("fingerprint_hours", func(o *Output) *[]FingerprintHour { return &o.FingerprintHours }, func(r *FingerprintHour) string { return r.PortfolioID }),
	TableNumberStatus:     tableOf("number_status", func(o *Output) *[]NumberStatus { return &o.NumberStatuses }, func(r *NumberStatus) string { return r.PortfolioID }),
	TableContactOutcomes:  tableOf("contact_outcomes", func(o *Output) *[]ContactOutcome { return &o.ContactOutcomes }, func(r *ContactOutcome) string { return r.PortfolioID }),
	TableAccountEvents:    tableOf("account_events", func(o *Output) *[]AccountEvent { return &o.AccountEvents }, func(r *AccountEvent) string { return r.PortfolioID }),
	TablePortfolioStatus:  tableOf("portfolio_status", func(o *Output) *[]PortfolioStatus { return &o.PortfolioStatus }, func(r *PortfolioStatus) string { return r.PortfolioID }),
	TableFlags:            tableOf("flags", func(o *Output) *[]Flag { return &o.Flags }, func(r *Flag) string { return r.PortfolioID }),
	TableChanges:          tableOf("changes", func(o *Output) *[]PortfolioChange { return &o.Changes }, func(r *PortfolioChange) string { return r.PortfolioID }),
}

// table is what an Output does with the rows of one of its tables.
type table struct {
	name      string
	length    func(o *Output) int
	reset     func(o *Output)
	portfolio func(o *Output, i int) string
	append    func(to, from *Output, first, end int)
}

// tableOf returns the table whose rows are in the field that rows points to.
func tableOf[R any](name string, rows func(o *Output) *[]R, portfolio func(r *R) string) table {
	return table{
		name:      name,
		length:    func(o *Output) int { return len(*rows(o)) },
		reset:     func(o *Output) { *rows(o) = (*rows(o))[:0] },
		portfolio: func(o *Output, i int) string { return portfolio(&(*rows(o))[i]) },
		append: func(to, from *Output, first, end int) {
			dst := rows(to)
			*dst = append(*dst, (*rows(from))[first:end]...)
		},
	}
}

// String returns the table's name in the store and in the files of a replay.
func (t Table) String() string { return tables[t].name }

// Row names a row of an Output by its table and its place in it.
type Row struct {
	Table Table
	Index int
}

// Rows returns the number of rows of one table.
func (o *Output) Rows(t Table) int { return tables[t].length(o) }

// Len returns the number of rows of the tables that are stored.
func (o *Output) Len() int {
	n := 0
	for t := range NumStoredTables {
		n += tables[t].length(o)
	}
	return n
}

// Append appends all rows of from.
func (o *Output) Append(from *Output) {
	for t := range tables {
		tables[t].append(o, from, 0, tables[t].length(from))
	}
}

// AppendRow appends one row of from.
func (o *Output) AppendRow(from *Output, r Row) {
	tables[r.Table].append(o, from, r.Index, r.Index+1)
}

// ByPortfolio returns the rows of all tables by their portfolio_id, in the order
// of the tables and, of one table, of the rows.
func (o *Output) ByPortfolio() map[string][]Row {
	by := map[string][]Row{}
	for t := range NumTables {
		for i := range tables[t].length(o) {
			id := tables[t].portfolio(o, i)
			by[id] = append(by[id], Row{Table: t, Index: i})
		}
	}
	return by
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	for t := range tables {
		tables[t].reset(o)
	}
}
