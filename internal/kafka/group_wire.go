package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// The requests of a group's member, each in the last version before the flexible
// ones: Kafka 2.4 to 4 speak them all.

// coordinatorCall sends a request to a broker and returns its code as an error.
func (c *Client) coordinatorCall(ctx context.Context, timeout time.Duration, one *call, code *int16) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.do(ctx, c.control, one); err != nil {
		return err
	}
	return c.refusal(one.key, *code)
}

// findCoordinator returns the broker that looks after a group.
func (c *Client) findCoordinator(ctx context.Context, group string) (broker int32, err error) {
	var code int16
	err = c.coordinatorCall(ctx, requestTimeout, &call{
		key: protocol.FindCoordinator, versions: []int16{2}, broker: anyBroker,
		encode: func(w *wireWriter, _ int16) {
			w.text(group)
			w.int8(0) // a group's
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code = r.int16()
			r.text() // the error in words
			broker = r.int32()
		},
	}, &code)
	return broker, err
}

// joining is the answer to JoinGroup. Only the leader is told the members.
type joining struct {
	generation int32
	leader, id string
	members    []groupMember
}

// groupMember is a member as the leader sees it.
type groupMember struct {
	id       string
	metadata []byte
}

// joinGroup asks to be a member and waits until the group has gathered. The
// first answer to a new member only brings its id.
func (m *member) joinGroup(ctx context.Context, subscription []byte) (joining, error) {
	var code int16
	var answer joining
	id, config := m.id, &m.client.config // m's id may change once the call is given up
	err := m.client.coordinatorCall(ctx, config.Rebalance+requestTimeout, &call{
		key: protocol.JoinGroup, versions: []int16{5}, broker: m.at(),
		encode: func(w *wireWriter, _ int16) {
			w.text(m.group)
			w.int32(int32(config.Session.Milliseconds()))
			w.int32(int32(config.Rebalance.Milliseconds()))
			w.text(id)
			w.orNull("") // no static membership
			w.text(protocolType)
			w.array(1)
			w.text(protocolName)
			w.bytes(subscription)
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code, answer.generation = r.int16(), r.int32()
			r.text() // the protocol, of which there is one
			answer.leader, answer.id = r.text(), r.text()
			for range r.array() {
				one := groupMember{id: r.text()}
				r.text() // instance
				one.metadata = slices.Clone(r.bytes())
				answer.members = append(answer.members, one)
			}
		},
	}, &code)
	return answer, err
}

// syncGroup brings the leader's assignments to the coordinator, none from the
// others, and returns our own.
func (m *member) syncGroup(ctx context.Context, generation int32, assignments map[string][]byte) (own []byte, err error) {
	var code int16
	as := m.id
	err = m.client.coordinatorCall(ctx, m.client.config.Rebalance+requestTimeout, &call{
		key: protocol.SyncGroup, versions: []int16{3}, broker: m.at(),
		encode: func(w *wireWriter, _ int16) {
			w.text(m.group)
			w.int32(generation)
			w.text(as)
			w.orNull("") // no static membership
			w.array(len(assignments))
			for id, assignment := range assignments {
				w.text(id)
				w.bytes(assignment)
			}
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code = r.int16()
			own = slices.Clone(r.bytes())
		},
	}, &code)
	return own, err
}

// heartbeat says that we live.
func (m *member) heartbeat(ctx context.Context, generation int32) error {
	var code int16
	id := m.id
	return m.client.coordinatorCall(ctx, m.client.config.Session/2, &call{
		key: protocol.Heartbeat, versions: []int16{3}, broker: m.at(),
		encode: func(w *wireWriter, _ int16) {
			w.text(m.group)
			w.int32(generation)
			w.text(id)
			w.orNull("") // no static membership
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code = r.int16()
		},
	}, &code)
}

// leaveGroup ends the membership, so that the others need not wait for the
// session's end.
func (m *member) leaveGroup(ctx context.Context) error {
	var code int16
	id := m.id
	return m.client.coordinatorCall(ctx, requestTimeout, &call{
		key: protocol.LeaveGroup, versions: []int16{3}, broker: m.at(),
		encode: func(w *wireWriter, _ int16) {
			w.text(m.group)
			w.array(1)
			w.text(id)
			w.orNull("") // no static membership
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			code = r.int16()
			for range r.array() {
				r.text()
				r.text()
				if one := r.int16(); code == 0 {
					code = one
				}
			}
		},
	}, &code)
}

// commitOffset makes offset the group's, as the member id of a generation. Claims call
// it, so it reads nothing of m that changes while they live.
func (m *member) commitOffset(ctx context.Context, id string, generation, partition int32, upTo committedTo) error {
	code := int16(noPartition)
	return m.client.coordinatorCall(ctx, requestTimeout, &call{
		key: protocol.OffsetCommit, versions: []int16{7}, broker: m.at(),
		encode: func(w *wireWriter, _ int16) {
			w.text(m.group)
			w.int32(generation)
			w.text(id)
			w.orNull("") // no static membership
			w.array(1)
			w.text(m.topic)
			w.array(1)
			w.int32(partition)
			w.int64(upTo.offset)
			w.int32(-1) // no leader epoch
			w.orNull(timeText(upTo.time))
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			for range r.array() {
				r.text()
				for range r.array() {
					r.skip(4) // the partition, of which there is one
					code = r.int16()
				}
			}
		},
	}, &code)
}

