package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	config    Config
	addr      net.Addr
	transport *kafkago.Transport
	dialer    *kafkago.Dialer
	api       *kafkago.Client
}

// New checks the configuration and reads the files it names. It dials nothing.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	tlsConfig, err := config.TLS.load()
	if err != nil {
		return nil, err
	}
	mechanism, err := config.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, addr: kafkago.TCP(config.Brokers...)}
	c.transport = &kafkago.Transport{
		Dial:     config.Dial,
		ClientID: config.ClientID,
		TLS:      tlsConfig,
		SASL:     mechanism,
		// A moved leader is found when the cached metadata is next renewed, and
		// kafka-go renews it at a random moment within this.
		MetadataTTL:    2 * time.Second,
		MetadataTopics: config.Topics,
		IdleTimeout:    30 * time.Second,
	}
	c.dialer = &kafkago.Dialer{
		ClientID:      config.ClientID,
		Timeout:       5 * time.Second,
		DialFunc:      config.Dial,
		TLS:           tlsConfig,
		SASLMechanism: mechanism,
	}
	c.api = &kafkago.Client{Addr: c.addr, Transport: c.transport, Timeout: requestTimeout}
	return c, nil
}

// Close drops the connections. Requests under way may still finish.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// unrestricted returns a client that sees the metadata of all topics: kafka-go
// waits for ever for the metadata of a topic it has created if the topic is not
// among those it asks for.
func (c *Client) unrestricted() (*Client, error) {
	config := c.config
	config.Topics = nil
	return New(config)
}

// partitions returns the partition count of a topic from the cached metadata.
func (c *Client) partitions(ctx context.Context, topic string) (int32, error) {
	answer, err := c.api.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range answer.Topics {
		if t.Name != topic {
			continue
		}
		if t.Error != nil {
			return 0, t.Error
		}
		return int32(len(t.Partitions)), nil
	}
	return 0, kafkago.UnknownTopicOrPartition
}

// Offsets returns the first offset and one past the last of every partition of a
// topic, by partition.
func (c *Client) Offsets(ctx context.Context, topic string) (first, end []int64, err error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	requests := make([]kafkago.OffsetRequest, 0, 2*n)
	for p := range int(n) {
		requests = append(requests, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	answer, err := c.api.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics:         map[string][]kafkago.OffsetRequest{topic: requests},
		IsolationLevel: kafkago.ReadCommitted,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("offsets of %s: %w", topic, err)
	}
	first, end = make([]int64, n), make([]int64, n)
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, nil, fmt.Errorf("offsets of %s, partition %d: %w", topic, p.Partition, p.Error)
		}
		first[p.Partition], end[p.Partition] = p.FirstOffset, p.LastOffset
	}
	return first, end, nil
}

// retriable reports whether the same request may well succeed a little later:
// the network, a leader that moved, a coordinator that is not there yet.
func retriable(err error) bool {
	if code, ok := errors.AsType[kafkago.Error](err); ok {
		switch code {
		case kafkago.GroupLoadInProgress, kafkago.GroupCoordinatorNotAvailable, kafkago.NotCoordinatorForGroup,
			kafkago.ReplicaNotAvailable, kafkago.BrokerNotAvailable, kafkago.Unknown:
			return true
		}
		return code.Temporary()
	}
	for _, passing := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded,
		protocol.ErrNoLeader, protocol.ErrNoTopic, protocol.ErrNoPartition,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}
