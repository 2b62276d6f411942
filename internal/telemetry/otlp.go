package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The exporters read the OTEL_ variables themselves. What they would take in a
// way that was not meant, without a word, is refused here first (go.opentelemetry.io/otel
// v1.47.0, exporters/otlp/*/internal/*/envconfig.go): an endpoint without a scheme
// is dropped for localhost, an unknown temporality for cumulative, and a protocol
// is not looked at at all.

const otlpPrefix = "OTEL_EXPORTER_OTLP_"

// CheckEnvironment returns what is wrong with the OTEL_ variables, one error a
// mistake, each naming the variable and what it accepts. A process with such a
// mistake runs, and does not export the signal that it concerns.
func CheckEnvironment() []error {
	if disabled() {
		return nil
	}
	var all []error
	for _, signal := range []string{"METRICS", "TRACES"} {
		if _, err := otlpProtocol(signal); err != nil && !slices.ContainsFunc(all, func(e error) bool { return e.Error() == err.Error() }) {
			all = append(all, err)
		}
	}
	return all
}

// disabled reports whether all of telemetry beyond the endpoint is switched off.
func disabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// otlpProtocol returns by which protocol a signal is to be exported, "" if it is
// not: it is where an endpoint is set or the exporter is named, and the exporter
// is not another one, as the OpenTelemetry specification has it.
func otlpProtocol(signal string) (string, error) {
	exporters := os.Getenv("OTEL_" + signal + "_EXPORTER")
	asked := slices.Contains(strings.Split(strings.ReplaceAll(exporters, " ", ""), ","), "otlp")
	if exporters != "" && !asked {
		return "", nil
	}
	endpoint, value := firstSet(otlpPrefix+signal+"_ENDPOINT", otlpPrefix+"ENDPOINT")
	if !asked && value == "" {
		return "", nil
	}
	if value != "" {
		if err := checkEndpoint(endpoint, value); err != nil {
			return "", err
		}
	}
	if signal == "METRICS" {
		name := otlpPrefix + "METRICS_TEMPORALITY_PREFERENCE"
		switch preference := strings.ToLower(os.Getenv(name)); preference {
		case "", "cumulative", "delta", "lowmemory":
		default:
			return "", fmt.Errorf("%s: %q is not known; give cumulative, delta or lowmemory", name, preference)
		}
	}
	name, protocol := firstSet(otlpPrefix+signal+"_PROTOCOL", otlpPrefix+"PROTOCOL")
	switch protocol {
	case "":
		return protocolHTTP, nil
	case protocolHTTP, protocolGRPC:
		return protocol, nil
	}
	return "", fmt.Errorf("%s: %q is not spoken here; give %s (collectors take it at port 4318) or %s (port 4317)", name, protocol, protocolHTTP, protocolGRPC)
}

// The protocols that OpenTelemetry's exporters for Go speak.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// firstSet returns the first variable that is set and its value.
func firstSet(names ...string) (name, value string) {
	for _, name := range names {
		if value := strings.TrimSpace(os.Getenv(name)); value != "" {
			return name, value
		}
	}
	return "", ""
}

// checkEndpoint says why an endpoint would not be gone to. It never shows the
// value, which may hold a password.
func checkEndpoint(name, value string) error {
	u, err := url.Parse(value)
	if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	return fmt.Errorf("%s: is no URL with http:// or https:// in front; write it as http://HOST:PORT, or https://HOST:PORT for TLS", name)
}

// metricExporter returns the exporter of metrics, nil if none is asked for.
func metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	protocol, err := otlpProtocol("METRICS")
	switch {
	case err != nil:
		return nil, err
	case protocol == protocolHTTP:
		return otlpmetrichttp.New(ctx)
	case protocol == protocolGRPC:
		return otlpmetricgrpc.New(ctx)
	}
	return nil, nil //nolint:nilnil // no exporter is a valid answer
}

// spanExporter returns the exporter of spans, nil if none is asked for.
func spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	protocol, err := otlpProtocol("TRACES")
	switch {
	case err != nil:
		return nil, err
	case protocol == protocolHTTP:
		return otlptracehttp.New(ctx)
	case protocol == protocolGRPC:
		return otlptracegrpc.New(ctx)
	}
	return nil, nil //nolint:nilnil // no exporter is a valid answer
}

// loggedMetrics and loggedSpans log a failed export. OpenTelemetry would hand
// it to a global error handler, and this project has no mutable globals.
type loggedMetrics struct {
	sdkmetric.Exporter
	logger *slog.Logger
}

// Export sends the figures and logs what went wrong.
func (e *loggedMetrics) Export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	if err := e.Exporter.Export(ctx, rm); err != nil && !errors.Is(err, sdkmetric.ErrExporterShutdown) {
		if e.Temporality(sdkmetric.InstrumentKindCounter) == metricdata.DeltaTemporality {
			e.logger.Warn("metrics not exported, and what they counted is lost; see whether the collector answers", "error", err)
		} else {
			e.logger.Warn("metrics not exported; the next export carries them", "error", err)
		}
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
		e.logger.Warn("spans not exported, and dropped", "spans", len(spans), "error", err)
	}
	return nil
}
