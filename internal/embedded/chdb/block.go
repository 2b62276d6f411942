package chdb

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/ClickHouse/ch-go/proto"
)

// blockReader copies one block of the Native format from r to out, and finds
// its end that way: a block does not say how long it is. Values are copied and
// never decoded, so whatever client and engine agree on passes unchanged.
type blockReader struct {
	r     *bufio.Reader
	out   []byte
	limit int // out never grows beyond this many bytes.
}

// block copies one block:
//
//	columns  uvarint
//	rows     uvarint
//	columns times:
//	  name   string
//	  type   string
//	  values, laid out as the type says; nothing if there are no rows
func (b *blockReader) block() (columns, rows uint64, err error) {
	if columns, err = b.uvarint(); err != nil {
		return 0, 0, err
	}
	if rows, err = b.uvarint(); err != nil {
		return 0, 0, err
	}
	if columns > maxColumns || rows > maxRows {
		return 0, 0, protocolError("a block of %d columns and %d rows, accepted are %d and %d", columns, rows, maxColumns, maxRows)
	}
	for range columns {
		if _, err := b.str(maxNameBytes); err != nil {
			return 0, 0, err
		}
		typ, err := b.str(maxTypeBytes)
		if err != nil {
			return 0, 0, err
		}
		l, err := parseLayout(typ)
		if err != nil {
			return 0, 0, err
		}
		if rows == 0 {
			continue
		}
		if err := b.prefix(&l); err != nil {
			return 0, 0, err
		}
		if err := b.values(&l, rows); err != nil {
			return 0, 0, err
		}
	}
	return columns, rows, nil
}

// prefix copies what stands before all values of a column: the version of each
// dictionary in it.
func (b *blockReader) prefix(l *layout) error {
	if l.kind == layoutLowCardinality {
		return b.copy(8)
	}
	for i := range l.parts {
		if err := b.prefix(&l.parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// values copies n values.
func (b *blockReader) values(l *layout, n uint64) error {
	if n > maxRows {
		return protocolError("%d values in a column, accepted are %d", n, maxRows)
	}
	switch l.kind {
	case layoutFixed:
		return b.copy(n * uint64(l.size))
	case layoutString:
		return b.strings(n)
	case layoutNullable:
		if err := b.copy(n); err != nil {
			return err
		}
		return b.values(&l.parts[0], n)
	case layoutArray:
		if n == 0 {
			return nil
		}
		if err := b.copy(8 * n); err != nil {
			return err
		}
		elements := binary.LittleEndian.Uint64(b.out[len(b.out)-8:])
		return b.values(&l.parts[0], elements)
	case layoutLowCardinality:
		return b.dictionary(&l.parts[0], n)
	}
	for i := range l.parts {
		if err := b.values(&l.parts[i], n); err != nil {
			return err
		}
	}
	return nil
}

// Flags of a dictionary. The low byte is the logarithm of the index size.
const (
	dictionaryGlobal = 1 << 8
	dictionaryKeys   = 1 << 9
)

// dictionary copies n values of a LowCardinality column:
//
//	flags    uint64
//	entries  uint64, then that many bare values
//	rows     uint64, then that many indexes of 1, 2, 4 or 8 bytes
func (b *blockReader) dictionary(entry *layout, n uint64) error {
	if n == 0 {
		return nil
	}
	flags, err := b.uint64()
	if err != nil {
		return err
	}
	if flags&dictionaryGlobal != 0 || flags&dictionaryKeys == 0 || flags&0xff > 3 {
		return protocolError("dictionary flags %#x", flags)
	}
	entries, err := b.uint64()
	if err != nil {
		return err
	}
	if err := b.values(entry, entries); err != nil {
		return err
	}
	rows, err := b.uint64()
	if err != nil {
		return err
	}
	if rows != n {
		return protocolError("a dictionary column of %d rows in a block of %d", rows, n)
	}
	return b.copy(n << (flags & 0xff))
}

// growStep is how much is read at once into out: memory follows the bytes that
// came, not the length somebody claims.
const growStep = 1 << 20

// copy copies n bytes.
func (b *blockReader) copy(n uint64) error {
	if n > uint64(b.limit-len(b.out)) {
		return protocolError("a block of more than %d bytes", maxBlockBytes)
	}
	for n > 0 {
		step := int(min(n, growStep))
		at := len(b.out)
		b.out = append(b.out, make([]byte, step)...)
		if _, err := io.ReadFull(b.r, b.out[at:]); err != nil {
			return err
		}
		n -= uint64(step)
	}
	return nil
}

func (b *blockReader) uint64() (uint64, error) {
	if err := b.copy(8); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b.out[len(b.out)-8:]), nil
}

func (b *blockReader) uvarint() (uint64, error) {
	v, err := binary.ReadUvarint(b.r)
	if err != nil {
		return 0, err
	}
	b.out = binary.AppendUvarint(b.out, v)
	return v, nil
}

func (b *blockReader) str(limit uint64) (string, error) {
	n, err := b.uvarint()
	if err != nil {
		return "", err
	}
	if n > limit {
		return "", protocolError("a name of %d bytes, accepted are %d", n, limit)
	}
	at := len(b.out)
	if err := b.copy(n); err != nil {
		return "", err
	}
	return string(b.out[at:]), nil
}

// strings copies n strings. Short ones, which most are, come from the reader's
// buffer in one piece.
func (b *blockReader) strings(n uint64) error {
	for range n {
		size, err := b.uvarint()
		if err != nil {
			return err
		}
		if size > uint64(b.limit-len(b.out)) {
			return protocolError("a block of more than %d bytes", maxBlockBytes)
		}
		if size <= uint64(b.r.Buffered()) {
			text, err := b.r.Peek(int(size))
			if err != nil {
				return err
			}
			b.out = append(b.out, text...)
			if _, err := b.r.Discard(int(size)); err != nil {
				return err
			}
			continue
		}
		if err := b.copy(size); err != nil {
			return err
		}
	}
	return nil
}

// column is a column's name and type, and what kind of default it has as
// DESCRIBE says it: "" or DEFAULT, MATERIALIZED, ALIAS, EPHEMERAL.
type column struct {
	name, typ, kind string
}

// headerBlock is a block without rows, which tells a client the columns.
func headerBlock(columns []column) []byte {
	var b proto.Buffer
	b.PutInt(len(columns))
	b.PutInt(0)
	for _, c := range columns {
		b.PutString(c.name)
		b.PutString(c.typ)
	}
	return b.Buf
}
