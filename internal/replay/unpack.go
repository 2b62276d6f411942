package replay

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// packing is a way of compressing, told by the first bytes of the data: names of
// rotated files end in anything.
type packing struct {
	magic string
	open  func(name string, in *bufio.Reader) (io.ReadCloser, error)
}

var packings = []packing{
	{"\x1f\x8b", openGzip},
	{"\x28\xb5\x2f\xfd", openZstd},
	{"BZh", func(_ string, in *bufio.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(in)), nil }},
	{"\xfd7zXZ\x00", unpackFirst("xz", "xz -dc")},
	{"\x04\x22\x4d\x18", unpackFirst("lz4", "lz4 -dc")},
	{"PK\x03\x04", unpackFirst("zip", "unzip -p")},
}

// openData opens a file, or standard input for "-", and unpacks it.
func openData(name string, stdin io.Reader) (io.ReadCloser, error) {
	raw := io.NopCloser(stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open the log: %w", err)
		}
		raw = f
	}
	in := bufio.NewReaderSize(raw, readBuffer)
	first, err := in.Peek(6) // shorter data has less, and Read says why
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("read %s: %w", shown(name), err), raw.Close())
	}
	for _, p := range packings {
		if !bytes.HasPrefix(first, []byte(p.magic)) && (p.magic != zstdMagic || !isSkippable(first)) {
			continue
		}
		unpacked, err := p.open(name, in)
		if err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		return &unpackedFile{ReadCloser: unpacked, raw: raw, name: name}, nil
	}
	return &unpackedFile{ReadCloser: io.NopCloser(in), raw: raw, name: name}, nil
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// isSkippable reports whether data begins with a skippable frame, as pzstd and
// seekable files have it (RFC 8878, section 3.1.2).
func isSkippable(first []byte) bool {
	return len(first) >= 4 && first[0]&0xf0 == 0x50 && first[1] == 0x2a && first[2] == 0x4d && first[3] == 0x18
}

// shown is what an error calls a file.
func shown(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// unpackedFile closes what it reads from, and says what to do about data that
// cannot be unpacked.
type unpackedFile struct {
	io.ReadCloser
	raw  io.Closer
	name string
}

// Read explains what goes wrong.
func (f *unpackedFile) Read(b []byte) (int, error) {
	n, err := f.ReadCloser.Read(b)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errNoMember):
		err = fmt.Errorf("%s: its compressed data ends in the middle: the file is still being written, or a copy of it broke off; "+
			"copy it again, or read what there is with `%s | sendwatch replay - ...`", shown(f.name), f.unpackCommand())
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = fmt.Errorf("%s: it was compressed with a larger window than 512 MiB (zstd --long=30 or more); "+
			"unpack it with `%s | sendwatch replay - ...`", shown(f.name), f.unpackCommand())
	case err != nil && !errors.Is(err, io.EOF):
		err = fmt.Errorf("read %s: %w", shown(f.name), err)
	}
	return n, err
}

// unpackCommand is how the tool of the format writes all it can to its output.
func (f *unpackedFile) unpackCommand() string {
	if _, ok := f.ReadCloser.(*gzipMembers); ok {
		return "gzip -dc " + f.name
	}
	return "zstd -dc --long=31 " + f.name
}

// Close closes both.
func (f *unpackedFile) Close() error { return errors.Join(f.ReadCloser.Close(), f.raw.Close()) }

// unpackFirst refuses a format that no reader is at hand for.
func unpackFirst(format, command string) func(string, *bufio.Reader) (io.ReadCloser, error) {
	return func(name string, _ *bufio.Reader) (io.ReadCloser, error) {
		return nil, fmt.Errorf("%s is %s data; unpack it with `%s %s | sendwatch replay - ...`", shown(name), format, command, strings.TrimPrefix(name, "-"))
	}
}

func openZstd(name string, in *bufio.Reader) (io.ReadCloser, error) {
	z, err := zstd.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("read %s as zstd: %w", shown(name), err)
	}
	return z.IOReadCloser(), nil
}

var errNoMember = errors.New("what follows the last member of the gzip data is none")

// gzipMembers reads the members of a gzip file one after the other. Zero bytes
// behind the last are padding, as block devices and tapes leave it; Go's own
// reader takes them for a broken member (golang/go#67986).
type gzipMembers struct {
	in *bufio.Reader
	*gzip.Reader
}

func openGzip(name string, in *bufio.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("read %s as gzip: %w", shown(name), err)
	}
	z.Multistream(false)
	return &gzipMembers{in, z}, nil
}

// Read goes on with the next member where one ends.
func (g *gzipMembers) Read(b []byte) (int, error) {
	n, err := g.Reader.Read(b)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	for {
		next, err := g.in.Peek(1)
		if err != nil {
			return n, err
		}
		if next[0] != 0 {
			break
		}
		_, _ = g.in.Discard(1) // was peeked
	}
	if err := g.Reset(g.in); err != nil {
		return n, fmt.Errorf("%w (%w); cut it off", errNoMember, err)
	}
	g.Multistream(false)
	return n, nil
}
