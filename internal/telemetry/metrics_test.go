package telemetry

import (
	"io"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scrape returns what the Prometheus endpoint serves.
func scrape(t *testing.T, tel *Telemetry) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	tel.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(recorder.Body)
	if err != nil || recorder.Code != 200 {
		t.Fatalf("status %d, error %v: %s", recorder.Code, err, body)
	}
	return string(body)
}

// clean takes away every environment variable of the machine that would matter.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "OTEL_METRIC_EXPORT_INTERVAL",
		"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
		"OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED",
	} {
		t.Setenv(name, "")
	}
}

// quiet returns a Telemetry that no environment variable of the machine reaches.
func quiet(t *testing.T) *Telemetry {
	t.Helper()
	clean(t)
	tel, err := New(Config{Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func TestEndpointServesWhatWasReported(t *testing.T) {
	tel := quiet(t)
	m := tel.Metrics()
	m.Add(Records, 3, "0", "applied")
	m.Add(Records, 4, "0", "applied")
	m.Add(Records, 1, "1", "rejected")
	m.Set(LagSeconds, 2.5, "numbers", "0")
	m.Set(LagSeconds, 1.5, "numbers", "0")
	m.Set(StateEntries, 4096, "numbers", "0", "pending")
	m.Observe(FetchDuration, 3*time.Millisecond, "numbers")
	m.Observe(FetchDuration, 40*time.Second, "numbers")
	got := scrape(t, tel)
	for _, line := range []string{
		`sendwatch_records_total{class="applied",partition="0"} 7`,
		`sendwatch_records_total{class="rejected",partition="1"} 1`,
		`sendwatch_lag_time_seconds{partition="0",role="numbers"} 1.5`,
		`sendwatch_state_entries{kind="pending",partition="0",role="numbers"} 4096`,
		`sendwatch_fetch_duration_seconds_bucket{role="numbers",le="0.0025"} 0`,
		`sendwatch_fetch_duration_seconds_bucket{role="numbers",le="0.005"} 1`,
		`sendwatch_fetch_duration_seconds_bucket{role="numbers",le="30"} 1`,
		`sendwatch_fetch_duration_seconds_bucket{role="numbers",le="+Inf"} 2`,
		`sendwatch_fetch_duration_seconds_count{role="numbers"} 2`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("the endpoint lacks %s", line)
		}
	}
	if !strings.Contains(got, `version="v1.2.3"`) || !strings.Contains(got, "go_goroutines") {
		t.Error("the endpoint lacks the build or the runtime metrics")
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestForgetDropsGaugesAndKeepsCounters(t *testing.T) {
	tel := quiet(t)
	m := tel.Metrics()
	m.Add(Records, 3, "7", "applied")
	m.Set(LagRecords, 9, "numbers", "7")
	m.Set(LagRecords, 9, "sink", "7")
	m.Set(Watermark, 9, "sink", "7")
	m.Forget("role", "numbers", "partition", "7")
	got := scrape(t, tel)
	if strings.Contains(got, `sendwatch_lag_records{partition="7",role="numbers"}`) {
		t.Error("the forgotten gauge is still there")
	}
	for _, still := range []string{
		`sendwatch_records_total{class="applied",partition="7"} 3`,
		`sendwatch_lag_records{partition="7",role="sink"} 9`,
		`sendwatch_watermark_seconds{partition="7",role="sink"} 9`,
	} {
		if !strings.Contains(got, still) {
			t.Errorf("%s is gone", still)
		}
	}
	m.Forget("partition", "7")
	if got := scrape(t, tel); strings.Contains(got, "sendwatch_watermark") || strings.Contains(got, "sendwatch_lag") {
		t.Error("gauges of the partition are still there")
	}
}

func TestSeriesAreBounded(t *testing.T) {
	tel := quiet(t)
	for i := range MaxSeries + 100 {
		tel.Metrics().Add(DeadLetters, 1, strconv.Itoa(i))
	}
	got := scrape(t, tel)
	if n := strings.Count(got, "\nsendwatch_dead_letters_total{"); n != MaxSeries {
		t.Errorf("%d series, want %d, with one for the rest", n, MaxSeries)
	}
	if !strings.Contains(got, `sendwatch_dead_letters_total{otel_metric_overflow="true"} 101`) {
		t.Error("what is beyond the limit is not counted in a series of its own")
	}
}

// TestGaugesBeyondTheBoundStay: OpenTelemetry's SDK (v1.47.0) chooses at each scrape which
// series of an observable instrument are within the limit, namely those observed first.
func TestGaugesBeyondTheBoundStay(t *testing.T) {
	tel := quiet(t)
	for i := range MaxSeries + 100 {
		tel.Metrics().Set(LagRecords, 9, "sink", strconv.Itoa(i))
	}
	series := func() []string {
		var all []string
		for line := range strings.Lines(scrape(t, tel)) {
			if strings.HasPrefix(line, "sendwatch_lag_records{") {
				all = append(all, line)
			}
		}
		return all
	}
	first := series()
	if len(first) != MaxSeries {
		t.Errorf("%d series, want %d, with one for the rest", len(first), MaxSeries)
	}
	if diff := cmp.Diff(first, series()); diff != "" {
		t.Errorf("the next scrape has other series (-first +next)\n%s", diff)
	}
}

func TestMistakesPanic(t *testing.T) {
	var none *Metrics
	for name, f := range map[string]func(){
		"a gauge used as a counter": func() { none.Add(Watermark, 1, "sink", "0") },
		"a counter used as a gauge": func() { none.Set(Records, 1, "0", "applied") },
		"a label missing":           func() { none.Observe(FetchDuration, 1) },
		"half a pair":               func() { none.Forget("role") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	none.Add(Records, 1, "0", "applied") // right use of no store is allowed
	none.Forget("role", "sink")
}

func TestReportingTogetherLosesNothing(t *testing.T) {
	tel := quiet(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				tel.Metrics().Add(Records, 2, "0", "applied")
				tel.Metrics().Observe(ApplyDuration, time.Millisecond, "numbers")
			}
		})
	}
	for range 5 {
		scrape(t, tel)
	}
	wg.Wait()
	if got := scrape(t, tel); !strings.Contains(got, `sendwatch_records_total{class="applied",partition="0"} 8000`+"\n") {
		t.Error("the counter is not 8,000")
	}
}

// TestTableIsSound holds the rules of the table itself.
func TestTableIsSound(t *testing.T) {
	names := regexp.MustCompile(`^sendwatch(\.[a-z]+(_[a-z]+)*)+$`)
	seen := map[string]bool{}
	for _, d := range Table() {
		if !names.MatchString(d.Name) {
			t.Errorf("%q: names are words in lower case, joined by dots", d.Name)
		}
		if seen[d.Name] {
			t.Errorf("%s is declared twice", d.Name)
		}
		seen[d.Name] = true
		if !strings.HasSuffix(d.Description, ".") {
			t.Errorf("%s: its description is no sentence", d.Name)
		}
		if d.Kind == Histogram && d.Unit != "s" {
			t.Errorf("%s: histograms count seconds", d.Name)
		}
		for _, l := range d.Labels {
			if strings.Contains(l, "number") || strings.Contains(l, "contact") || strings.Contains(l, "portfolio") {
				t.Errorf("%s: the label %s would have as many values as there are senders", d.Name, l)
			}
		}
	}
}

// TestNamesCannotClash: OpenTelemetry's Prometheus exporter (v0.69.0) writes . and
// _ alike, and two metrics of one name there take the whole endpoint down.
func TestNamesCannotClash(t *testing.T) {
	seen := map[string]string{}
	for _, d := range Table() {
		name := strings.NewReplacer(".", "_").Replace(d.Name)
		if other, twice := seen[name]; twice {
			t.Errorf("%s and %s are one name in Prometheus", d.Name, other)
		}
		seen[name] = d.Name
	}
	if names := endpointNames(t); len(names) < len(seen) {
		t.Errorf("%d metrics are served under %d names", len(seen), len(names))
	}
}
