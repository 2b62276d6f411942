package pipeline

import (
	"fmt"
	"time"
)

// Reason names one way in which a role does not do what it is there for, although
// nothing may look wrong from outside. While one is in force the role is not ready.
type Reason uint8

// The reasons, those that say most first.
const (
	ReasonUnassigned Reason = iota
	ReasonGroup
	ReasonGroupShared
	ReasonStopped
	ReasonTopicRecreated
	ReasonLogTruncated
	ReasonCheckpointUnusable
	ReasonContested
	ReasonKafkaSilent
	ReasonCatchingUp
	ReasonHeldBack
	ReasonRejecting
	ReasonWatermarkAhead
	ReasonWatermarkBehind
	ReasonInputSilent
	ReasonUnreadable
	ReasonRecordsLost
	ReasonKeysDisagree
	ReasonNumberSplit
	ReasonWaitingForNumbers
	ReasonStoreRefuses
	ReasonSinkBehind
	ReasonCheckpointsOld
	NumReasons
)

// ReasonText is what is written of a reason for its readers.
type ReasonText struct {
	Name    string // in /readyz, the metric sendwatch.not_ready, the page and the log
	Meaning string
	Action  string // what to do
	// Acknowledged says that the reason stays until an operator acknowledges it: what
	// happened is over, and what was computed from it is not.
	Acknowledged bool
	// Alone says that the reason counts in a process only that has no other role: it
	// costs no flag.
	Alone bool
}

var reasons = [NumReasons]ReasonText{
	ReasonUnassigned: {
		Name: "unassigned", Meaning: "The role has not joined its consumer group since the process started.",
		Action: "see the log for why the group cannot be joined: brokers, privileges, the group's protocol",
	},
	ReasonGroup: {
		Name: "group_failed", Meaning: "The consumer group could not be joined; it is tried again, and the other roles continue.",
		Action: "mend what the detail names; nothing need be restarted",
	},
	ReasonGroupShared: {
		Name: "group_shared", Meaning: "Another application is in the role's consumer group and gets partitions that this one should read, or keeps it out.",
		Action: "give the other application a group id of its own, or this one under kafka.groups",
	},
	ReasonStopped: {
		Name: "stopped", Meaning: "A partition is read no more, because what comes of it could not be made durable or must not be computed.",
		Action: "mend what the detail names, then run `sendwatch acknowledge`, and the partition begins again", Acknowledged: true,
	},
	ReasonTopicRecreated: {
		Name: "topic_recreated", Meaning: "The topic was deleted and created again, or given more partitions: it is another log. It is read from its beginning with a state that starts empty, and flags and figures follow from that alone.",
		Action: "see who did so; send the events again if the new topic lacks them, then run `sendwatch acknowledge`", Acknowledged: true,
	},
	ReasonLogTruncated: {
		Name: "log_truncated", Meaning: "The log ended before the offset that was to be read: a broker lost records. It was read again from its start; what was written of the lost ones stays written.",
		Action: "see whether the topic lost records (unclean leader election) and send them again, then run `sendwatch acknowledge`", Acknowledged: true,
	},
	ReasonCheckpointUnusable: {
		Name: "checkpoint_unusable", Meaning: "A partition cannot continue from its newest checkpoint: it is of another topic, number of partitions, setting or build, or the two newest are damaged.",
		Action: "do what the detail says; `sendwatch checkpoint` shows, verifies, rewinds and resets",
	},
	ReasonContested: {
		Name: "contested", Meaning: "Another process claims a partition's checkpoints again and again, and so does this one: both read the partition, and take it from each other. No flag is lost or wrong; the partition is late.",
		Action: "run each kafka.static.ordinal once, with the same kafka.static.of everywhere; without kafka.static, see which other deployment has this checkpoints.store and these topics",
	},
	ReasonKafkaSilent: {
		Name: "kafka_silent", Meaning: "Kafka has answered no fetch and acknowledged no write of a partition for 8 s.",
		Action: "see whether the brokers of the partition are up and reachable",
	},
	ReasonCatchingUp: {
		Name: "catching_up", Meaning: "A partition has not been read to the end that it had at the start, or is more than 60 s behind: figures and flags are of the past.",
		Action: "wait; if the lag does not shrink, add partitions and processes or see what slows this one down",
	},
	ReasonHeldBack: {
		Name: "held_back", Meaning: "Records are in the log and cannot be read, because a producer's transaction before them has been open for 5 s.",
		Action: "find the producer with `kafka-transactions.sh find-hanging` and abort its transaction",
	},
	ReasonRejecting: {
		Name: "rejecting", Meaning: "Of the records of the last minute at least 5 and a tenth were rejected: their events count nowhere.",
		Action: "read the reasons in the dead-letter topic and mend the producer",
	},
	ReasonWatermarkAhead: {
		Name: "watermark_ahead", Meaning: "An event moved a partition's time more than 6 minutes beyond the wall clock: windows have passed too early, and what comes in time counts as late.",
		Action: "mend the clock of the producer that the detail names; give the topic message.timestamp.type=LogAppendTime; time heals it once the wall clock has caught up",
	},
	ReasonWatermarkBehind: {
		Name: "watermark_behind", Meaning: "A partition that has been read to its end for two minutes still gets events whose time is more than 15 minutes ago: flags come that much too late.",
		Action: "see what delays the events before they reach the topic",
	},
	ReasonInputSilent: {
		Name: "input_silent", Meaning: "No partition has brought an event for as long as numbers.silent_after allows.",
		Action: "see whether the producers and the webhooks that feed them are running",
	},
	ReasonUnreadable: {
		Name: "unreadable", Meaning: "Records that are damaged, or larger than can be decoded, were skipped: what they said counts nowhere.",
		Action: "see what wrote or damaged them, send their events again if you have them, then run `sendwatch acknowledge`", Acknowledged: true,
	},
	ReasonRecordsLost: {
		Name: "records_lost", Meaning: "Retention deleted records before the role read them: what they said counts nowhere. Where a checkpoint had promised them the partition is stopped, with the state before them; else it was read on behind them.",
		Action: "see what is missing and raise the topic's retention; send it again from elsewhere, or run `sendwatch checkpoint reset` to compute from what is left; then run `sendwatch acknowledge`, and a stopped partition goes on", Acknowledged: true,
	},
	ReasonKeysDisagree: {
		Name: "keys_disagree", Meaning: "Of the events of the last minute at least 5 and a tenth have no key or one that is not their number_id: events of one number can be on several partitions.",
		Action: "have producers send number_id as the record's key",
	},
	ReasonNumberSplit: {
		Name: "number_split", Meaning: "Events of one number came on two partitions of the events topic: each has a part of its figures, and flags are missing or come twice.",
		Action: "have all producers choose partitions in one way (murmur2 of number_id), copy the topic with `sendwatch rekey` and read the copy, then run `sendwatch acknowledge`", Acknowledged: true,
	},
	ReasonWaitingForNumbers: {
		Name: "waiting_for_numbers", Meaning: "Portfolios are not evaluated, because partitions of the events topic have reported no progress for a minute or are more than 10 minutes behind the others.",
		Action: "see whether the numbers role is running on all partitions and why those are behind",
	},
	ReasonStoreRefuses: {
		Name: "store_refuses", Meaning: "ClickHouse takes no rows at present; they wait in Kafka.",
		Action: "see whether ClickHouse is up and takes inserts", Alone: true,
	},
	ReasonSinkBehind: {
		Name: "sink_behind", Meaning: "Rows have waited for more than a minute to be stored: queries and dashboards show the past. Flags are not affected.",
		Action: "see whether ClickHouse is up, takes inserts and keeps pace",
	},
	ReasonCheckpointsOld: {
		Name: "checkpoints_old", Meaning: "No checkpoint of a partition could be saved for five times as long as it should take: flags are right, and a restart reads a long log again, or one that retention has cut.",
		Action: "see whether the store of checkpoints can be reached and written",
	},
}

