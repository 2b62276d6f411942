package sim

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
)

// portfoliosOf runs a portfolios role over one partition of the rows topic that nothing
// interrupts, and returns what it writes.
func (w *world) portfoliosOf(partition int32, records []*kgo.Record) *event.Output {
	log := &plainLog{read: make(chan struct{})}
	for _, r := range records {
		log.batch.Records = append(log.batch.Records, event.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
	}
	n := int64(len(records))
	log.batch.Next, log.batch.End, log.batch.HighWatermark = n, n, n
	writer := &plainWriter{out: new(event.Output)}
	topics := plainTopics{w}
	role := pipeline.NewPortfolios(pipeline.PortfoliosConfig{
		Events: topicEvents, Flags: topicFlags, Rows: topicRows, Writer: writer, Topics: topics, Policies: shipped{},
		Now: w.now, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-log.read
		cancel()
	}()
	err := role.Run(ctx, func(ctx context.Context, serve pipeline.Serve) error {
		return serve(ctx, pipeline.Claim{Topic: topicRows, Partition: partition, Committed: pipeline.FromStart, Partitions: w.plan.rows}, log)
	})
	if err != nil {
		w.fail("an uninterrupted portfolios role: %v", err)
	}
	return writer.out
}

// plainLog is a log in memory, which one fetch returns.
type plainLog struct {
	batch event.Batch
	tries int
	read  chan struct{} // closed once all of it was applied
}

// Open begins at the start of the log.
func (l *plainLog) Open(context.Context, int64) (int64, error) { return 0, nil }

// Fetch returns the whole log, and then nothing. The loop takes one batch while the next is
// fetched, so that it has applied one when the next but one is asked for.
func (l *plainLog) Fetch(ctx context.Context) (*event.Batch, error) {
	l.tries++
	switch l.tries {
	case 1:
		return &l.batch, nil
	case 4:
		close(l.read)
	}
	select {
	case <-time.After(500 * time.Millisecond):
		return &event.Batch{Next: l.batch.Next, End: l.batch.End, HighWatermark: l.batch.End}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Commit does nothing.
func (*plainLog) Commit(int64) error { return nil }

// plainWriter keeps the rows that are written.
type plainWriter struct {
	mu    sync.Mutex
	batch codec.Rows
	out   *event.Output
}

// Produce takes rows; flags are among them.
func (p *plainWriter) Produce(_ context.Context, topic string, messages []event.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range messages {
		if topic != topicRows {
			continue
		}
		if err := codec.DecodeRows(m.Value, &p.batch); err != nil {
			return err
		}
		p.out.Append(&p.batch.Output)
	}
	return nil
}

// plainTopics are the topics of the deployment, as they are.
type plainTopics struct{ world *world }

// Partitions returns how many a topic has.
func (t plainTopics) Partitions(_ context.Context, topic string) (int32, error) {
	return int32(len(t.world.ends(topic))), nil
}

// Identity returns which log it is, as the broker says.
func (t plainTopics) Identity(ctx context.Context, topic string) (string, error) {
	return t.world.identity(ctx, topic)
}
