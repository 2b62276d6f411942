package clickhouse

import (
	"encoding/binary"
	"math"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// The columns of this file hold what they have read of blocks as it is on the wire
// to ClickHouse (native). What a column of another type than ours wants, one that an
// operator has changed perhaps, is made of that.

// fixed is a column of numbers.
type fixed[T any] struct {
	from  int
	read  func(c codec.Numbers, to []byte, n int) []byte
	bytes []byte
}

func (c *fixed[T]) add(b *codec.Block) { c.bytes = c.read(b.Numbers(c.from), c.bytes, b.Rows) }

func (c *fixed[T]) reset() { c.bytes = c.bytes[:0] }

func (c *fixed[T]) appendTo(to column.Interface, rows int, n *native) error {
	if isNative(to.Type(), []T(nil)) {
		return n.take(to, rows, c.bytes)
	}
	values, err := valuesOf[T](c.bytes, rows)
	if err != nil {
		return err
	}
	_, err = to.Append(forLibrary(to.Type(), values))
	return err
}

// valuesOf reads the values of a column.
func valuesOf[T any](bytes []byte, n int) ([]T, error) {
	values := make([]T, n)
	_, err := binary.Decode(bytes, binary.LittleEndian, values)
	return values, err
}

// Columns of counts, of numbers of 64 bits, of times, of a byte, of yes and no, and of words, of which most
// is the last.
func counts(from int) blockColumn {
	return &fixed[uint32]{from: from, read: codec.Numbers.AppendUint32}
}

func hashes64(from int) blockColumn {
	return &fixed[uint64]{from: from, read: codec.Numbers.AppendUint64}
}

func offsets(from int) blockColumn {
	return &fixed[uint64]{from: from, read: func(c codec.Numbers, to []byte, n int) []byte {
		return c.AppendWithin(to, n, 0, math.MaxInt64)
	}}
}

func instants(from int) blockColumn {
	return &fixed[int64]{from: from, read: func(c codec.Numbers, to []byte, n int) []byte {
		return c.AppendWithin(to, n, 0, latestTime)
	}}
}

func small[T any](most uint8) func(from int) blockColumn {
	return func(from int) blockColumn {
		return &fixed[T]{from: from, read: func(c codec.Numbers, to []byte, n int) []byte { return c.AppendUint8(to, n, most) }}
	}
}

// nullable is a column of doubles, or of times that come as doubles, that may be none.
type nullable[T any] struct {
	from   int
	none   func(c codec.Numbers, to []byte, n int) []byte // a byte a row: whether it is
	read   func(c codec.Numbers, to []byte, n int) []byte
	absent []byte
	bytes  []byte
}

func (c *nullable[T]) add(b *codec.Block) {
	values := b.Numbers(c.from)
	c.absent, c.bytes = c.none(values, c.absent, b.Rows), c.read(values, c.bytes, b.Rows)
}

func (c *nullable[T]) reset() { c.absent, c.bytes = c.absent[:0], c.bytes[:0] }

func (c *nullable[T]) appendTo(to column.Interface, rows int, n *native) error {
	if within, ok := inside(to.Type(), "Nullable"); ok && isNative(within, []T(nil)) {
		return n.take(to, rows, c.absent, c.bytes)
	}
	values, err := valuesOf[T](c.bytes, rows)
	if err != nil {
		return err
	}
	pointers := make([]*T, rows)
	for i := range values {
		if c.absent[i] == 0 {
			pointers[i] = &values[i]
		}
	}
	_, err = to.Append(forLibrary(to.Type(), pointers))
	return err
}

func ratios(from int) blockColumn {
	return &nullable[float64]{from: from, none: codec.Numbers.AppendNaN, read: codec.Numbers.AppendDoubles}
}

func instantsOfDoubles(from int) blockColumn {
	return &nullable[int64]{from: from, none: codec.Numbers.AppendNaN, read: func(c codec.Numbers, to []byte, n int) []byte {
		for i := range n {
			at := int64(0)
			if ms := c.Double(i); !math.IsNaN(ms) {
				at = instant(int64(min(ms, latestTime))) // a double may be beyond an int64
			}
			to = binary.LittleEndian.AppendUint64(to, uint64(at))
		}
		return to
	}}
}

// stringColumn is a column of strings. The library is quicker to take them as they are in memory
// than off the wire, where each has a length before it.
type stringColumn struct {
	from int
	read func(b *codec.Block, from int, to []string) []string
	list []string
}

func (c *stringColumn) add(b *codec.Block) { c.list = c.read(b, c.from, c.list) }

func (c *stringColumn) reset() {
	clear(c.list)
	c.list = c.list[:0]
}

func (c *stringColumn) appendTo(to column.Interface, _ int, _ *native) error {
	_, err := to.Append(c.list)
	return err
}

// stringsOf reads n strings, each behind its length.
func stringsOf(bytes []byte, n int) []string {
	list := make([]string, n)
	for i := range list {
		size, head := binary.Uvarint(bytes)
		end := head + int(size)
		list[i], bytes = string(bytes[head:end]), bytes[end:]
	}
	return list
}

func words(from int) blockColumn {
	return &stringColumn{from: from, read: func(b *codec.Block, from int, to []string) []string { return b.Texts(from).AppendTo(to, b.Rows) }}
}

// digits are fingerprints, written as 16 digits; those of a block are parts of one string.
func digits(from int) blockColumn {
	var text []byte
	return &stringColumn{from: from, read: func(b *codec.Block, from int, to []string) []string {
		c := b.Numbers(from)
		text = text[:0]
		for i := range b.Rows {
			text = appendHex16(text, c.At(i))
		}
		for all := string(text); all != ""; all = all[16:] {
			to = append(to, all[:16])
		}
		return to
	}}
}

// arrays is a column of arrays: where each ends, and what all of them hold.
type arrays struct {
	of    column.Type // what the arrays hold
	read  func(l *arrays, b *codec.Block)
	ends  []byte
	last  uint64 // where the last one ends
	bytes []byte
	// typed returns the values for a column of another type, one slice a row.
	typed func(l *arrays, ends []uint64) []any
}

func (c *arrays) add(b *codec.Block) { c.read(c, b) }

func (c *arrays) reset() { c.ends, c.last, c.bytes = c.ends[:0], 0, c.bytes[:0] }

func (c *arrays) appendTo(to column.Interface, rows int, n *native) error {
	if within, ok := inside(to.Type(), "Array"); ok && within == c.of {
		return n.take(to, rows, c.ends, c.bytes)
	}
	ends, err := valuesOf[uint64](c.ends, rows)
	if err != nil {
		return err
	}
	for _, row := range c.typed(c, ends) {
		if err := to.AppendRow(row); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf parts values by where each row's end.
func rowsOf[T any](values []T, ends []uint64) []any {
	rows, begin := make([]any, len(ends)), uint64(0)
	for i, end := range ends {
		rows[i], begin = values[begin:end:end], end
	}
	return rows
}

// contactLists are the sketches of contacts.
func contactLists(from int) blockColumn {
	return &arrays{of: "UInt64", read: func(l *arrays, b *codec.Block) {
		c := b.Hashes(from)
		l.ends, l.last = c.Lengths.AppendEnds(l.ends, b.Rows, l.last)
		l.bytes = append(l.bytes, c.Bytes()...)
	}, typed: func(l *arrays, ends []uint64) []any {
		values, err := valuesOf[uint64](l.bytes, int(l.last))
		if err != nil {
			return nil
		}
		return rowsOf(values, ends)
	}}
}

// stringLists is a column of a part of the contributions, as arrays of strings.
func stringLists(part func(c codec.Contributions) codec.Texts) func(from int) blockColumn {
	return func(from int) blockColumn {
		return &arrays{of: "String", read: func(l *arrays, b *codec.Block) {
			c := b.Contributions(from)
			l.ends, l.last = c.Lengths.AppendEnds(l.ends, b.Rows, l.last)
			l.bytes = part(c).AppendStrings(l.bytes, c.Count)
		}, typed: func(l *arrays, ends []uint64) []any {
			return rowsOf(stringsOf(l.bytes, int(l.last)), ends)
		}}
	}
}

// points are what the contributions take off.
func points(from int) blockColumn {
	return &arrays{of: "Float64", read: func(l *arrays, b *codec.Block) {
		c := b.Contributions(from)
		l.ends, l.last = c.Lengths.AppendEnds(l.ends, b.Rows, l.last)
		l.bytes = c.Points.AppendDoubles(l.bytes, c.Count)
	}, typed: func(l *arrays, ends []uint64) []any {
		values, err := valuesOf[float64](l.bytes, int(l.last))
		if err != nil {
			return nil
		}
		return rowsOf(values, ends)
	}}
}

// silences is the column of the factors that are silent, each with the reason. They are so few texts
// that the column has each once (LowCardinality), and the rows which of them.
type silences struct {
	from  int
	ends  []byte
	last  uint64
	keys  []byte // of texts, one a silent factor
	texts []string
	key   map[string]byte
	row   []byte
}

func silent(from int) blockColumn {
	c := &silences{from: from}
	c.reset()
	return c
}

func (c *silences) add(b *codec.Block) {
	texts := b.Texts(c.from)
	var before []byte // most rows are silent as the one before is
	for i := range b.Rows {
		if text := texts.At(i); string(text) != string(before) {
			c.row, before = c.row[:0], text
			for f, why := range codec.Silences(text) {
				c.row = append(c.row, c.keyOf(f.String()+": "+why.String()))
			}
		}
		c.keys = append(c.keys, c.row...)
		c.last += uint64(len(c.row))
		c.ends = binary.LittleEndian.AppendUint64(c.ends, c.last)
	}
	c.row = c.row[:0]
}

// keyOf returns the place of a text. There are as many as factors times reasons, less than
// 256 by far.
func (c *silences) keyOf(text string) byte {
	key, ok := c.key[text]
	if !ok {
		key = byte(len(c.texts))
		c.texts = append(c.texts, text)
		c.key[text] = key
	}
	return key
}

func (c *silences) reset() {
	c.ends, c.last, c.keys = c.ends[:0], 0, c.keys[:0]
	c.texts, c.key = append(c.texts[:0], ""), map[string]byte{"": 0} // the first is what a column begins with
}

// dictionaryOfBytes begins the values of a LowCardinality column on the wire: keys are
// a byte each, and the dictionary comes with them.
const dictionaryOfBytes = 1<<9 | 1<<10

func (c *silences) appendTo(to column.Interface, rows int, n *native) error {
	if within, ok := inside(to.Type(), "Array"); ok && within == "LowCardinality(String)" {
		if len(c.keys) == 0 {
			return n.take(to, rows, c.ends)
		}
		head := binary.LittleEndian.AppendUint64(nil, dictionaryOfBytes)
		head = binary.LittleEndian.AppendUint64(head, uint64(len(c.texts)))
		for _, text := range c.texts {
			head = append(binary.AppendUvarint(head, uint64(len(text))), text...)
		}
		head = binary.LittleEndian.AppendUint64(head, uint64(len(c.keys)))
		return n.take(to, rows, c.ends, head, c.keys)
	}
	ends, err := valuesOf[uint64](c.ends, rows)
	if err != nil {
		return err
	}
	texts := make([]string, len(c.keys))
	for i, key := range c.keys {
		texts[i] = c.texts[key]
	}
	for _, row := range rowsOf(texts, ends) {
		if err := to.AppendRow(row); err != nil {
			return err
		}
	}
	return nil
}

// capWords are what WhatsApp says of a cap, which may be nothing.
func capWords(from int) blockColumn {
	word := func(c codec.Numbers, i int) byte { return byte(min(fact32(c.Double(i)), uint32(event.CapCapped))) }
	return &nullable[int8]{from: from, none: func(c codec.Numbers, to []byte, n int) []byte {
		for i := range n {
			absent := byte(0)
			if word(c, i) == byte(event.CapAbsent) {
				absent = 1
			}
			to = append(to, absent)
		}
		return to
	}, read: func(c codec.Numbers, to []byte, n int) []byte {
		for i := range n {
			to = append(to, word(c, i))
		}
		return to
	}}
}
