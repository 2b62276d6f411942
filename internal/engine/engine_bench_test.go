package engine_test

import (
	"bytes"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

// records returns the first n records of the demo's traffic: their values one
// after the other, and where each ends.
func records(b testing.TB, n int) (values []byte, ends []int, times []int64) {
	b.Helper()
	g, err := traffic.New(traffic.Config{Seed: 1, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	var buf bytes.Buffer
	var r traffic.Record
	for len(ends) < n && g.Next(&r) {
		buf.Write(r.Value)
		ends = append(ends, buf.Len())
		times = append(times, r.Time)
	}
	return buf.Bytes(), ends, times
}

// BenchmarkApply measures decoding and applying one event of the demo's
// traffic, rows and flags included, statuses at the end only.
func BenchmarkApply(b *testing.B) {
	values, ends, times := records(b, max(b.N, 1000))
	d := codec.NewDecoder(codec.Config{StopWords: policy.Default().StopWords, ResumeWords: policy.Default().ResumeWords})
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: 16, FinalStatusOnly: true})
	var out event.Output
	var ev event.Event
	b.ReportAllocs()
	b.ResetTimer()
	from := 0
	for i := range b.N {
		if err := d.Decode(&ev, values[from:ends[i]], codec.ContentJSON, times[i]); err != nil {
			e.Skip(event.ClassRejected, int64(i), times[i], &out)
		} else {
			e.Apply(&ev, int64(i), times[i], &out)
		}
		out.Reset()
		from = ends[i]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
