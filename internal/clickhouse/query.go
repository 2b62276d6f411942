package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Rows receives the result of a query: Begin once, Row for each row, End once.
// Of a statement without a result nothing is called. Values are nil (NULL), or
// what the client library returns: numbers, strings, booleans, times, slices and
// maps of such. They are valid until Row returns.
type Rows interface {
	// Begin names the columns and says which of them hold numbers.
	Begin(names []string, numeric []bool) error
	Row(values []any) error
	End() error
}

// Query runs one statement of the user's and hands what comes back to out. The
// database is the default one, so tables and views need no prefix. It returns the
// number of rows. Unlike the errors of our own statements, one of the user's
// statement is the server's in full.
func (c *Client) Query(ctx context.Context, statement string, out Rows) (int64, error) {
	s, err := c.readable(ctx)
	if err != nil {
		return 0, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.queries.Query(running, statement)
	if errors.Is(err, io.EOF) {
		return 0, nil // a statement without a result
	}
	if err != nil {
		return 0, explain(ctx, err)
	}
	defer func() {
		// Closing reads what is left, which may be without end, so the query is
		// ended first where its rows have nowhere to go.
		cancel()
		_ = rows.Close()
	}()
	types := rows.ColumnTypes()
	if len(types) == 0 {
		for rows.Next() {
			continue // drains a statement without a result
		}
		return 0, explain(ctx, rows.Err())
	}
	names, numeric, days := make([]string, len(types)), make([]bool, len(types)), make([]bool, len(types))
	for i, t := range types {
		name := inner(t.DatabaseTypeName())
		days[i] = name == "Date" || name == "Date32"
		names[i], numeric[i] = t.Name(), isNumber(name)
	}
	if err := out.Begin(names, numeric); err != nil {
		return 0, err
	}
	cells := receivers(types)
	values := make([]any, len(cells))
	var n int64
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return n, explain(ctx, err)
		}
		for i := range cells {
			values[i] = value(reflect.ValueOf(cells[i]))
			if day, ok := values[i].(time.Time); ok && days[i] {
				values[i] = day.Format(time.DateOnly) // has no time of day
			}
		}
		if err := out.Row(values); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, errors.Join(out.End(), explain(ctx, err))
	}
	return n, out.End()
}

// receivers returns a place for each column of a row.
func receivers(types []driver.ColumnType) []any {
	cells := make([]any, len(types))
	for i, t := range types {
		cells[i] = reflect.New(t.ScanType()).Interface()
	}
	return cells
}

// value follows pointers to what they hold, nil for NULL.
func value(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		// A big number or a UUID writes itself; a time is written by the format.
		if v.Elem().Kind() == reflect.Struct && v.Elem().Type() != reflect.TypeFor[time.Time]() {
			if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
				return s.String()
			}
		}
		v = v.Elem()
	}
	return v.Interface()
}

// inner returns the type within Nullable and LowCardinality.
func inner(databaseType string) string {
	for _, around := range []string{"LowCardinality(", "Nullable("} {
		if rest, ok := strings.CutPrefix(databaseType, around); ok {
			databaseType = strings.TrimSuffix(rest, ")")
		}
	}
	return databaseType
}

// isNumber reports whether values of a type read better aligned to the right.
func isNumber(name string) bool {
	for _, prefix := range []string{"Int", "UInt", "Float", "BFloat", "Decimal"} {
		if strings.HasPrefix(name, prefix) {
			return !strings.HasPrefix(name, "Interval")
		}
	}
	return false
}

// explain returns the server's message of a statement of the user's.
func explain(ctx context.Context, err error) error {
	if exception, ok := errors.AsType[*ch.Exception](err); ok {
		return fmt.Errorf("ClickHouse code %d: %s", exception.Code, strings.TrimPrefix(exception.Message, "DB::Exception: "))
	}
	return fail(ctx, "query", err)
}
