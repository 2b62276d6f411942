package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/codec"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/oracle"
	"sendwatch/internal/oracle/randlog"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
	"sendwatch/internal/sqlprint"
)

// The whole way, on real parts: events into Kafka, flags read back from the
// topic by an independent client and held against the naive model over the same
// events, rows read back by SQL and held against the engine over the whole log.
// In between the process is stopped and started again.

func TestWholeWayOnTheEmbeddedBroker(t *testing.T) {
	wholeWay(t, embeddedtest.Kafka(t).Addrs(), 11, "")
}

// With checkpoints the second process neither reads nor writes anything again, and what
// the first has read may be gone from the topics.
func TestWholeWayFromCheckpoints(t *testing.T) {
	wholeWay(t, embeddedtest.Kafka(t).Addrs(), 13, "file://"+t.TempDir())
}

func TestWholeWayOnApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	wholeWay(t, []string{embeddedtest.ApacheKafka(t).Addr()}, 12, "file://"+t.TempDir())
}

func wholeWay(t *testing.T, brokers []string, seed uint64, checkpoints string) {
	address, database := embeddedtest.ClickHouse(t)
	cfg := config.Default()
	cfg.Kafka.Brokers = brokers
	cfg.Kafka.Create.Partitions = 2
	cfg.Kafka.Create.EventsRetention = 20 * 365 * 24 * time.Hour // the log is old
	cfg.ClickHouse.Addresses, cfg.ClickHouse.Database = []string{address}, database
	cfg.HTTP.Listen = ""
	cfg.Numbers.PaneSize = 64
	cfg.Checkpoints.Store = checkpoints
	// The log's records carry the time of their events, which says how long ids are
	// remembered: broker time would make repeats of a day later into duplicates.
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	producerTime := topics(cfg)[:1]
	producerTime[0].BrokerTime = false
	if made, err := client.CreateMissing(t.Context(), producerTime); err != nil || len(made) != 1 || made[0] != cfg.Kafka.Topics.Events {
		t.Fatalf("made %v, %v", made, err)
	}
	for _, f := range []func(context.Context, io.Writer, config.Config) error{migrateKafka, migrateClickHouse} {
		if err := f(t.Context(), io.Discard, cfg); err != nil {
			t.Fatal(err)
		}
	}

	keepOldRows(t, cfg)

	// Partition 1 has the log; on partition 0 come only copies of shared events.
	lines := slices.DeleteFunc(randlog.Log(seed), func(line string) bool {
		return strings.Contains(line, `"policy"`) // of versions that nobody has
	})
	records := make([]*kgo.Record, 0, len(lines))
	recordTime := int64(1_780_000_000_000)
	for _, line := range lines {
		if at, ok := codec.RecordTime([]byte(line)); ok {
			recordTime = at
		} else if at, ok := codec.Time([]byte(line)); ok {
			recordTime = at
		}
		records = append(records, &kgo.Record{
			Topic: cfg.Kafka.Topics.Events, Partition: 1, Value: []byte(line), Timestamp: time.UnixMilli(recordTime),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}},
		})
	}
	writer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	half := len(records) / 2
	write := func(records []*kgo.Record) {
		if err := writer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	write(records[:half])
	runUntilRead(t, cfg, int64(half))
	if checkpoints != "" {
		runUntilRead(t, cfg, int64(half)) // what the drain above wrote, the portfolios read now
		forget(t, writer, cfg.Kafka.Topics.Events, cfg.Kafka.Groups.Numbers)
		forget(t, writer, cfg.Kafka.Topics.Rows, cfg.Kafka.Groups.Portfolios)
	}
	write(records[half:])
	tables := runUntilRead(t, cfg, int64(len(records)))
	want := judge(t, records)

	var flags, ofPortfolios []string
	seen := map[string]bool{}
	for _, value := range readAll(t, brokers, cfg.Kafka.Topics.Flags) {
		var f flagLineOfTopic
		if err := json.Unmarshal(value, &f); err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		// Without checkpoints the second run began at the log's start and sent the first
		// half's again.
		id := fmt.Sprint(f.FlagID, "/", f.Sequence)
		if seen[id] {
			if checkpoints != "" {
				t.Errorf("flag %s was written twice", id)
			}
			continue
		}
		seen[id] = true
		if f.Subject == "portfolio" {
			ofPortfolios = append(ofPortfolios, fmt.Sprintln(f.PortfolioID, f.Factor, f.Transition, f.Level, f.EventTime))
		} else {
			flags = append(flags, fmt.Sprintln(f.NumberID, f.Factor, f.Key, f.Transition, f.Level, f.EventTime, f.Score, f.Position.Offset))
		}
	}
	// The topic keeps the order of a number, not of all of them.
	byNumber := func(a, b string) int {
		return cmp.Compare(a[:strings.IndexByte(a, ' ')], b[:strings.IndexByte(b, ' ')])
	}
	slices.SortStableFunc(flags, byNumber)
	slices.SortStableFunc(want.flags, byNumber)
	if d := diff.Diff(want.flags, flags); d != "" || len(flags) == 0 {
		t.Errorf("%d flags (-want +got):\n%.4000s", len(flags), d)
	}
	slices.SortStableFunc(ofPortfolios, byNumber)
	slices.SortStableFunc(want.ofPortfolios, byNumber)
	if d := diff.Diff(want.ofPortfolios, ofPortfolios); d != "" || len(ofPortfolios) == 0 {
		t.Errorf("%d flags of portfolios (-want +got):\n%.4000s", len(ofPortfolios), d)
	}
	stored := ask(t, tables, "SELECT count() AS n FROM (SELECT DISTINCT flag_id, sequence FROM flags)")
	if len(stored) != 1 || stored[0]["n"] != float64(len(seen)) {
		t.Errorf("the table holds %v flags, the topic %d", stored, len(seen))
	}

	hours := ask(t, tables, "SELECT * REPLACE (toUnixTimestamp64Milli(hour) AS hour) FROM hourly ORDER BY number_id, hour")
	if len(hours) != len(want.hours) {
		t.Errorf("%d hours, want %d", len(hours), len(want.hours))
	}
	for _, got := range hours {
		key := fmt.Sprintf("%v %.0f", got["number_id"], got["hour"])
		for _, column := range countColumns() {
			if want := want.hours[key][column]; got[column] != want {
				t.Errorf("%s: %s is %v, want %v", key, column, got[column], want)
			}
		}
	}

	numbers := ask(t, tables, "SELECT * REPLACE (toUnixTimestamp64Milli(clock) AS clock, toUnixTimestamp64Milli(wake) AS wake, toUnixTimestamp64Milli(linked) AS linked) FROM numbers ORDER BY number_id")
	sameAsExpected(t, want.numbers, numbers, "number_id")
	sameAsExpected(t, want.portfolios, ask(t, tables, "SELECT * FROM portfolios ORDER BY portfolio_id"), "portfolio_id")
}

