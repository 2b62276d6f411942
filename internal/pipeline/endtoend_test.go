package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const (
	partitions = 3
	paneBits   = 9 // small, so that panes close while the test runs
)

func TestEndToEndOnTheEmbeddedBroker(t *testing.T) { endToEnd(t, embeddedtest.Kafka(t).Addrs()) }

func TestEndToEndOnApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	endToEnd(t, []string{embeddedtest.ApacheKafka(t).Addr()})
}

// endToEnd runs the roles over the same kind of log in calm and in trouble: what
// comes out must be what the engine computes directly over the same records.
func endToEnd(t *testing.T, brokers []string) {
	t.Run("in calm", func(t *testing.T) {
		w := newEnv(t, brokers, "calm")
		w.seed(t, 1)
		one := w.start(t, w.client.NewProducer())
		one.finish(t)
		w.compare(t, false)
		if deadLetters := w.read(t, w.topics[3]); len(deadLetters) != len(w.want.deadLetters) {
			t.Errorf("%d dead letters, want %d", len(deadLetters), len(w.want.deadLetters))
		} else {
			w.compareDeadLetters(t, deadLetters)
		}
	})
	t.Run("killed and started again", func(t *testing.T) {
		w := newEnv(t, brokers, "killed")
		w.seed(t, 2)
		for kill := range int64(3) {
			// The process dies in the middle of a write: whether it arrived is not known.
			w.start(t, &dyingWriter{Writer: w.client.NewProducer(), left: 5 + 8*kill, after: kill%2 == 0}).die(t)
		}
		w.start(t, w.client.NewProducer()).finish(t)
		w.compare(t, true)
	})
	t.Run("with a second member that comes and goes", func(t *testing.T) {
		w := newEnv(t, brokers, "members")
		w.seed(t, 3)
		one := w.start(t, w.client.NewProducer())
		embeddedtest.Eventually(t, 30*time.Second, "the first has begun", func() bool { return len(one.numbers.Status()) == partitions })
		two := w.start(t, w.client.NewProducer())
		embeddedtest.Eventually(t, 30*time.Second, "both have partitions", func() bool {
			return len(one.numbers.Status()) > 0 && len(two.numbers.Status()) > 0
		})
		two.stop(t)
		one.finish(t)
		w.compare(t, true)
	})
	t.Run("with a store that fails at first", func(t *testing.T) {
		w := newEnv(t, brokers, "store")
		w.seed(t, 4)
		w.store.refuse.Store(3)
		w.start(t, w.client.NewProducer()).finish(t)
		w.compare(t, false)
		if w.store.refuse.Load() >= 0 {
			t.Error("the store was never asked while it failed")
		}
	})
}

// env is a broker's topics, a log of events, and what must come of it.
type env struct {
	brokers []string
	topics  [4]string // events, flags, rows, dead letters
	client  *kafka.Client
	theirs  *kgo.Client
	store   *memoryStore
	want    expected
	total   int64
}

func newEnv(t *testing.T, brokers []string, name string) *env {
	t.Helper()
	w := &env{brokers: brokers, store: &memoryStore{}}
	w.store.refuse.Store(-1)
	var topics []kafka.Topic
	for i, kind := range []string{"events", "flags", "rows", "dead-letter"} {
		w.topics[i] = "pipeline-" + name + "-" + kind
		// The events are old, and a broker must not delete them for it.
		topics = append(topics, kafka.Topic{Name: w.topics[i], Partitions: partitions, Retention: 20 * 365 * 24 * time.Hour})
	}
	w.client = w.connect(t)
	if _, err := w.client.CreateMissing(bounded(t), topics); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.theirs, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.theirs.Close)
	return w
}

