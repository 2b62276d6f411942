package kafka

import (
	"context"
	"fmt"
)

// Share is a fixed part of a topic's partitions: those whose number, divided by Of, leaves
// Ordinal. Processes that share a topic so need no group to agree, and the restart of
// one moves nothing. Nobody notices either that one is away: something else, such as
// Kubernetes' StatefulSet, has to see to it that each ordinal runs, and once. Two of one
// ordinal are told apart by the epochs of their checkpoints.
type Share struct {
	Ordinal, Of int32 // Of 0: no share
}

func (s Share) fixed() bool { return s.Of > 0 }

// partitions returns the share of a topic with count partitions.
func (s Share) partitions(count int32) []int32 {
	var own []int32
	for p := s.Ordinal; p < count; p += s.Of {
		own = append(own, p)
	}
	return own
}

// withoutGeneration is the generation of commits by one that is no member.
const withoutGeneration = -1

// takeShare takes a share of the topic as it is now, with the offsets that the group has.
func (m *member) takeShare(ctx context.Context, share Share) (*assigned, error) {
	next, err := m.tryShare(ctx, share)
	if err != nil {
		m.failed(err)
	}
	return next, err
}

func (m *member) tryShare(ctx context.Context, share Share) (*assigned, error) {
	m.client.forgetTopic(m.topic) // it may have changed, which is why the last one ended
	info, err := m.client.topic(ctx, m.topic)
	if err != nil {
		return nil, err
	}
	if err := m.locate(ctx); err != nil {
		return nil, err
	}
	next := &assigned{generation: withoutGeneration, topic: info, leader: true, partitions: share.partitions(info.partitions)}
	if next.committed, err = m.committed(ctx, next.partitions); err != nil {
		return nil, fmt.Errorf("asking for the group's offsets: %w", err)
	}
	return next, nil
}

// anyMembers returns an error that names the members of a group, nil if there are none:
// they read what belongs to the shares.
func (c *Client) anyMembers(ctx context.Context, coordinator int32, group string) error {
	if foreign := c.foreigners(ctx, coordinator, group); foreign != nil {
		return foreign
	}
	if d, err := c.describeGroup(ctx, coordinator, group); err == nil && len(d.clients) > 0 {
		return &ForeignMembersError{Group: group, Protocol: d.protocol, Clients: d.clients}
	}
	return nil
}