// forget deletes the records of a topic that a group is done with.
func forget(t *testing.T, client *kgo.Client, topic, group string) {
	t.Helper()
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = group
	done, err := fetch.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 10_000
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	for _, of := range done.Topics {
		for _, p := range of.Partitions {
			if of.Topic == topic && p.Offset > 0 {
				part := kmsg.NewDeleteRecordsRequestTopicPartition()
				part.Partition, part.Offset = p.Partition, p.Offset
				one.Partitions = append(one.Partitions, part)
			}
		}
	}
	if len(one.Partitions) == 0 {
		t.Fatalf("group %s has committed nothing of %s", group, topic)
	}
	request.Topics = append(request.Topics, one)
	for _, shard := range client.RequestSharded(t.Context(), request) {
		if shard.Err != nil {
			t.Fatal(shard.Err)
		}
		for _, of := range shard.Resp.(*kmsg.DeleteRecordsResponse).Topics {
			for _, p := range of.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// sameAsExpected compares the rows of a view with those of the engine, in order.
func sameAsExpected(t *testing.T, want []map[string]any, got []map[string]any, id string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows by %s, want %d", len(got), id, len(want))
	}
	for i, got := range got {
		for fact, value := range want[i] {
			// A row has the clock at which something changed, the engine that of now.
			if fact != "clock" && !alike(value, got[fact]) {
				t.Errorf("%v: %s is %v, want %v", got[id], fact, got[fact], value)
			}
		}
	}
}

// flagLineOfTopic is what is compared of a flag.
type flagLineOfTopic struct {
	FlagID      string `json:"flag_id"`
	Sequence    int64  `json:"sequence"`
	Subject     string `json:"subject"`
	NumberID    string `json:"number_id"`
	PortfolioID string `json:"portfolio_id"`
	Factor      string `json:"factor"`
	Key         string `json:"key"`
	Transition  string `json:"transition"`
	Level       string `json:"level"`
	EventTime   int64  `json:"event_time"`
	Score       int    `json:"score"`
	Position    struct {
		Offset int64 `json:"offset"`
	} `json:"position"`
}

// countColumns are the columns of hourly that add up from minutes.
func countColumns() []string {
	return []string{
		"sent", "initiated", "held", "late", "delivered", "read", "received", "answered", "unanswered", "withdrawn", "blocks", "reports", "stops",
		"sent_after_stop", "templates_sent", "failed_account", "failed_reputation", "failed_contact", "failed_fatigue", "failed_pace", "failed_window",
		"failed_neutral", "failed_operational", "group_messages",
	}
}

// alike compares a value of the engine with one that came from ClickHouse.
func alike(want, got any) bool {
	switch w := want.(type) {
	case nil:
		return got == nil
	case bool:
		return got == w
	case map[string]any: // silent: a list of "factor: reason" in ClickHouse
		list, ok := got.([]any)
		for _, one := range list {
			text, _ := one.(string)
			factor, reason, _ := strings.Cut(text, ": ")
			ok = ok && w[factor] == reason
		}
		return ok && len(list) == len(w)
	case string:
		return got == w
	case float64:
		g, ok := got.(float64)
		return ok && math.Abs(g-w) <= 1e-12*math.Abs(w)
	}
	return false
}

// ask runs a query and returns its rows.
func ask(t *testing.T, tables *clickhouse.Client, query string) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	if _, err := tables.Query(t.Context(), query, sqlprint.New(&out, sqlprint.FormatJSON)); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// readAll returns the values of a topic, read by an independent client.
func readAll(t *testing.T, brokers []string, topic string) [][]byte {
	t.Helper()
	client, err := kafka.New(kafka.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, ends, err := client.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var left int64
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		left += end
		from[int32(p)] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var values [][]byte
	for int64(len(values)) < left {
		fetches := reader.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, r.Value) })
	}
	return values
}

