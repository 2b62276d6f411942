package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// LogEndError says that the log ends before the offset we are at.
type LogEndError struct {
	Topic     string
	Partition int32
	Position  int64
	End       int64
}

// Reason returns the name under which readiness reports it.
func (*LogEndError) Reason() string { return "log_truncated" }

// Error names the difference and its likely causes.
func (e *LogEndError) Error() string {
	return fmt.Sprintf("log end before position: %s partition %d ends at %d, but %d is next; the topic was created again or a broker lost "+
		"acknowledged records", e.Topic, e.Partition, e.End, e.Position)
}

// PartitionCountError says that the topic was given more partitions, which
// moves keys from one to another.
type PartitionCountError struct {
	Topic     string
	Had, Have int32
}

// Reason returns the name under which readiness reports it.
func (*PartitionCountError) Reason() string { return "topic_recreated" }

// Error names both counts.
func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("partition count changed: %s has %d partitions and had %d; numbers have moved between partitions", e.Topic, e.Have, e.Had)
}

// TopicIDError says that the topic was deleted and created again: its name is
// the same and its log another.
type TopicIDError struct {
	Topic     string
	Had, Have TopicID
}

// Reason returns the name under which readiness reports it.
func (*TopicIDError) Reason() string { return "topic_recreated" }

// Error names both ids and the way out.
func (e *TopicIDError) Error() string {
	return fmt.Sprintf("topic created again: %s has the id %v and had %v, so its log is another one and offsets of the old one mean nothing in it", e.Topic, e.Have, e.Had)
}

// checksumTries is how often a batch with a wrong checksum is asked for again
// before it counts as broken at rest and not in transit.
const checksumTries = 3

// rebuildAfter is for how long requests may fail before the connections are
// thrown away and the cluster is looked up from the configured brokers again.
const rebuildAfter = 30 * time.Second

// Fetcher reads one partition's log from an offset on. It belongs to one
// goroutine, apart from Waiting. A batch that Fetch returned is valid until the
// next call but one, so that the next can be fetched while one is being worked on.
type Fetcher struct {
	client    *Client
	topic     string
	partition int32
	pinned    topicInfo // the partition count and id the topic must keep, 0 what it has
	loose     bool      // a change of these is waited out: the group assigns the partition again
	next      int64
	buffers   [2]buffer
	turn      int
	inflate   decompressor
	open      *openBatch // a batch that is handed out in portions, nil for none

	pause    retry.Backoff
	waiting  atomic.Pointer[string]
	broker   int32 // that answered last, -1 before
	end      int64 // one past the last readable offset, as last seen; -1 before
	high     int64 // the high watermark, as last seen
	badAt    int64 // offset of the last wrong checksum
	badTries int
	lastGood time.Time
}

// NewFetcher returns a reader of a partition from offset next on. partitions is
// how many the topic must have, 0 for as many as it has at the first fetch; its
// id must stay what it is then.
func (c *Client) NewFetcher(topic string, partition int32, next int64, partitions int32) *Fetcher {
	return c.newFetcher(topic, partition, next, topicInfo{partitions: partitions})
}

func (c *Client) newFetcher(topic string, partition int32, next int64, pinned topicInfo) *Fetcher {
	return &Fetcher{client: c, topic: topic, partition: partition, next: next, pinned: pinned, badAt: -1, end: -1, broker: -1}
}

// Waiting returns why Fetch is trying again and again, "" while it is not. It is
// safe for concurrent use.
func (f *Fetcher) Waiting() string {
	if text := f.waiting.Load(); text != nil {
		return *text
	}
	return ""
}

