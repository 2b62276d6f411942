package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
)

// topicOf is what each group reads.
var topicOf = map[string]string{event.RoleNumbers: topicEvents, event.RolePortfolios: topicRows, event.RoleSink: topicRows}

// watchCommits looks at every commit that a broker is asked for: of a role with checkpoints
// none is beyond the newest durable state of its partition (I3, I9).
func (w *world) watchCommits() {
	w.cluster.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		commit := request.(*kmsg.OffsetCommitRequest)
		if commit.Group != event.RoleNumbers && commit.Group != event.RolePortfolios {
			return nil, nil, false
		}
		for _, t := range commit.Topics {
			for _, p := range t.Partitions {
				if newest := w.disk.newest(topicOf[commit.Group], p.Partition); p.Offset > newest {
					w.fail("%s committed %d of partition %d, and its newest durable state is of %d", commit.Group, p.Offset, p.Partition, newest)
				}
			}
		}
		return nil, nil, false
	})
}

// watchWrites looks at every write: all replicas in sync have to acknowledge it (I9).
func (w *world) watchWrites() {
	w.cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		if acks := request.(*kmsg.ProduceRequest).Acks; acks != -1 {
			w.fail("a write asks for %d acknowledgements, want those of all replicas", acks)
		}
		return nil, nil, false
	})
}

// watchGroups makes sure that no group's offset ever decreases (I3), unless a state was
// damaged and the one before it counts.
func (w *world) watchGroups() {
	for group, topic := range topicOf {
		now := w.committed(group)
		for p, before := range w.groups[group] {
			if now[p] < before && !w.lateCommit.Load() && (group == event.RoleSink || !w.disk.isRotten(topic, p)) {
				w.fail("the offset of %s partition %d went from %d to %d", group, p, before, now[p])
			}
		}
		w.groups[group] = now
	}
}

// committed returns a group's offsets by partition, -1 for none.
func (w *world) committed(group string) []int64 {
	offsets := make([]int64, len(w.ends(topicOf[group])))
	info := w.cluster.GroupInfo(group)
	for p := range offsets {
		offsets[p] = -1
		if info == nil {
			continue
		}
		if c, ok := info.Commits[topicOf[group]][int32(p)]; ok {
			offsets[p] = c.Offset
		}
	}
	return offsets
}

// roleStatus is a role of a process, as what it says of itself.
type roleStatus interface {
	Status() []pipeline.PartitionStatus
	Problems() []pipeline.Problem
}

func (p *process) roles() map[string]roleStatus {
	return map[string]roleStatus{event.RoleNumbers: p.numbers, event.RolePortfolios: p.portfolios, event.RoleSink: p.sink}
}

// ofTheLog are reasons for not being ready that the log itself is the cause of: the events
// are of other times than the clock, some cannot be read, and their keys are none.
var ofTheLog = []pipeline.Reason{
	pipeline.ReasonRejecting, pipeline.ReasonWatermarkAhead, pipeline.ReasonWatermarkBehind, pipeline.ReasonKeysDisagree,
}

// unexplained are reasons that no fault of a schedule explains: partitions that stopped, logs
// that are others, records that are missing, and strangers in a group.
var unexplained = []pipeline.Reason{
	pipeline.ReasonStopped, pipeline.ReasonTopicRecreated, pipeline.ReasonLogTruncated, pipeline.ReasonCheckpointUnusable, pipeline.ReasonUnreadable,
	pipeline.ReasonRecordsLost, pipeline.ReasonNumberSplit, pipeline.ReasonGroupShared,
}

// watchHealth makes sure that no process reports what is not so (I20).
func (w *world) watchHealth() {
	for _, p := range w.slots {
		for _, role := range p.roles() {
			for _, problem := range role.Problems() {
				if slices.Contains(unexplained, problem.Reason) && (problem.Reason != pipeline.ReasonRecordsLost || problem.Topic != topicEvents || w.lost == (lostRange{})) {
					w.fail("%s reports: %s", p.name, problem.String())
				}
			}
		}
	}
}

// behind returns why the deployment is not ready, not at the end of its logs or still writing what
// came of them, "" if it is all of that. A process calls itself ready while a write waits for less
// than 8 s, and if it is stopped then it may leave the write to the next owner, of whom there is none.
func (w *world) behind() string {
	read := map[string][]int64{}
	for group, topic := range topicOf {
		read[group] = slices.Repeat([]int64{-1}, len(w.ends(topic))) // even an empty one has to be somebody's
	}
	for _, p := range w.slots {
		for group, role := range p.roles() {
			for _, s := range role.Status() {
				if s.State == pipeline.StateRunning {
					read[group][s.Partition] = max(read[group][s.Partition], s.Next)
				}
				if since := s.Unacknowledged; !since.IsZero() && w.now().Sub(since) > time.Second {
					return fmt.Sprintf("%s waits for a write of %s partition %d to be acknowledged", p.name, group, s.Partition)
				}
			}
			for _, problem := range role.Problems() {
				if !slices.Contains(ofTheLog, problem.Reason) {
					return p.name + " is not ready: " + problem.String()
				}
			}
		}
	}
	for group, topic := range topicOf {
		for p, end := range w.ends(topic) {
			if read[group][p] < end {
				return group + " has not read a partition to its end"
			}
		}
	}
	return ""
}

// The bounds of what comes after the last fault.
const (
	patience = 3 * time.Minute // until all is ready and read
	calm     = 6 * time.Second // for which it stays so: idle partitions say so in 2 s, shared events are copied after 3 s
)

// converge waits until everything is ready, read and at rest, and then stops it all in
// good order (I19).
func (w *world) converge() {
	start := time.Now()
	var since time.Time
	for {
		w.tend(0)
		why := w.behind()
		switch now := time.Now(); {
		case why != "":
			since = time.Time{}
			if now.Sub(start) > patience {
				w.fail("%v after the last fault: %s", patience, why)
				return
			}
		case since.IsZero():
			since = now
		case now.Sub(since) >= calm:
			w.note("ready and read to the end after %v", since.Sub(start))
			w.took = since.Sub(start)
			w.finish()
			return
		}
		elapse(time.Second)
	}
}

// finish stops everything in good order, and makes sure that what was there to be read before
// is committed. The last flushes add to the rows topic.
func (w *world) finish() {
	want := map[string][]int64{}
	for group, topic := range topicOf {
		want[group] = w.ends(topic)
	}
	for _, p := range w.slots {
		p.cancel()
	}
	for _, p := range w.slots {
		<-p.ended
	}
	for group, ends := range want {
		got := w.committed(group)
		for p, end := range ends {
			if got[p] < end && !w.lateCommit.Load() {
				w.fail("%s has committed %v after a stop in good order, and the log ended at %v", group, got, ends)
				break
			}
		}
	}
}
