package telemetry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// MaxSeries bounds the series of one metric. What comes on top is counted in
// one more series whose labels are all "other".
const MaxSeries = 4096

// overflow is every label's value in the series past MaxSeries.
const overflow = "other"

// Metrics holds the present value of every series. It is safe for concurrent
// use: callers report once a fetch and an exporter reads every few seconds, so
// one lock is enough. A nil *Metrics takes and drops everything.
//
// OpenTelemetry's own instruments were not used because they cannot forget a
// series: a partition given away would be reported for ever. Instead Produce
// hands the values to the exporters.
type Metrics struct {
	start time.Time

	mu     sync.Mutex
	series [NumMetrics]map[string]*series
}

// series is one metric with one set of label values.
type series struct {
	labels []string
	value  float64 // counter and gauge; of a histogram the sum
	count  uint64  // histogram only, as what follows
	bucket [len(durations) + 1]uint64
}

// NewMetrics returns an empty store whose counters start at the given time.
func NewMetrics(start time.Time) *Metrics {
	m := &Metrics{start: start}
	for i := range m.series {
		m.series[i] = map[string]*series{}
	}
	return m
}

// Add adds n to a counter. Like Set and Observe it takes as many label values
// as the table declares, in that order, and panics on any other number or
// kind: that is a mistake in the program, and the first test shows it.
func (m *Metrics) Add(metric Metric, n int64, labels ...string) {
	check(metric, Counter, labels)
	if m == nil || n == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(metric, labels).value += float64(n)
}

// Set sets a gauge.
func (m *Metrics) Set(metric Metric, value float64, labels ...string) {
	check(metric, Gauge, labels)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(metric, labels).value = value
}

// Observe counts one duration in a histogram.
func (m *Metrics) Observe(metric Metric, d time.Duration, labels ...string) {
	check(metric, Histogram, labels)
	if m == nil {
		return
	}
	seconds := d.Seconds()
	i, _ := slices.BinarySearch(durations[:], seconds)
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(metric, labels)
	s.value += seconds
	s.count++
	s.bucket[i]++
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
	for metric, def := range table {
		if def.Kind != Gauge {
			continue
		}
		for key, s := range m.series[metric] {
			if matches(def.Labels, s.labels, pairs) {
				delete(m.series[metric], key)
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

func check(metric Metric, kind Kind, labels []string) {
	def := table[metric]
	if def.Kind != kind {
		panic(fmt.Sprintf("telemetry: %s is a %s and was used as a %s", def.Name, def.Kind, kind))
	}
	if len(labels) != len(def.Labels) {
		panic(fmt.Sprintf("telemetry: %s wants the labels %v and got %d values", def.Name, def.Labels, len(labels)))
	}
}

// at returns the series with these labels; the caller holds the lock. The labels
// are cloned on first use, so callers may pass strings that alias a buffer.
func (m *Metrics) at(metric Metric, labels []string) *series {
	all := m.series[metric]
	key := strings.Join(labels, "\x00")
	if s := all[key]; s != nil {
		return s
	}
	if len(all) >= MaxSeries {
		labels = slices.Repeat([]string{overflow}, len(labels))
		key = strings.Join(labels, "\x00")
		if s := all[key]; s != nil {
			return s
		}
	}
	s := &series{labels: make([]string, len(labels))}
	for i, l := range labels {
		s.labels[i] = strings.ToValidUTF8(strings.Clone(l), "?")
	}
	all[strings.Clone(key)] = s
	return s
}

// Produce returns all series to an exporter; it implements OpenTelemetry's
// metric.Producer. A metric without series is left out.
func (m *Metrics) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	out := metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: "sendwatch"}}
	for metric, def := range table {
		all := m.series[metric]
		if len(all) == 0 {
			continue
		}
		out.Metrics = append(out.Metrics, metricdata.Metrics{
			Name: def.Name, Description: def.Description, Unit: def.Unit,
			Data: m.data(def, all, now),
		})
	}
	return []metricdata.ScopeMetrics{out}, nil
}

// data renders the series of one metric.
func (m *Metrics) data(def Definition, all map[string]*series, now time.Time) metricdata.Aggregation {
	if def.Kind == Histogram {
		points := make([]metricdata.HistogramDataPoint[float64], 0, len(all))
		for _, s := range all {
			points = append(points, metricdata.HistogramDataPoint[float64]{
				Attributes: attributes(def.Labels, s.labels), StartTime: m.start, Time: now,
				Count: s.count, Sum: s.value, Bounds: slices.Clone(durations[:]), BucketCounts: slices.Clone(s.bucket[:]),
			})
		}
		return metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
	}
	points := make([]metricdata.DataPoint[float64], 0, len(all))
	for _, s := range all {
		points = append(points, metricdata.DataPoint[float64]{
			Attributes: attributes(def.Labels, s.labels), StartTime: m.start, Time: now, Value: s.value,
		})
	}
	if def.Kind == Gauge {
		return metricdata.Gauge[float64]{DataPoints: points}
	}
	return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: points}
}

func attributes(names, values []string) attribute.Set {
	kvs := make([]attribute.KeyValue, len(names))
	for i, n := range names {
		kvs[i] = attribute.String(n, values[i])
	}
	return attribute.NewSet(kvs...)
}
