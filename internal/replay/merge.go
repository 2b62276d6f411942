package replay

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// A dump of a topic holds its partitions one after the other: whole days, then the
// same days again. Read as one log, all but the first partition is late.
//
// A *run* is a stretch of the input that is in order as a log is: its time may go
// back a little, as producers do, but not far and for long. Runs are found by one
// look at each line, so that a log without jumps costs nothing; --merge keeps them
// in temporary files and reads them side by side in the order of time.

const (
	// farBack is how far time must fall behind the newest of the run for a line to
	// count as out of place: more than any producer's delay, less than a day's dump.
	farBack = 60 * 60 * 1000 // ms
	// longBack is how many lines in a row must be out of place for another run to
	// have begun. One late event, or a queue that is emptied, is none.
	longBack = 50
	// maxRuns bounds the files that are read side by side.
	maxRuns = 512
)

// Jump is a place of the input where time goes back and stays there.
type Jump struct {
	File string
	Line int64
	Back int64 // ms, how far behind the newest line before it
}

// runs notices where one run ends and the next begins.
type runs struct {
	newest int64  // ms, of the run
	behind int    // lines in a row that are far behind
	first  record // the first of these, without its value
}

// next takes the next line, and reports whether another run has begun: with the
// line of the returned jump, longBack lines ago.
func (r *runs) next(line *record) (Jump, bool) {
	if line.time >= r.newest-farBack {
		r.newest, r.behind = max(r.newest, line.time), 0
		return Jump{}, false
	}
	if r.behind++; r.behind == 1 {
		r.first = record{time: line.time, file: line.file, line: line.line}
	}
	if r.behind < longBack {
		return Jump{}, false
	}
	jump := Jump{File: r.first.file, Line: r.first.line, Back: r.newest - r.first.time}
	r.newest, r.behind = line.time, 0
	return jump, true
}

// merged returns the records of a source in the order of time. Within a run they
// keep their order. What it keeps on the disk is gone once it is closed.
type merged struct {
	dir  string
	runs runHeap
	took *run // whose record was handed out last
}

// run is one run, kept compressed in a file of its own.
type run struct {
	index  int
	file   *os.File
	packed *zstd.Decoder
	lines  *bufio.Reader
	at     record
	key    int64 // ms, the newest time of the run so far: a late line does not go before its neighbours
}

// merge reads a source to its end and finds its runs.
func merge(in *source) (*merged, error) {
	dir, err := os.MkdirTemp("", "sendwatch-merge-")
	if err != nil {
		return nil, fmt.Errorf("--merge keeps the lines in temporary files: %w; set TMPDIR to a folder with room for the log", err)
	}
	m := &merged{dir: dir}
	if err := m.spool(in); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// spool cuts the source into runs.
func (m *merged) spool(in *source) error {
	var found runs
	var held []record // lines that may belong to the next run
	w, err := m.create()
	for err == nil {
		var r record
		if r, err = in.next(); err != nil {
			break
		}
		_, jumped := found.next(&r)
		switch {
		case jumped:
			if err = w.close(); err == nil && len(m.runs) == maxRuns {
				err = fmt.Errorf("the time of the lines jumps back more than %d times: this is no dump of partitions one after another; sort the lines by their time first", maxRuns)
			}
			if err == nil {
				w, err = m.create()
			}
		case found.behind > 0:
			r.value = append([]byte(nil), r.value...)
			held = append(held, r)
			continue
		}
		for i := range held {
			if err == nil {
				err = w.write(&held[i])
			}
		}
		if held = held[:0]; err == nil {
			err = w.write(&r)
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	for i := range held {
		if err := w.write(&held[i]); err != nil {
			return err
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	return m.begin()
}

// runWriter writes a run: each line as its time, its length and its bytes.
type runWriter struct {
	buffered *bufio.Writer
	packed   *zstd.Encoder
}

// create begins another run.
func (m *merged) create() (*runWriter, error) {
	f, err := os.CreateTemp(m.dir, "run-*.zst")
	if err != nil {
		return nil, fmt.Errorf("--merge: %w", err)
	}
	m.runs = append(m.runs, &run{index: len(m.runs), file: f})
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &runWriter{bufio.NewWriterSize(z, readBuffer), z}, nil
}

func (w *runWriter) write(r *record) error {
	var head [2 * binary.MaxVarintLen64]byte
	n := binary.PutVarint(head[:], r.time)
	n += binary.PutUvarint(head[n:], uint64(len(r.value)))
	_, err := w.buffered.Write(head[:n])
	if err == nil {
		_, err = w.buffered.Write(r.value)
	}
	return spoolError(err)
}

func (w *runWriter) close() error {
	return spoolError(errors.Join(w.buffered.Flush(), w.packed.Close()))
}

func spoolError(err error) error {
	if err != nil {
		err = fmt.Errorf("--merge keeps the lines in temporary files: %w; set TMPDIR to a folder with room for the log", err)
	}
	return err
}

// begin reads the first line of each run.
func (m *merged) begin() error {
	all := m.runs
	m.runs = nil
	for _, r := range all {
		if _, err := r.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var err error
		if r.packed, err = zstd.NewReader(r.file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err != nil {
			return err
		}
		r.lines = bufio.NewReaderSize(r.packed, 64<<10)
		m.runs = append(m.runs, r)
		if err := r.read(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	heap.Init(&m.runs)
	return nil
}

// read reads the run's next line. A run that is at its end sorts last.
func (r *run) read() error {
	t, err := binary.ReadVarint(r.lines)
	if err != nil {
		r.key = 1<<63 - 1
		r.at = record{}
		return err
	}
	n, err := binary.ReadUvarint(r.lines)
	if err != nil {
		return err
	}
	if uint64(cap(r.at.value)) < n {
		r.at.value = make([]byte, n)
	}
	r.at.value, r.at.time = r.at.value[:n], t
	r.key = max(r.key, t)
	_, err = io.ReadFull(r.lines, r.at.value)
	return err
}

// next returns the record with the smallest time, io.EOF after the last.
func (m *merged) next() (record, error) {
	if m.took != nil {
		if err := m.took.read(); err != nil && !errors.Is(err, io.EOF) {
			return record{}, spoolError(err)
		}
		heap.Fix(&m.runs, 0)
		m.took = nil
	}
	if len(m.runs) == 0 || m.runs[0].at.value == nil {
		return record{}, io.EOF
	}
	m.took = m.runs[0]
	return m.took.at, nil
}

// close removes what was kept.
func (m *merged) close() error {
	var errs []error
	for _, r := range m.runs {
		if r.packed != nil {
			r.packed.Close()
		}
		errs = append(errs, r.file.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(m.dir))...)
}

// runHeap orders runs by their next line, equal ones by their place in the input.
type runHeap []*run

// Len implements heap.Interface.
func (h runHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h runHeap) Less(i, j int) bool {
	return h[i].key < h[j].key || h[i].key == h[j].key && h[i].index < h[j].index
}

// Swap implements heap.Interface.
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(x any) {
	if r, ok := x.(*run); ok {
		*h = append(*h, r)
	}
}

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