func (w *env) connect(t *testing.T) *kafka.Client {
	t.Helper()
	client, err := kafka.New(kafka.Config{
		Brokers: w.brokers, MaxWait: 20 * time.Millisecond, MaxBytes: 32 << 10,
		Session: 6 * time.Second, Rebalance: 6 * time.Second, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// seed writes a few days of traffic and computes what must come of it.
func (w *env) seed(t *testing.T, seed uint64) {
	t.Helper()
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	g, err := traffic.New(traffic.Config{Seed: seed, Numbers: 20, Start: start, End: start.AddDate(0, 0, 8)})
	if err != nil {
		t.Fatal(err)
	}
	var records []*kgo.Record
	add := func(r *traffic.Record, partition int32) {
		one := &kgo.Record{
			Topic: w.topics[0], Partition: partition, Timestamp: time.UnixMilli(r.Time),
			Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value),
		}
		for _, h := range r.Headers {
			one.Headers = append(one.Headers, kgo.RecordHeader{Key: h.Key, Value: bytes.Clone(h.Value)})
		}
		records = append(records, one)
	}
	for r := new(traffic.Record); g.Next(r); {
		if r.Shared {
			for p := range int32(partitions) {
				add(r, p)
			}
			continue
		}
		add(r, kafka.PartitionOf(r.Key, partitions))
	}
	if err := w.theirs.ProduceSync(bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.total = int64(len(records))
	w.want = compute(w.topics[0], records)
	if len(w.want.flags) < 20 || len(w.want.deadLetters) == 0 {
		t.Fatalf("the traffic has only %d flags and %d dead letters", len(w.want.flags), len(w.want.deadLetters))
	}
}

// process is one run of the roles, as a process would have them.
type process struct {
	env     *env
	numbers *pipeline.Numbers
	cancel  context.CancelFunc
	ended   chan error
}

func (w *env) start(t *testing.T, writer pipeline.Writer) *process {
	t.Helper()
	client := w.connect(t)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	p := &process{env: w, ended: make(chan error, 2)}
	p.numbers = pipeline.NewNumbers(pipeline.NumbersConfig{
		Flags: w.topics[1], Rows: w.topics[2], DeadLetter: w.topics[3], Writer: writer,
		Policy: policy.Default(), PaneBits: paneBits, FlushEvery: 50 * time.Millisecond, MaxRows: 2_000, Drain: client.DrainTime(), Logger: logger,
	})
	sink := pipeline.NewSink(pipeline.SinkConfig{
		Store: w.store, Every: 20 * time.Millisecond, MaxRows: 5_000, Retry: 20 * time.Millisecond, Drain: client.DrainTime(), Logger: logger,
	})
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	t.Cleanup(cancel)
	join := func(topic string) pipeline.Join {
		return func(ctx context.Context, serve pipeline.Serve) error {
			group := client.NewGroup(kafka.GroupConfig{ID: topic, Topic: topic})
			return group.Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
				return serve(ctx, pipeline.Claim{Topic: c.Topic, Partition: c.Partition, Committed: c.Committed, Identity: c.Identity}, c)
			})
		}
	}
	go func() { p.ended <- p.numbers.Run(ctx, join(w.topics[0])) }()
	go func() { p.ended <- sink.Run(ctx, join(w.topics[2])) }()
	return p
}

// stop drains and ends the process.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cancel()
	for range 2 {
		if err := <-p.ended; err != nil {
			t.Error(err)
		}
	}
}

// finish waits until the whole log has been read and its rows are stored.
func (p *process) finish(t *testing.T) {
	t.Helper()
	embeddedtest.Eventually(t, 2*time.Minute, "the log has been read to its end", func() bool {
		var read int64
		for _, s := range p.numbers.Status() {
			if s.State == pipeline.StateStopped {
				t.Fatal(s.Error)
			}
			read += s.Engine.Records[0] + s.Engine.Records[1] + s.Engine.Records[2] + s.Engine.Records[3]
		}
		return read == p.env.total && p.numbers.CaughtUp()
	})
	embeddedtest.Eventually(t, time.Minute, "all rows are stored", func() bool { return p.env.store.count() >= len(p.env.want.rows) })
	p.stop(t)
}

// die waits until the writer has failed for good and drops everything.
func (p *process) die(t *testing.T) {
	t.Helper()
	embeddedtest.Eventually(t, time.Minute, "the process has died", func() bool {
		for _, s := range p.numbers.Status() {
			if s.State == pipeline.StateStopped {
				return true
			}
		}
		return false
	})
	p.stop(t)
}

// dyingWriter is a writer that dies after some writes, before or after the last one
// has reached the broker.
type dyingWriter struct {
	pipeline.Writer
	mu    sync.Mutex
	left  int64
	after bool
}

