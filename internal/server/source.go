package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"sendwatch/internal/event"
)

// Health answers the orchestrator's two questions.
type Health interface {
	// Live returns nil while every loop ticks, else which one does not.
	Live(ctx context.Context) error
	// Ready returns what keeps the process from doing what it is there for, nothing
	// once it does.
	Ready(ctx context.Context) []Problem
}

// Numbers answers questions about numbers, over all partitions of this process.
type Numbers interface {
	// Riskiest ranks the numbers, lowest score first, of equals by number_id,
	// and returns at most limit of them.
	Riskiest(ctx context.Context, limit int) (Ranking, error)
	// Number returns one number as of its last evaluation, false if it is unknown here.
	Number(ctx context.Context, numberID string) (event.NumberStatus, bool, error)
}

// Ranking is the riskiest numbers and how many there are of each band.
type Ranking struct {
	Numbers []event.NumberStatus
	Bands   [3]int64 // by event.Band, over all numbers, not only the ones named
}

// Flags remembers the newest flags.
type Flags interface {
	// Recent returns at most limit flags, newest first, each as it was written to the
	// flags topic (schemas/flags/v1): those of a number if numberID is not empty, and
	// those of a portfolio and its numbers if portfolioID is not.
	Recent(limit int, numberID, portfolioID string) []json.RawMessage
}

// Portfolios answers questions about portfolios, over all partitions of this process.
type Portfolios interface {
	// Portfolios returns every portfolio as of its last evaluation, lowest score
	// first, those without numbers last.
	Portfolios(ctx context.Context) ([]event.PortfolioStatus, error)
}

// Pipeline answers how far it is.
type Pipeline interface {
	Status(ctx context.Context) (Status, error)
}

// Status is how far a process is. It is served as it stands.
type Status struct {
	Version       string           `json:"version"`
	PolicyVersion string           `json:"policy_version"`
	Started       time.Time        `json:"started"`
	Records       map[string]int64 `json:"records"` // by class, over all partitions
	Late          int64            `json:"late"`
	Partitions    []Partition      `json:"partitions"`         // by role and partition
	Problems      []Problem        `json:"problems,omitempty"` // why /readyz says no, and what does no harm to it
}

// Problem is a reason for not being ready that is in force.
type Problem struct {
	Reason    string `json:"reason"` // its name
	Role      string `json:"role"`
	Topic     string `json:"topic,omitempty"` // empty if it concerns the whole role
	Partition int32  `json:"partition"`
	Detail    string `json:"detail"` // what exactly
	Action    string `json:"action"` // what to do
}

// String returns the problem in one line, with what to do.
func (p *Problem) String() string {
	where := p.Role
	if p.Topic != "" {
		where += ": " + p.Topic + " partition " + strconv.Itoa(int(p.Partition))
	}
	return where + ": " + p.Reason + ": " + p.Detail + "; " + p.Action
}

// Partition is how far one role is on one partition.
type Partition struct {
	Role       string           `json:"role"`
	Topic      string           `json:"topic"`
	Partition  int32            `json:"partition"`
	State      string           `json:"state"`       // e.g. catching_up, running, stopped
	NextOffset int64            `json:"next_offset"` // of the record to be read next
	EndOffset  int64            `json:"end_offset"`  // one past the newest record
	Lag        *int64           `json:"lag"`         // records, with those held back; null before the first fetch
	HeldBack   int64            `json:"held_back"`   // records that an open transaction keeps from being read
	LagSeconds float64          `json:"lag_seconds"` // wall clock minus the time of the newest record read
	Watermark  int64            `json:"watermark"`   // ms, 0 before the first event
	Records    map[string]int64 `json:"records,omitempty"`
	Entries    map[string]int64 `json:"entries,omitempty"` // held in memory, by what they are
	Error      string           `json:"error,omitempty"`
	Waiting    string           `json:"waiting,omitempty"` // why it is tried again and again to open or to read it
}

// Sources is what the server serves. A nil field's pages answer that this
// process does not have them: a process that only sinks knows no numbers.
type Sources struct {
	Health     Health
	Numbers    Numbers
	Portfolios Portfolios
	Flags      Flags
	Pipeline   Pipeline
	Metrics    http.Handler
}