// Fetch waits for records behind the last ones, at most Config.MaxWait; then
// the batch is empty. It tries on for as long as a failure may pass, which the
// table in README.md says of every answer; what it returns as an error will not,
// or is ctx's end.
func (f *Fetcher) Fetch(ctx context.Context) (*event.Batch, error) {
	if f.lastGood.IsZero() {
		f.lastGood = time.Now()
	}
	for {
		batch, err := f.try(ctx)
		if errors.Is(err, errThrottled) {
			f.waiting.Store(&throttledText)
			f.lastGood = time.Now() // the broker answers
			continue
		}
		if err == nil {
			if f.pause.Tries() > noisyAfter {
				f.client.config.Logger.Info("fetching again", "topic", f.topic, "partition", f.partition, "offset", f.next)
			}
			f.pause.Reset()
			f.waiting.Store(nil)
			if batch.Throttled > 0 {
				f.waiting.Store(&throttledText)
			}
			f.lastGood = time.Now()
			return batch, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !f.client.retriable(err) {
			return nil, fmt.Errorf("reading %s partition %d at %d: %w", f.topic, f.partition, f.next, err)
		}
		if err := f.await(ctx, err); err != nil {
			return nil, err
		}
	}
}

// noisyAfter is how many tries in a row stay below a warning: connections end,
// leaders move, and the next try succeeds.
const noisyAfter = 4

// await pauses before another try and says why.
func (f *Fetcher) await(ctx context.Context, why error) error {
	logger := f.client.config.Logger.With("topic", f.topic, "partition", f.partition, "offset", f.next, "tries", f.pause.Tries())
	if f.pause.Tries() >= noisyAfter {
		text := why.Error()
		f.waiting.Store(&text)
	}
	switch {
	case time.Since(f.lastGood) > rebuildAfter:
		logger.Warn("reconnecting: no fetch has succeeded for a while; check that the brokers are up and reachable", "error", why)
		f.client.fetching.CloseIdleConnections()
		f.lastGood = time.Now()
	case f.pause.Tries() == noisyAfter:
		logger.Warn("retrying a fetch; the partition waits", "error", why)
	default:
		logger.Debug("retrying a fetch", "error", why)
	}
	return f.pause.Wait(ctx)
}

// errAgain asks for the same fetch once more.
var errAgain = kafkago.OffsetNotAvailable

// errThrottled is a pause that the broker's quota wanted, and that is over.
var errThrottled = errors.New("the broker's quota for this client is used up")

// errTopicChanged is waited out.
var errTopicChanged = errors.New("the topic has changed; waiting for the group to assign its partitions again")

// throttledText is errThrottled for Waiting.
var throttledText = errThrottled.Error() + "; raise consumer_byte_rate for it, or wait"

// stopError is an end that no other try changes.
type stopError struct{ error }

// Unwrap returns the named error.
func (e *stopError) Unwrap() error { return e.error }

// try is one round trip, or the next portion of a batch that is open.
func (f *Fetcher) try(ctx context.Context) (*event.Batch, error) {
	if err := f.checkTopic(ctx); err != nil {
		return nil, err
	}
	b := &f.buffers[f.turn]
	b.reset()
	if f.open != nil {
		return f.portion(b), nil
	}
	if quiet := f.client.quietTime(f.broker); quiet > 0 {
		return f.throttled(ctx, b, quiet)
	}
	answer, err := f.ask(ctx, b, f.next, f.client.config.MaxWait, f.client.config.MaxBytes)
	if err != nil {
		return nil, err
	}
	switch {
	case answer.code == noPartition && answer.throttle > 0:
		return f.throttled(ctx, b, answer.throttle)
	case answer.code == codeOffsetOutOfRange:
		return f.outOfRange(ctx, b)
	case answer.code != 0:
		return nil, f.refused(ctx, answer.code)
	case answer.logStart > f.next:
		return f.lost(b, answer.logStart), nil
	}
	f.end, f.high = answer.lastStable, answer.highWatermark
	if f.end < 0 {
		f.end = f.high
	}
	skipped, huge := b.decodeBatches(answer.set, f.next, &f.inflate, f.client.config.MaxDecompressed)
	if b.batch.Next == f.next {
		switch {
		case huge != nil:
			f.open = newOpenBatch(huge, b.takeRaw(), &f.client.config)
			return f.portion(b), nil
		case skipped != nil:
			if err := f.stepOver(ctx, skipped, answer, &b.batch); err != nil {
				return nil, err
			}
		}
	}
	b.batch.LogStart, b.batch.Bytes = answer.logStart, answer.size
	return f.hand(b, b.batch.Next), nil
}

// hand returns a buffer's batch and goes on at next.
func (f *Fetcher) hand(b *buffer, next int64) *event.Batch {
	f.next, b.batch.Next = next, next
	b.batch.End, b.batch.HighWatermark = max(f.end, next), max(f.high, next)
	f.turn = 1 - f.turn
	return &b.batch
}

// portion returns the next records of the open batch.
func (f *Fetcher) portion(b *buffer) *event.Batch {
	next, ended := f.open.next(b, f.next)
	if ended {
		f.open.close()
		f.open = nil
	}
	return f.hand(b, next)
}

// lost steps over what retention has deleted and reports it: nobody has it any more.
// Whether what lies behind it is better read than not is the role's to say.
func (f *Fetcher) lost(b *buffer, start int64) *event.Batch {
	f.client.config.Logger.Warn("retention deleted records before they were read; raise the topic's retention",
		"topic", f.topic, "partition", f.partition, "first", f.next, "end", start, "lost", start-f.next)
	b.batch.Lost = event.Lost{First: f.next, End: start}
	b.batch.LogStart = start
	return f.hand(b, start)
}

// quietTime returns for how long a broker's quota lets this client fetch nothing. It is
// the same for all partitions: a request in this time would only wait, without a word, on
// a connection that the broker does not listen to.
func (c *Client) quietTime(broker int32) time.Duration {
	until, ok := c.quiet.Load(broker)
	if !ok {
		return 0
	}
	return time.Until(until.(time.Time))
}

// throttled waits as the broker's quota wants it. Before the log's end is known
// it waits all the time; later not longer than for records, so that the owner
// goes round.
func (f *Fetcher) throttled(ctx context.Context, b *buffer, quiet time.Duration) (*event.Batch, error) {
	slice := quiet
	if f.end >= 0 {
		slice = min(quiet, f.client.config.MaxWait)
	}
	if err := wait(ctx, slice); err != nil {
		return nil, err
	}
	if f.end < 0 {
		return nil, errThrottled
	}
	b.batch.Throttled = quiet
	return f.hand(b, f.next), nil
}

// ask does the round trip into b.
func (f *Fetcher) ask(ctx context.Context, b *buffer, offset int64, wait time.Duration, maxBytes int) (fetchAnswer, error) {
	one := &rawFetch{
		topic: f.topic, id: f.pinned.id, partition: f.partition, offset: offset, wait: wait, maxBytes: int32(maxBytes),
		raw: b.raw, answer: fetchAnswer{aborted: b.aborted[:0]},
	}
	// Until the answer is there the memory is the call's.
	b.raw, b.aborted = nil, nil
	if err := one.do(ctx, f.client); err != nil {
		return fetchAnswer{}, err
	}
	b.raw, b.aborted, f.broker = one.raw, one.answer.aborted, one.broker
	if one.answer.throttle > f.client.quietTime(f.broker) { // of several connections the one that is silent longest
		f.client.quiet.Store(f.broker, time.Now().Add(one.answer.throttle))
	}
	return one.answer, nil
}

// checkTopic compares the topic's id and partition count with what they were.
// The first look pins what was not given.
func (f *Fetcher) checkTopic(ctx context.Context) error {
	info, err := f.client.topic(ctx, f.topic)
	if err != nil {
		return err
	}
	if f.pinned.partitions == 0 {
		f.pinned.partitions = info.partitions
	}
	if f.pinned.id == (TopicID{}) {
		f.pinned.id = info.id
	}
	switch {
	case f.loose && (info.id.differs(f.pinned.id) || info.partitions != f.pinned.partitions):
		return errTopicChanged
	case info.id.differs(f.pinned.id):
		return &stopError{&TopicIDError{Topic: f.topic, Had: f.pinned.id, Have: info.id}}
	case info.partitions != f.pinned.partitions:
		return &stopError{&PartitionCountError{Topic: f.topic, Had: f.pinned.partitions, Have: info.partitions}}
	}
	return nil
}

// refused turns a code into an error. Whatever may mean that the log is another
// one is asked about before the next try.
func (f *Fetcher) refused(ctx context.Context, code int16) error {
	switch code {
	case codeUnknownTopic, codeUnknownTopicID, codeInconsistentTopic:
		f.client.forgetTopic(f.topic)
		if err := f.checkTopic(ctx); err != nil {
			return err
		}
	}
	return f.client.partitionRefusal(protocol.Fetch, f.topic, code)
}

// outOfRange finds out on which side of the log we are.
func (f *Fetcher) outOfRange(ctx context.Context, b *buffer) (*event.Batch, error) {
	f.client.forgetTopic(f.topic)
	if err := f.checkTopic(ctx); err != nil {
		return nil, err
	}
	first, err := f.client.offset(ctx, f.topic, f.partition, logStart)
	if err != nil {
		return nil, err
	}
	end, err := f.client.offset(ctx, f.topic, f.partition, logEnd)
	if err != nil {
		return nil, err
	}
	switch {
	case f.next < first:
		return f.lost(b, first), nil
	case f.next > end:
		return nil, &stopError{&LogEndError{Topic: f.topic, Partition: f.partition, Position: f.next, End: end}}
	}
	return nil, errAgain // it grew, or the leader changed, in between
}

// stepOver moves past the bad batch at the position and notes its range.
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
	inside := base // the bad batch holds it
	for beyond := end; beyond-inside > 1; {
		middle := inside + (beyond-inside)/2
		answer, err := f.ask(ctx, &b, middle, 0, 1)
		if err != nil {
			return 0, err
		}
		if answer.code != 0 {
			return 0, f.refused(ctx, answer.code)
		}
		if first := peekBase(answer.set); first >= 0 && first <= base {
			inside = middle
		} else {
			beyond = middle
		}
	}
	return inside + 1, nil
}
