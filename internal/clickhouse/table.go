package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// Bounds of one insert. The server takes blocks of this size in one piece, so
// that an insert of one table partition is stored as a whole or not at all.
const (
	maxInsertRows  = 65_536
	maxInsertBytes = 32 << 20
)

// table turns rows of one kind, of which there are few (block_table.go has the others), into the columns of inserts into one table. It
// owns the memory of the columns and reuses it.
type table[R any] struct {
	name    string
	names   []string
	columns []values[R]
	// time returns the event time whose month is the row's partition in the table.
	time func(*R) int64
	// bytes returns about how much the row's strings take: rows may share one in memory,
	// but not in an insert.
	bytes func(*R) int

	picked []*R
	native native
}

// has adds a column to the table.
func (t *table[R]) has(name string, c values[R]) {
	t.names = append(t.names, name)
	t.columns = append(t.columns, c)
}

// insert writes the rows into the table, one month of the table an insert and
// each within the bounds. The rows must not change until it returns.
func insert[R any](ctx context.Context, w *Writer, t *table[R], rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	picked := t.picked[:0]
	for i := range rows {
		picked = append(picked, &rows[i])
	}
	t.picked = picked
	defer clear(picked)
	if !oneMonth(t, picked) {
		// Partitions of the table are months; so few rows lie in another one
		// than their neighbours that sorting them all is rare.
		slices.SortStableFunc(picked, func(a, b *R) int { return month(t.time(a)) - month(t.time(b)) })
	}
	for len(picked) > 0 {
		n := t.take(picked)
		if err := send(ctx, w, t, picked[:n]); err != nil {
			return err
		}
		picked = picked[n:]
	}
	return nil
}

// take returns how many of the rows make up the next insert, at least one.
func (t *table[R]) take(rows []*R) int {
	bytes := 0
	for n, r := range rows {
		bytes += t.bytes(r)
		if n == maxInsertRows || n > 0 && bytes > maxInsertBytes || month(t.time(r)) != month(t.time(rows[0])) {
			return n
		}
	}
	return len(rows)
}

// stride is how many rows are read into all columns at a time: so many stay in
// the processor's cache while one column after the other reads them.
const stride = 128

func (t *table[R]) fill(rows []*R) {
	for chunk := range slices.Chunk(rows, stride) {
		for _, c := range t.columns {
			c.fill(chunk)
		}
	}
}

func (t *table[R]) reset() {
	for _, c := range t.columns {
		c.reset()
	}
}

// send makes one insert. After an error the rows may or may not be stored.
func send[R any](ctx context.Context, w *Writer, t *table[R], rows []*R) error {
	return w.send(ctx, t.name, t.names, func(columns []column.Interface) error { return t.fillBlock(columns, rows) })
}

// send makes one insert into some columns of a table, which fill fills.
func (w *Writer) send(ctx context.Context, table string, names []string, fill func(columns []column.Interface) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.client.insertTimeout)
	defer cancel()
	server, err := w.client.writable(ctx)
	if err != nil {
		return err
	}
	doing := "insert into " + table
	batch, err := server.conn.PrepareBatch(insertSettings(ctx), insertStatement(w.client.database, table, names))
	if err != nil {
		w.client.failed(server, err)
		return fail(ctx, doing, err)
	}
	defer batch.Close() //nolint:errcheck // after a Send it does nothing, before one its error has been given
	if err := fill(batch.Columns()); err != nil {
		return fail(ctx, doing, err)
	}
	err = batch.Send()
	w.client.failed(server, err)
	return fail(ctx, doing, err)
}

// fillBlock reads the rows into the columns of the library's block, which are in the
// order of the table's.
func (t *table[R]) fillBlock(block []column.Interface, rows []*R) error {
	defer t.reset()
	t.fill(rows)
	for i, c := range t.columns {
		if err := c.appendTo(block[i], &t.native); err != nil {
			return fmt.Errorf("column %s: %w", t.names[i], err)
		}
	}
	return nil
}

// insertStatement begins an insert into some columns of a table.
func insertStatement(database, table string, columns []string) string {
	return "INSERT INTO " + database + "." + table + " (`" + strings.Join(columns, "`, `") + "`)"
}

// insertSettings asks for the answer after the rows are stored: servers since
// 26.2 collect inserts in memory by default and answer for many at once. And it asks for
// number_latest to be given what replicated tables drop as a repeat: where number_status
// had taken an insert and number_latest had not, older servers would pass over both.
func insertSettings(ctx context.Context) context.Context {
	return ch.Context(ctx, ch.WithSettings(ch.Settings{"async_insert": 0, "deduplicate_blocks_in_dependent_materialized_views": 1}))
}

func oneMonth[R any](t *table[R], rows []*R) bool {
	first := month(t.time(rows[0]))
	for _, r := range rows[1:] {
		if month(t.time(r)) != first {
			return false
		}
	}
	return true
}

// month numbers the months of UTC.
func month(ms int64) int {
	year, m, _ := time.UnixMilli(ms).UTC().Date()
	return year*12 + int(m)
}
