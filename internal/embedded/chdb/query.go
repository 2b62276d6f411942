package chdb

import (
	"bufio"
	"bytes"
	"strings"
)

// execute runs a statement that takes no blocks, and sends its result.
func (c *client) execute(sql string) error {
	w := c.watch()
	sent, err := c.result(sql, w)
	if werr := w.stop(); werr != nil {
		return werr
	}
	if err == nil && w.cancelled.Load() {
		err = &exception{code: codeQueryCancelled, message: "Query was cancelled."}
	}
	if err == nil && !sent && c.session.readOnly(sql) {
		return c.sendEmpty(sql)
	}
	return err
}

// result streams a statement's blocks to the client.
func (c *client) result(sql string, w *watcher) (sent bool, err error) {
	if !c.session.readOnly(sql) {
		return c.whole(sql)
	}
	st, err := c.session.query(sql)
	if err != nil {
		if notStreamable(err) {
			return c.whole(sql)
		}
		return false, err
	}
	defer st.close()
	for !w.cancelled.Load() {
		more, err := st.next(func(block []byte) error {
			sent = true
			return c.sendBlock(block)
		})
		if err != nil || !more {
			return sent, err
		}
	}
	return sent, nil
}

// notStreamable recognises the engine's refusal to stream what is not a plain
// SELECT: SHOW, DESCRIBE, EXPLAIN.
func notStreamable(err error) bool {
	return strings.Contains(err.Error(), "Streaming query is not supported")
}

// whole runs a statement at once. Its result may be several blocks in a row.
func (c *client) whole(sql string) (sent bool, err error) {
	out, err := c.session.exec(sql)
	if err != nil || len(out) == 0 {
		return false, err
	}
	r := bufio.NewReaderSize(bytes.NewReader(out), readBuffer)
	bl := blockReader{r: r, limit: maxBlockBytes}
	for {
		if _, err := r.Peek(1); err != nil {
			return true, nil //nolint:nilerr // The end of the result.
		}
		bl.out = bl.out[:0]
		if _, _, err := bl.block(); err != nil {
			return true, asException(err)
		}
		if err := c.sendBlock(bl.out); err != nil {
			return true, err
		}
	}
}

// sendEmpty tells the client the columns of a result without rows. The engine
// says nothing about an empty result, so it is asked what the columns are. Of
// a statement that cannot be asked about, the client learns of no columns.
func (c *client) sendEmpty(sql string) error {
	columns, err := c.session.describe("(" + strings.TrimRight(strings.TrimSpace(sql), ";") + "\n)")
	if err != nil {
		columns = nil
	}
	return c.sendBlock(headerBlock(columns))
}

// describe asks for the columns of a table, a table function or a query.
func (s *session) describe(what string) ([]column, error) {
	rows, err := s.strings("DESCRIBE TABLE " + what)
	if err != nil {
		return nil, err
	}
	columns := make([]column, 0, len(rows))
	for _, r := range rows {
		if len(r) < 3 {
			return nil, &exception{code: unknownException, message: "DESCRIBE answers with too few columns"}
		}
		columns = append(columns, column{name: r[0], typ: r[1], kind: r[2]})
	}
	return columns, nil
}
