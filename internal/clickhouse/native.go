package clickhouse

import (
	"encoding/binary"
	"io"
	"math"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// native hands values to the client library as the bytes that they are on the wire:
// numbers of a fixed size, little-endian, one after the other; of an optional value
// first a byte each that says whether it is NULL; of arrays first where each ends. The
// library takes them as it takes a block from a server, by one copy into memory of just
// the right size. Its Append takes numbers one by one, through time.Time where they are
// times and through an interface where they are words, into memory that grows.
type native struct {
	bytes  []byte
	source byteParts
	reader *proto.Reader
}

// hand lets a column take its rows, of which each part holds the values of one kind.
func (n *native) hand(to column.Interface, rows int, parts ...any) error {
	n.bytes = n.bytes[:0]
	for _, part := range parts {
		var err error
		if n.bytes, err = binary.Append(n.bytes, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return n.take(to, rows, n.bytes)
}

// take lets a column take its rows, of which each part holds the bytes of one kind.
func (n *native) take(to column.Interface, rows int, parts ...[]byte) error {
	if rows == 0 {
		return nil
	}
	n.source.parts = append(n.source.parts[:0], parts...)
	if n.reader == nil {
		n.reader = proto.NewReader(&n.source)
	}
	return to.Decode(n.reader, rows)
}

// byteParts reads several pieces of memory one after another.
type byteParts struct{ parts [][]byte }

// Read reads what is next.
func (p *byteParts) Read(to []byte) (n int, err error) {
	for len(p.parts) > 0 && n < len(to) {
		done := copy(to[n:], p.parts[0])
		n += done
		if p.parts[0] = p.parts[0][done:]; len(p.parts[0]) == 0 {
			p.parts = p.parts[1:]
		}
	}
	if n == 0 && len(to) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// isNative reports whether a column of this type has these values on the wire as they
// are. Of any other, one that an operator has changed perhaps, the library knows what
// to do.
func isNative(t column.Type, values any) bool {
	name := string(t)
	switch values.(type) {
	case []uint8:
		return name == "UInt8"
	case []uint32:
		return name == "UInt32"
	case []uint64:
		return name == "UInt64"
	case []int64: // times are in ms
		return name == "Int64" || strings.HasPrefix(name, "DateTime64(3")
	case []float64:
		return name == "Float64"
	case []int8:
		return strings.HasPrefix(name, "Enum8(")
	case []bool:
		return name == "Bool"
	}
	return false
}

// forLibrary returns values for the Append of a column whose type is not ours. Where an
// operator keeps times by the second (DateTime), the library would take our milliseconds as
// seconds: it gets times, none beyond the last that the type has.
func forLibrary(t column.Type, values any) any {
	if name := strings.TrimPrefix(string(t), "Nullable("); !strings.HasPrefix(name, "DateTime") || strings.HasPrefix(name, "DateTime64") {
		return values
	}
	instant := func(ms int64) time.Time { return time.UnixMilli(min(ms, math.MaxUint32*1000)) }
	switch values := values.(type) {
	case []int64:
		times := make([]time.Time, len(values))
		for i, ms := range values {
			times[i] = instant(ms)
		}
		return times
	case []*int64:
		times := make([]*time.Time, len(values))
		for i, ms := range values {
			if ms != nil {
				at := instant(*ms)
				times[i] = &at
			}
		}
		return times
	}
	return values
}

// inside returns the type within the parentheses of another, if that is the outer one.
func inside(t column.Type, outer string) (column.Type, bool) {
	rest, ok := strings.CutPrefix(string(t), outer+"(")
	return column.Type(strings.TrimSuffix(rest, ")")), ok
}
