package pipeline

import (
	"context"
	"fmt"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

// sinkTask is one partition of the rows topic on its way to the store. Its goroutine
// owns every field.
type sinkTask struct {
	partitionProgress
	sink    *Sink
	decoded codec.Rows
	rows    event.Output // since the last flush
	bytes   int          // of them, as they came off the wire
	end     int64        // of the log, as of the last fetch
	newest  int64        // ms: when the newest record read was written; 0 before the first
	lost    event.Lost   // not noted yet: the first record behind it says until when
}

// apply decodes a batch of records. One that is no rows batch is not ours to repair and
// stops nothing: it is counted and skipped.
func (t *sinkTask) apply(_ context.Context, batch *event.Batch) error {
	if batch.Lost.Count() > 0 {
		t.lost = batch.Lost
	}
	t.noteLostRows(batch)
	for i := range batch.Records {
		r := &batch.Records[i]
		if err := codec.DecodeBlocks(r.Value, &t.decoded); err != nil {
			t.skip(r.Offset, r.Offset, err.Error())
			continue
		}
		t.decoded.Changes = t.decoded.Changes[:0] // they are for the portfolios role alone
		t.rows.Append(&t.decoded.Output)
		t.bytes += len(r.Value)
	}
	for _, u := range batch.Unreadable {
		t.skip(u.First, u.Last, u.Reason)
	}
	if n := len(batch.Records); n > 0 {
		t.newest = batch.Records[n-1].Timestamp
	}
	if t.rows.Len() > 0 && t.status.PendingSince.IsZero() {
		t.status.PendingSince = t.now()
	}
	t.end = batch.End
	t.metrics.Set(telemetry.Partitions, float64(t.sink.inserter.clients.Load()), event.RoleSink)
	return nil
}

// noteLostRows notes the records that retention deleted, once it can say what they were:
// rows of the time between the last record that was read and the first that is left.
func (t *sinkTask) noteLostRows(batch *event.Batch) {
	if t.lost.Count() == 0 || len(batch.Records) == 0 && batch.Next < batch.End {
		return
	}
	from, to := "before", t.now().UnixMilli()
	if t.newest > 0 {
		from = "from " + minuteOf(t.newest) + " to"
	}
	if len(batch.Records) > 0 {
		to = batch.Records[0].Timestamp
	}
	t.noteLost(t.lost, fmt.Sprintf(" (rows written %s %s; the numbers role writes rows again once it is restarted without its checkpoints)", from, minuteOf(to)))
	t.lost = event.Lost{}
}

// minuteOf writes the minute of a time in ms.
func minuteOf(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04Z") }

func (t *sinkTask) skip(first, last int64, reason string) {
	t.noteUnreadable(first, last)
	t.logger.Error("skipped an undecodable record of the rows topic: if the numbers role wrote it, ClickHouse lacks its rows "+
		"until the processes of the numbers role are restarted without their checkpoints, which write all rows again",
		"role", event.RoleSink, "partition", t.claim.String(), "first", first, "last", last, "reason", reason)
}

// due reports whether rows should be inserted: more are collected only while more are to
// be had at once.
func (t *sinkTask) due() bool {
	return t.next >= t.end || t.bytes >= t.sink.config.MaxBytes || t.rows.Len() >= t.sink.config.MaxRows
}

// flush returns once the store has taken the rows.
func (t *sinkTask) flush(ctx context.Context) (<-chan struct{}, error) {
	if t.rows.Len() == 0 {
		return nil, nil
	}
	t.status.forStore = true
	err := t.waiting(func() error { return t.sink.inserter.insert(ctx, &t.rows) })
	if t.status.forStore = false; err != nil {
		return nil, err
	}
	t.rows.Reset()
	t.bytes, t.status.PendingSince = 0, time.Time{}
	return nil, nil
}
