package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// shutdownTimeout is how long Run waits for the last figures and spans to go out.
const shutdownTimeout = 5 * time.Second

// defaultSampling is the share of fetches and inserts traced unless
// OTEL_TRACES_SAMPLER says otherwise.
const defaultSampling = 0.01

// Config says what telemetry knows of the process.
type Config struct {
	Service string       // name of the service; empty is sendwatch, and OTEL_SERVICE_NAME wins
	Version string       // of the program, a label and a resource attribute
	Logger  *slog.Logger // takes the exporters' errors; nil drops them
}

// Telemetry carries the metrics and traces of one process. It is safe for
// concurrent use.
type Telemetry struct {
	metrics  *Metrics
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	spans    sdktrace.SpanExporter // nil: spans are not exported
	logger   *slog.Logger
}

// New reads the OTEL_ environment variables and prepares everything. A mistake in
// them is logged, with what to give instead, and keeps only the signal it concerns
// from being exported: the process is there for its flags. Where metrics are
// exported, the SDK's reader begins its interval here; Run ends it.
func New(cfg Config) (*Telemetry, error) {
	t := &Telemetry{registry: prometheus.NewRegistry(), logger: cfg.Logger}
	if t.logger == nil {
		t.logger = slog.New(slog.DiscardHandler)
	}
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and win.
	described, err := resource.New(context.Background(),
		resource.WithAttributes(
			attribute.String("service.name", cmp.Or(cfg.Service, "sendwatch")),
			attribute.String("service.version", cfg.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		t.logger.Warn("attributes of this process are left out; write OTEL_RESOURCE_ATTRIBUTES as name=value,name=value", "error", err)
	}
	if err := t.prepareMetrics(cfg.Version, described); err != nil {
		return nil, err
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(described)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" { // given, the SDK reads it
		options = append(options, sdktrace.WithSampler(defaultSampler()))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	t.tracer = t.provider.Tracer("sendwatch")
	if !disabled() {
		if t.spans, err = spanExporter(context.Background()); err != nil {
			t.logger.Warn("traces are not exported", "error", err)
		}
	}
	return t, nil
}

// prepareMetrics makes the instruments and their readers: the Prometheus endpoint
// always, OTLP where it is asked for.
func (t *Telemetry) prepareMetrics(version string, described *resource.Resource) error {
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	endpoint, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return fmt.Errorf("telemetry: prepare the Prometheus endpoint: %w", err)
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(described), sdkmetric.WithCardinalityLimit(MaxSeries), sdkmetric.WithReader(endpoint)}
	if !disabled() {
		exporter, err := metricExporter(context.Background())
		if err != nil {
			t.logger.Warn("metrics are not exported; the endpoint /metrics has them", "error", err)
		} else if exporter != nil {
			options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(&loggedMetrics{Exporter: exporter, logger: t.logger})))
		}
	}
	t.meters = sdkmetric.NewMeterProvider(options...)
	if t.metrics, err = newMetrics(t.meters.Meter("sendwatch")); err != nil {
		return fmt.Errorf("telemetry: declare the metrics: %w", err)
	}
	t.metrics.Set(BuildInfo, 1, version, runtime.Version())
	return nil
}

// defaultSampler keeps the caller's decision, if there is one, and else one
// trace in a hundred.
func defaultSampler() sdktrace.Sampler {
	return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(defaultSampling))
}

// Metrics returns the store of metrics; of a nil *Telemetry a nil one, which
// takes and drops everything.
func (t *Telemetry) Metrics() *Metrics {
	if t == nil {
		return nil
	}
	return t.metrics
}

// Handler serves the Prometheus endpoint.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		Timeout: 10 * time.Second, MaxRequestsInFlight: 4, EnableOpenMetrics: true,
	})
}

// Run sends metrics and spans to the OTLP endpoint, if one is set, until ctx
// ends, then what is left. Start it before and stop it after all that report.
// An endpoint that cannot be reached is logged and tried again; it never stops
// the process.
func (t *Telemetry) Run(ctx context.Context) error {
	if t.spans != nil {
		t.provider.RegisterSpanProcessor(sdktrace.NewBatchSpanProcessor(&loggedSpans{SpanExporter: t.spans, logger: t.logger}))
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := errors.Join(t.provider.Shutdown(last), t.meters.Shutdown(last)); err != nil {
		t.logger.Warn("the last metrics or traces were not delivered", "error", err)
	}
	return nil
}
