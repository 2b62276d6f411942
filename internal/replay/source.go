package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"sendwatch/internal/codec"
)

// readBuffer is the size of the read buffer: a few hundred lines at once.
const readBuffer = 1 << 20

// MaxLine is the longest line that is kept whole. Anything above the contract's
// record limit is rejected, so this only bounds what the dead letter holds.
const MaxLine = 64 << 20

// source returns the records of one file after the other.
type source struct {
	files []string
	stdin io.Reader

	lines  *bufio.Reader
	closer func() error
	name   string
	long   []byte // a line that did not fit into the read buffer
	last   int64  // record time of the line before, ms
}

// record is one line and its timestamp. The value is valid until the next one.
type record struct {
	value []byte
	time  int64 // ms
}

// next returns the next line that is not blank, io.EOF after the last.
func (s *source) next() (record, error) {
	for {
		if s.lines == nil {
			if len(s.files) == 0 {
				return record{}, io.EOF
			}
			if err := s.open(s.files[0]); err != nil {
				return record{}, err
			}
			s.files = s.files[1:]
		}
		line, err := s.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, fmt.Errorf("read %s: %w", s.name, err)
		}
		ended := err != nil
		if ended {
			s.lines = nil
			if err := s.closer(); err != nil {
				return record{}, fmt.Errorf("read %s: %w", s.name, err)
			}
		}
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			return record{line, s.timestamp(line)}, nil
		}
	}
}

// timestamp returns a record's timestamp: _record_time, else its own time, else
// that of the line before.
func (s *source) timestamp(line []byte) int64 {
	if t, ok := codec.RecordTime(line); ok {
		s.last = t
	} else if t, ok := codec.Time(line); ok {
		s.last = t
	}
	return s.last
}

// line returns the next line with its end, from the read buffer where it fits.
func (s *source) line() ([]byte, error) {
	line, err := s.lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	s.long = append(s.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = s.lines.ReadSlice('\n')
		if len(s.long)+len(line) > MaxLine {
			return nil, fmt.Errorf("a line is longer than %d MiB: is this newline-delimited JSON?", MaxLine>>20)
		}
		s.long = append(s.long, line...)
	}
	return s.long, err
}

// open opens a file, decompressed by the end of its name; "-" is standard input.
func (s *source) open(name string) error {
	s.name = name
	var in io.Reader
	closers := []func() error{}
	if name == "-" {
		s.name, in = "standard input", s.stdin
	} else {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("open the log: %w", err)
		}
		in = f
		closers = append(closers, f.Close)
	}
	switch {
	case strings.HasSuffix(name, ".gz"):
		z, err := gzip.NewReader(bufio.NewReaderSize(in, readBuffer))
		if err != nil {
			return fmt.Errorf("read %s as gzip: %w", name, err)
		}
		in = z
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(in)
		if err != nil {
			return fmt.Errorf("read %s as zstd: %w", name, err)
		}
		in = z
		closers = append(closers, func() error { z.Close(); return nil })
	}
	s.lines = bufio.NewReaderSize(in, readBuffer)
	s.closer = func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c())
		}
		return errors.Join(errs...)
	}
	return nil
}
