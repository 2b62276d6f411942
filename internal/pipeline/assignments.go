package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// parkTime is for how long the state of a partition that was given back is kept. A
// rebalance mostly assigns the same partitions again, and the state is a function of
// the log up to its offset, no matter who owned the partition in between.
const parkTime = 2 * time.Minute

// errGone answers a question to a partition that is being given back.
var errGone = errors.New("the partition is being assigned to another process; ask again")

// assignments are the partitions that a role with state has in this process: those that
// it owns, with the way to their goroutines, and the states of those that it gave back
// a moment ago. S is a partition's state.
type assignments[S comparable] struct {
	changed func(owned int) // called whenever the number of owned ones changes

	mu     sync.Mutex
	owned  map[int32]owner[S]
	parked map[int32]S
}

// owner is how a partition's goroutine is asked, as long as there is one. A partition
// that is given back and assigned again has another owner.
type owner[S any] struct {
	state     S // for the goroutine that owns it only
	questions chan func()
	gone      chan struct{} // closed when the partition is given back
}

// claim returns the partition's state, the parked one or a fresh one, and the questions
// that its new owner must answer.
func (a *assignments[S]) claim(partition int32, fresh func() S) (S, <-chan func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	state, parked := a.parked[partition]
	if parked {
		delete(a.parked, partition)
	} else {
		state = fresh()
	}
	if a.owned == nil {
		a.owned = map[int32]owner[S]{}
	}
	o := owner[S]{state, make(chan func()), make(chan struct{})}
	a.owned[partition] = o
	a.changed(len(a.owned))
	return state, o.questions
}

// release ends the ownership. The state is parked if keep says that all that came of it
// was acknowledged.
func (a *assignments[S]) release(partition int32, state S, keep bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.owned[partition].gone)
	delete(a.owned, partition)
	a.changed(len(a.owned))
	if !keep {
		return
	}
	if a.parked == nil {
		a.parked = map[int32]S{}
	}
	a.parked[partition] = state
	time.AfterFunc(parkTime, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.parked[partition] == state {
			delete(a.parked, partition)
		}
	})
}

// ask calls question with the state of every owned partition, one after another, each
// in the goroutine that owns it.
func (a *assignments[S]) ask(ctx context.Context, question func(S)) error {
	a.mu.Lock()
	owners := make([]owner[S], 0, len(a.owned))
	for _, o := range a.owned {
		owners = append(owners, o)
	}
	a.mu.Unlock()
	for _, o := range owners {
		answered := make(chan struct{})
		ask := func() { defer close(answered); question(o.state) }
		select {
		case o.questions <- ask:
			<-answered
		case <-o.gone:
			return errGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
