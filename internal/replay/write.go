package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// Write writes the result's files into a folder, which is made if need be. Each
// file is written beside its place and then put there, so that a run that is
// cut off leaves no half file.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the output folder: %w", err)
	}
	w := writer{dir: dir}
	w.rows(r, 0, new(tableFiles))
	w.file("dead_letter.ndjson", func(out *bufio.Writer) error {
		l := lines{out: out}
		for i := range r.DeadLetters {
			if err := l.write(codec.AppendDeadLetterJSON(l.line[:0], &r.DeadLetters[i])); err != nil {
				return err
			}
		}
		return nil
	})
	w.file("summary.json", func(out *bufio.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(&r.Summary)
	})
	return w.err
}

// lines is a file of one line a row.
type lines struct {
	out  *bufio.Writer
	line []byte
}

// write writes a row, which was made in l.line, as a line.
func (l *lines) write(row []byte) error {
	l.line = append(row, '\n')
	_, err := l.out.Write(l.line)
	return err
}

// tableFiles are the files of the tables.
type tableFiles [event.NumStoredTables]lines

// write writes all rows of out, each into its table's file.
func (f *tableFiles) write(out *event.Output) error {
	for t := range event.NumStoredTables {
		l := &f[t]
		for i := range out.Rows(t) {
			if err := l.write(codec.AppendRowJSON(l.line[:0], out, event.Row{Table: t, Index: i})); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows writes the rows of each table into a file of its name. The many rows come
// mixed, some at a time, so all files are open at once.
func (w *writer) rows(r *Result, t event.Table, files *tableFiles) {
	if w.err != nil {
		return
	}
	w.file(t.String()+".ndjson", func(out *bufio.Writer) error {
		files[t].out = out
		if t+1 < event.NumStoredTables {
			w.rows(r, t+1, files)
			return w.err
		}
		return errors.Join(files.write(&r.Rows), r.EachRow(func(rows *event.Output) error {
			rows.NumberStatuses = rows.NumberStatuses[:0] // r.Rows has the last of each
			return files.write(rows)
		}))
	})
}

// writer writes files until one fails.
type writer struct {
	dir string
	err error
}

func (w *writer) file(name string, fill func(*bufio.Writer) error) {
	if w.err != nil {
		return
	}
	f, err := os.CreateTemp(w.dir, "."+name+".*")
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
		return
	}
	out := bufio.NewWriterSize(f, readBuffer)
	err = errors.Join(fill(out), out.Flush(), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(w.dir, name))
	}
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
}
