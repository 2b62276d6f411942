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
	rows := &r.Rows
	w.lines("number_status", func(out *lines) error { return each(out, rows.NumberStatuses, codec.AppendNumberStatusJSON) })
	w.lines("portfolio_status", func(out *lines) error { return each(out, rows.PortfolioStatus, codec.AppendPortfolioStatusJSON) })
	w.lines("flags", func(out *lines) error { return each(out, rows.Flags, codec.AppendFlag) })
	w.lines("account_events", func(out *lines) error { return each(out, rows.AccountEvents, codec.AppendAccountEventJSON) })
	w.lines("dead_letter", func(out *lines) error { return each(out, r.DeadLetters, codec.AppendDeadLetterJSON) })
	// The many rows come mixed, a portion at a time, so their files are open at once.
	w.lines("number_minutes", func(minutes *lines) error {
		w.lines("fingerprint_hours", func(hours *lines) error {
			w.lines("contact_outcomes", func(contacts *lines) error {
				return r.EachRow(func(rows *event.Output) error {
					return errors.Join(
						each(minutes, rows.NumberMinutes, codec.AppendNumberMinuteJSON),
						each(hours, rows.FingerprintHours, codec.AppendFingerprintHourJSON),
						each(contacts, rows.ContactOutcomes, codec.AppendContactOutcomeJSON),
					)
				})
			})
			return w.err
		})
		return w.err
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

// each writes one line a row.
func each[T any](l *lines, rows []T, encode func([]byte, *T) []byte) error {
	for i := range rows {
		l.line = append(encode(l.line[:0], &rows[i]), '\n')
		if _, err := l.out.Write(l.line); err != nil {
			return err
		}
	}
	return nil
}

// writer writes files until one fails.
type writer struct {
	dir string
	err error
}

func (w *writer) lines(name string, fill func(*lines) error) {
	w.file(name+".ndjson", func(out *bufio.Writer) error { return fill(&lines{out: out}) })
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
