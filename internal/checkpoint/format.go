package checkpoint

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Version is the format version that is written. Those from 1 to it are read.
const Version = 3

// The versions from which on the sections of states are packed (pack.go), and are so by S2.
const (
	packedSince = 2
	s2Since     = 3
)

// Limits of the format (README.md, "Limits").
const (
	maxHeader   = 64 << 10
	maxSections = 4096
	maxName     = 255
)

const magic = "\x89SWCKPT\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged is the error of an object whose bytes are not what was written.
var ErrDamaged = errors.New("checkpoint is damaged")

// VersionError is the error of an object that a newer build wrote.
type VersionError struct{ Have uint32 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("checkpoint has format %d, this build reads up to %d: run the build that wrote it, or rewind to an older checkpoint", e.Have, Version)
}

// Kind says what an object is for.
type Kind uint8

// The kinds of objects (README.md, "A partition's objects").
const (
	KindClaim Kind = 1 + iota
	KindBeginning
	KindState
)

var kindNames = [...]string{"", "claim", "beginning", "state"}

// String returns the kind's name, "" for none.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Position is the place of an object among those of its partition. The zero
// Position is none: epochs begin at 1.
type Position struct{ Epoch, Generation uint32 }

// Less reports whether p comes before q.
func (p Position) Less(q Position) bool {
	return p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Generation < q.Generation
}

// String returns the position as in `7-3`.
func (p Position) String() string { return fmt.Sprintf("%d-%d", p.Epoch, p.Generation) }

// Partition names a partition as it was when a checkpoint was written: another
// topic id is a topic that was created again, another count one that was grown.
type Partition struct {
	Topic      string
	TopicID    [16]byte
	Partition  int32
	Partitions int32
}

// Header is what a checkpoint says of itself.
type Header struct {
	Format uint32 // the version that it was written in, 0 for one that is to be written
	Kind   Kind
	Partition
	Position
	Base          Position // of a beginning: the state it goes on from, none for none
	Offset        int64    // the next to be read
	Written       int64    // ms UTC
	Layout        uint64   // of the state's structs, see Layout
	PolicyVersion string
}

// Section is a named part of a state.
type Section struct {
	Name string
	Data []byte
}

// Encode writes an object, its sections as they are. The names of sections have 1 to 255 bytes.
func Encode(w io.Writer, h *Header, sections []Section) error {
	head := append([]byte(magic), 0, 0, 0, 0, 0, 0, 0, 0)
	head = h.append(head)
	if len(head)-16 > maxHeader {
		return fmt.Errorf("checkpoint: the header has %d bytes, at most %d are possible", len(head)-16, maxHeader)
	}
	binary.LittleEndian.PutUint32(head[8:], cmp.Or(h.Format, Version))
	binary.LittleEndian.PutUint32(head[12:], uint32(len(head)-16))
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	if len(sections) > maxSections {
		return fmt.Errorf("checkpoint: %d sections, at most %d are possible", len(sections), maxSections)
	}
	table := binary.LittleEndian.AppendUint32(nil, uint32(len(sections)))
	table = binary.LittleEndian.AppendUint32(table, 0)
	for _, s := range sections {
		if len(s.Name) == 0 || len(s.Name) > maxName {
			return fmt.Errorf("checkpoint: a section's name has %d bytes, possible are 1 to %d", len(s.Name), maxName)
		}
		table = append(append(table, byte(len(s.Name))), s.Name...)
		table = binary.LittleEndian.AppendUint64(table, uint64(len(s.Data)))
		table = binary.LittleEndian.AppendUint32(table, crc32.Checksum(s.Data, castagnoli))
	}
	binary.LittleEndian.PutUint32(table[4:], uint32(len(table)-8))
	table = binary.LittleEndian.AppendUint32(table, crc32.Checksum(table, castagnoli))
	if _, err := w.Write(append(head, table...)); err != nil {
		return err
	}
	for _, s := range sections {
		if _, err := w.Write(s.Data); err != nil {
			return err
		}
	}
	return nil
}

func (h *Header) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, byte(h.Kind))
	b = append(le.AppendUint16(b, uint16(len(h.Topic))), h.Topic...)
	b = append(b, h.TopicID[:]...)
	for _, v := range []uint32{uint32(h.Partition.Partition), uint32(h.Partitions), h.Epoch, h.Generation, h.Base.Epoch, h.Base.Generation} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint64{uint64(h.Offset), uint64(h.Written), h.Layout} {
		b = le.AppendUint64(b, v)
	}
	return append(le.AppendUint16(b, uint16(len(h.PolicyVersion))), h.PolicyVersion...)
}

// Entry is a row of an object's table of sections.
type Entry struct {
	Name string
	Size int64
	Sum  uint32 // CRC-32C of the data
}

// decoder reads an object of which so many bytes are left.
type decoder struct {
	r    io.Reader
	left int64
}

