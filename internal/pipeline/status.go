package pipeline

import (
	"sync"
	"time"

	"sendwatch/internal/engine"
)

// State is what a role is doing on a partition.
type State string

// The states of a partition. A stopped one says why in its Error.
const (
	StateOpening    State = "opening"
	StateCatchingUp State = "catching_up"
	StateRunning    State = "running"
	StateWaiting    State = "waiting" // for outputs to be taken
	StateStopped    State = "stopped"
)

// PartitionStatus is how far a role is on one partition, as of its last fetch.
type PartitionStatus struct {
	Role      string
	Topic     string
	Partition int32
	State     State
	Next      int64 // offset to be read next
	End       int64 // one past the newest record
	// LagSeconds is the wall clock less the newest read record's time, 0 at the end.
	LagSeconds float64
	// Unreadable counts offsets whose bytes made no sense.
	Unreadable int64
	Engine     engine.Stats // of the numbers role
	Gathered   Gathered     // of the portfolios role
	Error      string
	Ticked     time.Time // when the partition's loop last went round
	Fetched    time.Time // when Kafka last answered a fetch; zero if it has not yet
}

// Gathered is what the portfolios role has of one partition of the rows topic.
type Gathered struct {
	Portfolios int   // known
	Waiting    int   // changes that no evaluated minute sees yet
	Minute     int64 // evaluated last, ms; 0 before the first
	Behind     int64 // ms: the fastest partition's watermark less Minute
	Shared     int   // shared events that some partition has not reported
	Copied     int64 // copies of shared events made
	// Silent are the partitions of the events topic that have told nothing yet:
	// no minute is evaluated before they do.
	Silent []int32
}

// board holds the newest status of every partition of a role.
type board struct {
	mu         sync.Mutex
	partitions map[int32]PartitionStatus
	joined     bool
}

// put replaces a partition's status.
func (b *board) put(s PartitionStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.partitions == nil {
		b.partitions = map[int32]PartitionStatus{}
	}
	b.partitions[s.Partition], b.joined = s, true
}

// drop forgets a partition that is no longer ours.
func (b *board) drop(partition int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.partitions, partition)
}

// all gives the statuses by partition.
func (b *board) all() []PartitionStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]PartitionStatus, 0, len(b.partitions))
	for _, s := range b.partitions {
		out = append(out, s)
	}
	sortStatus(out)
	return out
}

// hasJoined tells whether the role was ever given a partition.
func (b *board) hasJoined() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joined
}
