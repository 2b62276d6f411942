package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// parkTime is for how long the state of a partition that was given back is
// kept. A group that gathers anew mostly hands the same partitions out again,
// and the state is a function of the log up to its offset, whoever owned the
// partition in between.
const parkTime = 2 * time.Minute

// errGone answers a question to a partition that is being given back.
var errGone = errors.New("the partition is being given to another process; ask again")

// roster is the partitions that a stateful role has in this process: those that
// it owns, with the way to their goroutines, and the states of those that it
// gave back a moment ago. S is a partition's state, T what questions are about.
type roster[S comparable, T any] struct {
	counted func(owned int) // told whenever the number of owned ones changes

	mu     sync.Mutex
	owned  map[int32]owner[T]
	parked map[int32]S
}

// owner is how a partition's goroutine is asked, as long as there is one. A
// partition that is given back and taken again has another owner.
type owner[T any] struct {
	asks chan func(T)
	gone chan struct{} // closed when it is given back
}

// claim gives the partition's state, the parked one or a fresh one, and the
// questions that its new owner is to answer.
func (r *roster[S, T]) claim(partition int32, fresh func() S) (S, <-chan func(T)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, parked := r.parked[partition]
	if parked {
		delete(r.parked, partition)
	} else {
		state = fresh()
	}
	if r.owned == nil {
		r.owned = map[int32]owner[T]{}
	}
	o := owner[T]{make(chan func(T)), make(chan struct{})}
	r.owned[partition] = o
	r.counted(len(r.owned))
	return state, o.asks
}

// release ends the ownership. The state is parked if keep says that all that came
// of it was acknowledged.
func (r *roster[S, T]) release(partition int32, state S, keep bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.owned[partition].gone)
	delete(r.owned, partition)
	r.counted(len(r.owned))
	if !keep {
		return
	}
	if r.parked == nil {
		r.parked = map[int32]S{}
	}
	r.parked[partition] = state
	time.AfterFunc(parkTime, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.parked[partition] == state {
			delete(r.parked, partition)
		}
	})
}

// ask calls question with the state of every owned partition, one after another,
// each in the goroutine that owns it.
func (r *roster[S, T]) ask(ctx context.Context, question func(T)) error {
	r.mu.Lock()
	owners := make([]owner[T], 0, len(r.owned))
	for _, o := range r.owned {
		owners = append(owners, o)
	}
	r.mu.Unlock()
	for _, o := range owners {
		answered := make(chan struct{})
		ask := func(about T) { defer close(answered); question(about) }
		select {
		case o.asks <- ask:
			<-answered
		case <-o.gone:
			return errGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
