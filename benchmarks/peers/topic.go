package main

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/traffic"
)

// makeTopic creates a topic with one partition that keeps everything: its records are of days
// ago.
func makeTopic(ctx context.Context, brokers, name string) error {
	client := &kafkago.Client{Addr: kafkago.TCP(brokers)}
	answer, err := client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
		Topic: name, NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafkago.ConfigEntry{
			{ConfigName: "retention.ms", ConfigValue: "-1"}, {ConfigName: "retention.bytes", ConfigValue: "-1"},
		},
	}}})
	if err != nil {
		return err
	}
	return answer.Errors[name]
}

// filler writes a topic's records as a busy producer does: batches of up to 512 KiB, LZ4.
type filler struct {
	client *kgo.Client
	topic  string
	bytes  int64
	count  int
	failed error
}

func newFiller(brokers, topic string, more ...kgo.Opt) (*filler, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.ProducerBatchMaxBytes(512 << 10), kgo.ProducerLinger(50 * time.Millisecond), kgo.MaxBufferedRecords(100_000),
	}, more...)...)
	if err != nil {
		return nil, err
	}
	return &filler{client: client, topic: topic}, nil
}

// put writes a record at its event time, as a topic of live traffic would have it.
func (f *filler) put(ctx context.Context, at int64, key string, value []byte) {
	f.bytes += int64(len(value))
	f.count++
	f.client.Produce(ctx, &kgo.Record{Key: []byte(key), Value: value, Timestamp: time.UnixMilli(at)}, func(_ *kgo.Record, err error) {
		if err != nil && f.failed == nil {
			f.failed = err
		}
	})
}

// finish waits until all is acknowledged and returns the mean size of a value.
func (f *filler) finish(ctx context.Context) (size int, err error) {
	err = f.client.Flush(ctx)
	f.client.Close()
	switch {
	case err != nil:
		return 0, err
	case f.failed != nil:
		return 0, f.failed
	case f.count == 0:
		return 0, fmt.Errorf("topic %s: no records", f.topic)
	}
	return int(f.bytes / int64(f.count)), nil
}

// fillPeers writes the peers' log and returns what it says.
func fillPeers(ctx context.Context, brokers, topic string, o *options, protobuf bool) (*truth, int, error) {
	if err := makeTopic(ctx, brokers, topic); err != nil {
		return nil, 0, err
	}
	f, err := newFiller(brokers, topic)
	if err != nil {
		return nil, 0, err
	}
	t := newTruth(o.numbers)
	g := newGenerator(o.events, o.numbers, o.seed)
	var h happening
	for g.take(&h) {
		t.add(&h)
		var value []byte
		if protobuf {
			if value, err = h.appendProtobuf(nil); err != nil {
				return nil, 0, err
			}
		} else {
			value = h.appendJSON(nil)
		}
		f.put(ctx, h.at, numberID(h.number), value)
	}
	size, err := f.finish(ctx)
	return t, size, err
}

// fillDemo writes the demo's traffic, the log that `replay` is measured on.
func fillDemo(ctx context.Context, brokers, topic string, o *options) (int, error) {
	if err := makeTopic(ctx, brokers, topic); err != nil {
		return 0, err
	}
	f, err := newFiller(brokers, topic)
	if err != nil {
		return 0, err
	}
	g, err := traffic.New(traffic.Config{Seed: o.seed})
	if err != nil {
		return 0, err
	}
	var r traffic.Record
	for i := 0; i < o.events && g.Next(&r); i++ {
		f.put(ctx, r.Time, string(r.Key), append([]byte(nil), r.Value...))
	}
	return f.finish(ctx)
}
