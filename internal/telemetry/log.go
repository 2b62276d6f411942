package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Log says how log lines are written.
type Log struct {
	Level  string // debug, info, warn or error; empty is info
	Format string // text or json; empty is text
}

// repeatBurst lines with the same message pass in each repeatPeriod, the rest
// are counted. Eight lines are enough to see the pattern of a retry.
const (
	repeatBurst  = 8
	repeatPeriod = time.Minute
	repeatKeys   = 1024 // messages remembered; the set starts again when full
)

// NewLogger returns a logger that writes to w. Warnings and errors that repeat
// are held back: the next one let through says how many were not written.
func NewLogger(w io.Writer, cfg Log) (*slog.Logger, error) {
	var level slog.Level
	switch strings.ToLower(cfg.Level) {
	case "", "info":
	case "debug":
		level = slog.LevelDebug
	case "warn":
		level = slog.LevelWarn
	case "error":
		level = slog.LevelError
	default:
		return nil, fmt.Errorf("log level %q: give debug, info, warn or error", cfg.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	switch strings.ToLower(cfg.Format) {
	case "", "text":
		handler = slog.NewTextHandler(w, options)
	case "json":
		handler = slog.NewJSONHandler(w, options)
	default:
		return nil, fmt.Errorf("log format %q: give text or json", cfg.Format)
	}
	return slog.New(newRepeatHandler(handler)), nil
}

// repeatHandler holds back warnings and errors that repeat. Two lines are the
// same if level, message and the attributes of their logger are; attributes of
// the line itself, such as the error's text, do not count, for an error often
// carries a changing port or offset.
type repeatHandler struct {
	next  slog.Handler
	scope string // the attributes and groups of the logger
	seen  *repeats
}

// repeats is shared by all handlers derived from one.
type repeats struct {
	mu   sync.Mutex
	runs map[string]*repeatRun
}

// repeatRun counts one line within a period.
type repeatRun struct {
	since      time.Time
	passed     int
	suppressed int
}

func newRepeatHandler(next slog.Handler) *repeatHandler {
	return &repeatHandler{next: next, seen: &repeats{runs: map[string]*repeatRun{}}}
}

// Enabled implements slog.Handler.
func (h *repeatHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler. Time is the record's own, so that a test
// needs no clock.
func (h *repeatHandler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level < slog.LevelWarn {
		return h.next.Handle(ctx, record)
	}
	pass, suppressed := h.seen.take(record.Level.String()+"\x00"+h.scope+"\x00"+record.Message, record.Time)
	if !pass {
		return nil
	}
	if suppressed > 0 {
		record = record.Clone()
		record.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return h.next.Handle(ctx, record)
}

// take reports whether a line passes and how many before it did not.
func (r *repeats) take(key string, now time.Time) (pass bool, suppressed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.runs[key]
	if run == nil {
		if len(r.runs) >= repeatKeys {
			clear(r.runs)
		}
		run = &repeatRun{since: now}
		r.runs[key] = run
	}
	if now.Sub(run.since) >= repeatPeriod {
		suppressed = run.suppressed
		*run = repeatRun{since: now}
	}
	if run.passed == repeatBurst {
		run.suppressed++
		return false, 0
	}
	run.passed++
	return true, suppressed
}

// WithAttrs implements slog.Handler.
func (h *repeatHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var scope strings.Builder
	scope.WriteString(h.scope)
	for _, a := range attrs {
		scope.WriteString("\x00" + a.String())
	}
	return &repeatHandler{next: h.next.WithAttrs(attrs), scope: scope.String(), seen: h.seen}
}

// WithGroup implements slog.Handler.
func (h *repeatHandler) WithGroup(name string) slog.Handler {
	return &repeatHandler{next: h.next.WithGroup(name), scope: h.scope + "\x00" + name, seen: h.seen}
}
