package kafka

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/retry"
)

// TopicID identifies a topic beyond its name (KIP-516): a topic that was deleted
// and created again has another. It is zero with brokers older than Kafka 3.1.
type TopicID [16]byte

// String writes the id as Kafka's tools do, "unknown" for none.
func (id TopicID) String() string {
	if id == (TopicID{}) {
		return "unknown"
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// differs reports whether two ids are known and not the same.
func (id TopicID) differs(other TopicID) bool {
	return id != TopicID{} && other != TopicID{} && id != other
}

// Kafka's numbers of operations, bits of a topic's authorized operations
// (https://cwiki.apache.org/confluence/display/KAFKA/KIP-430).
const (
	operationRead     = 3
	operationWrite    = 4
	operationsUnknown = -1 << 31
)

// topicInfo is what the metadata says of one topic.
type topicInfo struct {
	id         TopicID
	partitions int32
	leaders    []int32 // by partition; -1 for none
	replicas   int32   // of its last partition
	operations int32   // bits; operationsUnknown if the broker does not tell
	err        error   // the topic is there and cannot be looked at
}

// identity names the log that a topic is, for who keeps state of it.
func (i *topicInfo) identity() string {
	if i.id == (TopicID{}) {
		return fmt.Sprintf("a log of %d partitions", i.partitions)
	}
	return fmt.Sprintf("the log %v of %d partitions", i.id, i.partitions)
}

// brokerInfo is a broker as the cluster names it to clients.
type brokerInfo struct {
	id      int32
	address string
}

// metadata is one answer. A topic that does not exist is missing from topics.
type metadata struct {
	brokers []brokerInfo
	topics  map[string]topicInfo
}

// metadata asks once, past kafka-go's cache, which knows neither topic ids nor
// rights.
func (c *Client) metadata(ctx context.Context, topics []string) (*metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer := &metadata{topics: map[string]topicInfo{}}
	err := c.do(ctx, c.control, &call{
		key: protocol.Metadata, versions: []int16{12, 8}, flexible: 9, broker: anyBroker,
		encode: func(w *wireWriter, version int16) {
			w.array(len(topics))
			for _, t := range topics {
				if version >= 10 {
					w.id(TopicID{}) // by name
				}
				w.text(t)
				w.tags()
			}
			w.bool(false) // create nothing
			if version <= 10 {
				w.bool(false) // not the rights on the cluster
			}
			w.bool(true) // the rights on the topics
			w.tags()
		},
		decode: func(r *wire, version int16) { c.decodeMetadata(r, version, answer) },
	})
	return answer, err
}

func (c *Client) decodeMetadata(r *wire, version int16, answer *metadata) {
	r.skip(4) // throttle time
	for range r.array() {
		id, host, port := r.int32(), r.text(), r.int32()
		r.text() // rack
		r.tags()
		answer.brokers = append(answer.brokers, brokerInfo{id: id, address: fmt.Sprintf("%s:%d", host, port)})
	}
	r.text()  // cluster
	r.skip(4) // controller
	for range r.array() {
		code, name := r.int16(), r.text()
		info := topicInfo{}
		if version >= 10 {
			info.id = r.id()
		}
		r.skip(1) // internal
		info.partitions = int32(r.array())
		info.leaders = make([]int32, info.partitions)
		for range info.partitions {
			r.skip(2) // error, which a leader of -1 says as well
			if index, leader := r.int32(), r.int32(); index >= 0 && index < info.partitions {
				info.leaders[index] = leader
			}
			r.skip(4) // leader epoch
			info.replicas = int32(r.array())
			r.skip(4 * int(info.replicas))
			for range 2 { // those in sync, those offline
				r.skip(4 * r.array())
			}
			r.tags()
		}
		info.operations = r.int32()
		r.tags()
		if info.err = c.refusal(protocol.Metadata, code); c.react(info.err) == accept {
			info.err = nil
		}
		if code != codeUnknownTopic && !r.malformed {
			answer.topics[name] = info
		}
	}
}

// topicInfos asks for topics and tries a few times while a failure may pass.
func (c *Client) topicInfos(ctx context.Context, topics []string) (map[string]topicInfo, error) {
	var pause retry.Backoff
	for {
		answer, err := c.metadata(ctx, topics)
		if err == nil {
			return answer.topics, nil
		}
		if ctx.Err() != nil || !c.retriable(err) || pause.Tries() >= 4 {
			return nil, err
		}
		if err := pause.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// metadataAge is for how long an answer about a topic counts. Until then its
// partition count and id are taken to be what they were.
const metadataAge = 2 * time.Second

// refreshTimeout bounds asking again for what is known. The broker that happens to be
// asked may hang while the leaders of partitions are well: then the last answer goes
// on to count, and fetches by topic id notice themselves when the topic is another.
const refreshTimeout = 2 * time.Second

// topicCache keeps answers about single topics.
type topicCache struct {
	mu     sync.Mutex
	topics map[string]*cachedTopic
}

type cachedTopic struct {
	asking chan struct{} // holds a token while one asks and the others wait, as long as they care to
	stale  atomic.Bool   // what is known, or being asked at present, is not to be trusted
	info   topicInfo
	err    error
	at     time.Time
}

// topic returns what the cluster says of a topic, at most metadataAge old.
func (c *Client) topic(ctx context.Context, name string) (topicInfo, error) {
	c.topics.mu.Lock()
	if c.topics.topics == nil {
		c.topics.topics = map[string]*cachedTopic{}
	}
	t := c.topics.topics[name]
	if t == nil {
		t = &cachedTopic{asking: make(chan struct{}, 1)}
		c.topics.topics[name] = t
	}
	c.topics.mu.Unlock()

	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return topicInfo{}, fmt.Errorf("looking for topic %s: %w", name, context.Cause(ctx))
	}
	if !t.stale.Swap(false) && !t.at.IsZero() && time.Since(t.at) < metadataAge {
		return t.info, t.err
	}
	known := t.err == nil && t.info.partitions > 0
	asking, cancel := ctx, context.CancelFunc(func() {})
	if known {
		asking, cancel = context.WithTimeout(ctx, refreshTimeout)
	}
	answer, err := c.metadata(asking, []string{name})
	cancel()
	if err != nil && known && ctx.Err() == nil {
		t.at = time.Now()
		return t.info, nil
	}
	if err != nil {
		t.at = time.Time{} // nothing is known, so the next one asks again
		return topicInfo{}, fmt.Errorf("looking for topic %s: %w", name, err)
	}
	info, found := answer.topics[name]
	t.info, t.err, t.at = info, nil, time.Now()
	switch {
	case !found:
		t.err = fmt.Errorf("topic %s: %w", name, c.refusal(protocol.Metadata, codeUnknownTopic))
	case info.err != nil:
		t.err = fmt.Errorf("topic %s: %w", name, info.err)
	}
	if t.err != nil {
		t.at = time.Time{}
	}
	return t.info, t.err
}

// leader returns the broker that leads a partition.
func (c *Client) leader(ctx context.Context, topic string, partition int32) (int32, error) {
	info, err := c.topic(ctx, topic)
	if err != nil {
		return 0, err
	}
	if partition < 0 || partition >= info.partitions {
		return 0, fmt.Errorf("topic %s has no partition %d", topic, partition)
	}
	if info.leaders[partition] < 0 {
		c.forgetTopic(topic)
		return 0, c.refusal(protocol.Metadata, codeLeaderNotAvailable)
	}
	return info.leaders[partition], nil
}

// leaderCall sends a request to the leader of a partition. When that is not the
// leader any more, or cannot be asked, the next one looks it up.
func (c *Client) leaderCall(ctx context.Context, over *kafkago.Transport, topic string, partition int32, one *call) error {
	leader, err := c.leader(ctx, topic, partition)
	if err != nil {
		return err
	}
	one.broker = leader
	if err = c.do(ctx, over, one); err != nil {
		c.forgetTopic(topic)
	}
	return err
}

// partitionRefusal is refusal for an answer of a leader.
func (c *Client) partitionRefusal(api protocol.ApiKey, topic string, code int16) error {
	err := c.refusal(api, code)
	if err != nil && c.react(err) == relocate {
		c.forgetTopic(topic)
	}
	return err
}

// forgetTopic makes the next question about a topic go to the cluster. It waits for nobody:
// who asks at present may be asking a broker that hangs.
func (c *Client) forgetTopic(name string) {
	c.topics.mu.Lock()
	t := c.topics.topics[name]
	c.topics.mu.Unlock()
	if t != nil {
		t.stale.Store(true)
	}
}
