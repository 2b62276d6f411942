package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/failpoint"
)

// allReplicas as acks: the leader answers when all in-sync replicas have it.
const allReplicas = -1

// produce sends one batch and waits for its acknowledgement and, if the broker's
// quota wants it, for a while behind it.
func (c *Client) produce(ctx context.Context, topic string, partition int32, batch []byte) error {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	code, detail, throttle := int16(noPartition), "", time.Duration(0)
	err := c.leaderCall(bounded, c.writing, topic, partition, &call{
		key: protocol.Produce, versions: []int16{8, 7},
		encode: func(w *wireWriter, _ int16) {
			w.orNull("") // no transaction
			w.int16(allReplicas)
			w.int32(int32((requestTimeout / 2).Milliseconds()))
			w.array(1)
			w.text(topic)
			w.array(1)
			w.int32(partition)
			w.bytes(batch)
		},
		decode: func(r *wire, version int16) {
			for range r.array() {
				r.text()
				for range r.array() {
					r.skip(4) // the partition, of which there is one
					code = r.int16()
					r.skip(8 + 8 + 8) // base offset, append time, log start
					if version < 8 {
						continue
					}
					for range r.array() { // records that the broker refuses
						r.skip(4)
						detail = r.text()
					}
					if whole := r.text(); whole != "" {
						detail = whole
					}
				}
			}
			throttle = time.Duration(r.int32()) * time.Millisecond
		},
	})
	if err == nil {
		err = failpoint.Here(failpoint.Produced)
	}
	if err != nil {
		return err
	}
	if throttle > 0 { // the broker leaves the connection silent for so long anyway
		_ = wait(ctx, throttle)
	}
	err = c.partitionRefusal(protocol.Produce, topic, code)
	if refused, ok := errors.AsType[*answerError](err); ok {
		refused.detail = detail
	}
	return err
}

// initProducer asks for a producer id.
func (c *Client) initProducer(ctx context.Context) (producerID, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var code int16
	id := producerID{known: true}
	err := c.do(ctx, c.writing, &call{
		key: protocol.InitProducerId, versions: []int16{1}, broker: anyBroker,
		encode: func(w *wireWriter, _ int16) {
			w.orNull("") // no transaction
			w.int32(int32(requestTimeout.Milliseconds()))
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code, id.id, id.epoch = r.int16(), r.int64(), r.int16()
		},
	})
	if err == nil {
		err = c.refusal(protocol.InitProducerId, code)
	}
	return id, err
}
