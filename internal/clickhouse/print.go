package clickhouse

import (
	"bufio"
	"encoding"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Format is how Query writes rows.
type Format string

// The formats of Query. JSON is one object a line.
const (
	FormatTable    Format = "table"
	FormatVertical Format = "vertical"
	FormatJSON     Format = "json"
	FormatCSV      Format = "csv"
	FormatTSV      Format = "tsv"
)

// Formats lists all formats.
func Formats() []Format {
	return []Format{FormatTable, FormatVertical, FormatJSON, FormatCSV, FormatTSV}
}

// Column is a column of a result.
type Column struct {
	Name   string
	Number bool // reads better aligned to the right
}

// printer writes one result. Values are nil (NULL), or what the client library
// returns: numbers, strings, booleans, times, slices and maps of such.
type printer interface {
	begin([]Column) error
	row([]any) error
	end() error
}

func (f Format) printer(w io.Writer) printer {
	out := bufio.NewWriter(w)
	switch f {
	case FormatVertical:
		return &verticalPrinter{w: out}
	case FormatJSON:
		return &jsonPrinter{w: out}
	case FormatCSV:
		return &csvPrinter{w: csv.NewWriter(out), flush: out}
	case FormatTSV:
		return &tsvPrinter{w: out}
	}
	return &tablePrinter{w: out}
}

// short writes a value for people: as text does, but with fractions of six
// digits, which is more than any ratio here means.
func short(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', significant(v), 64)
	case []float64:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = short(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return text(v)
}

// significant leaves whole numbers as they are.
func significant(v float64) int {
	if v == math.Trunc(v) {
		return -1
	}
	return 6
}

// text writes a value in words. Times are UTC, since all of Sendwatch's are.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case []byte:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case fmt.Stringer:
		return v.String()
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return "NULL"
		}
		return text(r.Elem().Interface())
	case reflect.Slice, reflect.Array:
		parts := make([]string, r.Len())
		for i := range parts {
			parts[i] = text(r.Index(i).Interface())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// jsonPrinter writes one object a line.
type jsonPrinter struct {
	w       *bufio.Writer
	columns []string
}

func (p *jsonPrinter) begin(columns []Column) error {
	for _, c := range columns {
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		p.columns = append(p.columns, string(name))
	}
	return nil
}

func (p *jsonPrinter) row(values []any) error {
	for i, v := range values {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		encoded, err := json.Marshal(plainJSON(v))
		if err != nil {
			return err
		}
		if _, err := p.w.WriteString(sep + p.columns[i] + ":" + string(encoded)); err != nil {
			return err
		}
	}
	_, err := p.w.WriteString("}\n")
	return err
}

func (p *jsonPrinter) end() error { return p.w.Flush() }

// plainJSON makes a value that JSON has: numbers that it lacks become null,
// times RFC 3339.
func plainJSON(v any) any {
	switch v := v.(type) {
	case nil, string, bool:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999999Z07:00")
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case []byte:
		return string(v)
	case encoding.TextMarshaler, json.Marshaler:
		return v // knows how it is written, as addresses and UUIDs do
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Slice || r.Kind() == reflect.Array {
		all := make([]any, r.Len())
		for i := range all {
			all[i] = plainJSON(r.Index(i).Interface())
		}
		return all
	}
	return v
}

// csvPrinter writes a header and RFC 4180 records; NULL is an empty field.
type csvPrinter struct {
	w     *csv.Writer
	flush *bufio.Writer
}

func (p *csvPrinter) begin(columns []Column) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return p.w.Write(names)
}

func (p *csvPrinter) row(values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			fields[i] = text(v)
		}
	}
	return p.w.Write(fields)
}

func (p *csvPrinter) end() error {
	p.w.Flush()
	if err := p.w.Error(); err != nil {
		return err
	}
	return p.flush.Flush()
}

// tsvPrinter writes a header and tab-separated lines; NULL is \N, and tabs,
// line ends and backslashes are escaped, as ClickHouse itself does.
type tsvPrinter struct{ w *bufio.Writer }

func (p *tsvPrinter) begin(columns []Column) error {
	names := make([]any, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return p.row(names)
}

func (p *tsvPrinter) row(values []any) error {
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
	for i, v := range values {
		field := `\N`
		if v != nil {
			field = escape.Replace(text(v))
		}
		if i > 0 {
			field = "\t" + field
		}
		if _, err := p.w.WriteString(field); err != nil {
			return err
		}
	}
	return p.w.WriteByte('\n')
}

func (p *tsvPrinter) end() error { return p.w.Flush() }
