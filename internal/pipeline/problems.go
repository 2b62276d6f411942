package pipeline

import (
	"errors"
	"fmt"
	"time"

	"sendwatch/internal/event"
)

// problems returns what is wrong with one partition at a time, from its status alone.
func (s *PartitionStatus) problems(now time.Time, bounds *Bounds) []Problem {
	var list []Problem
	add := func(r Reason, format string, args ...any) {
		list = append(list, Problem{Reason: r, Role: s.Role, Topic: s.Topic, Partition: s.Partition, Detail: fmt.Sprintf(format, args...)})
	}
	if s.State == StateStopped {
		add(s.stoppedBy, "%s", s.Error)
		return append(list, s.incidents()...)
	}
	answered := s.Answered
	if since := s.Unacknowledged; !since.IsZero() && since.Before(answered) {
		answered = since
	}
	if !answered.IsZero() && now.Sub(answered) > bounds.KafkaSilent && !s.forStore {
		add(ReasonKafkaSilent, "no answer from Kafka since %s%s", answered.UTC().Format(time.RFC3339), because(s.Retrying))
	}
	lag := time.Duration(s.LagSeconds * float64(time.Second))
	switch {
	case s.CaughtUpAt.IsZero():
		add(ReasonCatchingUp, "%d records to go%s", s.Lag, because(s.Retrying))
	case lag > bounds.CatchingUp && s.Role != event.RoleSink:
		add(ReasonCatchingUp, "%d records and %s behind", s.Lag, lag.Round(time.Second))
	}
	if s.HeldBack > 0 && now.Sub(s.HeldSince) > bounds.HeldBack {
		add(ReasonHeldBack, "%d records from offset %d on cannot be read since %s", s.HeldBack, s.End, s.HeldSince.UTC().Format(time.RFC3339))
	}
	list = append(list, s.checkpointProblems(now)...)
	if s.rivals.contest(now) {
		add(ReasonContested, "another process has claimed it %d times since %s, last at %s",
			s.rivals.claims, s.rivals.first.UTC().Format(time.RFC3339), s.rivals.last.UTC().Format(time.RFC3339))
	}
	switch s.Role {
	case event.RoleNumbers:
		list = append(list, s.inputProblems(now, bounds)...)
	case event.RolePortfolios:
		list = append(list, s.portfolioProblems(now, bounds)...)
	case event.RoleSink:
		if wait := max(lag, sincePending(s, now)); !s.CaughtUpAt.IsZero() && wait > bounds.SinkBehind {
			add(ReasonSinkBehind, "rows have waited for %s", wait.Round(time.Second))
		}
	}
	return append(list, s.incidents()...)
}

// checkpointProblems returns whether a checkpoint is overdue: tries fail, or one hangs.
func (s *PartitionStatus) checkpointProblems(now time.Time) []Problem {
	c := &s.Checkpoint
	newest := c.At
	if c.Since.After(newest) {
		newest = c.Since
	}
	// What was not due before the first try that failed, or the one under way, is late since then.
	if c.Error == "" && c.Saving.After(newest) {
		newest = c.Saving
	}
	if due := c.Failing.Add(-c.Every); !c.Failing.IsZero() && due.After(newest) {
		newest = due
	}
	if c.Error == "" && c.Saving.IsZero() || now.Sub(newest) <= checkpointsOld*c.Every {
		return nil
	}
	detail := "none saved since " + newest.UTC().Format(time.RFC3339)
	if c.Error != "" {
		detail += ": " + c.Error
	}
	return []Problem{{Reason: ReasonCheckpointsOld, Role: s.Role, Topic: s.Topic, Partition: s.Partition, Detail: detail}}
}

// because appends why Kafka is asked again and again, if it is.
func because(retrying string) string {
	if retrying == "" {
		return ""
	}
	return ": " + retrying
}

func sincePending(s *PartitionStatus, now time.Time) time.Duration {
	if s.PendingSince.IsZero() {
		return 0
	}
	return now.Sub(s.PendingSince)
}

// inputProblems returns what is wrong with the events that come.
func (s *PartitionStatus) inputProblems(now time.Time, bounds *Bounds) []Problem {
	var list []Problem
	add := func(r Reason, format string, args ...any) {
		list = append(list, Problem{Reason: r, Role: s.Role, Topic: s.Topic, Partition: s.Partition, Detail: fmt.Sprintf(format, args...)})
	}
	m := s.lastMinute
	if m.rejected >= minuteFloor && m.rejected*minuteShare >= m.records {
		add(ReasonRejecting, "%d of the last minute's %d records were rejected", m.rejected, m.records)
	}
	if m.misKeyed >= minuteFloor && m.misKeyed*minuteShare >= m.records {
		add(ReasonKeysDisagree, "%d of the last minute's %d records have no key or another than their number_id", m.misKeyed, m.records)
	}
	if s.Engine.Watermark <= 0 {
		return list
	}
	watermark := time.UnixMilli(s.Engine.Watermark)
	at := watermark.UTC().Format(time.RFC3339)
	switch ahead := watermark.Sub(now); {
	case ahead > watermarkAhead:
		by := "an event without a number"
		if s.WatermarkBy != "" {
			by = "an event of number_id " + s.WatermarkBy
		}
		add(ReasonWatermarkAhead, "the partition's time is %s, which is %s ahead; %s brought it there", at, ahead.Round(time.Second), by)
	case -ahead > bounds.WatermarkBehind && !s.CaughtUpAt.IsZero() && now.Sub(s.CaughtUpAt) > min(watermarkGrace, bounds.WatermarkBehind):
		add(ReasonWatermarkBehind, "the partition's time is %s, which is %s behind", at, (-ahead).Round(time.Second))
	}
	return list
}

// portfolioProblems returns what keeps portfolios from being evaluated.
func (s *PartitionStatus) portfolioProblems(now time.Time, bounds *Bounds) []Problem {
	p := &s.Portfolios
	var detail string
	switch {
	case s.CaughtUpAt.IsZero() || now.Sub(s.CaughtUpAt) < min(progressGrace, bounds.WaitingForNumbers):
		return nil
	case len(p.Silent) > 0:
		detail = fmt.Sprintf("no progress record yet of the partitions %v of the events topic", p.Silent)
	case p.Behind > bounds.WaitingForNumbers.Milliseconds():
		detail = fmt.Sprintf("the last evaluated minute is %s behind the fastest partition of the events topic", time.Duration(p.Behind)*time.Millisecond)
	default:
		return nil
	}
	return []Problem{{Reason: ReasonWaitingForNumbers, Role: s.Role, Topic: s.Topic, Partition: s.Partition, Detail: detail}}
}

// reasoned is an error that names its reason.
type reasoned interface {
	error
	// Reason returns the reason's name.
	Reason() string
}

// reasonOf returns the reason that an error names, other if it names none.
func reasonOf(err error, other Reason) Reason {
	if named, ok := errors.AsType[reasoned](err); ok {
		for r := range NumReasons {
			if reasons[r].Name == named.Reason() {
				return r
			}
		}
	}
	return other
}
