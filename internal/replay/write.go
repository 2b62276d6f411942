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
	writeLines(&w, "number_minutes", rows.NumberMinutes, codec.AppendNumberMinuteJSON)
	writeLines(&w, "fingerprint_hours", rows.FingerprintHours, codec.AppendFingerprintHourJSON)
	writeLines(&w, "number_status", rows.NumberStatuses, codec.AppendNumberStatusJSON)
	writeLines(&w, "portfolio_status", rows.PortfolioStatus, codec.AppendPortfolioStatusJSON)
	writeLines(&w, "flags", rows.Flags, codec.AppendFlag)
	writeLines(&w, "account_events", rows.AccountEvents, codec.AppendAccountEventJSON)
	writeLines(&w, "contact_outcomes", rows.ContactOutcomes, codec.AppendContactOutcomeJSON)
	writeLines(&w, "dead_letter", r.DeadLetters, codec.AppendDeadLetterJSON)
	w.file("summary.json", func(out *bufio.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(&r.Summary)
	})
	return w.err
}

// writer writes files until one fails.
type writer struct {
	dir  string
	line []byte
	err  error
}

// writeLines writes one line a row. Rows that count nothing have none.
func writeLines[T any](w *writer, name string, rows []T, encode func([]byte, *T) []byte) {
	w.file(name+".ndjson", func(out *bufio.Writer) error {
		for i := range rows {
			if m, ok := any(&rows[i]).(*event.NumberMinute); ok && m.Counts == (event.Counts{}) {
				continue
			}
			w.line = append(encode(w.line[:0], &rows[i]), '\n')
			if _, err := out.Write(w.line); err != nil {
				return err
			}
		}
		return nil
	})
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
