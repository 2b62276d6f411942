package telemetry

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector takes what an OTLP exporter sends, by path.
type collector struct {
	mu     sync.Mutex
	bodies map[string]string
	spans  chan struct{} // gets a value when the first spans have come
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies[r.URL.Path] += string(data)
	if r.URL.Path == "/v1/traces" {
		select {
		case c.spans <- struct{}{}:
		default:
		}
	}
}

// runUntil runs tel, reports by f, and stops it.
func runUntil(t *testing.T, tel *Telemetry, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tel.Run(ctx) }()
	f(ctx)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOTLPCarriesMetricsAndSpansWhenAskedFor(t *testing.T) {
	quiet(t)
	sink := &collector{bodies: map[string]string{}, spans: make(chan struct{}, 1)}
	listener := httptest.NewServer(sink)
	defer listener.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	t.Setenv("OTEL_SERVICE_NAME", "sendwatch-eu")
	tel, err := New(Config{Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	tel.Metrics().Add(SinkRows, 12, "flags")
	// Spans are kept only once Run has hung in the exporter.
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	runUntil(t, tel, func(ctx context.Context) {
		for {
			_, span := tel.StartSpan(ctx, OperationInsert, "flags", -1)
			span.End(12, errors.New("connection refused"))
			select {
			case <-sink.spans:
				return
			default:
				runtime.Gosched()
			}
		}
	})
	for path, words := range map[string][]string{
		"/v1/metrics": {"sendwatch.sink.rows", "flags", "sendwatch-eu"},
		"/v1/traces":  {"insert", "sendwatch.source", "connection refused", "sendwatch-eu"},
	} {
		for _, w := range words {
			if !strings.Contains(sink.bodies[path], w) {
				t.Errorf("%s did not carry %q", path, w)
			}
		}
	}
}

func TestOTLPIsOffUnlessAskedFor(t *testing.T) {
	quiet(t)
	for _, c := range []struct {
		name, key, value string
		meter, trace     bool
	}{
		{"nothing set", "OTEL_SDK_DISABLED", "", false, false},
		{"all", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", true, true},
		{"metrics alone", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1", true, false},
		{"traces alone", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1", false, true},
		{"at the endpoint of the specification", "OTEL_METRICS_EXPORTER", "prometheus, otlp", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.key, c.value)
			tel, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			if tel.otlpMeter != c.meter || tel.otlpTrace != c.trace {
				t.Errorf("metrics %t, traces %t", tel.otlpMeter, tel.otlpTrace)
			}
		})
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	if tel, err := New(Config{}); err != nil || tel.otlpTrace || !tel.otlpMeter {
		t.Errorf("OTEL_TRACES_EXPORTER=none was not heeded (error %v)", err)
	}
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if tel, err := New(Config{}); err != nil || tel.otlpTrace || tel.otlpMeter {
		t.Errorf("OTEL_SDK_DISABLED was not heeded (error %v)", err)
	}
}

// TestOTLPNamesAProtocolThatItDoesNotSpeak: figures sent by another one than was
// asked for would be lost in silence.
func TestOTLPNamesAProtocolThatItDoesNotSpeak(t *testing.T) {
	quiet(t)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if _, err := New(Config{}); err != nil {
		t.Errorf("nothing is sent, and still: %v", err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	_, err := New(Config{})
	if err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_PROTOCOL") || !strings.Contains(err.Error(), "http/protobuf") {
		t.Errorf("got %v", err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	if _, err := New(Config{}); err != nil {
		t.Errorf("a signal's own protocol was not heeded: %v", err)
	}
}

func TestOneInAHundredIsSampled(t *testing.T) {
	if got := defaultSampler().Description(); !strings.Contains(got, "ParentBased{root:TraceIDRatioBased{0.01}") {
		t.Errorf("sampler %s", got)
	}
}

func TestBadResourceAttributesAreNamed(t *testing.T) {
	quiet(t)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "no equals sign")
	_, err := New(Config{})
	if err == nil || !strings.Contains(err.Error(), "OTEL_RESOURCE_ATTRIBUTES") {
		t.Errorf("got %v", err)
	}
}

func TestNoTelemetryIsAllowed(*testing.T) {
	var tel *Telemetry
	tel.Metrics().Add(Rebalances, 1, "sink")
	_, span := tel.StartSpan(context.Background(), OperationFetch, "sendwatch.events", 0)
	span.End(1, nil)
}
