package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

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
	data   io.Closer
	name   string
	number int64  // of the line, from 1
	long   []byte // a line that did not fit into the read buffer
	last   int64  // record time of the line before, ms
	times  *codec.LineReader
}

// record is one line and its timestamp. The value is valid until the next one.
type record struct {
	value []byte
	time  int64  // ms
	file  string // where it is from, for people
	line  int64
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
			return record{}, err
		}
		s.number++
		if err != nil {
			s.lines = nil
			if err := s.data.Close(); err != nil {
				return record{}, fmt.Errorf("read %s: %w", s.name, err)
			}
		}
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			return record{line, s.timestamp(line), s.name, s.number}, nil
		}
	}
}

// timestamp returns a record's timestamp: _record_time, else its own time, else
// that of the line before.
func (s *source) timestamp(line []byte) int64 {
	if t, ok := s.times.Time(line); ok {
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
			return nil, fmt.Errorf("%s: line %d is longer than %d MiB: is this newline-delimited JSON?", s.name, s.number+1, MaxLine>>20)
		}
		s.long = append(s.long, line...)
	}
	return s.long, err
}

// close closes the file that is open, if any.
func (s *source) close() {
	if s.lines != nil {
		_ = s.data.Close() // was only read
		s.lines = nil
	}
}

// open opens the next file.
func (s *source) open(name string) error {
	data, err := openData(name, s.stdin)
	if err != nil {
		return err
	}
	s.name, s.data, s.lines, s.number = shown(name), data, bufio.NewReaderSize(data, readBuffer), 0
	return nil
}
