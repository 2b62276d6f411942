package pipeline

import (
	"context"
	"sync"
	"time"
)

// lane does jobs in their order, one at a time, beside the goroutine that gives them. So
// many may wait or be under way; to give one more waits for room, which is the only way
// in which slow jobs hold up who gives them. A job that fails ends the lane: those behind
// it are not done, and no more are taken.
type lane struct {
	now  func() time.Time
	room chan struct{} // a token for each job that waits or is under way

	mu     sync.Mutex
	jobs   []job
	since  time.Time     // when the job under way began; zero while none is
	ended  chan struct{} // closed when the goroutine that does them has ended; nil before the first
	failed chan struct{} // closed once err is set
	err    error
}

// job is one job with the context that it was given with.
type job struct {
	ctx context.Context
	do  func(ctx context.Context) error
}

func newLane(jobs int, now func() time.Time) *lane {
	return &lane{now: now, room: make(chan struct{}, jobs), failed: make(chan struct{})}
}

// give hands over a job. It returns at once if there is room.
func (l *lane) give(ctx context.Context, do func(ctx context.Context) error) error {
	select {
	case l.room <- struct{}{}:
	case <-l.failed:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.jobs = append(l.jobs, job{ctx, do})
	if len(l.jobs) == 1 { // else somebody is at it
		l.ended = make(chan struct{})
		go l.run()
	}
	return nil
}

// full reports whether giving a job would have to wait.
func (l *lane) full() bool { return len(l.room) == cap(l.room) }

// roomy can be sent to once giving a job would not wait. Who has sent, and is the only one who gives,
// takes it back by took.
func (l *lane) roomy() chan<- struct{} { return l.room }

func (l *lane) took() { <-l.room }

// waitingSince returns when the job under way began, zero if none is.
func (l *lane) waitingSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// join waits until no job is left, done or not.
func (l *lane) join() {
	l.mu.Lock()
	ended := l.ended
	l.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// run does jobs until none is left. The one under way stays the first of the list.
func (l *lane) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(l.ended) // under the lock: a job that is given now starts another
	for len(l.jobs) > 0 {
		next := l.jobs[0]
		l.since = l.now()
		l.mu.Unlock()
		err := next.do(next.ctx)
		l.mu.Lock()
		l.since = time.Time{}
		if err != nil {
			l.err, l.jobs = err, nil
			close(l.failed)
			return
		}
		l.jobs[0] = job{} // let go of what it holds
		l.jobs = l.jobs[1:]
		<-l.room
	}
}
