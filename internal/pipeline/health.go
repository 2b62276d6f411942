package pipeline

import (
	"errors"
	"fmt"
	"time"
)

// stuckAfter is how long a loop may take for one round before it counts as stuck.
// Waiting for a broker or for ClickHouse is no part of it.
const stuckAfter = time.Minute

// live returns nil while every loop goes round.
func live(role string, all []PartitionStatus, now time.Time) error {
	for _, s := range all {
		waits := s.State == StateOpening || s.State == StateWaiting || s.State == StateStopped
		if !waits && now.Sub(s.Ticked) > stuckAfter {
			return fmt.Errorf("%s: %s partition %d has not moved since %s; its goroutine is stuck",
				role, s.Topic, s.Partition, s.Ticked.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// ready returns nil once the partitions have been assigned and read to their end and
// none is stopped.
func ready(role string, assigned bool, all []PartitionStatus) error {
	if !assigned {
		return fmt.Errorf("%s: no partition has been assigned yet", role)
	}
	errs := []error{stopped(role, all)}
	for _, s := range all {
		if s.State == StateOpening || s.State == StateCatchingUp {
			errs = append(errs, fmt.Errorf("%s: %s partition %d is catching up, %d records to go", role, s.Topic, s.Partition, max(0, s.End-s.Next)))
		}
	}
	return errors.Join(errs...)
}

// stopped returns nil while no partition is stopped: none resumes by itself.
func stopped(role string, all []PartitionStatus) error {
	var errs []error
	for _, s := range all {
		if s.State == StateStopped {
			errs = append(errs, fmt.Errorf("%s: %s partition %d has stopped: %s", role, s.Topic, s.Partition, s.Error))
		}
	}
	return errors.Join(errs...)
}

// unansweredAfter is for how long Kafka may give no answer before a role that needs it
// counts as not ready. A fetch is answered within a second, with or without records.
const unansweredAfter = 30 * time.Second

// unanswered returns nil while every partition's fetches are answered and its outputs
// acknowledged.
func unanswered(role string, all []PartitionStatus, now time.Time) error {
	var errs []error
	for _, s := range all {
		if s.State != StateStopped && !s.Fetched.IsZero() && now.Sub(s.Fetched) > unansweredAfter {
			errs = append(errs, fmt.Errorf("%s: %s partition %d has had no answer from Kafka since %s; see whether its brokers can be reached",
				role, s.Topic, s.Partition, s.Fetched.UTC().Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}