// committedOffsets returns what the group has of partitions.
func (c *Client) committedOffsets(ctx context.Context, coordinator int32, group, topic string, partitions []int32) (map[int32]committedTo, error) {
	var code int16
	offsets := make(map[int32]committedTo, len(partitions))
	err := c.coordinatorCall(ctx, requestTimeout, &call{
		key: protocol.OffsetFetch, versions: []int16{5}, broker: coordinator,
		encode: func(w *wireWriter, _ int16) {
			w.text(group)
			if topic == "" { // only to see whether we may
				w.array(0)
				return
			}
			w.array(1)
			w.text(topic)
			w.array(len(partitions))
			for _, p := range partitions {
				w.int32(p)
			}
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			for range r.array() {
				r.text()
				for range r.array() {
					partition, offset := r.int32(), r.int64()
					r.skip(4) // leader epoch
					metadata := r.text()
					if one := r.int16(); one != 0 {
						code = one
					}
					offsets[partition] = committedTo{max(-1, offset), timeOf(metadata)}
				}
			}
			if whole := r.int16(); whole != 0 {
				code = whole
			}
		},
	}, &code)
	if err == nil || c.react(err) == accept {
		for _, p := range partitions {
			if _, answered := offsets[p]; !answered && err == nil {
				return nil, c.refusal(protocol.OffsetFetch, noPartition)
			}
		}
		return offsets, nil
	}
	return nil, err
}

// described is what a coordinator says of a classic group.
type described struct {
	state, protocol string
	clients         []string // client id and host of each member
}

// foreign reports whether the members are another application's. While a group
// rebalances it has no protocol, and its members may be ours.
func (d *described) foreign() bool {
	return len(d.clients) > 0 && d.protocol != "" && d.protocol != protocolName
}

// describeGroup asks for a group's members, to name those that are not ours.
func (c *Client) describeGroup(ctx context.Context, coordinator int32, group string) (described, error) {
	var code int16
	var d described
	err := c.coordinatorCall(ctx, requestTimeout, &call{
		key: protocol.DescribeGroups, versions: []int16{4, 3}, broker: coordinator,
		encode: func(w *wireWriter, _ int16) {
			w.array(1)
			w.text(group)
			w.bool(false) // not the rights
		},
		decode: func(r *wire, version int16) {
			r.skip(4) // throttle time
			for range r.array() {
				code = r.int16()
				r.text() // the group
				d.state = r.text()
				r.text() // the kind of protocol
				d.protocol = r.text()
				for range r.array() {
					r.text() // member
					if version >= 4 {
						r.text() // instance
					}
					client, host := r.text(), r.text()
					d.clients = append(d.clients, client+" at "+host)
					r.bytes() // metadata
					r.bytes() // assignment
				}
				r.skip(4) // rights
			}
		},
	}, &code)
	return d, err
}

// consumerGroupDescribe is the number of the request ConsumerGroupDescribe
// (KIP-848, Kafka 4.0), which kafka-go does not know.
const consumerGroupDescribe protocol.ApiKey = 69

// newProtocol asks for a group of the protocol `consumer`: its state and its members
// that speak that protocol; a broker lets members of the ordinary one in beside them.
// The state is "" if the group is none of these, or the broker knows no such protocol.
func (c *Client) newProtocol(ctx context.Context, coordinator int32, group string) (described, error) {
	var code int16
	var d described
	err := c.coordinatorCall(ctx, requestTimeout, &call{
		key: consumerGroupDescribe, versions: []int16{1, 0}, flexible: alwaysFlexible, broker: coordinator,
		encode: func(w *wireWriter, _ int16) {
			w.array(1)
			w.text(group)
			w.bool(false) // not the rights
			w.tags()
		},
		decode: func(r *wire, version int16) {
			r.skip(4) // throttle time
			for range r.array() {
				code = r.int16()
				r.text() // the error in words
				r.text() // the group
				d.state = r.text()
				r.skip(4 + 4) // epochs
				r.text()      // assignor
				for range r.array() {
					if client, speaks := c.newProtocolMember(r, version); speaks {
						d.clients = append(d.clients, client)
					}
				}
				r.skip(4) // rights
				r.tags()
			}
			r.tags()
		},
	}, &code)
	return d, err
}

// newProtocolMember reads one member and reports whether it speaks the protocol
// `consumer`. Version 0 does not say; there a member of another client id does.
func (c *Client) newProtocolMember(r *wire, version int16) (client string, speaks bool) {
	r.text()  // member
	r.text()  // instance
	r.text()  // rack
	r.skip(4) // epoch
	id, host := r.text(), r.text()
	for range r.array() {
		r.text() // topics
	}
	r.text()      // topics by pattern
	for range 2 { // partitions it has, partitions it will have
		for range r.array() {
			r.id()
			r.text()
			r.skip(4 * r.array())
			r.tags()
		}
		r.tags()
	}
	speaks = id != c.config.ClientID
	if version >= 1 {
		speaks = r.int8() == 1
	}
	r.tags()
	return id + " at " + host, speaks
}
