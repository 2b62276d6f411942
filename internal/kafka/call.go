package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// maxResponse bounds an answer: a broker sends at least one whole batch however
// little was asked for, and nobody writes batches beyond this.
const maxResponse = 128 << 20

// anyBroker as a call's destination is whichever broker is at hand.
const anyBroker = -1

// call is one request and its answer. kafka-go finds the broker, dials, logs in
// and keeps the connection; then it leaves the connection to RawExchange. So an
// answer is read in one piece into memory of ours, in versions of Kafka's APIs
// that kafka-go does not speak, and every code in it is ours to judge.
//
// When a call is given up before the answer is there, kafka-go's connection
// goroutine still owns the call and its memory: both are dropped then, never
// reused. So encode, which that goroutine calls, may read only what never changes;
// decode is called by do, and never for a call that was given up.
type call struct {
	client *Client
	key    protocol.ApiKey
	// versions are those we speak, the best first. flexible is the first version
	// that is: 0 for none of ours, alwaysFlexible for all.
	versions []int16
	flexible int16
	broker   int32 // the destination's id, or anyBroker

	encode func(w *wireWriter, version int16)
	decode func(r *wire, version int16)
	raw    []byte // memory for the answer, may be nil; afterwards the answer

	version int16 // of the answer
}

// alwaysFlexible is the flexible of an API whose version 0 is.
const alwaysFlexible = -1

func (c *call) isFlexible(version int16) bool { return c.flexible != 0 && version >= c.flexible }

// do sends a call over a transport and waits for its answer.
func (c *Client) do(ctx context.Context, over *kafkago.Transport, one *call) error {
	one.client = c
	if _, err := over.RoundTrip(ctx, c.addr, protocol.Message(one)); err != nil {
		return err
	}
	r := wire{data: one.raw, flexible: one.isFlexible(one.version)}
	r.tags() // of the header, which a flexible answer has
	one.decode(&r, one.version)
	if r.malformed {
		return fmt.Errorf("the broker's answer to %v version %d is malformed", one.key, one.version)
	}
	return nil
}

// ApiKey names the request to kafka-go.
func (c *call) ApiKey() protocol.ApiKey { return c.key } //nolint:revive // kafka-go's name

// Broker names the destination to kafka-go.
func (c *call) Broker(protocol.Cluster) (protocol.Broker, error) {
	return protocol.Broker{ID: c.broker}, nil
}

// Required takes over every connection.
func (c *call) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads the whole answer.
func (c *call) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	versions, err := c.client.apiVersions(rw)
	if err != nil {
		return nil, err
	}
	version, err := c.choose(versions)
	if err != nil {
		return nil, err
	}
	if c.raw, err = exchange(rw, c, version); err != nil {
		c.client.forgetVersions(rw)
		return nil, err
	}
	c.version = version
	return c, nil
}

// choose returns the best version that the broker speaks as well.
func (c *call) choose(broker map[protocol.ApiKey]versionRange) (int16, error) {
	offered, found := broker[c.key]
	for _, v := range c.versions {
		if found && v >= offered.lowest && v <= offered.highest {
			return v, nil
		}
	}
	if !found {
		return 0, &unsupportedError{api: c.key}
	}
	return 0, &unsupportedError{api: c.key, offered: offered, spoken: c.versions}
}

// unsupportedError is a broker that lacks a request or all versions of it that
// we speak.
type unsupportedError struct {
	api     protocol.ApiKey
	offered versionRange
	spoken  []int16
}

// Error names the request and what each side speaks.
func (e *unsupportedError) Error() string {
	if e.spoken == nil {
		return fmt.Sprintf("the broker does not know the request %v; Apache Kafka 2.4 or newer, or a broker compatible with it, is needed", e.api)
	}
	return fmt.Sprintf("the broker speaks versions %d to %d of the request %v, and one of %v is needed; Apache Kafka 2.4 to 4 are supported",
		e.offered.lowest, e.offered.highest, e.api, e.spoken)
}

// exchange does the round trip in one version and returns the answer behind its
// correlation id.
func exchange(rw io.ReadWriter, c *call, version int16) ([]byte, error) {
	w := wireWriter{data: make([]byte, 4, 256), flexible: c.isFlexible(version)}
	w.int16(int16(c.key))
	w.int16(version)
	w.int32(0) // correlation id: one request at a time
	// The header's client id is never compact.
	w.int16(int16(len(c.client.config.ClientID)))
	w.data = append(w.data, c.client.config.ClientID...)
	w.tags()
	c.encode(&w, version)
	binary.BigEndian.PutUint32(w.data, uint32(len(w.data)-4))
	if _, err := rw.Write(w.data); err != nil {
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
	raw := c.raw
	if int64(cap(raw)) < size {
		raw = make([]byte, size, size+size/4) // answers to the same request differ a little in size
	}
	raw = raw[:size]
	_, err := io.ReadFull(rw, raw)
	return raw, err
}

// versionRange is which versions of a request a broker speaks.
type versionRange struct{ lowest, highest int16 }

// apiVersions returns what the broker at the other end of a connection speaks.
// kafka-go asks for it too but keeps only versions that it speaks itself. A
// broker is asked once, and again after any failed exchange: it may have been
// replaced by an older one.
func (c *Client) apiVersions(rw io.ReadWriter) (map[protocol.ApiKey]versionRange, error) {
	name := remote(rw)
	if known, ok := c.spoken.Load(name); ok {
		return known.(map[protocol.ApiKey]versionRange), nil
	}
	ask := &call{client: c, key: protocol.ApiVersions, encode: func(*wireWriter, int16) {}}
	raw, err := exchange(rw, ask, 0)
	if err != nil {
		return nil, err
	}
	r := wire{data: raw}
	if code := r.int16(); code != 0 {
		return nil, kafkago.Error(code)
	}
	versions := map[protocol.ApiKey]versionRange{}
	for range r.array() {
		key := protocol.ApiKey(r.int16())
		versions[key] = versionRange{lowest: r.int16(), highest: r.int16()}
	}
	if r.malformed || len(versions) == 0 {
		return nil, errors.New("the broker's answer about its versions is malformed")
	}
	c.spoken.Store(name, versions)
	return versions, nil
}

func (c *Client) forgetVersions(rw io.ReadWriter) { c.spoken.Delete(remote(rw)) }

// remote names the broker that a connection leads to.
func remote(rw io.ReadWriter) string {
	if conn, ok := rw.(*protocol.Conn); ok {
		return conn.RemoteAddr().String()
	}
	return ""
}
