package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// reaction is what we do about an answer that is no success. Nothing a broker
// answers ends the process or another role: an operator mends the cluster, and
// what waits goes on by itself. README.md has the table for people.
type reaction uint8

const (
	// accept: it is what we wanted, said in another way.
	accept reaction = iota + 1
	// again: it passes by itself; the same request after a pause.
	again
	// relocate: the leader or coordinator is another broker, which is looked up
	// before the request goes out again.
	relocate
	// await: somebody has to mend the cluster. The request goes out again for
	// ever, with the long pause, and the reason stands in the log and in
	// readiness.
	await
	// rejoin: the membership is over; the partitions are given back and the group
	// is joined again.
	rejoin
	// renew: the broker does not know our producer id (any more); a new one is
	// asked for and the batch goes out again under it.
	renew
	// stop: another try would end the same. The partition, or the write, ends
	// with a named error; other partitions and roles go on.
	stop
)

// String returns the reaction's name in README.md.
func (r reaction) String() string {
	return [...]string{"", "accepted", "tried again", "looked up and tried again", "waited for", "joined again", "renewed", "stops"}[r]
}

// answer is one row of the table: what an error code of Apache Kafka means in
// answer to one request.
type answer struct {
	api  protocol.ApiKey
	code int16
	name string // Kafka's own name, as in its logs
	do   reaction
	why  string
}

// noPartition is the code we give to an answer that leaves out the partition
// that was asked for; Kafka's own codes end below it.
const noPartition = 30_000

// Kafka's codes that the code names itself
// (https://kafka.apache.org/protocol#protocol_error_codes).
const (
	codeUnknownServer      = -1
	codeOffsetOutOfRange   = 1
	codeUnknownTopic       = 3
	codeLeaderNotAvailable = 5
	codeInconsistentProto  = 23
	codeUnsupportedVersion = 35
	codeUnknownMember      = 25
	codeClusterForbidden   = 31
	codeGroupNotFound      = 69
	codeMemberIDRequired   = 79
	codeFencedInstance     = 82
	codeUnknownTopicID     = 100
	codeInconsistentTopic  = 103
)

