package pipeline

import (
	"context"
	"sync"

	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/telemetry"
)

// flagSender writes the flags of one partition beside the goroutine that owns it, so that
// a storm of flags does not keep the partition from reading on. The most urgent go first:
// those of subjects that are in danger, then warnings, then what was cleared. The flags
// of one subject stay in their order. A flush waits until all are acknowledged.
type flagSender struct {
	role   *role
	writer Writer
	topic  string
	recent *RecentFlags

	mu      sync.Mutex
	pending []event.Flag         // in the order in which they came about
	emitted map[transition]int64 // ms: when those that are acknowledged were sent, until they are asked for
	written sync.Cond            // emitted, err or ended has changed
	err     error                // why no more can be written
	ended   chan struct{}        // closed when the goroutine that writes has ended; nil before the first

	messages messageBuilder // of that goroutine
}

// transition names a flag.
type transition struct {
	flagID   string
	sequence int64
}

func transitionOf(f *event.Flag) transition { return transition{f.FlagID, f.Sequence} }

// subject returns whom a flag is about: the key of its message.
func subject(f *event.Flag) string {
	if f.NumberID != "" {
		return f.NumberID
	}
	return f.PortfolioID
}

func newFlagSender(r *role, w Writer, topic string, recent *RecentFlags) *flagSender {
	s := &flagSender{role: r, writer: w, topic: topic, recent: recent, emitted: map[transition]int64{}}
	s.written.L = &s.mu
	return s
}

// maxFlagsAtOnce is how many flags are written before more urgent ones are looked for.
const maxFlagsAtOnce = 500

// send hands over flags, but for those of a shadow policy, which are for the rows topic
// alone. It returns at once.
func (s *flagSender) send(ctx context.Context, flags []event.Flag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range flags {
		if !flags[i].Shadow {
			s.pending = append(s.pending, flags[i])
		}
	}
	if len(s.pending) > 0 && s.err == nil && !s.running() {
		s.ended = make(chan struct{})
		go s.run(ctx, s.ended)
	}
	return s.err
}

// running reports whether the goroutine that writes has not ended; the caller holds the
// lock.
func (s *flagSender) running() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// busy reports whether flags wait to be acknowledged.
func (s *flagSender) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == nil && s.running()
}

// wait returns once all of these flags, which were handed over, are acknowledged, and sets
// when they were sent; or with the error that keeps them from it. It may be called from
// another goroutine than send: others may be handed over meanwhile.
func (s *flagSender) wait(flags []event.Flag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range flags {
		f := &flags[i]
		if f.Shadow {
			continue
		}
		at, ok := s.emitted[transitionOf(f)]
		for !ok && s.err == nil && s.running() {
			s.written.Wait()
			at, ok = s.emitted[transitionOf(f)]
		}
		if !ok {
			return s.err
		}
		f.EmittedAt = at
		delete(s.emitted, transitionOf(f))
	}
	return s.err
}

// join waits for the goroutine that writes to end.
func (s *flagSender) join() {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// run writes what is pending until nothing is.
func (s *flagSender) run(ctx context.Context, ended chan struct{}) {
	for {
		s.mu.Lock()
		some := s.takeUrgent()
		if len(some) == 0 {
			close(ended) // under the lock: a flag that comes now starts another
			s.written.Broadcast()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		err := s.write(ctx, some)
		s.mu.Lock()
		if err != nil {
			s.err, s.pending = err, nil
		} else {
			for i := range some {
				s.emitted[transitionOf(&some[i])] = some[i].EmittedAt
			}
		}
		s.written.Broadcast()
		s.mu.Unlock()
	}
}

// takeUrgent takes the flags to be written next. The caller holds the lock.
func (s *flagSender) takeUrgent() []event.Flag {
	if len(s.pending) <= maxFlagsAtOnce {
		some := byUrgency(s.pending)
		s.pending = nil
		return some
	}
	sorted := byUrgency(s.pending)
	some := sorted[:maxFlagsAtOnce:maxFlagsAtOnce]
	s.pending = sorted[maxFlagsAtOnce:]
	return some
}

// byUrgency orders flags by the highest level among those of their subject; otherwise
// their order stays.
func byUrgency(flags []event.Flag) []event.Flag {
	highest := map[string]event.Level{}
	for i := range flags {
		f := &flags[i]
		highest[subject(f)] = max(highest[subject(f)], f.Level)
	}
	sorted := make([]event.Flag, 0, len(flags))
	for level := event.LevelDanger; ; level-- {
		for i := range flags {
			if highest[subject(&flags[i])] == level {
				sorted = append(sorted, flags[i])
			}
		}
		if level == event.LevelNone {
			return sorted
		}
	}
}

// write has flags acknowledged, remembers and counts them.
func (s *flagSender) write(ctx context.Context, flags []event.Flag) error {
	now, m := s.role.now().UnixMilli(), s.role.telemetry.Metrics()
	for i := range flags {
		flags[i].EmittedAt = now
	}
	err := s.messages.flags(flags, func(sent []*event.Flag, messages []event.Message) error {
		if err := failpoint.Here(failpoint.SendingFlags); err != nil {
			return err
		}
		start := s.role.now()
		if err := s.writer.Produce(ctx, s.topic, messages); err != nil {
			return err
		}
		if err := failpoint.Here(failpoint.SentFlags); err != nil {
			return err
		}
		m.Observe(telemetry.ProduceDuration, s.role.now().Sub(start), s.topic)
		m.Add(telemetry.ProducedRecords, int64(len(messages)), s.topic)
		for i, f := range sent {
			s.recent.add(f, messages[i].Value)
		}
		return nil
	}, func(f *event.Flag, size int) {
		m.Add(telemetry.OversizedFlags, 1, f.Factor.String())
		// Only ids that are long and full of control characters come to it, which
		// JSON writes as six bytes.
		s.role.logger.Error("flag left out of the flags topic: it is larger than a broker takes; ClickHouse has it. Shorten the ids that its number, WABA or template has",
			"flag_id", f.FlagID, "factor", f.Factor.String(), "bytes", size, "partition", f.Position.Partition, "offset", f.Position.Offset)
	})
	if err != nil {
		return err
	}
	for i := range flags {
		f := &flags[i]
		m.Add(telemetry.Flags, 1, f.Factor.String(), f.Level.String(), f.Transition.String())
	}
	return nil
}
