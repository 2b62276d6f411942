package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sendwatch/internal/pipeline"
)

// TestLagThatIsNotKnown: a partition that waits for its store of checkpoints has not asked how long
// its log is, and says so and why, instead of that nothing is left to be read.
func TestLagThatIsNotKnown(t *testing.T) {
	for want, s := range map[string]pipeline.PartitionStatus{
		`"lag":null`: {State: pipeline.StateOpening, Retrying: "the store is away"},
		`"lag":0`:    {State: pipeline.StateRunning, Fetched: true},
		`"lag":7`:    {State: pipeline.StateRunning, Fetched: true, Lag: 7},
	} {
		text, err := json.Marshal(partitionStatus(&s))
		if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "the store is away") != !s.Fetched {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
	}
}