// answers is the table. A code that is not in it for its request, of a broker
// newer than this table, is waited for: it is named, and nothing is lost.
// Sources: the error lists of org.apache.kafka.common.requests.*Response of
// Apache Kafka 4.3.
func answers() []answer {
	const (
		fetch   = protocol.Fetch
		offsets = protocol.ListOffsets
		meta    = protocol.Metadata
		find    = protocol.FindCoordinator
		join    = protocol.JoinGroup
		sync    = protocol.SyncGroup
		beat    = protocol.Heartbeat
		leave   = protocol.LeaveGroup
		commit  = protocol.OffsetCommit
		where   = protocol.OffsetFetch
		produce = protocol.Produce
		initial = protocol.InitProducerId
		create  = protocol.CreateTopics

		forbidden = "the right is missing, and is granted while we wait"
		moved     = "leadership or coordination has moved"
		deleted   = "deleted, created again, or not known there yet: the topic id is compared before the next try"
		starting  = "the coordinator reads its log after a start"
		disk      = "a broker lost a disk; another becomes leader"
		over      = "the broker has taken us out of the group or began the next generation"
		ours      = "only a mistake of ours can cause it"
	)
	return []answer{
		{fetch, noPartition, "no topic, with a throttle time", again, "the client's quota is used up (KIP-219): waited for the time the broker says, then read on"},
		{fetch, 1, "OFFSET_OUT_OF_RANGE", accept, "before the log's start: the lost range is reported, and the role stops or reads on at the start; behind its end: stops"},
		{fetch, 2, "CORRUPT_MESSAGE", again, "the broker cannot read its own log there; a replica may"},
		{fetch, 3, "UNKNOWN_TOPIC_OR_PARTITION", relocate, deleted},
		{fetch, 5, "LEADER_NOT_AVAILABLE", relocate, moved},
		{fetch, 6, "NOT_LEADER_OR_FOLLOWER", relocate, moved},
		{fetch, 9, "REPLICA_NOT_AVAILABLE", relocate, moved},
		{fetch, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{fetch, 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", stop, "the log holds batches older than Kafka 0.11 that the broker cannot convert"},
		{fetch, 56, "KAFKA_STORAGE_ERROR", relocate, disk},
		{fetch, 70, "FETCH_SESSION_ID_NOT_FOUND", again, "we ask without a session; passes"},
		{fetch, 71, "INVALID_FETCH_SESSION_EPOCH", again, "we ask without a session; passes"},
		{fetch, 74, "FENCED_LEADER_EPOCH", relocate, moved},
		{fetch, 75, "UNKNOWN_LEADER_EPOCH", relocate, moved},
		{fetch, 76, "UNSUPPORTED_COMPRESSION_TYPE", stop, "the topic holds zstd and the broker thinks we cannot read it"},
		{fetch, 78, "OFFSET_NOT_AVAILABLE", again, "a new leader does not know yet how far replicas are"},
		{fetch, 100, "UNKNOWN_TOPIC_ID", relocate, deleted},
		{fetch, 103, "INCONSISTENT_TOPIC_ID", relocate, deleted},
		{fetch, 106, "FETCH_SESSION_TOPIC_ID_ERROR", again, "we ask without a session; passes"},

		{offsets, noPartition, "no partition", again, "left out by a broker that throttles or loads"},
		{offsets, 3, "UNKNOWN_TOPIC_OR_PARTITION", relocate, deleted},
		{offsets, 5, "LEADER_NOT_AVAILABLE", relocate, moved},
		{offsets, 6, "NOT_LEADER_OR_FOLLOWER", relocate, moved},
		{offsets, 9, "REPLICA_NOT_AVAILABLE", relocate, moved},
		{offsets, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{offsets, 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", stop, "the log holds batches older than Kafka 0.11"},
		{offsets, 56, "KAFKA_STORAGE_ERROR", relocate, disk},
		{offsets, 74, "FENCED_LEADER_EPOCH", relocate, moved},
		{offsets, 75, "UNKNOWN_LEADER_EPOCH", relocate, moved},
		{offsets, 78, "OFFSET_NOT_AVAILABLE", again, "a new leader does not know yet how far replicas are"},

		{meta, 3, "UNKNOWN_TOPIC_OR_PARTITION", await, "the topic does not exist; `sendwatch migrate` creates it"},
		{meta, 5, "LEADER_NOT_AVAILABLE", again, "the topic was just created or its leader just lost"},
		{meta, 9, "REPLICA_NOT_AVAILABLE", accept, "says something of replicas only"},
		{meta, 17, "INVALID_TOPIC_EXCEPTION", await, "the configured name is none that Kafka takes"},
		{meta, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{meta, 72, "LISTENER_NOT_FOUND", again, "the leader does not have the listener we use; passes while brokers restart"},

		{find, 14, "COORDINATOR_LOAD_IN_PROGRESS", again, starting},
		{find, 15, "COORDINATOR_NOT_AVAILABLE", again, "the broker makes its internal topic, or has no leader for it"},
		{find, 16, "NOT_COORDINATOR", again, moved},
		{find, 24, "INVALID_GROUP_ID", await, "the configured name of the group is none that Kafka takes"},
		{find, 30, "GROUP_AUTHORIZATION_FAILED", await, forbidden},

		{join, 14, "COORDINATOR_LOAD_IN_PROGRESS", again, starting},
		{join, 15, "COORDINATOR_NOT_AVAILABLE", relocate, moved},
		{join, 16, "NOT_COORDINATOR", relocate, moved},
		{join, 23, "INCONSISTENT_GROUP_PROTOCOL", await, "members of another application are in the group: they are named, and we join when they have left"},
		{join, 24, "INVALID_GROUP_ID", await, "the configured name of the group is none that Kafka takes"},
		{join, 25, "UNKNOWN_MEMBER_ID", rejoin, over},
		{join, 26, "INVALID_SESSION_TIMEOUT", await, "outside group.min.session.timeout.ms to group.max.session.timeout.ms of the broker"},
		{join, 27, "REBALANCE_IN_PROGRESS", again, "others are joining"},
		{join, 30, "GROUP_AUTHORIZATION_FAILED", await, forbidden},
		{join, 79, "MEMBER_ID_REQUIRED", accept, "the first answer to a new member carries its id (KIP-394)"},
		{join, 81, "GROUP_MAX_SIZE_REACHED", await, "the group has as many members as the broker allows"},
		{join, 82, "FENCED_INSTANCE_ID", await, "another process uses our instance id"},
		{join, -1, "UNKNOWN_SERVER_ERROR", await, "a group of the protocol `consumer` (KIP-848) may hold the name: it is asked for and named"},

		{sync, 14, "COORDINATOR_LOAD_IN_PROGRESS", rejoin, starting},
		{sync, 15, "COORDINATOR_NOT_AVAILABLE", rejoin, moved},
		{sync, 16, "NOT_COORDINATOR", rejoin, moved},
		{sync, 22, "ILLEGAL_GENERATION", rejoin, over},
		{sync, 23, "INCONSISTENT_GROUP_PROTOCOL", rejoin, "the group chose another protocol in between"},
		{sync, 25, "UNKNOWN_MEMBER_ID", rejoin, over},
		{sync, 27, "REBALANCE_IN_PROGRESS", rejoin, "somebody joined or left in between"},
		{sync, 30, "GROUP_AUTHORIZATION_FAILED", await, forbidden},
		{sync, 82, "FENCED_INSTANCE_ID", await, "another process uses our instance id"},

		{beat, 14, "COORDINATOR_LOAD_IN_PROGRESS", accept, starting},
		{beat, 15, "COORDINATOR_NOT_AVAILABLE", relocate, moved},
		{beat, 16, "NOT_COORDINATOR", relocate, moved},
		{beat, 22, "ILLEGAL_GENERATION", rejoin, over},
		{beat, 25, "UNKNOWN_MEMBER_ID", rejoin, over},
		{beat, 27, "REBALANCE_IN_PROGRESS", rejoin, "the group gathers again: claims drain, then we join"},
		{beat, 30, "GROUP_AUTHORIZATION_FAILED", rejoin, forbidden},
		{beat, 82, "FENCED_INSTANCE_ID", rejoin, "another process uses our instance id"},

		{leave, 15, "COORDINATOR_NOT_AVAILABLE", accept, "the session ends by itself"},
		{leave, 16, "NOT_COORDINATOR", accept, "the session ends by itself"},
		{leave, 25, "UNKNOWN_MEMBER_ID", accept, "we had left already"},
		{leave, 30, "GROUP_AUTHORIZATION_FAILED", accept, "the session ends by itself"},
		{leave, 82, "FENCED_INSTANCE_ID", accept, "another process is the member now"},

		{commit, noPartition, "no partition", again, "left out by a broker that loads"},
		{commit, 3, "UNKNOWN_TOPIC_OR_PARTITION", again, deleted},
		{commit, 7, "REQUEST_TIMED_OUT", again, "the replicas of the offsets topic are slow"},
		{commit, 12, "OFFSET_METADATA_TOO_LARGE", stop, ours},
		{commit, 14, "COORDINATOR_LOAD_IN_PROGRESS", again, starting},
		{commit, 15, "COORDINATOR_NOT_AVAILABLE", relocate, moved},
		{commit, 16, "NOT_COORDINATOR", relocate, moved},
		{commit, 22, "ILLEGAL_GENERATION", rejoin, over},
		{commit, 25, "UNKNOWN_MEMBER_ID", rejoin, over},
		{commit, 27, "REBALANCE_IN_PROGRESS", rejoin, "members have joined the next generation: the commit is not needed, the next owner reads from the one before"},
		{commit, 28, "INVALID_COMMIT_OFFSET_SIZE", stop, ours},
		{commit, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{commit, 30, "GROUP_AUTHORIZATION_FAILED", await, forbidden},
		{commit, 69, "GROUP_ID_NOT_FOUND", rejoin, "the group was deleted under us"},
		{commit, 82, "FENCED_INSTANCE_ID", rejoin, "another process uses our instance id"},
		{commit, 100, "UNKNOWN_TOPIC_ID", again, deleted},
		{commit, 113, "STALE_MEMBER_EPOCH", rejoin, over},

		{where, noPartition, "no partition", again, "left out by a broker that loads"},
		{where, 3, "UNKNOWN_TOPIC_OR_PARTITION", again, deleted},
		{where, 14, "COORDINATOR_LOAD_IN_PROGRESS", again, starting},
		{where, 15, "COORDINATOR_NOT_AVAILABLE", relocate, moved},
		{where, 16, "NOT_COORDINATOR", relocate, moved},
		{where, 25, "UNKNOWN_MEMBER_ID", rejoin, over},
		{where, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{where, 30, "GROUP_AUTHORIZATION_FAILED", await, forbidden},
		{where, 69, "GROUP_ID_NOT_FOUND", accept, "no offset was ever committed"},
		{where, 88, "UNSTABLE_OFFSET_COMMIT", again, "a transaction that commits offsets is open"},
		{where, 113, "STALE_MEMBER_EPOCH", rejoin, over},

		{produce, noPartition, "no partition", again, "left out by a broker that throttles"},
		{produce, 2, "CORRUPT_MESSAGE", again, "damaged on the way: the broker checks the checksum"},
		{produce, 3, "UNKNOWN_TOPIC_OR_PARTITION", relocate, deleted},
		{produce, 5, "LEADER_NOT_AVAILABLE", relocate, moved},
		{produce, 6, "NOT_LEADER_OR_FOLLOWER", relocate, moved},
		{produce, 7, "REQUEST_TIMED_OUT", again, "replicas are slow; the number in the batch keeps it from being written twice"},
		{produce, 10, "MESSAGE_TOO_LARGE", stop, "beyond the topic's max.message.bytes: `sendwatch check` names the setting"},
		{produce, 17, "INVALID_TOPIC_EXCEPTION", stop, "the configured name is none that Kafka takes, or a topic of Kafka's own"},
		{produce, 18, "RECORD_LIST_TOO_LARGE", stop, "beyond the topic's segment.bytes"},
		{produce, 19, "NOT_ENOUGH_REPLICAS", again, "fewer replicas than min.insync.replicas are in sync"},
		{produce, 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", again, "the same, after it was written; the number in the batch keeps it from being written twice"},
		{produce, 21, "INVALID_REQUIRED_ACKS", stop, ours},
		{produce, 29, "TOPIC_AUTHORIZATION_FAILED", await, forbidden},
		{produce, 31, "CLUSTER_AUTHORIZATION_FAILED", await, forbidden},
		{produce, 32, "INVALID_TIMESTAMP", stop, "the topic takes no record of this time: message.timestamp.before.max.ms, message.timestamp.after.max.ms"},
		{produce, 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", stop, "the topic's message format is older than Kafka 0.11"},
		{produce, 44, "POLICY_VIOLATION", stop, "a policy of the cluster forbids it"},
		{produce, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", renew, "a leader was elected that lacks what the one before had acknowledged"},
		{produce, 46, "DUPLICATE_SEQUENCE_NUMBER", accept, "it had been written: the acknowledgement was lost"},
		{produce, 47, "INVALID_PRODUCER_EPOCH", renew, "the broker knows the id with a later epoch"},
		{produce, 49, "INVALID_PRODUCER_ID_MAPPING", renew, "the id has expired"},
		{produce, 56, "KAFKA_STORAGE_ERROR", relocate, disk},
		{produce, 59, "UNKNOWN_PRODUCER_ID", renew, "retention has taken all records of the id, and the broker has forgotten it"},
		{produce, 74, "FENCED_LEADER_EPOCH", relocate, moved},
		{produce, 76, "UNSUPPORTED_COMPRESSION_TYPE", stop, "the topic's message format does not know the configured compression"},
		{produce, 87, "INVALID_RECORD", stop, "the topic refuses the record: compacted topics want keys, and brokers may check times"},
		{produce, 90, "PRODUCER_FENCED", renew, "the id was given to another"},

		{initial, 7, "REQUEST_TIMED_OUT", again, "the controller is busy"},
		{initial, 14, "COORDINATOR_LOAD_IN_PROGRESS", again, starting},
		{initial, 15, "COORDINATOR_NOT_AVAILABLE", again, "no broker can hand out ids yet"},
		{initial, 16, "NOT_COORDINATOR", again, moved},
		{initial, 31, "CLUSTER_AUTHORIZATION_FAILED", accept, "before Kafka 2.8 the right IDEMPOTENT_WRITE is needed: without it batches are not numbered, and a retry may double one"},
		{initial, 41, "NOT_CONTROLLER", again, moved},

		{create, 7, "REQUEST_TIMED_OUT", again, "it may be there already: the next try says so"},
		{create, 17, "INVALID_TOPIC_EXCEPTION", stop, "the configured name is none that Kafka takes"},
		{create, 29, "TOPIC_AUTHORIZATION_FAILED", stop, "the user needs the right to create it"},
		{create, 31, "CLUSTER_AUTHORIZATION_FAILED", stop, "the user needs the right to create topics"},
		{create, 36, "TOPIC_ALREADY_EXISTS", accept, "another migrate was quicker"},
		{create, 37, "INVALID_PARTITIONS", stop, "kafka.create.partitions is none that the cluster takes"},
		{create, 38, "INVALID_REPLICATION_FACTOR", stop, "the cluster has fewer brokers than kafka.create.replication asks for"},
		{create, 40, "INVALID_CONFIG", stop, "the cluster refuses a setting"},
		{create, 41, "NOT_CONTROLLER", again, moved},
		{create, 44, "POLICY_VIOLATION", stop, "a policy of the cluster forbids it"},
	}
}

// anywhere are codes that mean the same in answer to every request, unless the
// table says otherwise.
func anywhere() []answer {
	return []answer{
		{-1, -1, "UNKNOWN_SERVER_ERROR", again, "a fault of the broker's; its log says more"},
		{-1, 7, "REQUEST_TIMED_OUT", again, "the broker waited for other brokers in vain"},
		{-1, 8, "BROKER_NOT_AVAILABLE", relocate, "the broker is not up"},
		{-1, 13, "NETWORK_EXCEPTION", again, "the broker lost a connection of its own"},
		{-1, 33, "UNSUPPORTED_SASL_MECHANISM", await, "the listener does not take the configured kafka.sasl.mechanism"},
		{-1, 34, "ILLEGAL_SASL_STATE", await, "the listener wants another security.protocol"},
		{-1, 35, "UNSUPPORTED_VERSION", again, "a broker was replaced by an older one: its versions are asked for again"},
		{-1, 42, "INVALID_REQUEST", stop, "only a mistake of ours, or a proxy that changes requests, can cause it"},
		{-1, 58, "SASL_AUTHENTICATION_FAILED", await, "user or password are wrong, or just being changed"},
		{-1, 89, "THROTTLING_QUOTA_EXCEEDED", again, "a quota is used up"},
	}
}

// tables are answers and anywhere by request and code.
type tables map[protocol.ApiKey]map[int16]answer

// allTables is made once for all clients, who only read it.
var allTables = sync.OnceValue(func() tables {
	t := tables{}
	for _, a := range append(answers(), anywhere()...) {
		if t[a.api] == nil {
			t[a.api] = map[int16]answer{}
		}
		t[a.api][a.code] = a
	}
	return t
})

// of returns what a code means in answer to a request.
func (t tables) of(api protocol.ApiKey, code int16) answer {
	if a, ok := t[api][code]; ok {
		return a
	}
	if a, ok := t[-1][code]; ok {
		return a
	}
	return answer{api: api, code: code, name: kafkago.Error(code).Title(), do: await, why: "not known to this version"}
}

// answerError is a broker's refusal.
type answerError struct {
	answer
	detail string // what the broker said of it, "" for nothing
}

// refusal returns nil for code 0 and an error for every other.
func (c *Client) refusal(api protocol.ApiKey, code int16) error {
	if code == 0 {
		return nil
	}
	return &answerError{answer: c.tables.of(api, code)}
}

// Error names the code as brokers' logs do and says what it means.
func (e *answerError) Error() string {
	text := fmt.Sprintf("%s (%d): %s", e.name, e.code, e.why)
	if e.code == noPartition {
		text = fmt.Sprintf("an answer with %s: %s", e.name, e.why)
	}
	if e.detail != "" {
		text += "; the broker says: " + e.detail
	}
	return text
}

// Is lets errors.Is find kafka-go's constant of the same code.
func (e *answerError) Is(target error) bool {
	code, ok := target.(kafkago.Error)
	return ok && int16(code) == e.code
}

// react returns what to do about any error of a request.
func (c *Client) react(err error) reaction {
	if refused, ok := errors.AsType[*answerError](err); ok {
		return refused.do
	}
	if code, ok := errors.AsType[kafkago.Error](err); ok { // of what kafka-go does itself: dialling, logging in, creating topics
		if code.Temporary() {
			return again
		}
		return c.tables.of(-1, int16(code)).do
	}
	if _, final := errors.AsType[*stopError](err); final {
		return stop
	}
	if unreachable(err) {
		return relocate
	}
	return await
}

// unreachable reports whether an error says only that a broker could not be
// asked: the network, or a cluster whose picture is not complete yet.
func unreachable(err error) bool {
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

// retriable reports whether another try may succeed, be it after an operator has
// mended something.
func (c *Client) retriable(err error) bool {
	switch c.react(err) {
	case again, relocate, await:
		return true
	}
	return false
}
