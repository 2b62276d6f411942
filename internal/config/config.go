package config

import (
	"fmt"
	"os"
	"time"

	"sendwatch/internal/event"
)

// Config is the whole of sendwatch.yaml.
type Config struct {
	Roles       []string // what this process does: event.RoleNumbers, event.RolePortfolios, event.RoleSink
	Kafka       Kafka
	ClickHouse  ClickHouse
	Contacts    Contacts
	Policy      Policy
	Numbers     Numbers
	Checkpoints Checkpoints
	Readiness   Readiness
	HTTP        HTTP
	Gateway     Gateway
	Sources     []Source // topics of webhooks' bodies that the gateway reads
	Log         Log
	Telemetry   Telemetry
}

// Kafka says where the topics are and how to get there.
type Kafka struct {
	Brokers  []string // host:port
	ClientID string
	TLS      TLS
	SASL     SASL
	Topics   Topics
	Groups   Groups
	Create   Create
	// MaxBatchMiB bounds what one batch of records may unpack to; what is beyond
	// counts as unreadable. Brokers bound the packed size alone.
	MaxBatchMiB int
	// Session is after how long without a word a process counts as dead, and its
	// partitions go to others. Brokers have bounds of their own, 6 s to 30 min by default.
	Session time.Duration
	// Static is a fixed part of the partitions in place of what a consumer group assigns.
	Static Static
	// Framing is whose schema registry puts a frame in front of events: confluent,
	// apicurio, glue.
	Framing string
}

// Static is which process this is of how many that share the partitions, partition p
// being for the process p modulo Of; Of 0: they share by their consumer groups.
type Static struct {
	Ordinal, Of int
}

// TLS encrypts a connection and checks the server's certificate. A client
// certificate is optional.
type TLS struct {
	Enabled    bool
	CAFile     string // PEM; empty: the system's authorities
	CertFile   string // PEM, with KeyFile
	KeyFile    string
	ServerName string // empty: the host of the address
}

// SASL names the user of the brokers. No mechanism, no SASL.
type SASL struct {
	Mechanism string // plain, scram-sha-256, scram-sha-512
	Username  string
	Password  Secret
}

// Topics are the names of the topics.
type Topics struct {
	Events, Flags, Rows, DeadLetter string
	Gateway                         string // what the gateway remembers of numbers; compacted
}

// Groups are the consumer groups of the roles.
type Groups struct {
	Numbers, Portfolios, Sink string
	Sources                   string // of the gateway; each source adds its topic's name
}

// Create says how `migrate` creates topics that are missing. It never changes
// one that exists.
type Create struct {
	Partitions          int // of each topic; more cannot be added later without losing the history of numbers that move
	ReplicationFactor   int // 0: the brokers' default
	EventsRetention     time.Duration
	FlagsRetention      time.Duration
	RowsRetention       time.Duration
	DeadLetterRetention time.Duration
}

// ClickHouse says where the tables are and how to get there, by the native
// protocol.
type ClickHouse struct {
	Addresses []string // host:port; one is used, the others are for when it fails
	Database  string
	Username  string
	Password  Secret
	TLS       TLS
}

// Contacts holds the secret by which contacts are pseudonymised.
type Contacts struct {
	Secret ContactSecret
}

// Policy says what is held against a sender. A running process looks at File
// again and again and takes a new policy from it without a restart.
type Policy struct {
	File   string // empty: the shipped policy
	Folder string // keeps the policies that were used, by version; all processes share it; empty: none is kept
	Shadow string // a second policy file, which judges beside the first; its flags go to ClickHouse only
}

// Numbers bounds what the numbers role keeps.
type Numbers struct {
	DedupHorizon  time.Duration // how long an event's id is remembered
	PaneSize      int           // records of a partition that one set of rows sums up, a power of two
	LongestOutage time.Duration // `check` wants topics to keep events for 48 h and this long
	// MaxKeys bounds how many contents, links, media or templates of a number are
	// counted in a window at a time; 0: no limit. More are left out and counted.
	MaxKeys int
	// MaxLinks bounds how many links between identifiers of its contacts a number
	// has; 0: no limit. More are left out and counted.
	MaxLinks int
	// SilentAfter is after how long without an event on any partition the process is
	// not ready: producers are away, or write elsewhere; 0: never.
	SilentAfter time.Duration
	// ContactOutcomes has the rows of contact_outcomes written, nearly one a
	// send, which the view hygiene is made of.
	ContactOutcomes bool
	// StatusByChange leaves out rows of number_status in which a reader sees nothing new,
	// for an hour at most.
	StatusByChange bool
}

