package kafka

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// DialFunc opens a connection to a broker.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// requestTimeout bounds every request beyond the wait it asks for, so that a
// broker that has gone silent costs a retry and not a stall.
const requestTimeout = 10 * time.Second

// Client is the door to one cluster. It is safe for concurrent use.
type Client struct {
	config Config
	addr   net.Addr
	tables tables

	// A broker that throttles a connection leaves it silent (KIP-219), and
	// whatever is sent over it waits. So what must not wait has connections of its
	// own: heartbeats and commits do not stand behind a fetch, nor a write.
	fetching, writing, control *kafkago.Transport
	api                        *kafkago.Client // over control

	quiet  sync.Map // broker's id -> until when (time.Time) its quota lets us fetch nothing
	spoken sync.Map // remote address -> map[protocol.ApiKey]versionRange
	topics topicCache
}

// New checks the configuration and reads the files it names. It dials nothing.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	dial, err := newDialer(&config)
	if err != nil {
		return nil, err
	}
	mechanism, err := config.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, addr: kafkago.TCP(config.Brokers...), tables: allTables()}
	transport := func() *kafkago.Transport {
		return &kafkago.Transport{
			Dial:     dial.dial,
			ClientID: config.ClientID,
			SASL:     mechanism,
			// Topics are none of kafka-go's business here (nil would be all of them): calls
			// name the broker they go to.
			MetadataTTL:    config.Refresh,
			MetadataTopics: []string{},
			IdleTimeout:    30 * time.Second,
		}
	}
	c.fetching, c.writing, c.control = transport(), transport(), transport()
	c.api = &kafkago.Client{Addr: c.addr, Transport: c.control, Timeout: requestTimeout}
	return c, nil
}

// Close drops the connections. Requests under way may still finish.
func (c *Client) Close() {
	for _, t := range []*kafkago.Transport{c.fetching, c.writing, c.control} {
		t.CloseIdleConnections()
	}
}

// The two ends of a log, as ListOffsets names them.
const (
	logStart = -2
	logEnd   = -1 // with read_committed: the last stable offset
)

// Offsets returns the first offset and one past the last of every partition of a
// topic, by partition.
func (c *Client) Offsets(ctx context.Context, topic string) (first, end []int64, err error) {
	info, err := c.topic(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	first, end = make([]int64, info.partitions), make([]int64, info.partitions)
	for p := range info.partitions {
		if first[p], err = c.offset(ctx, topic, p, logStart); err != nil {
			return nil, nil, err
		}
		if end[p], err = c.offset(ctx, topic, p, logEnd); err != nil {
			return nil, nil, err
		}
	}
	return first, end, nil
}

// offset returns the offset at one of the ends of a partition's log.
func (c *Client) offset(ctx context.Context, topic string, partition int32, end int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	code, offset := int16(noPartition), int64(-1)
	err := c.leaderCall(ctx, c.control, topic, partition, &call{
		key: protocol.ListOffsets, versions: []int16{2},
		encode: func(w *wireWriter, _ int16) {
			w.int32(-1) // no replica
			w.int8(readCommitted)
			w.array(1)
			w.text(topic)
			w.array(1)
			w.int32(partition)
			w.int64(end)
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			for range r.array() {
				r.text()
				for range r.array() {
					r.skip(4) // the partition, of which there is one
					code = r.int16()
					r.skip(8) // timestamp
					offset = r.int64()
				}
			}
		},
	})
	if err == nil {
		err = c.partitionRefusal(protocol.ListOffsets, topic, code)
	}
	if err != nil {
		return 0, fmt.Errorf("offsets of %s partition %d: %w", topic, partition, err)
	}
	return offset, nil
}

// wait pauses for d, or returns the cause of ctx's end.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
