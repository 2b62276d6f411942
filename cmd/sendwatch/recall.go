package main

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"sendwatch/internal/pipeline"
	"sendwatch/internal/server"
)

// recallTime bounds how long the newest flags are looked for.
const recallTime = time.Minute

// recall reads the newest flags of the flags topic, so that the page and the API have them after
// a restart: a process that continues from its checkpoints does not write them again. Those of other
// processes are among them. Without them nothing else is missing.
func (p *pipelines) recall(ctx context.Context, into *pipeline.RecentFlags) {
	ctx, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	values, err := p.newestFlags(ctx, server.MaxLimit)
	if err != nil && ctx.Err() == nil {
		p.options.logger.Warn("flags of before the start could not be read: the page and /api/flags begin without them", "error", err)
	}
	into.Recall(values)
}

// newestFlags returns the newest values of the flags topic, at most limit, oldest first.
func (p *pipelines) newestFlags(ctx context.Context, limit int) ([][]byte, error) {
	topic := p.options.settings.Kafka.Topics.Flags
	first, end, err := p.client.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	type flag struct {
		time  int64
		value []byte
	}
	var flags []flag
	for partition := range end {
		next := max(first[partition], end[partition]-int64(limit))
		fetcher := p.client.NewFetcher(topic, int32(partition), next, int32(len(end)))
		for next < end[partition] {
			batch, err := fetcher.Fetch(ctx)
			if err != nil {
				return nil, err
			}
			for i := range batch.Records {
				r := &batch.Records[i]
				flags = append(flags, flag{r.Timestamp, bytes.Clone(r.Value)})
			}
			next = batch.Next
		}
	}
	slices.SortStableFunc(flags, func(a, b flag) int { return cmp.Compare(a.time, b.time) })
	flags = flags[max(0, len(flags)-limit):]
	values := make([][]byte, len(flags))
	for i := range flags {
		values[i] = flags[i].value
	}
	return values, nil
}
