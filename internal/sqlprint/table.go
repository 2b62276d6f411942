package sqlprint

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"sendwatch/internal/wording"
)

// cells counts the columns of a terminal that a text takes: East Asian wide
// characters two, combining and format characters none. It is its own condition
// because the library's default one goes by the locale of the process. It is never written.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

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
	names   []string
	numeric []bool
	widths  []int
	sample  [][]string
	open    bool // the header is written and widths are fixed
	n       int
}

// Begin keeps the header until the widths are known.
func (p *tablePrinter) Begin(names []string, numeric []bool) error {
	p.numeric, p.names = numeric, make([]string, len(names))
	p.widths = make([]int, len(names))
	for i, name := range names {
		p.names[i] = printable(name)
		p.widths[i] = cells.StringWidth(p.names[i])
	}
	return nil
}

// Row keeps the row, or writes it if the widths are known.
func (p *tablePrinter) Row(values []any) error {
	line := make([]string, len(values))
	for i, v := range values {
		line[i] = cells.Truncate(printable(short(v)), maxCell, "…")
	}
	p.n++
	if p.open {
		return p.line(line)
	}
	p.sample = append(p.sample, line)
	if len(p.sample) < sampleRows {
		return nil
	}
	return p.writeSample()
}

// writeSample writes the header and the rows that decided the widths.
func (p *tablePrinter) writeSample() error {
	p.open = true
	for _, line := range p.sample {
		for i, c := range line {
			p.widths[i] = max(p.widths[i], cells.StringWidth(c))
		}
	}
	rule := make([]string, len(p.names))
	for i := range rule {
		rule[i] = strings.Repeat("─", p.widths[i])
	}
	for _, line := range append([][]string{p.names, rule}, p.sample...) {
		if err := p.line(line); err != nil {
			return err
		}
	}
	p.sample = nil
	return nil
}

func (p *tablePrinter) line(line []string) error {
	var b strings.Builder
	for i, c := range line {
		if i > 0 {
			b.WriteString("  ")
		}
		gap := strings.Repeat(" ", max(0, p.widths[i]-cells.StringWidth(c)))
		switch {
		case p.numeric[i]:
			b.WriteString(gap + c)
		case i == len(line)-1:
			b.WriteString(c) // nothing follows, so nothing needs padding
		default:
			b.WriteString(c + gap)
		}
	}
	b.WriteByte('\n')
	_, err := p.w.WriteString(b.String())
	return err
}

// End writes what was kept, and how many rows there are.
func (p *tablePrinter) End() error {
	if !p.open {
		if err := p.writeSample(); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(p.w, "(%s)\n", wording.Count(p.n, "row")); err != nil {
		return err
	}
	return p.w.Flush()
}

// verticalPrinter writes a row as one line a column.
type verticalPrinter struct {
	w     *bufio.Writer
	names []string
	width int
	n     int
}

// Begin finds the width of the names.
func (p *verticalPrinter) Begin(names []string, _ []bool) error {
	p.names = make([]string, len(names))
	for i, name := range names {
		p.names[i] = printable(name)
		p.width = max(p.width, cells.StringWidth(p.names[i]))
	}
	return nil
}

// Row writes a heading and a line for each column.
func (p *verticalPrinter) Row(values []any) error {
	p.n++
	if _, err := fmt.Fprintf(p.w, "── row %d\n", p.n); err != nil {
		return err
	}
	for i, v := range values {
		if _, err := fmt.Fprintf(p.w, "%s  %s\n", cells.FillRight(p.names[i], p.width), printable(short(v))); err != nil {
			return err
		}
	}
	return nil
}

// End writes what is left.
func (p *verticalPrinter) End() error { return p.w.Flush() }

// printable replaces what a terminal would obey instead of show.
func printable(s string) string {
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
