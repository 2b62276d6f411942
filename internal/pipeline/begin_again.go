package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sendwatch/internal/event"
)

// A partition that cannot go on begins again where that does no harm, without a restart
// of the process; it does what a restart would.
//
//	the topic is another log     its partitions are assigned again, by what the topic is
//	or has other partitions      now, and read from their beginning. State of the old log
//	                             is dropped, parked state too.
//	the log ends before us       it is read again from its beginning.
//	the log begins behind us     gap.go: what a checkpoint promises stops the partition, else it is read on.
//	anything else                the partition waits until an operator has mended the
//	                             cause and says so with `sendwatch acknowledge`.
//
// Checkpoints are of one log: those of another, or from beyond the log's end, stop the
// partition; `sendwatch checkpoint reset` comes before it is told to begin again.
//
// What a role with state had counted is gone in the first two cases, and its flags and
// figures follow from less than before. That stays a reason for not being ready until it
// is acknowledged.

// renewer is a Log whose topic may have become another log.
type renewer interface {
	// Renew has the group assign the topic's partitions again, by what the topic is now.
	// It ends the claim.
	Renew()
}

// anotherLogError ends the work on a partition whose state is of a log that another topic
// no longer has. Nothing is wrong with the partition's own.
type anotherLogError struct{ topic, had, have string }

// Error names both logs.
func (e *anotherLogError) Error() string {
	return fmt.Sprintf("%s is another log: it is %s and was %s; what followed from the old one is dropped", e.topic, e.have, e.had)
}

// restarts reports whether a partition of a role with state may begin again at once, after
// err ended its work, and the reason that is to be told, NumReasons for none. With
// checkpoints it may not: it would continue from the newest, and meet the same again.
func (r *role) restarts(ctx context.Context, err error) (begins bool, why Reason) {
	if err == nil || ctx.Err() != nil || r.checkpoints != nil {
		return false, NumReasons
	}
	if _, ok := errors.AsType[*anotherLogError](err); ok {
		return true, NumReasons // the role that reads that log says so
	}
	return reasonOf(err, ReasonStopped) == ReasonLogTruncated, ReasonLogTruncated
}

// noteBegunAgain records that the partition's state has begun again, at an offset that is
// no smaller than any before.
func (p *partitionProgress) noteBegunAgain(reason Reason, at int64, detail string) {
	p.status.Incidents.each(func(r Reason, one *incident) {
		if r == reason {
			one.note(1, max(at, p.acknowledged, one.Last+1), detail)
		}
	})
}

// rest has the partition's status say that it begins again after a pause, and why: it is
// behind, and what is waited for is neither Kafka nor a store.
func (p *partitionProgress) rest(why error) {
	s := &p.status
	s.Answered, s.Unacknowledged, s.CaughtUpAt, s.Checkpoint.Saving = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.Retrying = why.Error()
	p.publish(StateOpening)
}

// servedLog compares the log of a claim with the one that this process served the
// partition of before, and remembers it.
func (r *role) servedLog(claim Claim) (before string, another bool) {
	r.logsMu.Lock()
	defer r.logsMu.Unlock()
	if r.logs == nil {
		r.logs = map[int32]string{}
	}
	before, known := r.logs[claim.Partition]
	r.logs[claim.Partition] = claim.Identity
	return before, known && before != claim.Identity
}

// beginAnotherLog forgets what was kept of the old log, whose offsets mean nothing in the
// new one, and keeps that the state begins again.
func (p *partitionProgress) beginAnotherLog(ctx context.Context, before string) {
	p.logger.Warn("reading another log from its beginning, with a state that starts empty", "role", p.name, "partition", p.claim.String(),
		"had", before, "has", p.claim.Identity)
	p.acknowledged, p.noted = 0, event.Note{}
	p.status.Incidents = incidents{Recreated: incident{Count: 1, Detail: fmt.Sprintf("it was %s and is %s", before, p.claim.Identity)}}
	text, err := p.status.Incidents.text()
	if err != nil || p.keeper == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	kept := event.Note{Text: text}
	if err := p.keeper.Save(ctx, p.claim.Topic, p.claim.Partition, kept); err != nil {
		p.logger.Warn("what was acknowledged of a topic's old log is still kept: of the new one, incidents before that offset are not shown",
			"role", p.name, "partition", p.claim.String(), "error", err)
		return
	}
	p.notes.put(p.claim.Partition, note{kept, p.now()})
}

// renew returns the partition of a topic that is another log now to the group. It reports
// whether it could.
func (p *partitionProgress) renew(ctx context.Context, err error, log Log) bool {
	renews, ok := log.(renewer)
	if !ok || ctx.Err() != nil || reasonOf(err, ReasonStopped) != ReasonTopicRecreated {
		return false
	}
	p.status.Error, p.status.stoppedBy = err.Error(), ReasonTopicRecreated
	p.publish(StateStopped)
	defer p.statuses.drop(p.claim.Partition)
	defer p.metrics.Forget("role", p.name, "partition", p.label)
	renews.Renew()
	<-ctx.Done()
	return true
}

// acknowledgedEvery is how often a partition that stopped looks whether its cause was
// mended.
const acknowledgedEvery = time.Second

// awaitMended waits until an operator has acknowledged that the partition stopped. It
// reports whether that came before the end of ctx.
func (p *partitionProgress) awaitMended(ctx context.Context) bool {
	p.status.Incidents.Stopped = incident{Count: 1, Last: max(p.next, p.acknowledged, 0), Detail: p.status.Error}
	p.publish(StateStopped)
	p.keepNow(ctx)
	tick := time.NewTicker(acknowledgedEvery)
	defer tick.Stop()
	for p.status.Incidents.Stopped.Count > 0 {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
			p.publish(StateStopped) // which takes what the keeper has
		}
	}
	p.logger.Info("partition begins again, as acknowledged", "role", p.name, "partition", p.claim.String())
	return true
}
