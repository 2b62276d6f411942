package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// producersAtOnce is how many partitions one Produce writes to at a time.
const producersAtOnce = 8

// Producer writes records. It is safe for concurrent use; messages of
// concurrent calls have no order among each other.
type Producer struct {
	client  *Client
	encoder sync.Pool // *encoder
}

// NewProducer returns a producer that has not connected yet.
func (c *Client) NewProducer() *Producer {
	p := &Producer{client: c}
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
	count, err := p.partitions(ctx, topic)
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
	return p.partitions(ctx, topic)
}

// partitions waits for the topic's partition count.
func (p *Producer) partitions(ctx context.Context, topic string) (int32, error) {
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		n, err := p.client.partitions(bounded, topic)
		cancel()
		if err == nil && n > 0 {
			return n, nil
		}
		if err != nil && !retriable(err) {
			return 0, fmt.Errorf("writing to %s: %w", topic, err)
		}
		p.logRetry(pause.Tries(), topic, -1, err)
		if err := pause.Wait(ctx); err != nil {
			return 0, err
		}
	}
}

// logRetry logs the first failure of a run and then every tenth: a write that
// waits for a broker must not be silent, nor a flood. Retried hears of each.
func (p *Producer) logRetry(tries int, topic string, partition int32, err error) {
	if p.client.config.Retried != nil {
		p.client.config.Retried(topic)
	}
	if tries%10 == 0 {
		about := []any{"topic", topic, "partition", partition, "tries", tries, "error", err}
		if errors.Is(err, kafkago.UnknownTopicOrPartition) {
			about = append(about, "hint", "run `sendwatch check`: it reports whether the topic is missing")
		}
		p.client.config.Logger.Warn("retrying a write to Kafka", about...)
	}
}

// producePartition writes one partition's messages, a batch after another.
func (p *Producer) producePartition(ctx context.Context, topic string, partition int32, messages []event.Message, members []int) error {
	e := p.encoder.Get().(*encoder)
	defer p.encoder.Put(e)
	for len(members) > 0 {
		batch, n, err := e.encode(messages, members, p.client.config.MaxBatch, p.client.config.Compression)
		if err != nil {
			return fmt.Errorf("writing to %s: %w", topic, err)
		}
		var pause retry.Backoff
		for {
			err := p.send(ctx, topic, partition, batch)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if !retriable(err) {
				return fmt.Errorf("writing to %s partition %d: %w", topic, partition, err)
			}
			p.logRetry(pause.Tries(), topic, partition, err)
			if err := pause.Wait(ctx); err != nil {
				return err
			}
		}
		members = members[n:]
	}
	return nil
}

func (p *Producer) send(ctx context.Context, topic string, partition int32, batch []byte) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	size := binary.BigEndian.AppendUint32(nil, uint32(len(batch))) // kafka-go leaves it to us
	answer, err := p.client.api.RawProduce(ctx, &kafkago.RawProduceRequest{
		Topic: topic, Partition: int(partition), RequiredAcks: kafkago.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: io.MultiReader(bytes.NewReader(size), bytes.NewReader(batch))},
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// encoder builds batches. One goroutine at a time.
type encoder struct {
	plain   []byte
	deflate compressor
}

var errTooLargeMessage = errors.New("a message's headers or key are larger than Kafka allows")

// encode returns the batch of the first n messages, as many as fit into maxBytes
// and at least one.
func (e *encoder) encode(messages []event.Message, members []int, maxBytes int, codec Codec) (batch []byte, n int, err error) {
	now := time.Now().UnixMilli()
	stamp := func(m *event.Message) int64 {
		if m.Timestamp != 0 {
			return m.Timestamp
		}
		return now
	}
	base := stamp(&messages[members[0]])
	newest := base
	e.plain = e.plain[:0]
	for _, i := range members {
		m := &messages[i]
		if n > 0 && len(e.plain)+len(m.Value)+len(m.Key)+64 > maxBytes {
			break
		}
		if len(m.Key) > maxResponse || len(m.Value) > maxResponse {
			return nil, 0, errTooLargeMessage
		}
		e.plain = appendRecord(e.plain, m, stamp(m)-base, n)
		newest = max(newest, stamp(m))
		n++
	}

	records, attributes := e.plain, uint16(0)
	if codec > 0 && len(e.plain) > 512 {
		compressed, err := e.deflate.compress(e.plain, codec)
		if err != nil {
			return nil, 0, err
		}
		if len(compressed) < len(e.plain) { // else it could become more than a broker takes
			records, attributes = compressed, uint16(codec)
		}
	}
	// A fresh batch every time: an earlier one may still be in a connection's
	// hands after a timeout.
	b := make([]byte, batchHeader, batchHeader+len(records))
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(batchHeader-batchPrefix+len(records)))
	binary.BigEndian.PutUint32(b[batchPrefix:], ^uint32(0)) // leader epoch: the broker fills it in
	b[batchMagicAt] = 2
	binary.BigEndian.PutUint16(b[batchAttrsAt:], attributes)
	binary.BigEndian.PutUint32(b[batchLastDeltaAt:], uint32(n-1))
	binary.BigEndian.PutUint64(b[batchBaseTimeAt:], uint64(base))
	binary.BigEndian.PutUint64(b[batchMaxTimeAt:], uint64(newest))
	binary.BigEndian.PutUint64(b[batchProducerAt:], ^uint64(0)) // no producer id
	binary.BigEndian.PutUint16(b[batchEpochAt:], ^uint16(0))
	binary.BigEndian.PutUint32(b[batchSequenceAt:], ^uint32(0))
	binary.BigEndian.PutUint32(b[batchCountAt:], uint32(n))
	b = append(b, records...)
	binary.BigEndian.PutUint32(b[batchChecksumAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
	return b, n, nil
}

// appendRecord writes one record; its length comes first, so its size is
// computed before.
func appendRecord(b []byte, m *event.Message, timeDelta int64, offsetDelta int) []byte {
	size := 1 + varintLen(timeDelta) + varintLen(int64(offsetDelta)) + bytesLen(m.Key) + bytesLen(m.Value) + varintLen(int64(len(m.Headers)))
	for _, h := range m.Headers {
		size += varintLen(int64(len(h.Key))) + len(h.Key) + bytesLen(h.Value)
	}
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0)
	b = binary.AppendVarint(b, timeDelta)
	b = binary.AppendVarint(b, int64(offsetDelta))
	b = appendBytes(b, m.Key)
	b = appendBytes(b, m.Value)
	b = binary.AppendVarint(b, int64(len(m.Headers)))
	for _, h := range m.Headers {
		b = binary.AppendVarint(b, int64(len(h.Key))) // a header's key is never null
		b = append(b, h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

func varintLen(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}

func bytesLen(v []byte) int {
	if v == nil {
		return 1
	}
	return varintLen(int64(len(v))) + len(v)
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, 1) // zigzag of -1
	}
	b = binary.AppendVarint(b, int64(len(v)))
	return append(b, v...)
}

// murmur2 is Austin Appleby's 32-bit MurmurHash2 with the seed that Kafka's
// Java client uses, so that keys land where a Java producer would put them.
func murmur2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		h = h*m ^ (k^k>>r)*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
