package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/event"
)

// incident is something that is over and whose effects on figures and flags remain, of
// one kind and on one partition. It is in force until an operator acknowledges it.
type incident struct {
	Count  int64  `json:"count"`  // records or numbers concerned
	Last   int64  `json:"last"`   // offset of the newest
	Detail string `json:"detail"` // of the newest ones
}

// maxDetail bounds a detail in bytes. All incidents of a partition are kept in the
// metadata of a committed offset, of which brokers take 4,096 bytes by default.
const maxDetail = 560

// note adds to the incident what happened at an offset. What was noted before is not
// noted again: a log that is read again brings the same.
func (i *incident) note(count, at int64, detail string) bool {
	if at <= i.Last && i.Count > 0 {
		return false
	}
	i.Count, i.Last = i.Count+count, at
	if i.Detail != "" {
		detail = i.Detail + ", " + detail
	}
	for len(detail) > maxDetail { // the oldest are dropped
		_, rest, more := strings.Cut(detail, ", ")
		if !more {
			rest = detail[:maxDetail]
		}
		detail = rest
	}
	i.Detail = strings.ToValidUTF8(detail, "")
	return true
}

// incidents are those of one partition.
type incidents struct {
	Unreadable incident `json:"unreadable,omitzero"`
	Lost       incident `json:"lost,omitzero"`
	Split      incident `json:"split,omitzero"`
	Recreated  incident `json:"recreated,omitzero"`
	Truncated  incident `json:"truncated,omitzero"`
	// Stopped is a partition that has stopped and waits to be told that the cause was
	// mended. It is of the process that stopped alone: another one begins anyway.
	Stopped incident `json:"stopped,omitzero"`
	// Gap is the newest that the partition has stopped before. It is no incident of its own: Lost tells of it.
	Gap gap `json:"gap,omitzero"`
}

// each calls do with every kind of incident.
func (i *incidents) each(do func(Reason, *incident)) {
	do(ReasonUnreadable, &i.Unreadable)
	do(ReasonRecordsLost, &i.Lost)
	do(ReasonNumberSplit, &i.Split)
	do(ReasonTopicRecreated, &i.Recreated)
	do(ReasonLogTruncated, &i.Truncated)
	do(ReasonStopped, &i.Stopped)
}

// begun reports whether there is a kind of incident that was not there before.
func (i *incidents) begun(before *incidents) bool {
	was := map[Reason]bool{}
	before.each(func(r Reason, one *incident) { was[r] = one.Count > 0 })
	begun := false
	i.each(func(r Reason, one *incident) { begun = begun || one.Count > 0 && !was[r] })
	return begun
}

// merge takes what is kept where it says more than what is known.
func (i *incidents) merge(kept *incidents) {
	var other []*incident
	kept.each(func(_ Reason, k *incident) { other = append(other, k) })
	n := 0
	i.each(func(r Reason, mine *incident) {
		if k := other[n]; k.Count > 0 && k.Last >= mine.Last && r != ReasonStopped {
			*mine = *k
		}
		n++
	})
	if kept.Gap.covers(i.Gap) && (kept.Gap.Passed || !i.Gap.Passed) {
		i.Gap = kept.Gap
	}
}

// acknowledge drops what happened before an offset.
func (i *incidents) acknowledge(before int64) {
	i.each(func(_ Reason, one *incident) {
		if one.Last < before {
			*one = incident{}
		}
	})
}

// last returns the offset of the newest incident, -1 without any.
func (i *incidents) last() int64 {
	last := int64(-1)
	i.each(func(_ Reason, one *incident) {
		if one.Count > 0 {
			last = max(last, one.Last)
		}
	})
	return last
}

// incidents returns the incidents of a partition as problems.
func (s *PartitionStatus) incidents() []Problem {
	var list []Problem
	s.Incidents.each(func(r Reason, one *incident) {
		if says := r == ReasonStopped || r == ReasonRecordsLost && s.stoppedBy == r; one.Count == 0 || says && s.State == StateStopped {
			return // which says so itself
		}
		what := map[Reason]string{
			ReasonUnreadable: "records were skipped", ReasonRecordsLost: "records were lost", ReasonNumberSplit: "numbers are on two partitions",
			ReasonTopicRecreated: "times the topic became another log", ReasonLogTruncated: "times it was read again from its start", ReasonStopped: "partition stopped",
		}[r]
		list = append(list, Problem{Reason: r, Role: s.Role, Topic: s.Topic, Partition: s.Partition, Detail: fmt.Sprintf("%d %s: %s", one.Count, what, one.Detail)})
	})
	return list
}

// Keeper keeps durably what an operator has to acknowledge, for the partitions that one
// role reads.
type Keeper interface {
	// Load returns what is kept of the partitions of a topic.
	Load(ctx context.Context, topic string) (map[int32]event.Note, error)
	// Save replaces what is kept of a partition.
	Save(ctx context.Context, topic string, partition int32, kept event.Note) error
}

