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

// Query runs one statement of the user's and writes what comes back to w. The
// database is the default one, so tables and views need no prefix. It returns the
// number of rows. Unlike the errors of our own statements, one of the user's
// statement is the server's in full.
func (c *Client) Query(ctx context.Context, w io.Writer, statement string, format Format) (int64, error) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := c.queries.Query(running, statement)
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
	columns, days := make([]Column, len(types)), make([]bool, len(types))
	for i, t := range types {
		name := inner(t.DatabaseTypeName())
		days[i] = name == "Date" || name == "Date32"
		columns[i] = Column{Name: t.Name(), Number: isNumber(name)}
	}
	out := format.printer(w)
	if err := out.begin(columns); err != nil {
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
		if err := out.row(values); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, errors.Join(out.end(), explain(ctx, err))
	}
	return n, out.end()
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
