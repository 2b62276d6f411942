package telemetry

// Metric is an index into the table of metrics.
type Metric uint8

// The metrics, in the order of the reference. Label values are given in the
// order of the table's Labels.
const (
	Records Metric = iota
	LateEvents
	Anomalies
	DroppedKeys
	DeadLetters
	Unreadable
	LostRecords
	SplitNumbers
	Flags
	OversizedFlags
	ClockEvents
	PolicyChanges
	CopiedEvents
	EvaluationLag
	LagRecords
	LagSeconds
	HeldBackRecords
	Watermark
	NotReady
	Partitions
	Rebalances
	StateEntries
	Checkpoints
	CheckpointsDamaged
	CheckpointBytes
	CheckpointPause
	CheckpointSave
	CheckpointRestore
	FetchDuration
	FetchBytes
	ApplyDuration
	ProduceDuration
	ProducedRecords
	ProduceErrors
	SinkRows
	InsertDuration
	SinkErrors
	WebhookBodies
	WebhookUpdates
	WebhookDuration
	BuildInfo
	NumMetrics
)

// Kind says how a metric is to be read.
type Kind uint8

// A counter only grows; a gauge is a present value; a histogram counts
// durations by size.
const (
	Counter Kind = iota
	Gauge
	Histogram
)

var kindNames = [...]string{"counter", "gauge", "histogram"}

// String returns the kind's name as Prometheus has it.
func (k Kind) String() string { return kindNames[k] }

// Definition declares one metric.
type Definition struct {
	Name        string   // as OTLP has it; Prometheus adds the unit and _total
	Kind        Kind     // decides which of Add, Set and Observe applies
	Unit        string   // UCUM, as OpenTelemetry wants it
	Description string   // what one unit means, for the reader of a dashboard
	Labels      []string // names, in the order in which callers give values
}

