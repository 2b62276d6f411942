package main

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/server"
)

// recallTime bounds how long the newest flags are looked for.
const recallTime = time.Minute

// recall reads the newest flags of the flags topic, so that the page and the API have them after
// a restart: a process that continues from its checkpoints does not write them again. Those of other
// processes are among them. Without them nothing else is missing.
func (p *pipelines) recall(ctx context.Context, into *pipeline.RecentFlags) {
	within, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	values, err := p.newestFlags(within, server.MaxLimit)
	if err != nil && ctx.Err() == nil {
		p.options.logger.Warn("not all flags of before the start could be read: the page and /api/flags begin without them; see that the process may read the flags topic", "error", err)
	}
	into.Recall(values)
}

// timedFlag is a flag as it is in the topic.
type timedFlag struct {
	time  int64
	value []byte
}

// newestFlags returns the newest values of the flags topic, at most limit, oldest first. With an
// error it returns those of the partitions that could be read.
func (p *pipelines) newestFlags(ctx context.Context, limit int) ([][]byte, error) {
	topic := p.options.settings.Kafka.Topics.Flags
	first, end, err := p.client.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var flags []timedFlag
	for partition := range end {
		from := max(first[partition], end[partition]-int64(limit))
		fetcher := p.client.NewFetcher(topic, int32(partition), from, int32(len(end)))
		if flags, err = appendFlags(ctx, flags, fetcher, from, end[partition], limit); err != nil {
			break
		}
	}
	return newestValues(&flags, limit), err
}

// appendFlags appends the flags of a partition from one offset to before another, and keeps the
// newest of all that do not take too much memory.
func appendFlags(ctx context.Context, flags []timedFlag, fetcher *kafka.Fetcher, next, end int64, limit int) ([]timedFlag, error) {
	for next < end {
		batch, err := fetcher.Fetch(ctx)
		if err != nil {
			return flags, err
		}
		for i := range batch.Records {
			r := &batch.Records[i]
			flags = append(flags, timedFlag{r.Timestamp, bytes.Clone(r.Value)})
		}
		newestValues(&flags, limit)
		next = batch.Next
	}
	return flags, nil
}

// newestValues cuts flags down to the newest, in order, and returns their values.
func newestValues(flags *[]timedFlag, limit int) [][]byte {
	all := *flags
	slices.SortStableFunc(all, func(a, b timedFlag) int { return cmp.Compare(a.time, b.time) })
	values := make([][]byte, len(all))
	for i := range all {
		values[i] = all[i].value
	}
	values = pipeline.NewestFlags(values, limit)
	*flags = append(make([]timedFlag, 0, len(values)), all[len(all)-len(values):]...)
	return values
}