// Reasons returns what is written of every reason, by Reason.
func Reasons() [NumReasons]ReasonText { return reasons }

// String returns the reason's name.
func (r Reason) String() string { return reasons[r].Name }

// Problem is a reason in force.
type Problem struct {
	Reason    Reason
	Role      string
	Topic     string // empty if it concerns the role and no partition
	Partition int32
	Detail    string // what exactly: offsets, counts, numbers
}

// Counts reports whether the problem makes a process not ready that has other roles, or
// none if alone is true.
func (p *Problem) Counts(alone bool) bool { return alone || !reasons[p.Reason].Alone }

// String returns the problem in one line, with what to do.
func (p *Problem) String() string {
	where := p.Role
	if p.Topic != "" {
		where = fmt.Sprintf("%s: %s partition %d", p.Role, p.Topic, p.Partition)
	}
	return fmt.Sprintf("%s: %s: %s; %s", where, p.Reason, p.Detail, reasons[p.Reason].Action)
}

// Bounds say from when on something counts as a reason. A field that is zero is as in
// DefaultBounds, which the meanings above repeat.
type Bounds struct {
	KafkaSilent       time.Duration // no answer to a fetch, which waits for half a second, nor to a write
	CatchingUp        time.Duration // by which a partition is behind
	HeldBack          time.Duration // for which a transaction has been open
	WatermarkBehind   time.Duration // of a partition's time
	WaitingForNumbers time.Duration // by which a partition of the events topic is behind another
	SinkBehind        time.Duration // for which rows have waited
}

// DefaultBounds returns the bounds that hold where nothing else is said.
func DefaultBounds() Bounds {
	return Bounds{
		KafkaSilent: 8 * time.Second, CatchingUp: time.Minute, HeldBack: 5 * time.Second,
		WatermarkBehind: 15 * time.Minute, WaitingForNumbers: 10 * time.Minute, SinkBehind: time.Minute,
	}
}

func (b Bounds) withDefaults() Bounds {
	d := DefaultBounds()
	setDefault(&b.KafkaSilent, d.KafkaSilent)
	setDefault(&b.CatchingUp, d.CatchingUp)
	setDefault(&b.HeldBack, d.HeldBack)
	setDefault(&b.WatermarkBehind, d.WatermarkBehind)
	setDefault(&b.WaitingForNumbers, d.WaitingForNumbers)
	setDefault(&b.SinkBehind, d.SinkBehind)
	return b
}

// Bounds that are not configured.
const (
	checkpointsOld = 5               // times the time between two
	watermarkAhead = 6 * time.Minute // the contract lets an event be 5 ahead of its record
	watermarkGrace = 2 * time.Minute // at most, since a partition was read to its end: idle ones get clock events by then
	progressGrace  = time.Minute     // at most, since then: each partition has reported progress by then
	minuteFloor    = 5               // records of a minute below which no share is judged
	minuteShare    = 10              // one in so many
)
