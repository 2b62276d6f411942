package kafka

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// LogStartError says that records we have not read are no longer in the log.
type LogStartError struct {
	Topic     string
	Partition int32
	Position  int64 // the offset we are at
	Start     int64 // the oldest the broker still holds
}

// Error names the gap and what can be done.
func (e *LogStartError) Error() string {
	return fmt.Sprintf("log start beyond position: %s partition %d holds offsets from %d on, but %d is next; %d records are lost to us, "+
		"so this partition stops: give the topic a longer retention, then restart the process",
		e.Topic, e.Partition, e.Start, e.Position, e.Start-e.Position)
}

// LogEndError says that the log ends before the offset we are at.
type LogEndError struct {
	Topic     string
	Partition int32
	Position  int64
	End       int64
}

// Error names the difference and its likely causes.
func (e *LogEndError) Error() string {
	return fmt.Sprintf("log end before position: %s partition %d ends at %d, but %d is next; the topic was created again or a broker lost "+
		"acknowledged records, so this partition stops: restart the process if the topic is the right one", e.Topic, e.Partition, e.End, e.Position)
}

// PartitionCountError says that the topic was given more partitions, which
// moves keys from one to another.
type PartitionCountError struct {
	Topic     string
	Had, Have int32
}

// Error names both counts.
func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("partition count changed: %s has %d partitions and had %d; numbers have moved between partitions, "+
		"so they stop: restart the process, which reads the log again", e.Topic, e.Have, e.Had)
}

// checksumTries is how often a batch with a wrong checksum is asked for again
// before it counts as broken at rest and not in transit.
const checksumTries = 3

// rebuildAfter is for how long requests may fail before the connections are
// thrown away and the cluster is looked up from the configured brokers again.
const rebuildAfter = 30 * time.Second

// Fetcher reads one partition's log from an offset on. It belongs to one
// goroutine. A batch that Fetch gave is valid until the next call but one, so
// that the next can be fetched while one is being worked on.
type Fetcher struct {
	client    *Client
	topic     string
	partition int32
	count     int32 // the topic's partition count, which must stay
	next      int64
	buffers   [2]buffer
	turn      int
	inflate   decompressor
	pause     retry.Backoff

	badAt    int64 // offset of the last wrong checksum
	badTries int
	lastGood time.Time
}

// NewFetcher returns a reader of a partition from offset next on. partitions is
// how many the topic must have, 0 for as many as it has at the first fetch.
func (c *Client) NewFetcher(topic string, partition int32, next int64, partitions int32) *Fetcher {
	return &Fetcher{client: c, topic: topic, partition: partition, next: next, count: partitions, badAt: -1}
}