var errDead = errors.New("dead")

func (m *dyingWriter) Produce(ctx context.Context, topic string, messages []event.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--
	if m.left < 0 {
		return errDead
	}
	if m.left == 0 && !m.after {
		messages = messages[:len(messages)/2]
	}
	if err := m.Writer.Produce(ctx, topic, messages); err != nil || m.left == 0 {
		return errors.Join(errDead, err)
	}
	return nil
}

// memoryStore is a store that keeps, of rows with equal keys, the one with the
// largest version, as ClickHouse does.
type memoryStore struct {
	refuse atomic.Int64 // so many writes fail; -1 and below none
	mu     sync.Mutex
	rows   map[string]versioned
}

type versioned struct {
	version int64
	json    string
}

func (m *memoryStore) Write(_ context.Context, out *event.Output) error {
	if m.refuse.Load() >= 0 && m.refuse.Add(-1) >= 0 {
		return errors.New("the store is away")
	}
	var all event.Output
	all.Append(out)
	if err := codec.ReadBlocks(&all); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[string]versioned{}
	}
	keep(m.rows, &all)
	return nil
}

func (m *memoryStore) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

// keep puts rows into a map as a reader of the tables would see them.
func keep(rows map[string]versioned, out *event.Output) {
	put := func(key string, version int64, json []byte) {
		if before, ok := rows[key]; !ok || version >= before.version {
			rows[key] = versioned{version, string(json)}
		}
	}
	for i := range out.NumberMinutes {
		r := &out.NumberMinutes[i]
		put(fmt.Sprint("minute ", r.NumberID, r.Minute, r.Partition, r.Pane.Pane), r.Version, codec.AppendNumberMinuteJSON(nil, r))
	}
	for i := range out.FingerprintHours {
		r := &out.FingerprintHours[i]
		put(fmt.Sprint("hour ", r.NumberID, r.Fingerprint, r.Hour, r.Partition, r.Pane.Pane), r.Version, codec.AppendFingerprintHourJSON(nil, r))
	}
	for i := range out.NumberStatuses {
		r := &out.NumberStatuses[i]
		put(fmt.Sprint("status ", r.NumberID, r.Minute, r.Partition), r.Version, codec.AppendNumberStatusJSON(nil, r))
	}
	for i := range out.ContactOutcomes {
		r := &out.ContactOutcomes[i]
		put(fmt.Sprint("contact ", r.NumberID, r.Contact, r.Partition, r.Pane.Pane), r.Version, codec.AppendContactOutcomeJSON(nil, r))
	}
	for i := range out.AccountEvents {
		r := &out.AccountEvents[i]
		put(fmt.Sprint("account ", r.NumberID, r.Partition, r.Offset), 0, codec.AppendAccountEventJSON(nil, r))
	}
	for i := range out.Flags {
		f := out.Flags[i]
		f.EmittedAt = 0
		put(fmt.Sprint("flag ", f.FlagID, f.Sequence), 0, codec.AppendFlag(nil, &f))
	}
}

// expected is what the engine computes directly.
type expected struct {
	flags       []string // without the time of sending, by partition and then in order
	rows        map[string]versioned
	deadLetters map[string]event.DeadLetter // by position
}

// compute runs the decoder and the engine over the records, without a pipeline.
func compute(topic string, records []*kgo.Record) expected {
	out := expected{rows: map[string]versioned{}, deadLetters: map[string]event.DeadLetter{}}
	shipped := policy.Default()
	for partition := range int32(partitions) {
		decoder := codec.NewDecoder(codec.Config{StopWords: shipped.StopWords, ResumeWords: shipped.ResumeWords})
		e := engine.New(engine.Config{Topic: topic, Partition: partition, Policy: shipped, PaneBits: paneBits})
		var ev event.Event
		var all event.Output
		for _, r := range records {
			if r.Partition != partition {
				continue
			}
			content := codec.ContentUnknown
			for _, h := range r.Headers {
				if h.Key == codec.ContentTypeHeader {
					content = codec.ParseContentType(h.Value)
				}
			}
			at := r.Timestamp.UnixMilli()
			if err := decoder.Decode(&ev, r.Value, content, at); err != nil {
				e.Skip(event.ClassRejected, r.Offset, at, &all)
				position := event.Position{Topic: topic, Partition: partition, Offset: r.Offset}
				out.deadLetters[fmt.Sprint(partition, "/", r.Offset)] = codec.NewDeadLetter(position, at, r.Key, r.Value, err)
				continue
			}
			e.Apply(&ev, r.Offset, at, &all)
		}
		e.Flush(&all)
		for i := range all.Flags {
			out.flags = append(out.flags, string(codec.AppendFlag(nil, &all.Flags[i])))
		}
		keep(out.rows, &all)
	}
	return out
}

