package clickhouse

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

const (
	// sampleRows is how many rows decide the widths of a table; what comes
	// after them is written as it comes, so that memory stays bounded.
	sampleRows = 1000
	// maxCell is the widest a cell of a table gets, in terminal columns.
	maxCell = 120
)

// tablePrinter writes an aligned table: numbers to the right, NULL as such, a
// line under the header.
type tablePrinter struct {
	w       *bufio.Writer
	columns []Column
	widths  []int
	sample  [][]string
	open    bool // the header is written and widths are settled
	n       int
}

func (p *tablePrinter) begin(columns []Column) error {
	p.columns = columns
	p.widths = make([]int, len(columns))
	for i := range columns {
		p.widths[i] = displayWidth(visible(columns[i].Name))
	}
	return nil
}

func (p *tablePrinter) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = cut(visible(short(v)), maxCell)
	}
	p.n++
	if p.open {
		return p.line(cells)
	}
	p.sample = append(p.sample, cells)
	if len(p.sample) < sampleRows {
		return nil
	}
	return p.settle()
}

// settle writes the header and the sample.
func (p *tablePrinter) settle() error {
	p.open = true
	for _, cells := range p.sample {
		for i, c := range cells {
			p.widths[i] = max(p.widths[i], displayWidth(c))
		}
	}
	header, rule := make([]string, len(p.columns)), make([]string, len(p.columns))
	for i, c := range p.columns {
		header[i] = visible(c.Name)
		rule[i] = strings.Repeat("─", p.widths[i])
	}
	for _, cells := range append([][]string{header, rule}, p.sample...) {
		if err := p.line(cells); err != nil {
			return err
		}
	}
	p.sample = nil
	return nil
}

func (p *tablePrinter) line(cells []string) error {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		gap := strings.Repeat(" ", max(0, p.widths[i]-displayWidth(c)))
		switch {
		case p.columns[i].Number:
			b.WriteString(gap + c)
		case i == len(cells)-1:
			b.WriteString(c) // nothing follows, so nothing needs padding
		default:
			b.WriteString(c + gap)
		}
	}
	b.WriteByte('\n')
	_, err := p.w.WriteString(b.String())
	return err
}

func (p *tablePrinter) end() error {
	if !p.open {
		if err := p.settle(); err != nil {
			return err
		}
	}
	plural := "s"
	if p.n == 1 {
		plural = ""
	}
	if _, err := fmt.Fprintf(p.w, "(%d row%s)\n", p.n, plural); err != nil {
		return err
	}
	return p.w.Flush()
}

// verticalPrinter writes a row as one line a column.
type verticalPrinter struct {
	w       *bufio.Writer
	columns []Column
	width   int
	n       int
}

func (p *verticalPrinter) begin(columns []Column) error {
	p.columns = columns
	for _, c := range columns {
		p.width = max(p.width, displayWidth(visible(c.Name)))
	}
	return nil
}

func (p *verticalPrinter) row(values []any) error {
	p.n++
	if _, err := fmt.Fprintf(p.w, "── row %d\n", p.n); err != nil {
		return err
	}
	for i, v := range values {
		name := visible(p.columns[i].Name)
		gap := strings.Repeat(" ", p.width-displayWidth(name))
		if _, err := fmt.Fprintf(p.w, "%s%s  %s\n", name, gap, visible(short(v))); err != nil {
			return err
		}
	}
	return nil
}

func (p *verticalPrinter) end() error { return p.w.Flush() }

// visible replaces what a terminal would obey instead of show.
func visible(s string) string {
	clean := true
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// displayWidth is how many columns of a terminal s takes: East Asian wide
// characters (UAX 11) two, combining and format characters none.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 { // nothing below is wide or combining
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens s to at most n columns and says so by an ellipsis.
func cut(s string, n int) string {
	if displayWidth(s) <= n {
		return s
	}
	taken := 0
	for i, r := range s {
		if taken += runeWidth(r); taken > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}
