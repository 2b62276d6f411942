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
	// Blocks are rows as they came off the rows topic, not taken apart.
	Blocks []Block

	hashes        room[uint64]
	bytes         room[byte]
	contributions room[Contribution]
}

// room is memory for the lists that rows hold, so that a row costs no allocation.
type room[T any] struct{ mem []T }

// take returns room for n more. What was taken before stays where it is.
func (r *room[T]) take(n int) []T {
	if n == 0 {
		return nil
	}
	used := len(r.mem)
	if cap(r.mem)-used < n {
		r.mem, used = make([]T, 0, max(n, 2*cap(r.mem))), 0
	}
	r.mem = r.mem[:used+n]
	return r.mem[used : used+n : used+n]
}

// Hashes returns room for the n hashes of a row; it holds whatever it held. Like the rows
// it is the caller's until Reset.
func (o *Output) Hashes(n int) []uint64 { return o.hashes.take(n) }

// Contributions returns room for those of a row, as Hashes does.
func (o *Output) Contributions(n int) []Contribution { return o.contributions.take(n) }

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
	append    func(to, from *Output)
}

// tableOf returns the table whose rows are in the field that rows points to.
func tableOf[R any](name string, rows func(o *Output) *[]R, portfolio func(r *R) string) table {
	return table{
		name:      name,
		length:    func(o *Output) int { return len(*rows(o)) },
		reset:     func(o *Output) { *rows(o) = (*rows(o))[:0] },
		portfolio: func(o *Output, i int) string { return portfolio(&(*rows(o))[i]) },
		append: func(to, from *Output) {
			dst := rows(to)
			*dst = append(*dst, *rows(from)...)
		},
	}
}

// String returns the table's name in the store and in the files of a replay.
func (t Table) String() string { return tables[t].name }

// Block is rows of one table as the rows topic has them (codec.Block reads it).
type Block struct {
	Table Table
	Rows  int
	Bytes []byte
}

// Row names a row of an Output by its table and its place in it.
type Row struct {
	Table Table
	Index int
}

// Rows returns the number of rows of one table, those of blocks included.
func (o *Output) Rows(t Table) int {
	n := tables[t].length(o)
	for i := range o.Blocks {
		if o.Blocks[i].Table == t {
			n += o.Blocks[i].Rows
		}
	}
	return n
}

// Len returns the number of rows of the tables that are stored. It names them one by one,
// because it is asked before each row whether there is room for one more.
func (o *Output) Len() int {
	n := len(o.NumberMinutes) + len(o.FingerprintHours) + len(o.NumberStatuses) + len(o.ContactOutcomes) +
		len(o.AccountEvents) + len(o.PortfolioStatus) + len(o.Flags)
	for i := range o.Blocks {
		n += o.Blocks[i].Rows
	}
	return n
}

// Append appends all rows of from, what they list, and its blocks.
func (o *Output) Append(from *Output) {
	for t := range tables {
		tables[t].append(o, from)
	}
	for _, b := range from.Blocks {
		b.Bytes = append(o.bytes.take(len(b.Bytes))[:0], b.Bytes...)
		o.Blocks = append(o.Blocks, b)
	}
	minutes := o.NumberMinutes[len(o.NumberMinutes)-len(from.NumberMinutes):]
	for i := range minutes {
		minutes[i].Contacts = append(o.Hashes(len(minutes[i].Contacts))[:0], minutes[i].Contacts...)
	}
	statuses := o.NumberStatuses[len(o.NumberStatuses)-len(from.NumberStatuses):]
	for i := range statuses {
		statuses[i].Top = append(o.Contributions(len(statuses[i].Top))[:0], statuses[i].Top...)
	}
}

// Reset empties the output and keeps its memory, also that of Hashes and Contributions:
// a copy of a row must not outlive it.
func (o *Output) Reset() {
	for t := range tables {
		tables[t].reset(o)
	}
	clear(o.Blocks)
	o.Blocks = o.Blocks[:0]
	o.hashes.mem, o.contributions.mem, o.bytes.mem = o.hashes.mem[:0], o.contributions.mem[:0], o.bytes.mem[:0]
}
