package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// MaxSeries bounds the series of one metric. What comes on top is counted in one
// more series, with the label otel_metric_overflow, as OpenTelemetry has it. Of a
// gauge that series is one of those left out and says nothing.
const MaxSeries = 4096

// Metrics takes the figures of a process. It is safe for concurrent use; callers
// report once a fetch. A nil *Metrics takes and drops everything.
//
// Counters and histograms are OpenTelemetry's own instruments, so that temporality
// and start times are the SDK's business. Gauges are kept here and observed when
// an exporter asks: an instrument that is set can never forget a series, and a
// partition given away would be reported for ever, but of an observable one the
// SDK reports what was observed last and nothing else. (client_golang's vectors
// can forget as well; its bridge to OTLP has no units, no dots in names and no
// delta temporality.)
type Metrics struct {
	counters   [NumMetrics]metric.Int64Counter
	histograms [NumMetrics]metric.Float64Histogram

	mu     sync.Mutex
	gauges [NumMetrics]map[string]gauge
}

// gauge is one series of a gauge.
type gauge struct {
	labels []string
	value  float64
}

// newMetrics makes an instrument of each metric of the table.
func newMetrics(meter metric.Meter) (*Metrics, error) {
	m := &Metrics{}
	var errs []error
	for i, def := range table {
		description, unit := metric.WithDescription(def.Description), metric.WithUnit(def.Unit)
		var err error
		switch def.Kind {
		case Counter:
			m.counters[i], err = meter.Int64Counter(def.Name, description, unit)
		case Histogram:
			m.histograms[i], err = meter.Float64Histogram(def.Name, description, unit, metric.WithExplicitBucketBoundaries(durations[:]...))
		case Gauge:
			m.gauges[i] = map[string]gauge{}
			_, err = meter.Float64ObservableGauge(def.Name, description, unit, metric.WithFloat64Callback(m.observe(Metric(i))))
		}
		errs = append(errs, err)
	}
	return m, errors.Join(errs...)
}

// observe returns what reports the present series of a gauge to an exporter. It does so
// in the order of their labels: beyond MaxSeries the SDK (v1.47.0) keeps those that an
// observation brings first, and forgets which ones these were before the next. In the
// order of a map each scrape would show others.
func (m *Metrics) observe(of Metric) metric.Float64Callback {
	return func(_ context.Context, o metric.Float64Observer) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, key := range slices.Sorted(maps.Keys(m.gauges[of])) {
			g := m.gauges[of][key]
			o.Observe(g.value, attributes(of, g.labels))
		}
		return nil
	}
}

// Add adds n to a counter. Like Set and Observe it takes as many label values
// as the table declares, in that order, and panics on any other number or
// kind: that is a mistake in the program, and the first test shows it.
func (m *Metrics) Add(of Metric, n int64, labels ...string) {
	check(of, Counter, labels)
	if m == nil || n == 0 {
		return
	}
	m.counters[of].Add(context.Background(), n, attributes(of, labels))
}

// Set sets a gauge.
func (m *Metrics) Set(of Metric, value float64, labels ...string) {
	check(of, Gauge, labels)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.Join(labels, "\x00")
	g, known := m.gauges[of][key]
	if !known {
		g.labels = slices.Clone(labels)
		for i := range g.labels {
			g.labels[i] = strings.Clone(g.labels[i]) // callers may pass strings that alias a buffer
		}
	}
	g.value = value
	m.gauges[of][key] = g
}

// Observe counts one duration in a histogram.
func (m *Metrics) Observe(of Metric, d time.Duration, labels ...string) {
	check(of, Histogram, labels)
	if m == nil {
		return
	}
	m.histograms[of].Record(context.Background(), d.Seconds(), attributes(of, labels))
}

// Forget drops the gauges whose labels hold all the given names with the given
// values, such as a partition of a role that now belongs to another process.
// Counters stay: they may only grow. Pairs are name, value, name, value.
func (m *Metrics) Forget(pairs ...string) {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		panic("telemetry: Forget wants pairs of a label's name and value")
	}
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for of, def := range table {
		for key, g := range m.gauges[of] {
			if matches(def.Labels, g.labels, pairs) {
				delete(m.gauges[of], key)
			}
		}
	}
}

// matches reports whether the labels hold every pair.
func matches(names, values, pairs []string) bool {
	for i := 0; i < len(pairs); i += 2 {
		at := slices.Index(names, pairs[i])
		if at < 0 || values[at] != pairs[i+1] {
			return false
		}
	}
	return true
}

func check(of Metric, kind Kind, labels []string) {
	def := &table[of]
	if def.Kind != kind {
		panic(fmt.Sprintf("telemetry: %s is a %s and was used as a %s", def.Name, def.Kind, kind))
	}
	if len(labels) != len(def.Labels) {
		panic(fmt.Sprintf("telemetry: %s wants the labels %v and got %d values", def.Name, def.Labels, len(labels)))
	}
}

// attributes returns label values as OpenTelemetry has them. What is no UTF-8
// would make an exporter drop everything, so it is mended here.
func attributes(of Metric, values []string) metric.MeasurementOption {
	kvs := make([]attribute.KeyValue, len(values))
	for i, name := range table[of].Labels {
		kvs[i] = attribute.String(name, strings.ToValidUTF8(strings.Clone(values[i]), "?"))
	}
	return metric.WithAttributeSet(attribute.NewSet(kvs...))
}
