package sqlprint

import (
	"bufio"
	"encoding/csv"
	"io"
)

// Format is how rows are written.
type Format string

// The formats. JSON is one object a line.
const (
	FormatTable    Format = "table"
	FormatVertical Format = "vertical"
	FormatJSON     Format = "json"
	FormatCSV      Format = "csv"
)

// Printer writes one result: Begin once, Row for each row, End once. Values are
// nil (NULL), or what a database client returns: numbers, strings, booleans,
// times, slices and maps of such. An error is the writer's, or of a value that
// has no form in the format.
type Printer interface {
	// Begin names the columns; numeric says which of them hold numbers, which
	// read better aligned to the right.
	Begin(names []string, numeric []bool) error
	Row(values []any) error
	// End writes what is left. Without it a result may be incomplete.
	End() error
}

// New returns a printer of a format that writes to w; of a format that is not
// known, the table's.
func New(w io.Writer, f Format) Printer {
	out := bufio.NewWriter(w)
	switch f {
	case FormatVertical:
		return &verticalPrinter{w: out}
	case FormatJSON:
		return &jsonPrinter{w: out}
	case FormatCSV:
		return &csvPrinter{w: csv.NewWriter(out), flush: out}
	}
	return &tablePrinter{w: out}
}
