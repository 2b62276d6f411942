package clickhouse

import (
	"context"
	"log/slog"
)

// redacting passes on what the client library logs, without what could hold a
// value of a row, a statement or a secret: of the attributes only numbers and
// times stay, since texts are server messages and statements.
type redacting struct{ next slog.Handler }

// Enabled asks the handler behind.
func (h redacting) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle passes the record on without its texts.
func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, "clickhouse client: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if harmless(a.Value) {
			clean.AddAttrs(a)
		}
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs keeps the harmless ones.
func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	kept := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		if harmless(a.Value) {
			kept = append(kept, a)
		}
	}
	return redacting{h.next.WithAttrs(kept)}
}

// WithGroup asks the handler behind.
func (h redacting) WithGroup(name string) slog.Handler { return redacting{h.next.WithGroup(name)} }

func harmless(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return true
	}
	return false
}
