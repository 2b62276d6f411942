package sqlprint

import (
	"bufio"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
)

// jsonPrinter writes one object a line.
type jsonPrinter struct {
	w       *bufio.Writer
	columns []string
}

// Begin prepares the names.
func (p *jsonPrinter) Begin(names []string, _ []bool) error {
	for _, n := range names {
		name, err := json.Marshal(n)
		if err != nil {
			return err
		}
		p.columns = append(p.columns, string(name))
	}
	return nil
}

// Row writes an object.
func (p *jsonPrinter) Row(values []any) error {
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

// End writes what is left.
func (p *jsonPrinter) End() error { return p.w.Flush() }

// maxExact is the largest integer up to which a double holds each. JSON has no
// limit, but JavaScript and jq read numbers as doubles and would round a hash in
// silence. Counts stay numbers, so that they can be compared.
const maxExact = 1 << 53

// plainJSON returns a value that JSON has: numbers that it lacks become null,
// integers beyond maxExact strings, times RFC 3339.
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
	case int64:
		if v < -maxExact || v > maxExact {
			return strconv.FormatInt(v, 10)
		}
		return v
	case uint64:
		if v > maxExact {
			return strconv.FormatUint(v, 10)
		}
		return v
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