// Fetch waits for records behind the last ones, at most Config.MaxWait; then
// the batch is empty. It tries on for as long as a failure may pass; what it
// returns as an error will not, or is ctx's end.
func (f *Fetcher) Fetch(ctx context.Context) (*event.Batch, error) {
	if f.lastGood.IsZero() {
		f.lastGood = time.Now()
	}
	for {
		batch, err := f.try(ctx)
		if err == nil {
			f.pause.Reset()
			f.lastGood = time.Now()
			return batch, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !retriable(err) {
			return nil, fmt.Errorf("reading %s partition %d at %d: %w", f.topic, f.partition, f.next, err)
		}
		f.client.config.Logger.Debug("retrying a fetch",
			"topic", f.topic, "partition", f.partition, "offset", f.next, "tries", f.pause.Tries(), "error", err)
		if time.Since(f.lastGood) > rebuildAfter {
			f.client.config.Logger.Warn("reconnecting: no fetch has succeeded for a while; check that the brokers are up and reachable",
				"topic", f.topic, "partition", f.partition, "since", f.lastGood.UTC().Format(time.RFC3339), "error", err)
			f.client.transport.CloseIdleConnections()
			f.lastGood = time.Now()
		}
		if err := f.pause.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// errAgain asks for the same fetch once more.
var errAgain = kafkago.OffsetNotAvailable

// try is one round trip.
func (f *Fetcher) try(ctx context.Context) (*event.Batch, error) {
	if err := f.checkPartitions(ctx); err != nil {
		return nil, err
	}
	b := &f.buffers[f.turn]
	b.reset()
	answer, err := f.ask(ctx, b, f.next, f.client.config.MaxWait, f.client.config.MaxBytes)
	if err != nil {
		return nil, err
	}
	switch code := kafkago.Error(answer.code); {
	case code == kafkago.OffsetOutOfRange:
		return nil, f.outOfRange(ctx)
	case code != 0:
		return nil, code
	case answer.logStart > f.next:
		return nil, &LogStartError{Topic: f.topic, Partition: f.partition, Position: f.next, Start: answer.logStart}
	}
	skipped := b.decodeBatches(answer.set, f.next, &f.inflate, f.client.config.MaxDecompressed)
	if skipped != nil && b.batch.Next == f.next {
		if err := f.stepOver(ctx, skipped, answer, &b.batch); err != nil {
			return nil, err
		}
	}
	b.batch.End = answer.lastStable
	if b.batch.End < 0 {
		b.batch.End = answer.highWatermark
	}
	b.batch.LogStart, b.batch.Bytes = answer.logStart, answer.size
	f.next = b.batch.Next
	f.turn = 1 - f.turn
	return &b.batch, nil
}

// ask does the round trip into b.
func (f *Fetcher) ask(ctx context.Context, b *buffer, offset int64, wait time.Duration, maxBytes int) (fetchAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+requestTimeout)
	defer cancel()
	e := newRawFetch(f.topic, f.partition, offset, int32(wait.Milliseconds()), int32(maxBytes), b.raw, b.aborted)
	// Until the answer is there the memory is the exchange's.
	b.raw, b.aborted = nil, nil
	if _, err := f.client.transport.RoundTrip(ctx, f.client.addr, protocol.Message(e)); err != nil {
		return fetchAnswer{}, err
	}
	b.raw, b.aborted = e.raw, e.answer.aborted
	return e.answer, nil
}

// checkPartitions compares the topic's partition count, as the cached metadata
// has it, with what it was. A topic that is not there is found by the fetch.
func (f *Fetcher) checkPartitions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	n, err := f.client.partitions(ctx, f.topic)
	if err != nil {
		return err
	}
	if f.count == 0 {
		f.count = n
	}
	if n != f.count {
		return &PartitionCountError{Topic: f.topic, Had: f.count, Have: n}
	}
	return nil
}

// outOfRange finds out on which side of the log we are.
func (f *Fetcher) outOfRange(ctx context.Context) error {
	first, end, err := f.client.Offsets(ctx, f.topic)
	if err != nil {
		return err
	}
	if int(f.partition) >= len(end) {
		return kafkago.UnknownTopicOrPartition
	}
	switch {
	case f.next < first[f.partition]:
		return &LogStartError{Topic: f.topic, Partition: f.partition, Position: f.next, Start: first[f.partition]}
	case f.next > end[f.partition]:
		return &LogEndError{Topic: f.topic, Partition: f.partition, Position: f.next, End: end[f.partition]}
	}
	return errAgain // it grew, or the leader changed, in between
}

// stepOver moves past the broken batch at the position and notes its range.
func (f *Fetcher) stepOver(ctx context.Context, skipped *badBatch, answer fetchAnswer, batch *event.Batch) error {
	if !skipped.checked {
		if f.badAt != skipped.base {
			f.badAt, f.badTries = skipped.base, 0
		}
		if f.badTries++; f.badTries < checksumTries {
			return errAgain
		}
	}
	// A checked header says itself where the batch ends. Otherwise the batch
	// behind it does, and if that is not in sight the broker is asked.
	next := skipped.last + 1
	if !skipped.checked {
		next = skipped.next
		if next <= skipped.base || next > answer.highWatermark {
			var err error
			if next, err = f.probe(ctx, skipped.base, answer.highWatermark); err != nil {
				return err
			}
		}
	}
	batch.Unreadable = append(batch.Unreadable, event.Unreadable{First: f.next, Last: next - 1, Reason: skipped.reason})
	batch.Next = next
	return nil
}

// probe finds by bisection the first offset behind base that the broker
// answers with another batch than base's; end if there is none.
func (f *Fetcher) probe(ctx context.Context, base, end int64) (int64, error) {
	var b buffer
	inside := base // the broken batch holds it
	for beyond := end; beyond-inside > 1; {
		middle := inside + (beyond-inside)/2
		answer, err := f.ask(ctx, &b, middle, 0, 1)
		if err != nil {
			return 0, err
		}
		if answer.code != 0 {
			return 0, kafkago.Error(answer.code)
		}
		if first := peekBase(answer.set); first >= 0 && first <= base {
			inside = middle
		} else {
			beyond = middle
		}
	}
	return inside + 1, nil
}

// Position returns the offset of the next fetch.
func (f *Fetcher) Position() int64 { return f.next }
