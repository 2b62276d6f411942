package pipeline

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"

	"sendwatch/internal/event"
)

// defaultRecent is how many flags a role remembers that was not given a memory.
const defaultRecent = 1_000

// maxRecentBytes bounds the bytes of the flags that are remembered: a flag with long
// ids may have most of a megabyte.
const maxRecentBytes = 16 << 20

// RecentFlags are the flags that the roles of this process wrote last, for questions.
// Their number and their bytes are bounded; the oldest are dropped first.
type RecentFlags struct {
	limit int
	mu    sync.Mutex
	flags []recentFlag // oldest first
	bytes int
}

// recentFlag is a flag whose write was acknowledged.
type recentFlag struct {
	numberID, portfolioID string
	value                 json.RawMessage // as it is in the flags topic
}

// NewRecentFlags returns a memory of at most limit flags. Roles that share it are
// asked together.
func NewRecentFlags(limit int) *RecentFlags { return &RecentFlags{limit: limit} }

// add remembers a flag and what was written of it.
func (r *RecentFlags) add(f *event.Flag, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flags = append(r.flags, recentFlag{f.NumberID, f.PortfolioID, bytes.Clone(value)})
	r.bytes += r.flags[len(r.flags)-1].size()
	for len(r.flags) > r.limit || r.bytes > maxRecentBytes {
		r.bytes -= r.flags[0].size()
		r.flags[0] = recentFlag{} // the memory behind the slice's start is kept
		r.flags = r.flags[1:]
	}
}

func (f *recentFlag) size() int { return len(f.value) + len(f.numberID) + len(f.portfolioID) }

// Recent returns at most limit flags, newest first, each as it was written to the flags
// topic: those of a number if numberID is not empty, and those of a portfolio and its
// numbers if portfolioID is not.
func (r *RecentFlags) Recent(limit int, numberID, portfolioID string) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []json.RawMessage{}
	for _, f := range slices.Backward(r.flags) {
		if len(out) == limit {
			break
		}
		if (numberID == "" || f.numberID == numberID) && (portfolioID == "" || f.portfolioID == portfolioID) {
			out = append(out, f.value)
		}
	}
	return out
}
