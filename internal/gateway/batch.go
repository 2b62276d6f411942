package gateway

import (
	"context"
	"errors"
	"sync"

	"sendwatch/internal/event"
)

// maxWaiting is how many messages may wait to be written; more are refused, so
// that a broker that is away does not fill the memory. What one request brings is
// taken whole while nothing else waits, or it would be refused for good.
const maxWaiting = 100_000

// errFull refuses what would wait for too long.
var errFull = errors.New("too much waits to be written")

// topicMessage is a message and where it goes.
type topicMessage struct {
	topic   string
	message event.Message
}

// batcher writes what many requests wait for in one go: one write is under way,
// and all that comes meanwhile is the next. The order of arrival is kept.
type batcher struct {
	writer Writer
	wrote  func(messages int, err error)
	wake   chan struct{}

	mu      sync.Mutex
	waiting []submission
	count   int
}

// submission is what one request waits for.
type submission struct {
	messages []topicMessage
	done     chan<- error
}

func newBatcher(w Writer, wrote func(int, error)) *batcher {
	return &batcher{writer: w, wrote: wrote, wake: make(chan struct{}, 1)}
}

// write returns once the messages are acknowledged, or with the reason why it is
// not known that they are.
func (b *batcher) write(ctx context.Context, messages []topicMessage) error {
	if len(messages) == 0 {
		return nil
	}
	done := make(chan error, 1)
	b.mu.Lock()
	if b.count > 0 && b.count+len(messages) > maxWaiting {
		b.mu.Unlock()
		return errFull
	}
	b.waiting = append(b.waiting, submission{messages, done})
	b.count += len(messages)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run writes until ctx ends.
func (b *batcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		for b.writeWaiting(ctx) {
		}
	}
}

// writeWaiting writes what waits and reports whether there was anything.
func (b *batcher) writeWaiting(ctx context.Context) bool {
	b.mu.Lock()
	batch, count := b.waiting, b.count
	b.waiting, b.count = nil, 0
	b.mu.Unlock()
	if len(batch) == 0 {
		return false
	}
	byTopic := map[string][]event.Message{}
	for _, s := range batch {
		for _, m := range s.messages {
			byTopic[m.topic] = append(byTopic[m.topic], m.message)
		}
	}
	bounded, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	var err error
	for topic, messages := range byTopic {
		if err = b.writer.Produce(bounded, topic, messages); err != nil {
			break
		}
	}
	b.wrote(count, err)
	for _, s := range batch {
		s.done <- err
	}
	return true
}
