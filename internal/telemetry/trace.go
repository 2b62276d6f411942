package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Operation is what a span is about.
type Operation string

// The operations that are traced. Single events are not: there are too many,
// and one fetch shows the same.
const (
	OperationFetch  Operation = "fetch"
	OperationApply  Operation = "apply"
	OperationFlush  Operation = "flush"
	OperationInsert Operation = "insert"
	// OperationReceive is one body of a webhook.
	OperationReceive Operation = "receive"
)

// Span is one traced operation. The zero Span is valid and does nothing.
type Span struct {
	span trace.Span
}

// StartSpan begins a span; the caller ends it. Source is a topic or a table,
// partition is left out if negative. A nil *Telemetry returns a Span that does
// nothing.
func (t *Telemetry) StartSpan(ctx context.Context, op Operation, source string, partition int32) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	attrs := make([]attribute.KeyValue, 0, 2)
	attrs = append(attrs, attribute.String("sendwatch.source", source))
	if partition >= 0 {
		attrs = append(attrs, attribute.Int("sendwatch.partition", int(partition)))
	}
	ctx, span := t.tracer.Start(ctx, string(op), trace.WithAttributes(attrs...)) //nolint:spancheck // Span.End ends it; the linter cannot see through the struct.
	return ctx, Span{span: span}                                                 //nolint:spancheck // As above.
}

// End ends the span with the number of records or rows it moved and the error
// that stopped it, if any.
func (s Span) End(count int, err error) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.Int("sendwatch.count", count))
	if err != nil {
		s.span.RecordError(err)
		s.span.SetStatus(codes.Error, err.Error())
	}
	s.span.End()
}