// keepOldRows lets the tables keep a log that is older than what they keep by default.
func keepOldRows(t *testing.T, cfg config.Config) {
	t.Helper()
	tables, err := clickhouse.Open(clickHouseConfig(cfg.ClickHouse, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"number_minutes", "fingerprint_hours", "number_status", "portfolio_status", "flags"} {
		if _, err := tables.Query(t.Context(), "ALTER TABLE "+table+" REMOVE TTL", sqlprint.New(io.Discard, sqlprint.FormatJSON)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tables.Close(); err != nil {
		t.Error(err)
	}
}

// stored reports whether a sink has read its topic to the end and stored what it read.
func stored(sink *pipeline.Sink) bool {
	return sink.CaughtUp() && !slices.ContainsFunc(sink.Status(), func(s pipeline.PartitionStatus) bool { return !s.PendingSince.IsZero() })
}

// runUntilRead runs the roles until the log has been read and its rows are
// stored, then drains them. It returns a client for the tables.
func runUntilRead(t *testing.T, cfg config.Config, records int64) *clickhouse.Client {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	roles, err := newPipelines(runOptions{settings: cfg, policy: policy.Default(), logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- roles.run(ctx) }()
	embeddedtest.Eventually(t, time.Minute, "all records are read and all rows stored", func() bool {
		status, err := roles.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var read, watermark int64
		behind := !roles.numbers.CaughtUp() || !roles.portfolios.CaughtUp() || !stored(roles.sink)
		for _, p := range status.Partitions {
			behind = behind || p.Lag == nil || *p.Lag > 0
			if p.Role == event.RoleNumbers && p.Partition == 1 {
				watermark = p.Watermark
				for _, n := range p.Records {
					read += n
				}
			}
			if p.Role == event.RolePortfolios && p.Entries["portfolios"] > 0 {
				behind = behind || p.Watermark < watermark/60_000*60_000
			}
			if p.Error != "" {
				t.Fatal(p.Error)
			}
		}
		return read == records && !behind
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := roles.close(); err != nil {
		t.Error(err)
	}
	// What the last barrier wrote while draining is stored by a sink that starts
	// after it.
	sink := cfg
	sink.Roles = []string{event.RoleSink}
	roles, err = newPipelines(runOptions{settings: sink, policy: policy.Default(), logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	go func() { done <- roles.run(ctx) }()
	embeddedtest.Eventually(t, time.Minute, "the rest of the rows is stored", func() bool { return stored(roles.sink) })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = roles.close() }) // only read from here on
	return roles.tables
}

// expected is what a log has to give: flags by the naive model, rows by the
// engine over the whole log at once, which the model's own tests hold to it.
type expected struct {
	flags, ofPortfolios []string
	hours               map[string]map[string]float64 // by number and hour, then column
	numbers, portfolios []map[string]any              // by id
}

func judge(t *testing.T, records []*kgo.Record) expected {
	t.Helper()
	model, shipped := oracle.New(time.Hour.Milliseconds()), policy.Default()
	whole := engine.New(engine.Config{Policy: shipped, PaneBits: engine.WholeLog, FinalStatusOnly: true, Portfolios: true})
	var rows event.Output
	for i, r := range records {
		// The model keeps its events, so that each is decoded by a decoder of its own.
		decoder := codec.NewDecoder(codec.Config{StopWords: shipped.StopWords, ResumeWords: shipped.ResumeWords})
		ev, at := new(event.Event), r.Timestamp.UnixMilli()
		if err := decoder.Decode(ev, r.Value, codec.ContentJSON, at); err != nil {
			model.Skip(int64(i), at)
			whole.Skip(event.ClassRejected, int64(i), at, &rows)
			continue
		}
		model.Apply(ev, int64(i), at)
		whole.Apply(ev, int64(i), at, &rows)
	}
	rows.Reset()
	whole.Statuses(&rows)
	whole.PortfolioStatuses(&rows)
	whole.Flush(&rows)
	out := expected{
		hours:   map[string]map[string]float64{},
		numbers: parse(t, rows.NumberStatuses, codec.AppendNumberStatusJSON), portfolios: parse(t, rows.PortfolioStatus, codec.AppendPortfolioStatusJSON),
	}
	for _, f := range model.Flags {
		if f["subject"] == "number" {
			out.flags = append(out.flags, fmt.Sprintln(f["id"], f["factor"], f["key"], f["transition"], f["level"], f["event_time"], f["score"], f["offset"]))
		} else {
			out.ofPortfolios = append(out.ofPortfolios, fmt.Sprintln(f["id"], f["factor"], f["transition"], f["level"], f["event_time"]))
		}
	}
	for _, m := range parse(t, rows.NumberMinutes, codec.AppendNumberMinuteJSON) {
		const hour = 3_600_000
		key := fmt.Sprintf("%v %d", m["number_id"], int64(m["minute"].(float64))/hour*hour)
		if out.hours[key] == nil {
			out.hours[key] = map[string]float64{}
		}
		for _, column := range countColumns() {
			n, _ := m[column].(float64)
			out.hours[key][column] += n
		}
	}
	return out
}

// parse returns rows as they stand in the files of a replay.
func parse[R any](t *testing.T, rows []R, write func([]byte, *R) []byte) []map[string]any {
	t.Helper()
	list := make([]map[string]any, len(rows))
	for i := range rows {
		if err := json.Unmarshal(write(nil, &rows[i]), &list[i]); err != nil {
			t.Fatal(err)
		}
		delete(list[i], "top") // two columns in the table
	}
	return list
}

// TestShadowIsNamed says at start which shadow policy is in force, and that a change
// of its file waits for the next start.
func TestShadowIsNamed(t *testing.T) {
	cfg := config.Default()
	cfg.Roles = []string{event.RolePortfolios}
	cfg.Policy.Shadow = "../../schemas/policy/tuned.yaml"
	var log bytes.Buffer
	o := runOptions{settings: cfg, logger: slog.New(slog.NewTextHandler(&log, nil))}
	if err := o.loadPolicies(cfg); err != nil {
		t.Fatal(err)
	}
	if o.shadow == nil || !strings.Contains(log.String(), "not watched") || !strings.Contains(log.String(), o.shadow.Version) {
		t.Errorf("the log says %q", log.String())
	}
}
