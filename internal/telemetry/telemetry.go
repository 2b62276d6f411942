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
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
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
	metrics   *Metrics
	registry  *prometheus.Registry
	resource  *resource.Resource
	endpoint  *sdkmetric.MeterProvider
	provider  *sdktrace.TracerProvider
	tracer    trace.Tracer
	logger    *slog.Logger
	otlpMeter bool
	otlpTrace bool
}

// New reads the OTEL_ environment variables and prepares everything without
// starting anything. Errors come from variables that cannot be read.
func New(cfg Config) (*Telemetry, error) {
	t := &Telemetry{metrics: NewMetrics(time.Now()), registry: prometheus.NewRegistry(), logger: cfg.Logger}
	if t.logger == nil {
		t.logger = slog.New(slog.DiscardHandler)
	}
	t.metrics.Set(BuildInfo, 1, cfg.Version, runtime.Version())

	var err error
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and win.
	t.resource, err = resource.New(context.Background(),
		resource.WithAttributes(
			attribute.String("service.name", cmp.Or(cfg.Service, "sendwatch")),
			attribute.String("service.version", cfg.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("telemetry: OTEL_RESOURCE_ATTRIBUTES: %w; write it as name=value,name=value", err)
	}

	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := otelprometheus.New(
		otelprometheus.WithRegisterer(t.registry), otelprometheus.WithProducer(t.metrics), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("telemetry: prepare the Prometheus endpoint: %w", err)
	}
	t.endpoint = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(t.resource))

	if !strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		var errs [2]error
		t.otlpMeter, errs[0] = wantsOTLP("METRICS")
		t.otlpTrace, errs[1] = wantsOTLP("TRACES")
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(t.resource)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" { // given, the SDK reads it
		options = append(options, sdktrace.WithSampler(defaultSampler()))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	t.tracer = t.provider.Tracer("sendwatch")
	return t, nil
}

// defaultSampler keeps the caller's decision, if there is one, and else one
// trace in a hundred.
func defaultSampler() sdktrace.Sampler {
	return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(defaultSampling))
}

// wantsOTLP reports whether a signal's endpoint is set or its exporter asked for,
// and not switched off, as the OpenTelemetry specification names the variables.
// The error names a protocol that is not spoken here: to send by another one
// would reach a port that does not understand it.
func wantsOTLP(signal string) (bool, error) {
	exporters := os.Getenv("OTEL_" + signal + "_EXPORTER")
	asked := slices.Contains(strings.Split(strings.ReplaceAll(exporters, " ", ""), ","), "otlp")
	if exporters != "" && !asked {
		return false, nil
	}
	prefix := "OTEL_EXPORTER_OTLP_"
	if !asked && os.Getenv(prefix+"ENDPOINT") == "" && os.Getenv(prefix+signal+"_ENDPOINT") == "" {
		return false, nil
	}
	for _, name := range []string{prefix + signal + "_PROTOCOL", prefix + "PROTOCOL"} {
		switch protocol := os.Getenv(name); protocol {
		case "":
		case "http/protobuf":
			return true, nil
		default:
			return false, fmt.Errorf("telemetry: %s: %q is not spoken here; give http/protobuf or nothing, and an endpoint that takes it, such as http://collector:4318", name, protocol)
		}
	}
	return true, nil
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
	// The exporters outlive ctx: what is left goes out after it ends.
	last := context.WithoutCancel(ctx)
	var stop []func(context.Context) error
	if t.otlpMeter {
		exporter, err := otlpmetrichttp.New(last)
		if err != nil {
			return fmt.Errorf("telemetry: OTEL_EXPORTER_OTLP_ENDPOINT: %w; give a URL such as http://collector:4318", err)
		}
		reader := sdkmetric.NewPeriodicReader(&loggedMetrics{Exporter: exporter, logger: t.logger}, sdkmetric.WithProducer(t.metrics))
		stop = append(stop, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(t.resource)).Shutdown)
	}
	if t.otlpTrace {
		exporter, err := otlptracehttp.New(last)
		if err != nil {
			return fmt.Errorf("telemetry: OTEL_EXPORTER_OTLP_ENDPOINT: %w; give a URL such as http://collector:4318", err)
		}
		t.provider.RegisterSpanProcessor(sdktrace.NewBatchSpanProcessor(&loggedSpans{SpanExporter: exporter, logger: t.logger}))
	}
	<-ctx.Done()

	last, cancel := context.WithTimeout(last, shutdownTimeout)
	defer cancel()
	stop = append(stop, t.provider.Shutdown, t.endpoint.Shutdown)
	var errs []error
	for _, f := range stop {
		errs = append(errs, f(last))
	}
	if err := errors.Join(errs...); err != nil {
		t.logger.Warn("the last metrics or traces were not delivered", "error", err)
	}
	return nil
}

// loggedMetrics and loggedSpans log a failed export. OpenTelemetry would hand
// it to a global error handler, and this project has no mutable globals.
type loggedMetrics struct {
	sdkmetric.Exporter
	logger *slog.Logger
}

// Export sends the figures and logs what went wrong.
func (e *loggedMetrics) Export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	if err := e.Exporter.Export(ctx, rm); err != nil {
		e.logger.Warn("metrics were not exported; the next export carries them", "error", err)
	}
	return nil
}

type loggedSpans struct {
	sdktrace.SpanExporter
	logger *slog.Logger
}

// ExportSpans sends the spans and logs what went wrong.
func (e *loggedSpans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.logger.Warn("spans were not exported and are dropped", "spans", len(spans), "error", err)
	}
	return nil
}
