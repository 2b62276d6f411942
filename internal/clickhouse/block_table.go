package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// blockTable turns blocks of the rows topic into the columns of inserts into one table: what
// a block has as a column becomes one by a copy, or widened. It owns the memory of the
// columns and reuses it.
type blockTable struct {
	name    string
	from    event.Table
	names   []string
	columns []blockColumn

	blocks []datedBlock
	block  codec.Block
	native native
	rows   int
}

// datedBlock is a block, the month (ms) in which its rows lie, and how many bytes they take as
// columns, strings that a block has once included as often as rows have them.
type datedBlock struct {
	event.Block
	month int64
	bytes int
}

// blockColumn is a column of a table on its way from blocks to the client library.
type blockColumn interface {
	add(b *codec.Block)
	appendTo(to column.Interface, rows int, n *native) error
	reset()
}

// newBlockTable returns the table that takes blocks of a kind of rows.
func newBlockTable(from event.Table) *blockTable {
	return &blockTable{name: from.String(), from: from}
}

// has adds columns that are made of those of the same names in a block.
func (t *blockTable) has(kind func(column int) blockColumn, names ...string) {
	for _, name := range names {
		t.hasFrom(name, name, kind)
	}
}

// hasFrom adds a column that is made of one of a block.
func (t *blockTable) hasFrom(from, name string, kind func(column int) blockColumn) {
	t.names = append(t.names, name)
	t.columns = append(t.columns, kind(codec.Column(t.from, from)))
}

// insert writes the blocks of the table, one month of the table an insert and each
// within the bounds.
func (t *blockTable) insert(ctx context.Context, w *Writer, blocks []event.Block) error {
	defer func() { clear(t.blocks) }()
	if err := t.sort(blocks); err != nil {
		return fail(ctx, "insert into "+t.name, err)
	}
	for left := t.blocks; len(left) > 0; {
		n := takeBlocks(left)
		if err := t.send(ctx, w, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// sort finds the blocks of the table among others, and puts them in the order of months.
func (t *blockTable) sort(blocks []event.Block) error {
	t.blocks = t.blocks[:0]
	for _, b := range blocks {
		if b.Table != t.from {
			continue
		}
		if err := t.block.Read(t.from, b.Bytes); err != nil {
			return err
		}
		t.blocks = append(t.blocks, datedBlock{b, t.block.Month(), len(b.Bytes) + t.block.Spread})
	}
	// So few blocks are of another month than their neighbours that nearly always this
	// changes nothing.
	slices.SortStableFunc(t.blocks, func(a, b datedBlock) int { return cmp.Compare(a.month, b.month) })
	return nil
}

// takeBlocks returns how many of the blocks make up the next insert, at least one.
func takeBlocks(left []datedBlock) (n int) {
	rows, bytes := 0, 0
	for n < len(left) && left[n].month == left[0].month && (n == 0 || rows+left[n].Rows <= maxInsertRows && bytes+left[n].bytes <= maxInsertBytes) {
		rows, bytes, n = rows+left[n].Rows, bytes+left[n].bytes, n+1
	}
	return n
}

// send makes one insert. After an error the rows may or may not be stored.
func (t *blockTable) send(ctx context.Context, w *Writer, blocks []datedBlock) error {
	return w.send(ctx, t.name, t.names, func(columns []column.Interface) error {
		defer t.reset()
		for _, b := range blocks {
			if err := t.add(b.Bytes); err != nil {
				return err
			}
		}
		return t.fillBlock(columns)
	})
}

// add adds the rows of a block to the columns.
func (t *blockTable) add(data []byte) error {
	if err := t.block.Read(t.from, data); err != nil {
		return err
	}
	for _, c := range t.columns {
		c.add(&t.block)
	}
	t.rows += t.block.Rows
	return nil
}

// fillBlock hands the columns to those of the library's block, which are in the
// order of the table's.
func (t *blockTable) fillBlock(block []column.Interface) error {
	for i, c := range t.columns {
		if err := c.appendTo(block[i], t.rows, &t.native); err != nil {
			return fmt.Errorf("column %s: %w", t.names[i], err)
		}
	}
	return nil
}

func (t *blockTable) reset() {
	for _, c := range t.columns {
		c.reset()
	}
	t.rows = 0
}
