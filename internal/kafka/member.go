package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/retry"
)

// member is our membership in a group over its generations. It belongs to the
// goroutine of Group.Run, apart from commits, which the claims make.
type member struct {
	client       *Client
	group, topic string
	id           string // "" before the first join and after we were thrown out
	owned        ownership

	mu          sync.Mutex
	coordinator int32 // -1: to be looked up
}

// assigned is a generation as one member sees it.
type assigned struct {
	generation int32
	partitions []int32
	committed  map[int32]committedTo
	topic      topicInfo
	leader     bool
	missing    bool // the topic, and it was said
}

// ForeignMembersError says that another application uses the group's name.
type ForeignMembersError struct {
	Group    string
	Protocol string // what they assign partitions by
	Clients  []string
}

// Reason returns the name under which readiness reports it.
func (*ForeignMembersError) Reason() string { return "group_shared" }

// Error names the members and what can be done.
func (e *ForeignMembersError) Error() string {
	return fmt.Sprintf("another application is in the consumer group %s, with the protocol %q: %s; stop it, or give this role another group under kafka.groups",
		e.Group, e.Protocol, strings.Join(e.Clients, ", "))
}

// GroupProtocolError says that the group is one of Kafka 4's protocol `consumer`
// (KIP-848), which this program does not speak: then brokers assign partitions
// and know nothing of our protocol's name, so members of others can be given
// partitions that nobody reads.
type GroupProtocolError struct {
	Group   string
	Clients []string
}

// Reason returns the name under which readiness reports it.
func (*GroupProtocolError) Reason() string { return "group_shared" }

// Error says how a group is moved between the protocols.
func (e *GroupProtocolError) Error() string {
	return fmt.Sprintf("the consumer group %s has members of Kafka's newer protocol (group.protocol=consumer), which are another application's: %s; "+
		"stop these members, and the group becomes an ordinary one again, or give this role another group under kafka.groups",
		e.Group, strings.Join(e.Clients, ", "))
}

// at returns the coordinator, -1 for one that is not known.
func (m *member) at() int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.coordinator
}

func (m *member) setCoordinator(broker int32) {
	m.mu.Lock()
	m.coordinator = broker
	m.mu.Unlock()
}

// locate looks the coordinator up if it is not known.
func (m *member) locate(ctx context.Context) error {
	if m.at() >= 0 {
		return nil
	}
	broker, err := m.client.findCoordinator(ctx, m.group)
	if err != nil {
		return fmt.Errorf("looking for the group's coordinator: %w", err)
	}
	m.setCoordinator(broker)
	return nil
}

// failed takes an error's consequences for the membership.
func (m *member) failed(err error) {
	refused, _ := errors.AsType[*answerError](err)
	switch {
	case refused != nil && (refused.code == codeUnknownMember || refused.code == codeFencedInstance || refused.code == codeGroupNotFound):
		m.id = ""
	case m.client.react(err) == relocate, refused != nil && refused.do == rejoin:
		m.setCoordinator(-1)
	}
}

// join becomes a member of the next generation and waits until it begins.
func (m *member) join(ctx context.Context) (*assigned, error) {
	next, err := m.tryJoin(ctx)
	if err != nil {
		m.failed(err)
	}
	return next, err
}

func (m *member) tryJoin(ctx context.Context) (*assigned, error) {
	info, err := m.client.topic(ctx, m.topic)
	if err != nil {
		return nil, err
	}
	if err := m.locate(ctx); err != nil {
		return nil, err
	}
	subscription := encodeSubscription(m.topic, m.owned)
	joined, err := m.joinGroup(ctx, subscription)
	if refused, ok := errors.AsType[*answerError](err); ok && refused.code == codeMemberIDRequired {
		m.id = joined.id
		joined, err = m.joinGroup(ctx, subscription)
	}
	if err != nil {
		return nil, m.explain(ctx, err)
	}
	m.id = joined.id
	next := &assigned{generation: joined.generation, topic: info, leader: joined.leader == joined.id}
	var assignments map[string][]byte
	if next.leader {
		// The topic may have changed while the group gathered.
		m.client.forgetTopic(m.topic)
		if next.topic, err = m.client.topic(ctx, m.topic); err != nil {
			return nil, err
		}
		assignments = m.assign(next.topic.partitions, joined.members)
	}
	own, err := m.syncGroup(ctx, joined.generation, assignments)
	if err != nil {
		return nil, fmt.Errorf("synchronizing with the group: %w", err)
	}
	next.partitions = decodeAssignment(own, m.topic)
	next.committed, err = m.committed(ctx, next.partitions)
	if err != nil {
		return nil, fmt.Errorf("asking for the group's offsets: %w", err)
	}
	m.owned = ownership{generation: next.generation, partitions: next.partitions}
	return next, nil
}

