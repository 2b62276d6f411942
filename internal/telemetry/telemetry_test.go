package telemetry

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
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
	const away = "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		environment   map[string]string
		meters, spans string
		mistake       string // what the error names; empty for none
	}{
		"nothing set":    {},
		"all":            {map[string]string{"ENDPOINT": away}, protocolHTTP, protocolHTTP, ""},
		"metrics alone":  {map[string]string{"METRICS_ENDPOINT": away}, protocolHTTP, "", ""},
		"traces alone":   {map[string]string{"TRACES_ENDPOINT": away}, "", protocolHTTP, ""},
		"by exporter":    {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus, otlp"}, protocolHTTP, "", ""},
		"no traces":      {map[string]string{"ENDPOINT": away, "OTEL_TRACES_EXPORTER": "none"}, protocolHTTP, "", ""},
		"grpc":           {map[string]string{"ENDPOINT": away, "PROTOCOL": "grpc"}, protocolGRPC, protocolGRPC, ""},
		"grpc unused":    {map[string]string{"PROTOCOL": "http/json"}, "", "", ""},
		"by signal":      {map[string]string{"ENDPOINT": away, "PROTOCOL": "http/json", "METRICS_PROTOCOL": "grpc", "TRACES_PROTOCOL": "http/protobuf"}, protocolGRPC, protocolHTTP, ""},
		"json":           {map[string]string{"ENDPOINT": away, "PROTOCOL": "http/json"}, "", "", `OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" is not spoken here; give http/protobuf`},
		"no scheme":      {map[string]string{"ENDPOINT": "collector:4317"}, "", "", "OTEL_EXPORTER_OTLP_ENDPOINT: is no URL"},
		"an address":     {map[string]string{"ENDPOINT": "127.0.0.1:4318"}, "", "", "write it as http://HOST:PORT"},
		"one no scheme":  {map[string]string{"ENDPOINT": away, "TRACES_ENDPOINT": "tempo"}, protocolHTTP, "", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: is no URL"},
		"delta":          {map[string]string{"METRICS_ENDPOINT": away, "METRICS_TEMPORALITY_PREFERENCE": "Delta"}, protocolHTTP, "", ""},
		"no temporality": {map[string]string{"METRICS_ENDPOINT": away, "METRICS_TEMPORALITY_PREFERENCE": "deltas"}, "", "", "give cumulative, delta or lowmemory"},
		"disabled":       {map[string]string{"ENDPOINT": "collector", "OTEL_SDK_DISABLED": "TRUE"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			for key, value := range c.environment {
				if !strings.HasPrefix(key, "OTEL_") {
					key = otlpPrefix + key
				}
				t.Setenv(key, value)
			}
			if name != "disabled" { // there nothing asks
				if got, _ := otlpProtocol("METRICS"); got != c.meters {
					t.Errorf("metrics go by %q, want %q", got, c.meters)
				}
				if got, _ := otlpProtocol("TRACES"); got != c.spans {
					t.Errorf("traces go by %q, want %q", got, c.spans)
				}
			}
			mistakes := CheckEnvironment()
			switch {
			case c.mistake == "" && mistakes != nil:
				t.Errorf("mistakes %v", mistakes)
			case c.mistake != "" && (len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), c.mistake)):
				t.Errorf("mistakes %v, want one with %q", mistakes, c.mistake)
			}
		})
	}
}

// TestAMistakeKeepsNothingFromRunning: the pipeline is there for its flags.
func TestAMistakeKeepsNothingFromRunning(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
		"OTEL_RESOURCE_ATTRIBUTES":    "no equals sign",
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			t.Setenv(name, value)
			var log strings.Builder
			tel, err := New(Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			runUntil(t, tel, func(context.Context) { tel.Metrics().Add(SinkRows, 1, "flags") })
			if !strings.Contains(log.String(), name) || strings.Contains(log.String(), value) && name != "OTEL_RESOURCE_ATTRIBUTES" {
				t.Errorf("the log does not name %s, or shows its value: %s", name, log.String())
			}
		})
	}
}

// TestDeltaTemporalityIsHeeded sends twice and looks at what the collector got:
// receivers that want deltas drop or miscount cumulative sums.
func TestDeltaTemporalityIsHeeded(t *testing.T) {
	for preference, want := range map[string]metricspb.AggregationTemporality{
		"":      metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
		"delta": metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
	} {
		clean(t)
		sink := &collector{bodies: map[string]string{}, spans: make(chan struct{}, 1)}
		listener := httptest.NewServer(sink)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.URL)
		t.Setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
		tel, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		tel.Metrics().Add(SinkRows, 12, "flags")
		tel.Metrics().Observe(FetchDuration, time.Second, "numbers")
		runUntil(t, tel, func(context.Context) {})
		listener.Close()
		var got collectorpb.ExportMetricsServiceRequest
		if err := proto.Unmarshal([]byte(sink.bodies["/v1/metrics"]), &got); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, r := range got.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				for _, m := range s.Metrics {
					switch {
					case m.GetSum() != nil && m.GetSum().AggregationTemporality == want,
						m.GetHistogram() != nil && m.GetHistogram().AggregationTemporality == want:
						found++
					case m.GetGauge() == nil:
						t.Errorf("%q: %s is sent with another temporality than %s", preference, m.Name, want)
					}
				}
			}
		}
		if found != 2 {
			t.Errorf("%q: %d of 2 metrics were sent as wanted", preference, found)
		}
	}
}

// TestGRPCReachesACollector speaks to a gRPC server of the protocol.
func TestGRPCReachesACollector(t *testing.T) {
	clean(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink := &grpcCollector{got: make(chan *collectorpb.ExportMetricsServiceRequest, 1)}
	server := grpc.NewServer()
	collectorpb.RegisterMetricsServiceServer(server, sink)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://"+listener.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	tel, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	tel.Metrics().Add(SinkRows, 12, "flags")
	runUntil(t, tel, func(context.Context) {})
	if got := <-sink.got; !strings.Contains(got.String(), "sendwatch.sink.rows") {
		t.Errorf("the collector got %v", got)
	}
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// grpcCollector keeps the first export.
type grpcCollector struct {
	collectorpb.UnimplementedMetricsServiceServer
	got chan *collectorpb.ExportMetricsServiceRequest
}

func (c *grpcCollector) Export(_ context.Context, r *collectorpb.ExportMetricsServiceRequest) (*collectorpb.ExportMetricsServiceResponse, error) {
	select {
	case c.got <- r:
	default:
	}
	return &collectorpb.ExportMetricsServiceResponse{}, nil
}

func TestOneInAHundredIsSampled(t *testing.T) {
	if got := defaultSampler().Description(); !strings.Contains(got, "ParentBased{root:TraceIDRatioBased{0.01}") {
		t.Errorf("sampler %s", got)
	}
}

func TestNoTelemetryIsAllowed(*testing.T) {
	var tel *Telemetry
	tel.Metrics().Add(Rebalances, 1, "sink")
	_, span := tel.StartSpan(context.Background(), OperationFetch, "sendwatch.events", 0)
	span.End(1, nil)
}