// Acknowledge acknowledges everything that a role's keeper has of a topic, and returns
// what that was, a line for each incident. A process that runs notices it within seconds.
func Acknowledge(ctx context.Context, keeper Keeper, topic string) ([]string, error) {
	all, err := keeper.Load(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read what is to be acknowledged of %s: %w", topic, err)
	}
	var lines []string
	for partition, kept := range all {
		i := incidentsOf(kept)
		left := incidents{Gap: i.Gap.pass()}
		if i == left {
			continue
		}
		text, err := left.text()
		if err != nil {
			return lines, err
		}
		s := PartitionStatus{Topic: topic, Partition: partition, Incidents: i}
		for _, p := range s.incidents() {
			lines = append(lines, fmt.Sprintf("%s partition %d: %s: %s", topic, partition, p.Reason, p.Detail))
		}
		if err := keeper.Save(ctx, topic, partition, event.Note{Offset: max(kept.Offset, i.last()+1), Text: text}); err != nil {
			return lines, fmt.Errorf("acknowledge %s partition %d: %w", topic, partition, err)
		}
	}
	return lines, nil
}

const (
	// keepTimeout bounds one exchange with a Keeper.
	keepTimeout = 5 * time.Second
	// keepEvery is how often a role looks for acknowledgements and keeps what is new.
	keepEvery = 5 * time.Second
	// keepNoisyAfter is how many failures in a row are a warning: a broker that is away
	// has a reason of its own.
	keepNoisyAfter = 4
	// keepAgain is how often unchanged incidents are kept again: committed offsets of a
	// group without members expire, after a week by default.
	keepAgain = 24 * time.Hour
)

// notes is what the keeper has of each partition, as last read.
type notes struct {
	mu          sync.Mutex
	byPartition map[int32]note
}

type note struct {
	event.Note
	saved time.Time // by this process
}

// read returns what is kept of a partition.
func (n *notes) read(partition int32) (note, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, ok := n.byPartition[partition]
	return one, ok
}

// put replaces what is kept of a partition.
func (n *notes) put(partition int32, one note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byPartition == nil {
		n.byPartition = map[int32]note{}
	}
	n.byPartition[partition] = one
}

// incidentsOf returns those that a note holds; one that cannot be read holds none.
func incidentsOf(kept event.Note) incidents {
	var i incidents
	if kept.Text == "" || json.Unmarshal([]byte(kept.Text), &i) != nil {
		return incidents{}
	}
	return i
}

// text returns the incidents for a note, "" without any.
func (i *incidents) text() (string, error) {
	if *i == (incidents{}) {
		return "", nil
	}
	text, err := json.Marshal(i)
	return string(text), err
}

// keep brings a role's partitions and its keeper to the same: acknowledgements and
// incidents of an earlier owner come here, new incidents go there.
func (r *role) keep(ctx context.Context) error {
	owned := r.statuses.all()
	if r.keeper == nil || len(owned) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	all, err := r.keeper.Load(ctx, owned[0].Topic)
	if err != nil {
		return fmt.Errorf("read acknowledgements: %w", err)
	}
	for i := range owned {
		s := &owned[i]
		if err := r.keepOne(ctx, s, all[s.Partition]); err != nil {
			return err
		}
	}
	return nil
}

// keepOne does it for a partition of which kept is kept.
func (r *role) keepOne(ctx context.Context, s *PartitionStatus, kept event.Note) error {
	before, _ := r.notes.read(s.Partition)
	now, stored := r.now(), incidentsOf(kept)
	merged := s.Incidents
	merged.merge(&stored)
	merged.acknowledge(kept.Offset)
	if merged == stored && (merged == incidents{} || now.Sub(before.saved) < keepAgain) {
		r.notes.put(s.Partition, note{kept, before.saved})
		return nil
	}
	var err error
	if kept.Text, err = merged.text(); err != nil {
		return err
	}
	if err := r.keeper.Save(ctx, s.Topic, s.Partition, kept); err != nil {
		return fmt.Errorf("keep what is to be acknowledged: %w", err)
	}
	r.notes.put(s.Partition, note{kept, now})
	return nil
}

// keepNow keeps the partition's incidents at once. If that fails, it is tried again with
// the others.
func (p *partitionProgress) keepNow(ctx context.Context) {
	if err := p.keep(ctx); err != nil && ctx.Err() == nil { // the end of a claim is no trouble of Kafka's
		p.logger.Warn("incident could not be kept in Kafka; it is tried again every few seconds",
			"role", p.name, "partition", p.claim.String(), "error", err)
	}
}

// takeNote applies what the keeper has of the partition.
func (p *partitionProgress) takeNote() {
	kept, ok := p.notes.read(p.claim.Partition)
	if !ok || kept.Note == p.noted {
		return
	}
	p.noted = kept.Note
	stored := incidentsOf(kept.Note)
	p.status.Incidents.merge(&stored)
	p.status.Incidents.acknowledge(kept.Offset)
	p.acknowledged = max(p.acknowledged, kept.Offset)
}

// noteIncident adds to one of the partition's incidents what happened at an offset,
// unless it is acknowledged or known. It reports whether it was news.
func (p *partitionProgress) noteIncident(one *incident, count, at int64, detail string) bool {
	return at >= p.acknowledged && one.note(count, at, detail)
}
