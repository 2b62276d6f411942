package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// stuckAfter is how long a loop may take for one round before it counts as
// stuck. Waiting for a broker or for ClickHouse is no part of it.
const stuckAfter = time.Minute

func sortStatus(s []PartitionStatus) {
	slices.SortFunc(s, func(a, b PartitionStatus) int { return cmp.Compare(a.Partition, b.Partition) })
}

// live gives nil while every loop goes round.
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

// ready gives nil once the partitions have been assigned and read to their end
// and none is stopped.
func ready(role string, joined bool, all []PartitionStatus) error {
	if !joined {
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

// stopped gives nil while no partition is stopped: none goes on by itself.
func stopped(role string, all []PartitionStatus) error {
	var errs []error
	for _, s := range all {
		if s.State == StateStopped {
			errs = append(errs, fmt.Errorf("%s: %s partition %d has stopped: %s", role, s.Topic, s.Partition, s.Error))
		}
	}
	return errors.Join(errs...)
}

// silentAfter is for how long Kafka may say nothing before a role that needs it
// counts as not ready. A fetch is answered within a second, with or without records.
const silentAfter = 30 * time.Second

// silent gives nil while every partition's fetches are answered and its outputs
// taken.
func silent(role string, all []PartitionStatus, now time.Time) error {
	var errs []error
	for _, s := range all {
		if s.State != StateStopped && !s.Fetched.IsZero() && now.Sub(s.Fetched) > silentAfter {
			errs = append(errs, fmt.Errorf("%s: %s partition %d has had no answer from Kafka since %s; see whether its brokers can be reached",
				role, s.Topic, s.Partition, s.Fetched.UTC().Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}
