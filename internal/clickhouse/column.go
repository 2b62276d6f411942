package clickhouse

import (
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// values are those of one column of a table: read from rows into memory of their own
// and handed to the client library all at once.
type values[R any] interface {
	fill(rows []*R) // adds the values of these rows
	appendTo(to column.Interface, n *native) error
	reset() // empties the column and lets go of what it pointed to
}

// of is a column of plain values.
type of[R, T any] struct {
	get    func(*R) T
	values []T
}

func plain[R, T any](get func(*R) T) *of[R, T] { return &of[R, T]{get: get} }

func (c *of[R, T]) fill(rows []*R) {
	for _, r := range rows {
		c.values = append(c.values, c.get(r))
	}
}

func (c *of[R, T]) appendTo(to column.Interface, n *native) error {
	if isNative(to.Type(), c.values) {
		return n.hand(to, len(c.values), c.values)
	}
	_, err := to.Append(forLibrary(to.Type(), c.values))
	return err
}

func (c *of[R, T]) reset() {
	clear(c.values)
	c.values = c.values[:0]
}

// maybe is a column of values that may be absent.
type maybe[R, T any] struct {
	get    func(*R) (T, bool)
	values []T
	absent []bool
}

func optional[R, T any](get func(*R) (v T, there bool)) *maybe[R, T] {
	return &maybe[R, T]{get: get}
}

func (c *maybe[R, T]) fill(rows []*R) {
	for _, r := range rows {
		v, there := c.get(r)
		if !there {
			var none T // what lies under a NULL counts for nothing, and zeros take least
			v = none
		}
		c.values = append(c.values, v)
		c.absent = append(c.absent, !there)
	}
}

func (c *maybe[R, T]) appendTo(to column.Interface, n *native) error {
	if within, ok := inside(to.Type(), "Nullable"); ok && isNative(within, c.values) {
		return n.hand(to, len(c.values), c.absent, c.values)
	}
	pointers := make([]*T, len(c.values))
	for i := range c.values {
		if !c.absent[i] {
			pointers[i] = &c.values[i]
		}
	}
	_, err := to.Append(forLibrary(to.Type(), pointers))
	return err
}

func (c *maybe[R, T]) reset() {
	c.values, c.absent = c.values[:0], c.absent[:0]
}

// list is a column of arrays.
type list[R, T any] struct {
	get    func(*R, []T) []T // adds the row's values
	values []T
	ends   []uint64 // of each row, where its values end
}

func lists[R, T any](add func(r *R, to []T) []T) *list[R, T] { return &list[R, T]{get: add} }

func (c *list[R, T]) fill(rows []*R) {
	for _, r := range rows {
		c.values = c.get(r, c.values)
		c.ends = append(c.ends, uint64(len(c.values)))
	}
}

func (c *list[R, T]) appendTo(to column.Interface, n *native) error {
	if within, ok := inside(to.Type(), "Array"); ok && isNative(within, c.values) {
		return n.hand(to, len(c.ends), c.ends, c.values)
	}
	begin := uint64(0)
	for _, end := range c.ends { // one by one they take the library's path without reflection
		if err := to.AppendRow(c.values[begin:end:end]); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

func (c *list[R, T]) reset() {
	clear(c.values)
	c.values, c.ends = c.values[:0], c.ends[:0]
}
