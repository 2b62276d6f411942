package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

// ErrBytes is the error of bytes that are not what the same structure wrote.
var ErrBytes = errors.New("flat: not the bytes of this state")

// Copier is on its way through a state: it writes it, reads it or lists its types.
type Copier struct {
	way      way
	bytes    []byte // written so far, or still to be read
	size     int    // measured so far
	types    []reflect.Type
	snapshot *Snapshot    // that holds what is not copied at once
	ended    func() error // why reading is to stop, nil while it is not; may be nil
	unasked  int          // bytes read since it was asked
	err      error
}

type way uint8

const (
	writing way = iota
	reading
	listing
	measuring // what writing would write
	holding   // as writing, but for what Held hands over
)

// Append appends the state that visit hands over to dst.
func Append(dst []byte, visit func(*Copier)) []byte {
	c := Copier{way: writing, bytes: dst}
	visit(&c)
	return c.bytes
}

// Read fills in the state that visit hands over from all of src. After an error,
// which is ErrBytes, the state is of no use.
func Read(src []byte, visit func(*Copier)) error { return ReadUntil(nil, src, visit) }

// ReadUntil does as Read does until ended, which is asked at first and a MiB after it was last, returns an error: that one is returned then, and the
// state is of no use either.
func ReadUntil(ended func() error, src []byte, visit func(*Copier)) error {
	c := Copier{way: reading, bytes: src, ended: ended, unasked: readAtOnce}
	visit(&c)
	if c.err == nil && len(c.bytes) > 0 {
		c.fail("%d bytes are left over", len(c.bytes))
	}
	return c.err
}

// Types returns the types of the values that visit hands over, in order; of a list
// (Each) those of one element.
func Types(visit func(*Copier)) []reflect.Type {
	c := Copier{way: listing}
	visit(&c)
	return c.types
}

// Reading reports whether the state is being read: what follows from it is to be made
// again.
func (c *Copier) Reading() bool { return c.way == reading && c.err == nil }

// Value copies one plain value.
func Value[T any](c *Copier, v *T) {
	switch c.way {
	case measuring:
		c.size += sizeOf[T]()
	case writing, holding:
		c.bytes = append(c.bytes, bytesOf(v, 1)...)
	case reading:
		if b := c.take(sizeOf[T]()); b != nil {
			copy(bytesOf(v, 1), b)
		}
	case listing:
		c.list(reflect.TypeFor[T]())
	}
}

// Slice copies a slice of plain values: its length in 8 bytes, and the values.
func Slice[T any](c *Copier, v *[]T) {
	switch c.way {
	case measuring:
		c.size += 8 + len(*v)*sizeOf[T]()
	case writing, holding:
		c.length(len(*v))
		if len(*v) > 0 {
			c.bytes = append(c.bytes, bytesOf(&(*v)[0], len(*v))...)
		}
	case reading:
		n := c.count(sizeOf[T]())
		*v = nil
		if n > 0 {
			*v = make([]T, n)
			c.fill(bytesOf(&(*v)[0], n))
		}
	case listing:
		c.list(reflect.TypeFor[[]T]())
	}
}

// String copies a string. A Snapshot copies a long one later, since no string changes.
func String(c *Copier, s *string) {
	switch {
	case c.way == measuring:
		c.size += 8 + len(*s)
	case c.way == holding && len(*s) >= longString:
		c.length(len(*s))
		c.hold(bytesOfString(*s), len(*s))
	case c.way == writing || c.way == holding:
		c.length(len(*s))
		c.bytes = append(c.bytes, *s...)
	default:
		var b []byte
		if Slice(c, &b); c.Reading() {
			*s = string(b)
		}
	}
}

// longString is from which length on to copy a string takes longer than to hold it.
const longString = 1 << 10

// Each copies a slice of what is no plain value: its length, and each element by visit.
func Each[T any](c *Copier, v *[]T, visit func(*Copier, *T)) {
	switch c.way {
	case measuring:
		c.size += 8
	case writing, holding:
		c.length(len(*v))
	case reading:
		// An element takes a byte at least, so no length is believed that is longer.
		*v = make([]T, c.count(1))
	case listing:
		var one T
		c.list(reflect.TypeFor[[0]byte]()) // a list begins here
		visit(c, &one)
		return
	}
	for i := range *v {
		if c.err != nil {
			return
		}
		visit(c, &(*v)[i])
	}
}

// Holding reports whether a snapshot begins.
func (c *Copier) Holding() bool { return c.way == holding }

func (c *Copier) length(n int) { c.bytes = binary.LittleEndian.AppendUint64(c.bytes, uint64(n)) }

// count reads the length of a list whose elements take size bytes at least.
func (c *Copier) count(size int) int {
	b := c.take(8)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint64(b)
	if n > uint64(len(c.bytes)/max(size, 1)) {
		c.fail("a list of %d is longer than what is left of it", n)
		return 0
	}
	return int(n)
}

// readAtOnce is how many bytes are read between two looks at whether to go on: a millisecond's, where memory is new.
const readAtOnce = 1 << 20

// fill reads as many bytes as dst has.
func (c *Copier) fill(dst []byte) {
	for len(dst) > 0 {
		b := c.take(min(len(dst), readAtOnce))
		if b == nil {
			return
		}
		dst = dst[copy(dst, b):]
	}
}

// take returns the next n bytes, nil if there are less.
func (c *Copier) take(n int) []byte {
	if c.unasked += n; c.unasked >= readAtOnce && c.ended != nil && c.err == nil {
		c.unasked, c.err = 0, c.ended()
	}
	if c.err != nil {
		return nil
	}
	if n > len(c.bytes) {
		c.fail("%d bytes are wanted, %d are left", n, len(c.bytes))
		return nil
	}
	b := c.bytes[:n]
	c.bytes = c.bytes[n:]
	return b
}

func (c *Copier) list(t reflect.Type) { c.types = append(c.types, t) }

func (c *Copier) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrBytes, fmt.Sprintf(format, args...))
	}
}
