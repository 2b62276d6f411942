package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/kafka"
)

// counter counts the records that a client hands over, and looks at each one's value as
// anybody would.
type counter struct {
	total, n int
	bytes    int
	mallocs  uint64
}

func newCounter(total int) *counter {
	fmt.Println("ready")
	return &counter{total: total}
}

// see takes a value and reports whether it was the last.
func (c *counter) see(value []byte) bool {
	c.n++
	c.bytes += len(value)
	switch c.n {
	case c.total / 3:
		fmt.Println("third")
		c.mallocs = mallocs()
	case c.total:
		fmt.Println("done")
		fmt.Printf("note allocations=%.3f\n", float64(mallocs()-c.mallocs)/float64(c.total-c.total/3))
		return true
	}
	return false
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// consumeOurs reads the topic by the fetcher of the product.
func consumeOurs(ctx context.Context, o *options) error {
	client, err := kafka.New(kafka.Config{Brokers: []string{o.brokers}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer client.Close()
	f := client.NewFetcher(o.topic, 0, 0, 1)
	for c := newCounter(o.events); ; {
		batch, err := f.Fetch(ctx)
		if err != nil {
			return err
		}
		for i := range batch.Records {
			if c.see(batch.Records[i].Value) {
				return tell(answer{Events: c.n})
			}
		}
	}
}

// consumeGroupReader reads it by kafka-go's Reader in a group.
func consumeGroupReader(ctx context.Context, o *options) error {
	reader := groupReader(o)
	for c := newCounter(o.events); ; {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			return err
		}
		if c.see(m.Value) {
			return tell(answer{Events: c.n})
		}
	}
}

// consumeFranz reads it by franz-go, which has no group to look after here, as ours has not.
func consumeFranz(ctx context.Context, o *options) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return err
	}
	defer client.Close()
	for c := newCounter(o.events); ; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			if c.see(iter.Next().Value) {
				return tell(answer{Events: c.n})
			}
		}
	}
}
