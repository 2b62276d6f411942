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

// NewestFlags returns those of some flags, oldest first, that RecentFlags remembers at most.
func NewestFlags(values [][]byte, limit int) [][]byte {
	bytes := 0
	for i, value := range slices.Backward(values) {
		if bytes += len(value); len(values)-i > limit || bytes > maxRecentBytes {
			return values[i+1:]
		}
	}
	return values
}

// RecentFlags are the flags that the roles of this process wrote last, for questions, and
// before them those that Recall was given. Their number and their bytes are bounded; the
// oldest are dropped first.
type RecentFlags struct {
	limit    int
	mu       sync.Mutex
	flags    []recentFlag // oldest first
	bytes    int
	recalled map[flagStep]bool // of those that Recall was given
}

// recentFlag is a flag whose write was acknowledged.
type recentFlag struct {
	step                  flagStep
	numberID, portfolioID string
	value                 json.RawMessage // as it is in the flags topic
}

// flagStep names a flag: one written twice has the same.
type flagStep struct {
	id       string
	sequence int64
}

// NewRecentFlags returns a memory of at most limit flags. Roles that share it are
// asked together.
func NewRecentFlags(limit int) *RecentFlags { return &RecentFlags{limit: limit} }

// add remembers a flag and what was written of it.
func (r *RecentFlags) add(f *event.Flag, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	step := flagStep{f.FlagID, f.Sequence}
	if r.recalled[step] { // what came after the checkpoint is written again
		delete(r.recalled, step)
		at := slices.IndexFunc(r.flags, func(old recentFlag) bool { return old.step == step })
		if at >= 0 {
			r.bytes -= r.flags[at].size()
			r.flags = slices.Delete(r.flags, at, at+1)
		}
	}
	r.flags = append(r.flags, recentFlag{step, f.NumberID, f.PortfolioID, bytes.Clone(value)})
	r.bytes += r.flags[len(r.flags)-1].size()
	r.bound()
}

// bound drops the oldest flags while there are too many.
func (r *RecentFlags) bound() {
	for len(r.flags) > r.limit || r.bytes > maxRecentBytes {
		r.bytes -= r.flags[0].size()
		r.flags[0] = recentFlag{} // the memory behind the slice's start is kept
		r.flags = r.flags[1:]
	}
}

// Recall takes in flags that processes before this one wrote, each as it is in the flags topic,
// oldest first: they stand before all others. One that this process has written already, or that
// cannot be read, is passed over. It is meant for the start of a process that continues from a
// checkpoint, and so does not write them again.
func (r *RecentFlags) Recall(values [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := map[flagStep]bool{}
	for i := range r.flags {
		known[r.flags[i].step] = true
	}
	r.recalled = map[flagStep]bool{}
	before := make([]recentFlag, 0, len(values))
	for _, value := range values {
		var f struct {
			FlagID      string `json:"flag_id"`
			Sequence    int64  `json:"sequence"`
			NumberID    string `json:"number_id"`
			PortfolioID string `json:"portfolio_id"`
		}
		if json.Unmarshal(value, &f) != nil {
			continue
		}
		step := flagStep{f.FlagID, f.Sequence}
		if known[step] {
			continue
		}
		known[step], r.recalled[step] = true, true
		before = append(before, recentFlag{step, f.NumberID, f.PortfolioID, bytes.Clone(value)})
		r.bytes += before[len(before)-1].size()
	}
	r.flags = append(before, r.flags...)
	r.bound()
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
