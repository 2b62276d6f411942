package pipeline

import (
	"cmp"
	"slices"
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
	StateWaiting    State = "waiting" // for outputs to be acknowledged
	StateStopped    State = "stopped"
)

// PartitionStatus is how far a role is on one partition, as of its last fetch.
type PartitionStatus struct {
	Role      string
	Topic     string
	Partition int32
	State     State
	Next      int64 // offset to be read next
	// Fetched says that a fetch has told how long the log is: before that, as while the store of checkpoints is
	// waited for, End, Lag and LagSeconds are not known.
	Fetched bool
	End     int64 // one past the newest record that can be read
	Lag     int64 // records between Next and the end of the log, with those held back
	// HeldBack counts the records that an open transaction keeps from being read, since
	// HeldSince without progress.
	HeldBack  int64
	HeldSince time.Time
	// CaughtUpAt is when the log had been read to the end that it had at the first fetch;
	// zero before.
	CaughtUpAt time.Time
	// LagSeconds is the wall clock less the newest read record's time, 0 at the end.
	LagSeconds float64
	// Unreadable counts offsets that were skipped because they cannot be read.
	Unreadable int64
	Lost       int64             // records that retention deleted before they were read, counted
	Engine     engine.Stats      // of the numbers role
	Portfolios PortfolioProgress // of the portfolios role
	// WatermarkBy is the number whose event moved the watermark beyond the wall clock.
	WatermarkBy string
	LastEvent   time.Time // wall clock: when the numbers role last applied an event
	// PendingSince is when the oldest rows were read that the sink has not stored; zero
	// without any.
	PendingSince time.Time
	Incidents    incidents        // not acknowledged
	Checkpoint   CheckpointStatus // its At is zero where none are kept
	Retrying     string           // why Kafka is asked again and again at present, empty while it answers
	Error        string
	Ticked       time.Time // when the partition's loop last went round
	Answered     time.Time // when Kafka last answered a fetch or a write; zero if it has not yet

	// Unacknowledged is since when the write under way beside the loop has waited for its
	// acknowledgement; zero if none does.
	Unacknowledged time.Time

	rivals     rivals
	stoppedBy  Reason // of a stopped one
	lastMinute tally
	forStore   bool // it waits for the store, not for Kafka
}

// PortfolioProgress is how far the portfolios of one partition of the rows topic are.
type PortfolioProgress struct {
	Portfolios int   // known
	Waiting    int   // changes that no evaluated minute sees yet
	Minute     int64 // evaluated last, ms; 0 before the first
	Behind     int64 // ms: the fastest partition's watermark less Minute
	Shared     int   // shared events that some partition has not reported
	Copied     int64 // copies of shared events written
	// Silent are the partitions of the events topic that have reported nothing yet: no
	// minute is evaluated before they do.
	Silent []int32
}

// statuses holds the newest status of every partition of a role.
type statuses struct {
	mu         sync.Mutex
	partitions map[int32]PartitionStatus
}

// put replaces a partition's status.
func (s *statuses) put(status PartitionStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.partitions == nil {
		s.partitions = map[int32]PartitionStatus{}
	}
	s.partitions[status.Partition] = status
}

// drop forgets a partition that is no longer ours.
func (s *statuses) drop(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.partitions, partition)
}

// all returns the statuses by partition.
func (s *statuses) all() []PartitionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]PartitionStatus, 0, len(s.partitions))
	for _, status := range s.partitions {
		out = append(out, status)
	}
	slices.SortFunc(out, func(a, b PartitionStatus) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}