// Checkpoints keep the state of each partition of the numbers and portfolios roles, so
// that a restart continues there instead of reading the log from its start; an empty
// Store: none.
type Checkpoints struct {
	Store string        // a URL: file:///folder, s3://bucket?region=..., gs://bucket, azblob://container
	Every time.Duration // the least time between two of a partition
	Keep  int           // newest states that are kept, at least 2
}

// Readiness says from when on something counts as a reason for not being ready. The
// reasons and their defaults are in internal/README.md.
type Readiness struct {
	KafkaSilent       time.Duration // Kafka has answered nothing of a partition
	CatchingUp        time.Duration // by which a partition is behind
	HeldBack          time.Duration // an open transaction keeps records from being read
	WatermarkBehind   time.Duration // by which the events of a partition are late
	WaitingForNumbers time.Duration // by which a partition of the events topic is behind another
	SinkBehind        time.Duration // rows have waited to be stored
}

// HTTP is where health, metrics and the API are served; an empty Listen: nowhere.
type HTTP struct {
	Listen string // host:port
}

// Log is how much is logged, and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// Telemetry names this process in metrics and traces; the standard OTEL_
// variables say where these go.
type Telemetry struct {
	ServiceName string
}

// Default returns what holds where the file says nothing.
func Default() Config {
	return Config{
		Roles: []string{event.RoleNumbers, event.RolePortfolios, event.RoleSink},
		Kafka: Kafka{
			Brokers:  []string{"localhost:9092"},
			ClientID: "sendwatch",
			Topics: Topics{
				Events: "sendwatch.events", Flags: "sendwatch.flags",
				Rows: "sendwatch.rows", DeadLetter: "sendwatch.dead-letter", Gateway: "sendwatch.gateway",
			},
			Groups: Groups{Numbers: "sendwatch-numbers", Portfolios: "sendwatch-portfolios", Sink: "sendwatch-sink", Sources: "sendwatch-sources"},
			Create: Create{
				Partitions:          12,
				EventsRetention:     7 * 24 * time.Hour,
				FlagsRetention:      30 * 24 * time.Hour,
				RowsRetention:       30 * 24 * time.Hour,
				DeadLetterRetention: 30 * 24 * time.Hour,
			},
			MaxBatchMiB: 1024, Session: 10 * time.Second, Framing: "confluent",
		},
		ClickHouse:  ClickHouse{Addresses: []string{"localhost:9000"}, Database: "sendwatch", Username: "default"},
		Numbers:     Numbers{DedupHorizon: time.Hour, PaneSize: 1 << 16, LongestOutage: 24 * time.Hour, MaxKeys: 100_000, MaxLinks: 1_000_000, SilentAfter: time.Hour, ContactOutcomes: true},
		Checkpoints: Checkpoints{Every: time.Minute, Keep: 3},
		Readiness: Readiness{
			KafkaSilent: 8 * time.Second, CatchingUp: time.Minute, HeldBack: 5 * time.Second,
			WatermarkBehind: 15 * time.Minute, WaitingForNumbers: 10 * time.Minute, SinkBehind: time.Minute,
		},
		HTTP:      HTTP{Listen: "localhost:8080"},
		Gateway:   Gateway{Listen: "localhost:8090"},
		Log:       Log{Level: "info", Format: "text"},
		Telemetry: Telemetry{ServiceName: "sendwatch"},
	}
}

// Load reads a file, with secrets from the files it names and from the
// process's environment. The error is os.ReadFile's, or names every mistake.
func Load(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w; name a file that can be read with --config", err)
	}
	c, err := Parse(data, os.LookupEnv, os.ReadFile)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