// durations are the upper bounds of the histograms' buckets in seconds. They
// reach from a fetch that was waiting in memory to one that times out.
var durations = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// table is the one place where metrics are declared. A role is numbers,
// portfolios or sink. No label may name a number, a contact or a portfolio:
// there can be millions of them, and they are nobody's business here.
var table = [NumMetrics]Definition{
	Records: {
		"sendwatch.records", Counter, "{record}",
		"Records read from the events topic by what became of them; its rate is events per second.",
		[]string{"partition", "class"},
	},
	DroppedKeys: {
		"sendwatch.dropped_keys", Counter, "{event}",
		"Contents, links, media and templates that a number's windows left out because it has numbers.max_keys of them.",
		[]string{"partition"},
	},
	Anomalies: {
		"sendwatch.anomalies", Counter, "{event}",
		"Events that contradict what is known, applied as far as they make sense: a reply or a status of a conversation that is not remembered, an unknown error code, a shared event of a WABA or portfolio without numbers here, a number that moves.",
		[]string{"partition", "kind"},
	},
	LateEvents: {
		"sendwatch.events.late", Counter, "{event}",
		"Sends older than 24 h before the watermark: counted, but not tracked for a reply.",
		[]string{"partition"},
	},
	DeadLetters: {
		"sendwatch.dead_letters", Counter, "{record}",
		"Rejected records written to the dead-letter topic, by reason.",
		[]string{"reason"},
	},
	Unreadable: {
		"sendwatch.unreadable", Counter, "{record}",
		"Records that a role could not read and stepped over; of the events topic (numbers) only those that are not even a batch.",
		[]string{"role", "partition"},
	},
	LostRecords: {
		"sendwatch.lost", Counter, "{record}",
		"Offsets that the topic's retention deleted before a role read them.",
		[]string{"role", "partition"},
	},
	SplitNumbers: {
		"sendwatch.split_numbers", Counter, "{number}",
		"Numbers whose events came on two partitions of the events topic, by the partition of the rows topic that noticed it.",
		[]string{"partition"},
	},
	Flags: {
		"sendwatch.flags", Counter, "{flag}",
		"Transitions of flags, with those that are too large for the flags topic (sendwatch.flags.oversized).",
		[]string{"factor", "level", "transition"},
	},
	OversizedFlags: {
		"sendwatch.flags.oversized", Counter, "{flag}",
		"Transitions that are larger than a broker takes and were left out of the flags topic; ClickHouse has them.",
		[]string{"factor"},
	},
	PolicyChanges: {
		"sendwatch.policy_changes", Counter, "{change}",
		"New policies: applied to a partition, or refused because the file has a mistake (partition is empty).",
		[]string{"partition", "outcome"},
	},
	ClockEvents: {
		"sendwatch.clock_events", Counter, "{event}",
		"Clock events appended to idle partitions.",
		[]string{"partition"},
	},
	CopiedEvents: {
		"sendwatch.copied_events", Counter, "{event}",
		"Shared events copied to a partition of the events topic that lacked them.",
		[]string{"partition"},
	},
	EvaluationLag: {
		"sendwatch.portfolios.lag", Gauge, "s",
		"Event time by which the portfolios' last evaluation is behind the fastest partition of the events topic.",
		[]string{"partition"},
	},
	LagRecords: {
		"sendwatch.lag.records", Gauge, "{record}",
		"Records between the next one to read and the end of the partition, with those that an open transaction holds back.",
		[]string{"role", "partition"},
	},
	LagSeconds: {
		"sendwatch.lag.time", Gauge, "s",
		"Wall clock minus the timestamp of the newest record read; 0 at the end of the partition.",
		[]string{"role", "partition"},
	},
	HeldBackRecords: {
		"sendwatch.held_back", Gauge, "{record}",
		"Records that are in the log and cannot be read yet, because a producer's transaction before them is open; part of the lag.",
		[]string{"role", "partition"},
	},
	Watermark: {
		"sendwatch.watermark", Gauge, "s",
		"Largest event time applied (of portfolios the minute evaluated last), in seconds since the Unix epoch. The present time less this is the lag in event time, also of a partition that has stopped.",
		[]string{"role", "partition"},
	},
	NotReady: {
		"sendwatch.not_ready", Gauge, "",
		"1 while a role is not ready for a reason, which /readyz names too; absent otherwise. The partition is empty if the reason concerns the whole role.",
		[]string{"role", "partition", "reason"},
	},
	Partitions: {
		"sendwatch.partitions", Gauge, "{partition}",
		"Partitions that this process owns.",
		[]string{"role"},
	},
	Rebalances: {
		"sendwatch.rebalances", Counter, "{rebalance}",
		"Generations of the consumer group that this process joined.",
		[]string{"role"},
	},
	StateEntries: {
		"sendwatch.state.entries", Gauge, "{entry}",
		"Entries held in memory, by what they are: numbers, conversations, pending, fingerprints and the like.",
		[]string{"role", "partition", "kind"},
	},
	Checkpoints: {
		"sendwatch.checkpoint.saves", Counter, "{checkpoint}",
		"Checkpoints of a partition's state, by what became of them: saved, failed (tried again later), fenced (the partition has another owner).",
		[]string{"role", "partition", "outcome"},
	},
	CheckpointsDamaged: {
		"sendwatch.checkpoint.damaged", Counter, "{checkpoint}",
		"Checkpoints that were passed over because they are damaged, for the one before.",
		[]string{"role", "partition"},
	},
	CheckpointBytes: {
		"sendwatch.checkpoint.size", Gauge, "By",
		"Size of the newest checkpoint in the store, compressed.",
		[]string{"role", "partition"},
	},
	CheckpointPause: {
		"sendwatch.checkpoint.pause.duration", Histogram, "s",
		"Time for which a partition stood still when its state began to be copied.",
		[]string{"role"},
	},
	CheckpointSave: {
		"sendwatch.checkpoint.save.duration", Histogram, "s",
		"Time to copy, compress and write a checkpoint until it is durable, beside the partition's work.",
		[]string{"role"},
	},
	CheckpointRestore: {
		"sendwatch.checkpoint.restore.duration", Histogram, "s",
		"Time from claiming a partition until its state is that of its newest checkpoint.",
		[]string{"role"},
	},
	FetchDuration: {
		"sendwatch.fetch.duration", Histogram, "s",
		"Time from asking the broker for records until they are in memory.",
		[]string{"role"},
	},
	FetchBytes: {
		"sendwatch.fetch.size", Counter, "By",
		"Bytes fetched from the broker.",
		[]string{"role"},
	},
	ApplyDuration: {
		"sendwatch.apply.duration", Histogram, "s",
		"Time to decode and apply the records of one fetch.",
		[]string{"role"},
	},
	ProduceDuration: {
		"sendwatch.produce.duration", Histogram, "s",
		"Time until the broker has acknowledged the outputs of one flush.",
		[]string{"topic"},
	},
	ProducedRecords: {
		"sendwatch.produced.records", Counter, "{record}",
		"Records written and acknowledged, by topic.",
		[]string{"topic"},
	},
	ProduceErrors: {
		"sendwatch.produce.errors", Counter, "{error}",
		"Writes that failed and were tried again.",
		[]string{"topic"},
	},
	SinkRows: {
		"sendwatch.sink.rows", Counter, "{row}",
		"Rows that ClickHouse has taken, by table.",
		[]string{"table"},
	},
	InsertDuration: {
		"sendwatch.sink.insert.duration", Histogram, "s",
		"Time until ClickHouse has taken the rows gathered for it, all tables together.",
		nil,
	},
	SinkErrors: {
		"sendwatch.sink.errors", Counter, "{error}",
		"Failed inserts; each is tried again with the same rows.",
		nil,
	},
	WebhookBodies: {
		"sendwatch.webhook.bodies", Counter, "{body}",
		"Bodies that the gateway was sent or read from a topic, by provider and by the status of the answer: 200 once all is acknowledged, 401 without a valid signature, 503 while Kafka is away.",
		[]string{"provider", "status"},
	},
	WebhookUpdates: {
		"sendwatch.webhook.updates", Counter, "{update}",
		"Updates in the bodies by what became of them: events, nothing (understood, no event), unknown (kept in the dead letter).",
		[]string{"provider", "field", "outcome"},
	},
	WebhookDuration: {
		"sendwatch.webhook.duration", Histogram, "s",
		"From the first byte of a body to its answer.",
		[]string{"provider"},
	},
	BuildInfo: {
		"sendwatch.build.info", Gauge, "",
		"Always 1; the labels say what runs.",
		[]string{"version", "go"},
	},
}

// Table returns a copy of the table of metrics, in the order of the constants.
func Table() []Definition {
	defs := make([]Definition, NumMetrics)
	for m, d := range table {
		d.Labels = append([]string(nil), d.Labels...)
		defs[m] = d
	}
	return defs
}
