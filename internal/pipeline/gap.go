package pipeline

import (
	"context"
	"fmt"
	"time"

	"sendwatch/internal/telemetry"
)

// A checkpoint promises that its state continues with the record after it. Where retention has
// deleted that record, what follows would be of a log with a hole in it. The partition
// stops there, in good order: what was applied is made durable, the state is saved,
// questions are answered, and nothing more is read.
//
//	sendwatch acknowledge        it goes on behind the gap, with the state that it has
//	sendwatch checkpoint reset,  it begins again, with what is left of the log
//	then acknowledge
//
// The gap is kept with the incidents, also once it is acknowledged: until a state behind it
// is saved, another process stands before the same one.
//
// Where nothing is promised a role reads on at the log's start, and what was lost is named
// and counted: without a checkpoint its state begins there after a restart too, and the sink
// has none.

// gap is a run of offsets that the next record of a promised state was among.
type gap struct {
	First  int64 `json:"first"`
	End    int64 `json:"end"`
	Passed bool  `json:"passed,omitzero"` // an operator has acknowledged it
}

// covers reports whether all of another gap lies in this one.
func (g gap) covers(other gap) bool {
	return other.First >= other.End || g.First <= other.First && other.End <= g.End
}

// common returns how many offsets two gaps have in common.
func (g gap) common(other gap) int64 {
	return max(0, min(g.End, other.End)-max(g.First, other.First))
}

// pass returns the gap as it is once it is acknowledged.
func (g gap) pass() gap {
	g.Passed = g.End > g.First
	return g
}

// stopsAt reports whether the partition has to stop before what a batch says is lost, and
// notes that if it does. What is there already, from a process before this one, is not counted again.
func (l *loop) stopsAt(ctx context.Context, f fetched) bool {
	lost := f.batch.Lost
	if l.states == nil || lost.Count() <= 0 || l.status.Checkpoint.Offset == FromStart {
		return false
	}
	l.keepNow(ctx) // which also looks up what is acknowledged
	l.takeNote()
	ahead, known := gap{First: lost.First, End: lost.End}, l.status.Incidents.Gap
	if known.covers(ahead) && known.Passed {
		return false
	}
	if !known.covers(ahead) {
		l.noteGap(ahead, lost.Count()-known.common(ahead))
	}
	l.halted, l.haltedAt = &f, l.now()
	l.status.stoppedBy = ReasonRecordsLost
	l.status.Error = fmt.Sprintf("partition stopped: its state goes to %d and the log begins at %d; retention has deleted %s, which a checkpoint had promised",
		lost.First, lost.End, offsets(lost.First, lost.End-1))
	l.publish(StateStopped)
	l.keepNow(ctx)
	l.logger.Error("partition stopped: records that its state needs next are lost", "role", l.name, "partition", l.claim.String(),
		"first", lost.First, "end", lost.End, "lost", lost.Count(), "do", reasons[ReasonRecordsLost].Action)
	return true
}

// noteGap records a gap, of which some offsets are news.
func (p *partitionProgress) noteGap(ahead gap, news int64) {
	i := &p.status.Incidents
	i.Gap = ahead
	i.Lost.note(news, max(ahead.End-1, p.acknowledged, i.Lost.Last+1), offsets(ahead.First, ahead.End-1))
	p.status.Lost += news
	p.metrics.Add(telemetry.LostRecords, news, p.name, p.label)
}

// beyondGap goes on behind the gap that the partition stands before, once that is acknowledged;
// till then it sees to it that the state before the gap is saved.
func (l *loop) beyondGap(ctx context.Context, log Log) error {
	if l.halted == nil {
		return nil
	}
	f, known := *l.halted, l.status.Incidents.Gap
	if !known.Passed || !known.covers(gap{First: f.batch.Lost.First, End: f.batch.Lost.End}) {
		return l.flushIfDue(ctx, log)
	}
	l.logger.Info("partition goes on behind lost records, as acknowledged", "role", l.name, "partition", l.claim.String(),
		"first", f.batch.Lost.First, "end", f.batch.Lost.End)
	l.leaveGap()
	l.status.State = l.reading()
	if err := l.take(ctx, f); err != nil { // which asks for a newer owner first: the state may have been reset
		return err
	}
	return l.flushIfDue(ctx, log)
}

// leaveGap forgets that the partition has stopped before a gap.
func (l *loop) leaveGap() {
	l.halted, l.haltedAt = nil, time.Time{}
	l.status.Error = ""
}
