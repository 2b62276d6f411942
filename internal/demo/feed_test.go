package demo

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

func testGenerator(t *testing.T, start time.Time) *traffic.Generator {
	t.Helper()
	g, err := traffic.New(traffic.Config{Seed: 1, Numbers: 40, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The feed writes exactly what the traffic is, shared records to every
// partition, and in live mode no record before its time.
func TestFeedWritesTheTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().UTC().Truncate(24 * time.Hour)
		time.Sleep(time.Until(start.Add(26 * time.Hour))) // the bubble's clock
		type sent struct {
			value     []byte
			partition int32
			set       bool
		}
		var got []sent
		var early int
		f := &feed{
			generator: testGenerator(t, start), partitions: 3, now: time.Now, live: make(chan struct{}),
			produce: func(_ context.Context, messages []event.Message) error {
				for _, m := range messages {
					if m.Timestamp > time.Now().UnixMilli() {
						early++
					}
					got = append(got, sent{bytes.Clone(m.Value), m.Partition, m.PartitionSet})
				}
				return nil
			},
		}
		f.full = func(int64) bool { return false }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- f.run(ctx) }()
		<-f.live
		history := len(got)
		time.Sleep(4 * time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if early > 0 {
			t.Errorf("%d records were written before their time", early)
		}
		if history == 0 || len(got) <= history {
			t.Fatalf("%d records of history, %d in all: nothing went on live", history, len(got))
		}
		if n := f.history.Load(); n != int64(history) {
			t.Errorf("the feed counts %d records of history, want %d", n, history)
		}

		g, r := testGenerator(t, start), traffic.Record{}
		for i := 0; i < len(got); {
			g.Next(&r)
			copies := 1
			if r.Shared {
				copies = 3
			}
			for p := range copies {
				if !bytes.Equal(got[i].value, r.Value) || got[i].set != r.Shared || r.Shared && got[i].partition != int32(p) {
					t.Fatalf("message %d is %+v, want a copy of %s", i, got[i], r.Value)
				}
				i++
			}
		}
	})
}

// A pipeline that stands still stops the feed.
func TestFeedWaitsForThePipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().UTC().Truncate(24 * time.Hour)
		g, err := traffic.New(traffic.Config{Seed: 1, Numbers: 400, Start: start.Add(-10 * 24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		f := &feed{
			generator: g, partitions: 1, now: time.Now, live: make(chan struct{}),
			produce: func(context.Context, []event.Message) error { return nil },
			full:    func(produced int64) bool { return produced > 50_000 },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- f.run(ctx) }()
		time.Sleep(time.Minute)
		if n := f.produced.Load(); n < 50_000 || n > 50_000+2*feedBatch {
			t.Errorf("the feed ran %d records ahead, want about 50,000", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
