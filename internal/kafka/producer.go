package kafka

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// producersAtOnce is how many partitions one Produce writes to at a time.
const producersAtOnce = 8

// Producer writes records. It is safe for concurrent use; messages of
// concurrent calls have no order among each other.
//
// It is idempotent (KIP-98): the broker gives it an id, and it numbers the
// records of each partition. A batch whose acknowledgement was lost is sent
// again as it was, and the broker, which remembers the numbers of the last five
// batches, acknowledges it without writing it twice. One batch of a partition
// is under way at a time, so a retry does not reorder either.
type Producer struct {
	client  *Client
	encoder sync.Pool // *encoder

	mu         sync.Mutex
	partitions map[topicPartition]*numbering
	id         producerID // for partitions that have none yet
	plain      bool       // the cluster does not let us number batches
}

type topicPartition struct {
	topic     string
	partition int32
}

// producerID is what the broker knows a producer by. Epochs begin at 0.
type producerID struct {
	known bool
	id    int64
	epoch int16
}

// numbering is where a partition's numbers are. busy holds a token while a batch is
// under way; a lock that a caller can stop waiting for.
type numbering struct {
	busy chan struct{}
	id   producerID
	next int32 // sequence number of the next record
}

// advance moves past n records; Kafka's numbers begin at 0 again after the
// largest (DefaultRecordBatch.incrementSequence).
func (n *numbering) advance(records int) {
	n.next = int32((int64(n.next) + int64(records)) & 0x7fffffff)
}

// NewProducer returns a producer that has not connected yet.
func (c *Client) NewProducer() *Producer {
	p := &Producer{client: c, partitions: map[topicPartition]*numbering{}}
	p.encoder.New = func() any { return new(encoder) }
	return p
}