// read returns a topic's records, read by an independent client.
func (w *env) read(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	ctx := bounded(t)
	_, ends, err := w.client.Offsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var left int64
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		left += end
		from[int32(p)] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var out []*kgo.Record
	for int64(len(out)) < left {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { out = append(out, r) })
	}
	return out
}

// judge compares the flags topic and the stored rows with what was expected.
// Where flags may come again, a repeat must be the same bytes, and the first
// comings must be in order.
func (w *env) compare(t *testing.T, repeats bool) {
	t.Helper()
	var got []string
	seen := map[string]string{}
	for _, r := range w.read(t, w.topics[1]) {
		id, flag := withoutSending(t, r.Value)
		if before, ok := seen[id]; ok {
			if !repeats {
				t.Errorf("flag %s came twice", id)
			}
			if before != flag {
				t.Errorf("flag %s came again, and differs:\n%s\n%s", id, before, flag)
			}
			continue
		}
		seen[id] = flag
		got = append(got, flag)
	}
	if diff := cmp.Diff(bySubject(t, w.want.flags), bySubject(t, got)); diff != "" {
		t.Errorf("flags (-want +got):\n%.4000s", diff)
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for key, want := range w.want.rows {
		if got := w.store.rows[key]; got.json != want.json {
			t.Fatalf("row %s of version %d is of version %d:\nwant %s\n got %s", key, want.version, got.version, want.json, got.json)
		}
	}
	if len(w.store.rows) != len(w.want.rows) {
		t.Errorf("%d rows, want %d", len(w.store.rows), len(w.want.rows))
	}
}

// withoutSending returns a flag's identity and its JSON as if it had never been sent.
func withoutSending(t *testing.T, value []byte) (id, flag string) {
	t.Helper()
	var f struct {
		FlagID    string `json:"flag_id"`
		Sequence  int64  `json:"sequence"`
		EmittedAt *int64 `json:"emitted_at"`
	}
	if err := json.Unmarshal(value, &f); err != nil {
		t.Fatalf("%v: %s", err, value)
	}
	if f.EmittedAt == nil || *f.EmittedAt == 0 {
		t.Fatalf("a flag does not say when it was sent: %s", value)
	}
	sent := fmt.Appendf(nil, `"emitted_at":%d`, *f.EmittedAt)
	unsent := bytes.Replace(value, sent, []byte(`"emitted_at":0`), 1)
	return fmt.Sprint(f.FlagID, "/", f.Sequence), string(unsent)
}

// bySubject groups flags by what they speak of; only there they have an order.
func bySubject(t *testing.T, flags []string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, f := range flags {
		var subject struct {
			Number    string `json:"number_id"`
			Portfolio string `json:"portfolio_id"`
		}
		if err := json.Unmarshal([]byte(f), &subject); err != nil {
			t.Fatal(err)
		}
		key := subject.Number
		if key == "" {
			key = subject.Portfolio
		}
		out[key] = append(out[key], f)
	}
	return out
}

// compareDeadLetters compares dead letters: original bytes, reason and position.
func (w *env) compareDeadLetters(t *testing.T, deadLetters []*kgo.Record) {
	t.Helper()
	for _, r := range deadLetters {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		at := headers[codec.HeaderPartition] + "/" + headers[codec.HeaderOffset]
		want, ok := w.want.deadLetters[at]
		if !ok || want.Reason != headers[codec.HeaderReason] || !bytes.Equal(want.Value, r.Value) || !bytes.Equal(want.Key, r.Key) {
			t.Errorf("dead letter of %s: reason %q, want %q; value %.60q", at, headers[codec.HeaderReason], want.Reason, r.Value)
		}
	}
}
