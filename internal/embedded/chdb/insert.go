package chdb

import (
	"errors"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// maxKeptBlock is how much memory of a block stays with an idle connection.
const maxKeptBlock = 16 << 20

// insert runs an INSERT: tells the client the columns, then hands its blocks
// to the engine until an empty one says that there are no more.
func (c *client) insert(st insertStatement) error {
	columns, err := c.session.insertColumns(st)
	if err != nil {
		return err
	}
	in, err := c.session.insert(st.head)
	if err != nil {
		return err
	}
	defer in.close()
	if err := c.sendBlock(headerBlock(columns)); err != nil {
		return err
	}
	// Once the engine refused a block the rest is read and dropped, so that the
	// next packet is found.
	var refused error
	for {
		more, err := c.nextBlock()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if refused == nil {
			refused = in.append(c.block)
		}
	}
	if refused != nil {
		return asException(refused)
	}
	return in.commit()
}

// nextBlock reads the next block of an INSERT into c.block.
func (c *client) nextBlock() (more bool, err error) {
	code, err := c.in.raw.ReadByte()
	if err != nil {
		return false, err
	}
	switch proto.ClientCode(code) {
	case proto.ClientCodeData:
	case proto.ClientCodeCancel:
		return false, errors.New("the client cancelled its INSERT")
	default:
		return false, protocolError("packet %d inside an INSERT", code)
	}
	if cap(c.block) > maxKeptBlock {
		c.block = nil
	}
	var columns, rows uint64
	c.block, columns, rows, err = c.in.data(c.block[:0], c.compressed)
	if err != nil {
		return false, err
	}
	if rows == 0 {
		c.block = c.block[:0]
	}
	return columns > 0, nil
}

// insertColumns finds the columns an INSERT expects, in its order.
func (s *session) insertColumns(st insertStatement) ([]column, error) {
	all, err := s.describe(st.target)
	if err != nil {
		return nil, err
	}
	if st.columns == nil {
		stored := all[:0]
		for _, c := range all {
			if c.kind == "" || c.kind == "DEFAULT" {
				stored = append(stored, c)
			}
		}
		return stored, nil
	}
	byName := make(map[string]column, len(all))
	for _, c := range all {
		byName[c.name] = c
	}
	columns := make([]column, 0, len(st.columns))
	for _, written := range st.columns {
		name, plain := unquote(written)
		c, known := byName[name]
		if !plain || !known {
			// An expression such as "* EXCEPT(a)", or a mistake: the engine's
			// parser knows which, and its message names the column.
			return s.describe("(SELECT " + strings.Join(st.columns, ", ") + " FROM " + st.target + ")")
		}
		columns = append(columns, c)
	}
	return columns, nil
}
