package pipeline

import (
	"context"
	"fmt"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// FromStart as an offset means the first that the log holds.
const FromStart = -1

// Claim is a partition that a consumer group has assigned to this process for one
// generation.
type Claim struct {
	Topic     string
	Partition int32
	Committed int64 // the group's offset, FromStart if there is none
	// CommittedTime is when the newest record before Committed was written, in ms; 0 if that
	// is not known.
	CommittedTime int64

	TopicID    [16]byte // zero with brokers that have none
	Partitions int32    // of the topic
	// Identity names which log the topic is and how many partitions it has: state of one
	// log says nothing of another.
	Identity string
}

// String names the claim in errors and log messages.
func (c Claim) String() string { return fmt.Sprintf("%s partition %d", c.Topic, c.Partition) }

// Log is the claimed partition. It belongs to the goroutine it was given to, apart
// from Fetch and Commit, each of which may be called from one other. A batch is valid
// until the next call of Fetch but one.
type Log interface {
	// Open makes offset, or FromStart, the next to be fetched and returns it.
	Open(ctx context.Context, offset int64) (int64, error)
	// Fetch returns the next records; if none come within a moment, an empty batch.
	// An error is final for this partition.
	Fetch(ctx context.Context) (*event.Batch, error)
	// Commit makes offset the group's: everything before it is done.
	Commit(offset int64) error
}

// Serve works on one claim until ctx ends.
type Serve func(ctx context.Context, claim Claim, log Log) error

// Join makes this process a member of the role's group and calls serve for each claim
// in a goroutine of its own. It returns after every serve has.
type Join func(ctx context.Context, serve Serve) error

// Writer writes records. Produce returns once all are acknowledged by every in-sync
// replica, in order per partition. It retries by itself while a failure may pass.
type Writer interface {
	Produce(ctx context.Context, topic string, messages []event.Message) error
}

// Store keeps rows for queries. Writing the same rows again changes nothing.
type Store interface {
	Write(ctx context.Context, out *event.Output) error
}

// Topics returns how many partitions a topic has. It waits for a topic that cannot be
// looked up yet.
type Topics interface {
	Partitions(ctx context.Context, topic string) (int32, error)
	// Identity returns which log the topic is, as in a Claim.
	Identity(ctx context.Context, topic string) (string, error)
}

// Policies are the policies of a deployment. The log says which of them decides: First
// until its first `policy` event, then the one that this names.
type Policies interface {
	First() *policy.Policy
	Newest() *policy.Policy // what should decide from now on
	Find(version string) (*policy.Policy, error)
}

// onePolicy never changes.
type onePolicy struct{ policy *policy.Policy }

func (o onePolicy) First() *policy.Policy  { return o.policy }
func (o onePolicy) Newest() *policy.Policy { return o.policy }

func (o onePolicy) Find(version string) (*policy.Policy, error) {
	if version == o.policy.Version {
		return o.policy, nil
	}
	return nil, fmt.Errorf("this process does not know policy %q; run it with the policy file of that version", version)
}
