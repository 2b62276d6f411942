// Package telemetry is how Sendwatch speaks about itself: log lines, metrics
// and traces.
//
// All metrics are declared as data in one table (table.go), from which
// deploy/METRICS.md is generated. Callers count in plain fields and report once
// a fetch through Metrics, never once an event. The same figures go out at the
// Prometheus endpoint and, where the standard OTEL_ environment variables ask
// for it, over OTLP. A fetch and an insert are traced, by default one in a
// hundred.
//
// It promises that a metric has a bounded number of series and that a repeated
// error does not flood the log. It refuses labels that name a number or a
// contact: no such label is in the table, and values outside the series limit
// are counted under "other". New is inert; the exporters' goroutines live
// inside Run.
package telemetry