// Produce writes messages and returns when all in-sync replicas have
// acknowledged every one. Messages of one partition keep their order. While a
// failure may pass it tries on, for as long as ctx lasts; what it returns is
// ctx's end or an error that another try would not heal. After an error any
// part of the messages may have been written.
func (p *Producer) Produce(ctx context.Context, topic string, messages []event.Message) error {
	if len(messages) == 0 {
		return nil
	}
	count, err := p.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	byPartition := make(map[int32][]int)
	for i := range messages {
		m := &messages[i]
		partition := m.Partition
		if !m.PartitionSet {
			partition = PartitionOf(m.Key, count)
		}
		byPartition[partition] = append(byPartition[partition], i)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(producersAtOnce)
	for partition, members := range byPartition {
		group.Go(func() error { return p.producePartition(ctx, topic, partition, messages, members) })
	}
	return group.Wait()
}

// PartitionOf returns the partition of a key among count, as Java's default
// partitioner does: the murmur2 hash of the key. A message without a key goes
// to partition 0.
func PartitionOf(key []byte, count int32) int32 {
	if len(key) == 0 || count <= 1 {
		return 0
	}
	return int32((murmur2(key) & 0x7fffffff) % uint32(count))
}

// Partitions returns the partition count of a topic and, like Produce, tries on
// while a failure may pass.
func (p *Producer) Partitions(ctx context.Context, topic string) (int32, error) {
	var pause retry.Backoff
	for {
		info, err := p.client.topic(ctx, topic)
		if err == nil && info.partitions > 0 {
			return info.partitions, nil
		}
		if err := p.await(ctx, &pause, topic, -1, err); err != nil {
			return 0, err
		}
	}
}

// Identity returns which log a topic is, as Claim.Identity does, and, like Produce, tries
// on while a failure may pass.
func (p *Producer) Identity(ctx context.Context, topic string) (string, error) {
	if _, err := p.Partitions(ctx, topic); err != nil {
		return "", err
	}
	info, err := p.client.topic(ctx, topic)
	if err != nil {
		return "", fmt.Errorf("looking at topic %s: %w", topic, err)
	}
	return info.identity(), nil
}

// await returns err if another try would end the same. Otherwise it logs one
// failure in ten, because a write that waits must not be silent, nor a flood; the
// first few are only connections that have ended. Then it pauses. Retried is called
// for each.
func (p *Producer) await(ctx context.Context, pause *retry.Backoff, topic string, partition int32, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && !p.client.retriable(err) {
		return fmt.Errorf("writing to %s partition %d: %w", topic, partition, err)
	}
	if p.client.config.Retried != nil {
		p.client.config.Retried(topic)
	}
	if pause.Tries()%10 == noisyAfter-1 {
		p.client.config.Logger.Warn("retrying a write to Kafka; what is to be written waits",
			"topic", topic, "partition", partition, "tries", pause.Tries(), "error", err)
	}
	return pause.Wait(ctx)
}

// producePartition writes one partition's messages, a batch after another.
func (p *Producer) producePartition(ctx context.Context, topic string, partition int32, messages []event.Message, members []int) error {
	e := p.encoder.Get().(*encoder)
	defer p.encoder.Put(e)
	numbers := p.numbering(topicPartition{topic, partition})
	select {
	case numbers.busy <- struct{}{}:
		defer func() { <-numbers.busy }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	codec := cmp.Or(p.client.config.Compressions[topic], p.client.config.Compression)
	for len(members) > 0 {
		batch, n, err := e.encode(messages, members, p.client.config.MaxBatch, codec)
		if err != nil {
			return fmt.Errorf("writing to %s: %w", topic, err)
		}
		if err := p.write(ctx, topic, partition, numbers, batch); err != nil {
			// The batch may yet be written. Its numbers must not be used for another:
			// the broker would take that one for the first and drop it.
			numbers.id = producerID{}
			return err
		}
		numbers.advance(n)
		members = members[n:]
	}
	return nil
}

func (p *Producer) numbering(at topicPartition) *numbering {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.partitions[at]
	if n == nil {
		n = &numbering{busy: make(chan struct{}, 1), id: p.id}
		p.partitions[at] = n
	}
	return n
}

// write sends a batch until it is acknowledged.
func (p *Producer) write(ctx context.Context, topic string, partition int32, numbers *numbering, batch []byte) error {
	var pause retry.Backoff
	sent := false // as it is: its outcome may be unknown
	for {
		err := p.number(ctx, numbers, batch, sent)
		if err == nil {
			err = p.client.produce(ctx, topic, partition, batch)
			sent = true
		}
		if err == nil {
			return nil
		}
		switch p.client.react(err) {
		case accept:
			return nil
		case renew:
			p.client.config.Logger.Warn("renewing the producer id of a partition; if a leader had lost acknowledged records, records before may be missing",
				"topic", topic, "partition", partition, "error", err)
			numbers.id, sent = producerID{}, false
			batch = bytes.Clone(batch) // an earlier try that was given up may still be sending it
			err = nil                  // tried again at once, and only a repetition is worth a pause
		}
		if err := p.await(ctx, &pause, topic, partition, err); err != nil {
			return err
		}
	}
}

// number stamps a batch with the producer's id and the partition's next sequence
// number, if it does not carry them yet.
func (p *Producer) number(ctx context.Context, numbers *numbering, batch []byte, stamped bool) error {
	if stamped || p.withoutNumbers() {
		return nil
	}
	if !numbers.id.known {
		id, err := p.client.initProducer(ctx)
		if refused, ok := errors.AsType[*answerError](err); ok && refused.code == codeClusterForbidden {
			p.client.config.Logger.Warn("writing without an idempotent producer: the user lacks the right IDEMPOTENT_WRITE on the cluster, "+
				"which brokers before Kafka 2.8 ask for; a retry may write a record twice", "error", err)
			p.mu.Lock()
			p.plain = true
			p.mu.Unlock()
			return nil
		}
		if err != nil {
			return err
		}
		numbers.id, numbers.next = id, 0
		p.mu.Lock()
		if !p.id.known {
			p.id = id
		}
		p.mu.Unlock()
	}
	stampProducer(batch, numbers.id, numbers.next)
	return nil
}

func (p *Producer) withoutNumbers() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plain
}