// committed asks for the group's offsets, a few times: the others wait for us
// meanwhile, and a retry is cheaper than another generation.
func (m *member) committed(ctx context.Context, partitions []int32) (map[int32]committedTo, error) {
	var pause retry.Backoff
	for {
		offsets, err := m.client.committedOffsets(ctx, m.at(), m.group, m.topic, partitions)
		if err == nil || m.client.react(err) != again || pause.Tries() >= 5 {
			return offsets, err
		}
		if err := pause.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// assign is the leader's work: every member that wants the topic gets its share.
func (m *member) assign(count int32, members []groupMember) map[string][]byte {
	assignments := make(map[string][]byte, len(members))
	var claimants []claimant
	for _, one := range members {
		assignments[one.id] = encodeAssignment(m.topic, nil)
		if owned, wants := decodeSubscription(one.metadata, m.topic); wants {
			claimants = append(claimants, claimant{id: one.id, owned: owned})
		}
	}
	assign(count, claimants)
	for _, c := range claimants {
		assignments[c.id] = encodeAssignment(m.topic, c.gets)
	}
	return assignments
}

// explain looks for the application behind a refusal to let us join.
func (m *member) explain(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*answerError](err)
	if !ok || (refused.code != codeInconsistentProto && refused.code != codeUnknownServer && refused.code != codeGroupNotFound) {
		return fmt.Errorf("joining the group: %w", err)
	}
	if named := m.client.foreigners(ctx, m.at(), m.group); named != nil {
		return named
	}
	err = fmt.Errorf("joining the group: %w", err)
	if refused.code == codeInconsistentProto {
		return &strangersError{err}
	}
	return err
}

// strangersError is a refusal because of members of another application, which had left
// before they could be named.
type strangersError struct{ error }

// Unwrap returns the refusal.
func (e *strangersError) Unwrap() error { return e.error }

// Reason returns the name under which readiness reports it.
func (*strangersError) Reason() string { return "group_shared" }

// foreigners returns an error that names the members of another application in a
// group, nil if there are none.
func (c *Client) foreigners(ctx context.Context, coordinator int32, group string) error {
	// Kafka 4 says "Dead" of such a group when it is asked in the old way.
	if d, err := c.newProtocol(ctx, coordinator, group); err == nil && len(d.clients) > 0 {
		return &GroupProtocolError{Group: group, Clients: d.clients}
	}
	d, err := c.describeGroup(ctx, coordinator, group)
	if err == nil && d.foreign() {
		return &ForeignMembersError{Group: group, Protocol: d.protocol, Clients: d.clients}
	}
	return nil
}

// beat sends a heartbeat, twice if a connection ended or the coordinator moved:
// brokers end connections for reasons of their own (a SASL session's end,
// KIP-368), and that is no reason for a rebalance.
func (m *member) beat(ctx context.Context, generation int32) error {
	err := m.locate(ctx)
	if err == nil {
		err = m.heartbeat(ctx, generation)
	}
	if err == nil || m.client.react(err) != relocate {
		return err
	}
	if _, refused := errors.AsType[*answerError](err); refused {
		m.setCoordinator(-1)
	}
	if second := m.locate(ctx); second != nil {
		return err
	}
	if err = m.heartbeat(ctx, generation); err != nil && m.client.react(err) == relocate {
		m.setCoordinator(-1)
	}
	return err
}

// leave ends the membership. It is a courtesy: without it the others wait
// for the session's end.
func (m *member) leave(ctx context.Context) {
	if m.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	err := m.locate(ctx)
	if err == nil {
		err = m.leaveGroup(ctx)
	}
	if err != nil && m.client.react(err) != accept {
		m.client.config.Logger.Debug("leaving the group failed; its session will end by itself", "group", m.group, "error", err)
	}
	m.id = ""
}

// leaveTimeout bounds the farewell, which must not hold a shutdown up.
const leaveTimeout = 2 * time.Second
