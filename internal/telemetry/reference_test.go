package telemetry

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite deploy/METRICS.md")

// TestReferenceIsUpToDate renders the reference from the table and from what
// the endpoint serves, and compares it with the file for operators.
func TestReferenceIsUpToDate(t *testing.T) {
	want := reference(t)
	path := filepath.Join("..", "..", "deploy", "METRICS.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./internal/telemetry -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("deploy/METRICS.md differs from the table (-table +file); write it again with: go test ./internal/telemetry -update\n%s", diff)
	}
}

// reference renders deploy/METRICS.md.
func reference(t *testing.T) string {
	names := endpointNames(t)
	var b strings.Builder
	b.WriteString(`# Metrics

Written by ` + "`go test ./internal/telemetry -update`" + ` from the table in ` + "`internal/telemetry/table.go`" + `; do not edit.

The Prometheus endpoint is ` + "`/metrics`" + ` on the HTTP port. The same metrics go out over OTLP (http/protobuf or
grpc) when ` + "`OTEL_EXPORTER_OTLP_ENDPOINT`" + ` is set; the standard ` + "`OTEL_`" + ` variables choose headers, intervals, temporality and
the like. One that cannot be meant is named in the log and by ` + "`sendwatch check`" + `, and nothing is exported then.
Traces of fetches and inserts follow the same variables; one in a hundred is kept unless ` + "`OTEL_TRACES_SAMPLER`" + ` says otherwise.
Beside these, the endpoint has Go's own ` + "`go_`" + ` and ` + "`process_`" + ` metrics.

A metric has at most 4,096 series. Of a counter and of a histogram those that came first are kept, and the rest is counted in one more, with the
label ` + "`otel_metric_overflow`" + `. Of a gauge those are kept that come first in the order of their labels, and the one more says nothing.

| Prometheus | OTLP | kind | unit | labels | what it means |
|---|---|---|---|---|---|
`)
	for _, d := range Table() {
		labels := strings.Join(d.Labels, ", ")
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | %s |\n", names[d.Description], d.Name, d.Kind, d.Unit, labels, d.Description)
	}
	return b.String()
}

// endpointNames reports every metric once and returns the names under which the
// endpoint serves them, by description.
func endpointNames(t *testing.T) map[string]string {
	t.Helper()
	tel := quiet(t)
	m := tel.Metrics()
	for metric, d := range Table() {
		labels := make([]string, len(d.Labels))
		switch d.Kind {
		case Counter:
			m.Add(Metric(metric), 1, labels...)
		case Gauge:
			m.Set(Metric(metric), 1, labels...)
		case Histogram:
			m.Observe(Metric(metric), time.Second, labels...)
		}
	}
	names := map[string]string{}
	for line := range strings.Lines(scrape(t, tel)) {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(strings.TrimSpace(rest), " ")
			names[help] = name
		}
	}
	for _, d := range Table() {
		if !strings.HasPrefix(names[d.Description], "sendwatch_") {
			t.Fatalf("%s is not served", d.Name)
		}
	}
	return names
}
