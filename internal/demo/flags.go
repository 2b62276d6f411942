package demo

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sendwatch/internal/kafka"
)

// flagReader reads the flags topic as any client would and hands each flag to
// the expectations: what is judged is what was delivered.
type flagReader struct {
	client       *kafka.Client
	topic        string
	expectations *expectations
	next         []atomic.Int64 // by partition, the offset to be read next
}

func newFlagReader(client *kafka.Client, topic string, partitions int32, l *expectations) *flagReader {
	return &flagReader{client: client, topic: topic, expectations: l, next: make([]atomic.Int64, partitions)}
}

// run reads all partitions until ctx ends.
func (r *flagReader) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for p := range r.next {
		group.Go(func() error {
			fetcher := r.client.NewFetcher(r.topic, int32(p), 0, int32(len(r.next)))
			for {
				batch, err := fetcher.Fetch(ctx)
				if err != nil {
					if ctx.Err() != nil {
						return nil
					}
					return err
				}
				for i := range batch.Records {
					if err := r.expectations.read(batch.Records[i].Value); err != nil {
						return fmt.Errorf("offset %d of partition %d: %w", batch.Records[i].Offset, p, err)
					}
				}
				r.next[p].Store(batch.Next)
			}
		})
	}
	return group.Wait()
}

// catchUp waits until all flags that were written have been read.
func (r *flagReader) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	_, end, err := r.client.Offsets(ctx, r.topic)
	if err != nil {
		return err
	}
	for p := range r.next {
		for p < len(end) && r.next[p].Load() < end[p] {
			if !sleep(ctx, 20*time.Millisecond) {
				return fmt.Errorf("partition %d of %s was read to %d of %d within %s", p, r.topic, r.next[p].Load(), end[p], drainTimeout)
			}
		}
	}
	return nil
}
