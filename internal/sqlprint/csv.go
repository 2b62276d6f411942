package sqlprint

import (
	"bufio"
	"encoding/csv"
)

// csvPrinter writes a header and RFC 4180 records; NULL is an empty field.
type csvPrinter struct {
	w     *csv.Writer
	flush *bufio.Writer
}

// Begin writes the header.
func (p *csvPrinter) Begin(names []string, _ []bool) error {
	return p.w.Write(names)
}

// Row writes a record.
func (p *csvPrinter) Row(values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			fields[i] = text(v)
		}
	}
	return p.w.Write(fields)
}

// End writes what is left.
func (p *csvPrinter) End() error {
	p.w.Flush()
	if err := p.w.Error(); err != nil {
		return err
	}
	return p.flush.Flush()
}
