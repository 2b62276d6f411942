package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	metadataapi "github.com/segmentio/kafka-go/protocol/metadata"

	"sendwatch/internal/retry"
)

// metadataVersion is the first that tells what we may do with a topic (Kafka 2.3).
const metadataVersion = 8

// Kafka's numbers of operations, bits of a topic's authorized operations
// (https://cwiki.apache.org/confluence/display/KAFKA/KIP-430).
const (
	operationRead     = 3
	operationWrite    = 4
	operationsUnknown = -1 << 31
)

// topicInfo is what the metadata says of one topic.
type topicInfo struct {
	partitions int
	operations int32 // bits; operationsUnknown if the broker does not tell
	err        error // the topic is there and cannot be looked at
}

// topicInfos asks a broker for topics, past kafka-go's cache, which never asks
// for rights. A topic that does not exist is missing from the answer.
func (c *Client) topicInfos(ctx context.Context, topics []string) (map[string]topicInfo, error) {
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		q := &metadataQuestion{topics: topics}
		_, err := c.transport.RoundTrip(bounded, c.addr, protocol.Message(q))
		cancel()
		if err == nil {
			return q.infos, nil
		}
		if ctx.Err() != nil || !retriable(err) || pause.Tries() >= 4 {
			return nil, err
		}
		if err := pause.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// metadataQuestion is a Metadata request that reads its own answer.
type metadataQuestion struct {
	topics  []string
	version int16
	infos   map[string]topicInfo
}

// ApiKey names the request to kafka-go.
func (*metadataQuestion) ApiKey() protocol.ApiKey { return (*metadataapi.Request)(nil).ApiKey() } //nolint:revive // kafka-go's name

// Required takes over every connection.
func (q *metadataQuestion) Required(versions map[protocol.ApiKey]int16) bool {
	q.version = versions[protocol.Metadata]
	return true
}

// RawExchange writes the request and reads the answer.
func (q *metadataQuestion) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if q.version < metadataVersion {
		return nil, errors.New("the broker is older than Kafka 2.3, which a check needs")
	}
	b := make([]byte, 4, 256)
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.Metadata))
	b = binary.BigEndian.AppendUint16(b, metadataVersion)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = appendString(b, "sendwatch")
	b = binary.BigEndian.AppendUint32(b, uint32(len(q.topics)))
	for _, t := range q.topics {
		b = appendString(b, t)
	}
	b = append(b, 0, 0, 1) // create nothing; the cluster's rights: no; the topics': yes
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > maxResponse {
		return nil, fmt.Errorf("the broker announces an answer of %d bytes; at most %d are taken", size, maxResponse)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(rw, raw); err != nil {
		return nil, err
	}
	if err := q.decode(raw); err != nil {
		return nil, err
	}
	return q, nil
}

// decode reads the answer's topics.
func (q *metadataQuestion) decode(raw []byte) error {
	w := wire{data: raw}
	text := func() string { return string(w.take(max(0, int(w.int16())))) } // null is -1
	numbers := func() { w.skip(4 * max(0, int(w.int32()))) }
	w.skip(4) // throttle time
	for range max(0, w.int32()) {
		w.skip(4) // broker
		text()
		w.skip(4) // port
		text()
		if w.malformed {
			break
		}
	}
	text()    // cluster
	w.skip(4) // controller
	q.infos = map[string]topicInfo{}
	for range max(0, w.int32()) {
		code := kafkago.Error(w.int16())
		name := text()
		w.skip(1)
		info := topicInfo{partitions: int(max(0, w.int32()))}
		for range info.partitions {
			w.skip(2 + 4 + 4 + 4)
			numbers()
			numbers()
			numbers()
			if w.malformed {
				break
			}
		}
		info.operations = w.int32()
		if w.malformed {
			break
		}
		if code != 0 {
			info.err = code
		}
		if code != kafkago.UnknownTopicOrPartition {
			q.infos[name] = info
		}
	}
	if w.malformed {
		return errors.New("the broker's answer about topics is malformed")
	}
	return nil
}