// take reads n bytes. It allocates them only if the object has them.
func (d *decoder) take(n int64, what string) ([]byte, error) {
	if n < 0 || n > d.left {
		return nil, fmt.Errorf("%w: %s of %d bytes, %d are left", ErrDamaged, what, n, d.left)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: it ends within %s", ErrDamaged, what)
		}
		return nil, err
	}
	d.left -= n
	return b, nil
}

// Decode reads an object of the given size, its sections as they lie there. The error is ErrDamaged, a
// *VersionError, or what reading returned.
func Decode(r io.Reader, size int64) (*Header, []Section, error) {
	d := &decoder{r, size}
	h, table, err := d.head()
	if err != nil {
		return nil, nil, err
	}
	sections := make([]Section, len(table))
	for i, e := range table {
		data, err := d.take(e.Size, "section "+e.Name)
		if err != nil {
			return nil, nil, err
		}
		if crc32.Checksum(data, castagnoli) != e.Sum {
			return nil, nil, fmt.Errorf("%w: the checksum of section %s is wrong", ErrDamaged, e.Name)
		}
		sections[i] = Section{e.Name, data}
	}
	return h, sections, nil
}

// DecodeHead reads what stands in front of the sections of an object of the given
// size, with the errors of Decode.
func DecodeHead(r io.Reader, size int64) (*Header, []Entry, error) {
	return (&decoder{r, size}).head()
}

func (d *decoder) head() (*Header, []Entry, error) {
	start, err := d.take(16, "the start")
	if err != nil {
		return nil, nil, err
	}
	if string(start[:8]) != magic {
		return nil, nil, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	version, length := binary.LittleEndian.Uint32(start[8:]), int64(binary.LittleEndian.Uint32(start[12:]))
	if version == 0 || length > maxHeader {
		return nil, nil, fmt.Errorf("%w: format %d, a header of %d bytes", ErrDamaged, version, length)
	}
	body, err := d.take(length+4, "the header")
	if err != nil {
		return nil, nil, err
	}
	if crc32.Update(crc32.Checksum(start, castagnoli), castagnoli, body[:length]) != binary.LittleEndian.Uint32(body[length:]) {
		return nil, nil, fmt.Errorf("%w: the checksum of the header is wrong", ErrDamaged)
	}
	if version > Version { // and no bit of the number that has changed
		return nil, nil, &VersionError{version}
	}
	h, err := parseHeader(body[:length])
	if err != nil {
		return nil, nil, err
	}
	h.Format = version
	table, err := d.table()
	return h, table, err
}

func (d *decoder) table() ([]Entry, error) {
	start, err := d.take(8, "the table")
	if err != nil {
		return nil, err
	}
	n, length := binary.LittleEndian.Uint32(start), int64(binary.LittleEndian.Uint32(start[4:]))
	if n > maxSections || length > int64(n)*(1+maxName+12) {
		return nil, fmt.Errorf("%w: %d sections in a table of %d bytes", ErrDamaged, n, length)
	}
	body, err := d.take(length+4, "the table")
	if err != nil {
		return nil, err
	}
	if crc32.Update(crc32.Checksum(start, castagnoli), castagnoli, body[:length]) != binary.LittleEndian.Uint32(body[length:]) {
		return nil, fmt.Errorf("%w: the checksum of the table is wrong", ErrDamaged)
	}
	f := fields{rest: body[:length]}
	table, left := make([]Entry, n), d.left
	for i := range table {
		table[i] = Entry{string(f.take(int(f.number(1)))), int64(f.number(8)), uint32(f.number(4))}
		if e := &table[i]; f.short || e.Name == "" || e.Size < 0 || e.Size > left {
			return nil, fmt.Errorf("%w: section %d of the table cannot be", ErrDamaged, i)
		}
		left -= table[i].Size
	}
	if len(f.rest) > 0 || left != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrDamaged, int64(len(f.rest))+left)
	}
	return table, nil
}

// fields reads numbers and strings one after the other; short is set once there
// are too few bytes.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.rest, f.short = nil, true
		return nil
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) number(size int) uint64 {
	var b [8]byte
	copy(b[:], f.take(size))
	return binary.LittleEndian.Uint64(b[:])
}

func parseHeader(b []byte) (*Header, error) {
	f := fields{rest: b}
	h := &Header{Kind: Kind(f.number(1))}
	h.Topic = string(f.take(int(f.number(2))))
	copy(h.TopicID[:], f.take(16))
	h.Partition.Partition, h.Partitions = int32(f.number(4)), int32(f.number(4))
	h.Position = Position{uint32(f.number(4)), uint32(f.number(4))}
	h.Base = Position{uint32(f.number(4)), uint32(f.number(4))}
	h.Offset, h.Written, h.Layout = int64(f.number(8)), int64(f.number(8)), f.number(8)
	h.PolicyVersion = string(f.take(int(f.number(2))))
	if f.short || len(f.rest) > 0 || h.Kind.String() == "" {
		return nil, fmt.Errorf("%w: the header does not fit its length", ErrDamaged)
	}
	return h, nil
}
