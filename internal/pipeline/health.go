package pipeline

import (
	"fmt"
	"time"
)

// stuckAfter is how long a loop may take for one round before it counts as stuck.
// Waiting for a broker or for ClickHouse is no part of it.
const stuckAfter = time.Minute

// live returns nil while every loop goes round: what restarting the process mends.
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
