package pipeline

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// place is where a role is on one partition, and shows it. The goroutine that
// owns the partition owns it too.
type place struct {
	claim     Claim
	label     string // the partition's, of metrics
	next      int64  // offset to go on from, FromStart before the log was opened
	committed int64
	target    int64 // the log's end when it was opened: reached, we have caught up
	status    PartitionStatus

	board   *board
	now     func() time.Time
	metrics *telemetry.Metrics
}

func newPlace(role string, claim Claim, b *board, now func() time.Time, m *telemetry.Metrics) place {
	return place{
		claim: claim, label: strconv.Itoa(int(claim.Partition)), next: FromStart, target: -1, board: b, now: now, metrics: m,
		status: PartitionStatus{Role: role, Topic: claim.Topic, Partition: claim.Partition, State: StateOpening},
	}
}

// publish shows the status as it is now.
func (p *place) publish(state State) {
	p.status.State, p.status.Next, p.status.Ticked = state, p.next, p.now()
	p.board.put(p.status)
}

// fetched notes what a fetch says of the log and gives the state it leaves the
// partition in, which is still to be published.
func (p *place) fetched(f fetched) State {
	batch, now := f.batch, p.now()
	if p.target < 0 {
		p.target = batch.End
	}
	state := StateCatchingUp
	if p.next >= p.target {
		state, p.target = StateRunning, 0 // once caught up, for good
	}
	p.status.End, p.status.Fetched = batch.End, now
	switch n := len(batch.Records); {
	case p.next >= batch.End:
		p.status.LagSeconds = 0
	case n > 0:
		p.status.LagSeconds = max(0, float64(now.UnixMilli()-batch.Records[n-1].Timestamp)/1000)
	}
	p.metrics.Set(telemetry.LagRecords, float64(max(0, batch.End-p.next)), p.status.Role, p.label)
	p.metrics.Set(telemetry.LagSeconds, p.status.LagSeconds, p.status.Role, p.label)
	p.metrics.Add(telemetry.FetchBytes, int64(batch.Bytes), p.status.Role)
	p.metrics.Observe(telemetry.FetchDuration, f.took, p.status.Role)
	return state
}

// produce writes messages and counts them. While it waits, the status says so.
func (p *place) produce(ctx context.Context, w Writer, topic string, messages []event.Message) error {
	if len(messages) == 0 {
		return nil
	}
	state := p.status.State
	p.publish(StateWaiting)
	start := p.now()
	err := w.Produce(ctx, topic, messages)
	p.publish(state)
	if err != nil {
		return err
	}
	p.metrics.Observe(telemetry.ProduceDuration, p.now().Sub(start), topic)
	p.metrics.Add(telemetry.ProducedRecords, int64(len(messages)), topic)
	return nil
}

// end is what becomes of a partition whose loop has ended. With an error while it
// is ours it stays ours, and stays still: others must not be disturbed, and
// whoever looks must see why.
func (p *place) end(ctx context.Context, err error, logger *slog.Logger) {
	defer p.board.drop(p.claim.Partition)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		logger.Warn("a partition was given back before its outputs were acknowledged; its next owner makes them again",
			"role", p.status.Role, "partition", p.claim.String(), "error", err)
	default:
		logger.Error("a partition has stopped", "role", p.status.Role, "partition", p.claim.String(), "error", err)
		p.status.Error = err.Error()
		p.publish(StateStopped)
		<-ctx.Done()
	}
}
