#!/usr/bin/env bash
# OpenTelemetry's Go SDK: an observable counter, delta temporality, and a callback that
# once leaves a series out.
#
# Expected: deltas add up to what the counter counted. The callback hands out totals, and
#           a series that it leaves out once (a query behind it failed, a partition was
#           away) goes on from its last total, in a delta that covers the gap.
# Seen:     the SDK forgets the series at that collection. Its next delta is the whole
#           total once more, with the time of the last collection as its start, so that
#           a backend which adds deltas counts twice what came before the gap: 240 for
#           130. Cumulative temporality hides it. That a series is not reported while
#           no callback observes it is in the specification.
# So:       with delta temporality a callback repeats the last total when it knows no new
#           one, or the code counts by a counter that is added to.
# Versions: go.opentelemetry.io/otel/sdk/metric v1.47.0, Go 1.26.
# Output:   totals      100 110 none 120 130
#           cumulative  100 110 none 120 130
#           delta       100 10 none 120 10   (sum 240)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26.0

require (
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/metric v1.47.0
	go.opentelemetry.io/otel/sdk/metric v1.47.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const none = -1

var totals = []int64{100, 110, none, 120, 130}

// run collects as often as there are totals and returns each value, the sum of all, and whether each says that it speaks of
// the time since the last collection only.
func run(temporality metricdata.Temporality) (values string, sum int64, short bool) {
	reader := sdk.NewManualReader(sdk.WithTemporalitySelector(func(sdk.InstrumentKind) metricdata.Temporality { return temporality }))
	meter := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("finding")
	now := int64(none)
	_, err := meter.Int64ObservableCounter("records", metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
		if now != none {
			o.Observe(now)
		}
		return nil
	}))
	if err != nil {
		panic(err)
	}
	var words []string
	var last, began time.Time
	short = true
	for _, now = range totals {
		last, began = began, time.Now()
		var got metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &got); err != nil {
			panic(err)
		}
		word := "none"
		for _, scope := range got.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					word = fmt.Sprint(p.Value)
					sum += p.Value
					short = short && !p.StartTime.Before(last)
				}
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), sum, short
}

func main() {
	cumulative, _, _ := run(metricdata.CumulativeTemporality)
	delta, sum, short := run(metricdata.DeltaTemporality)
	fmt.Printf("totals      100 110 none 120 130\ncumulative  %s\ndelta       %s   (sum %d)\n", cumulative, delta, sum)
	if cumulative != "100 110 none 120 130" || delta != "100 10 none 120 10" || !short {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
