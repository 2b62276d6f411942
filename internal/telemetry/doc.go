// Package telemetry is how Sendwatch speaks about itself: log lines, metrics
// and traces.
//
// All metrics are declared as data in one table (table.go), from which
// deploy/METRICS.md is generated. Callers count in plain fields and report once
// a fetch through Metrics, never once an event: a figure costs some two
// microseconds (BenchmarkReport). The same figures go out at the
// Prometheus endpoint and, where the standard OTEL_ environment variables ask
// for it, over OTLP. A fetch and an insert are traced, by default one in a
// hundred.
//
// It promises that a metric has a bounded number of series, that a repeated
// error does not flood the log, and that no mistake in an OTEL_ variable keeps the
// pipeline from running or sends figures to a place that was not meant:
// CheckEnvironment names it. It refuses labels that name a number or a contact: no
// such label is in the table. New starts nothing, but for the SDK's reader where
// metrics are exported; Run ends it, and all other goroutines are within Run.
package telemetry
