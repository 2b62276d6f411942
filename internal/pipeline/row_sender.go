package pipeline

import (
	"context"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/telemetry"
)

// mostPortions is how many portions of one partition may wait to be written or be under
// way, beside the one that is being filled; portionsOfRows of them are what a flush has
// at most before it is due (NumbersConfig.MaxRows). Together they bound the memory of
// what has not been acknowledged.
const (
	mostPortions   = 5
	portionsOfRows = 5
)

// maxPortionBytes bounds the records that a portion keeps parts of: shared events and
// ids.
const maxPortionBytes = 8 << 20

// portion is some of what came of a partition, in the order in which it is written.
type portion struct {
	rows    *event.Output
	shared  []event.Message // events about a WABA or portfolio
	numbers []string        // that are new
	// progress vouches for all that was handed over until then; nil but at the end of a
	// flush.
	progress *codec.Progress
}

// rowSender writes what came of one partition to the rows topic, portion by portion. It
// encodes, compresses and waits in the goroutine of its lane, so that the goroutine that
// owns the partition does not.
type rowSender struct {
	lane       *lane
	config     *NumbersConfig
	metrics    *telemetry.Metrics
	role       *role
	claim      Claim
	flags      *flagSender
	spare      chan *event.Output // written, to be filled again
	messages   messageBuilder
	partitions int32 // of the rows topic, 0 before they were looked up
}

func newRowSender(r *role, c *NumbersConfig, claim Claim, flags *flagSender) *rowSender {
	return &rowSender{
		lane: newLane(mostPortions, r.now), config: c, metrics: r.telemetry.Metrics(), role: r, claim: claim, flags: flags,
		spare: make(chan *event.Output, mostPortions+1),
	}
}

// empty returns an output to be filled.
func (s *rowSender) empty() *event.Output {
	select {
	case out := <-s.spare:
		return out
	default:
		return new(event.Output)
	}
}

// write has a portion acknowledged. Rows carry when the flags among them were sent, so it
// waits for these first.
func (s *rowSender) write(ctx context.Context, p *portion) error {
	if err := s.flags.wait(p.rows.Flags); err != nil {
		return err
	}
	if err := failpoint.Here(failpoint.SendingRows); err != nil {
		return err
	}
	if err := s.messages.rows(s.claim, p.rows, func(messages []event.Message) error { return s.produce(ctx, messages) }); err != nil {
		return err
	}
	if err := failpoint.Here(failpoint.SentRows); err != nil {
		return err
	}
	p.rows.Reset()
	s.spare <- p.rows
	if err := s.produce(ctx, p.shared); err != nil {
		return err
	}
	if err := s.writePlaces(ctx, p.numbers); err != nil {
		return err
	}
	return s.writeProgress(ctx, p.progress)
}

// produce writes messages to the rows topic and counts them.
func (s *rowSender) produce(ctx context.Context, messages []event.Message) error {
	return s.role.produce(ctx, s.config.Writer, s.config.Rows, messages)
}

// findRows looks up the partitions of the rows topic, once.
func (s *rowSender) findRows(ctx context.Context) error {
	if s.partitions != 0 {
		return nil
	}
	n, err := s.config.Topics.Partitions(ctx, s.config.Rows)
	if err == nil {
		s.partitions = n
	}
	return err
}

// writeProgress writes to every partition of the rows topic how far this partition is.
// Everything that came of it has been acknowledged before.
func (s *rowSender) writeProgress(ctx context.Context, p *codec.Progress) error {
	if p == nil {
		return nil
	}
	if err := s.findRows(ctx); err != nil {
		return err
	}
	if err := failpoint.Here(failpoint.SendingProgress); err != nil {
		return err
	}
	value := codec.AppendRows(nil, &codec.Rows{Topic: s.claim.Topic, Partition: s.claim.Partition, HasProgress: true, Progress: *p})
	messages := make([]event.Message, s.partitions)
	for i := range messages {
		messages[i] = event.Message{Partition: int32(i), PartitionSet: true, Value: value}
	}
	return s.produce(ctx, messages)
}
