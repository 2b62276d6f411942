package clickhouse

import (
	"context"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// Writer inserts rows and flags. It is for one goroutine.
type Writer struct {
	client *Client
	tables []inserter
	blocks []event.Block // of the output that is being written
}

// inserter inserts the rows of one table.
type inserter struct {
	table   string
	columns []string
	insert  func(ctx context.Context, w *Writer, out *event.Output) error
}

// NewWriter returns a writer of the caller's own. The tables are written in the
// order of its list: flags first, because they are few, and what people wait for.
func (c *Client) NewWriter() *Writer {
	return &Writer{client: c, tables: []inserter{
		insertInto(flagTable(), func(o *event.Output) []event.Flag { return o.Flags }),
		insertBlocks(statusTable()),
		insertInto(portfolioTable(), func(o *event.Output) []event.PortfolioStatus { return o.PortfolioStatus }),
		insertInto(accountTable(), func(o *event.Output) []event.AccountEvent { return o.AccountEvents }),
		insertBlocks(minuteTable()),
		insertBlocks(fingerprintTable()),
		insertBlocks(contactTable()),
	}}
}

// insertInto returns the inserter of a table, whose rows are what rows returns.
func insertInto[R any](t *table[R], rows func(o *event.Output) []R) inserter {
	return inserter{table: t.name, columns: t.names, insert: func(ctx context.Context, w *Writer, out *event.Output) error {
		return insert(ctx, w, t, rows(out))
	}}
}

// insertBlocks returns the inserter of a table whose rows come as blocks.
func insertBlocks(t *blockTable) inserter {
	return inserter{table: t.name, columns: t.names, insert: func(ctx context.Context, w *Writer, _ *event.Output) error {
		return t.insert(ctx, w, w.blocks)
	}}
}

// Write inserts all rows, blocks and flags of out and returns nil once the server has
// stored them. After an error any part of them may be stored: the caller keeps
// out and calls Write with it again (Retryable reports whether that can help),
// which changes nothing that was stored already. Nothing of out is kept.
func (w *Writer) Write(ctx context.Context, out *event.Output) error {
	w.blocks = append(w.blocks[:0], out.Blocks...)
	w.blocks = codec.AppendBlocks(w.blocks, out) // rows that an earlier release wrote one by one
	defer func() { clear(w.blocks) }()
	for i := range w.tables {
		if err := w.tables[i].insert(ctx, w, out); err != nil {
			return err
		}
	}
	return nil
}
