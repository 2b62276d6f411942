package oracle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
)

// The topics of the pipeline under test.
const (
	topicEvents  = "events"
	topicFlags   = "flags"
	topicRows    = "rows"
	topicLetters = "letters"
)

// patience bounds every wait for the pipeline.
const patience = 2 * time.Minute

// TestPipelineAgrees writes random logs to a broker in batches of random size,
// before and while the numbers and the portfolios role read them in fetches of
// random size. The roles are stopped or killed at random moments and start again, from
// the start of the log or, in half of the runs, from a checkpoint.
// What the topics hold in the end, repeats and all, is compared with the model.
func TestPipelineAgrees(t *testing.T) { agree(t, 12, pipelineDiffers) }

func pipelineDiffers(t *testing.T, lines []string, seed uint64) string {
	t.Helper()
	w := runReference(lines)
	if len(w.records) == 0 {
		return ""
	}
	p := newTestCluster(t, rand.New(rand.NewPCG(seed, 3)))
	defer p.close()
	feed := p.batches(w.records)
	before := len(feed)
	if p.IntN(2) == 0 {
		before = p.IntN(len(feed) + 1)
	}
	if err := p.produce(feed[:before]); err != nil {
		t.Fatal(err)
	}
	fed := make(chan error, 1)
	go func() { fed <- p.produce(feed[before:]) }()
	for range p.IntN(4) {
		p.live(t, &crashPlan{Writer: p.client.NewProducer(), left: p.IntN(25), kill: p.IntN(2) == 0, after: p.IntN(2) == 0, met: make(chan struct{})}, len(w.records))
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	if d := p.finish(t, len(w.records)); d != "" {
		return d
	}
	return p.topicsDiffer(t, w)
}

// testCluster is a broker and what reads and writes it.
type testCluster struct {
	*rand.Rand
	client   *kafka.Client
	theirs   *kgo.Client
	paneBits uint8
	states   *checkpoint.Store // nil: every process begins at the start of the log
	clock    func() time.Time
	close    func()
}

func newTestCluster(t *testing.T, r *rand.Rand) *testCluster {
	t.Helper()
	broker, err := memkafka.Start(memkafka.Config{Topics: []memkafka.Topic{
		{Name: topicEvents, Partitions: 1},
		{Name: topicFlags, Partitions: 1 + r.Int32N(3)},
		{Name: topicRows, Partitions: 1 + r.Int32N(3)},
		{Name: topicLetters, Partitions: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kafka.New(kafka.Config{
		Brokers: broker.Addrs(), MaxWait: 10 * time.Millisecond, MaxBytes: []int{1 << 10, 8 << 10, 1 << 20}[r.IntN(3)],
		Session: 6 * time.Second, Rebalance: 6 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	codec := []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}[r.IntN(3)]
	theirs, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
	if err != nil {
		t.Fatal(err)
	}
	// By a clock that is behind the log no time passes on an idle partition, so
	// that a slow machine adds no events to it.
	var states *checkpoint.Store
	if r.IntN(2) == 0 {
		if states, err = checkpoint.Open(t.Context(), "mem://"); err != nil {
			t.Fatal(err)
		}
	}
	started := time.Now()
	long := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	return &testCluster{
		Rand: r, client: client, theirs: theirs, paneBits: []uint8{3, 6, 16}[r.IntN(3)], states: states,
		clock: func() time.Time { return long.Add(time.Since(started)) },
		close: func() { theirs.Close(); client.Close(); broker.Close() },
	}
}

// batches cuts a log into pieces of random size.
func (p *testCluster) batches(records []record) [][]*kgo.Record {
	var all [][]*kgo.Record
	largest := []int{1, 10, 100, 1000}[p.IntN(4)]
	for i := 0; i < len(records); {
		end := min(len(records), i+1+p.IntN(largest))
		var batch []*kgo.Record
		for ; i < end; i++ {
			r := &kgo.Record{Topic: topicEvents, Value: []byte(records[i].line), Timestamp: time.UnixMilli(records[i].time)}
			if p.IntN(2) == 0 {
				r.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}}
			}
			batch = append(batch, r)
		}
		all = append(all, batch)
	}
	return all
}

func (p *testCluster) produce(batches [][]*kgo.Record) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, b := range batches {
		if err := p.theirs.ProduceSync(ctx, b...).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

// shipped knows every version that a log may name as the shipped policy, by
// which alone the model judges.
type shipped struct{}

func (shipped) First() *policy.Policy               { return policy.Default() }
func (shipped) Newest() *policy.Policy              { return policy.Default() }
func (shipped) Find(string) (*policy.Policy, error) { return policy.Default(), nil }

// roles are one process: fresh objects that begin at the log's start.
type roles struct {
	numbers                       *pipeline.Numbers
	portfolios                    *pipeline.Portfolios
	stopNumbers, stopPortfolios   context.CancelFunc
	numbersEnded, portfoliosEnded chan error
}

func (p *testCluster) start(t *testing.T, writer pipeline.Writer) *roles {
	t.Helper()
	logger, topics := slog.New(slog.DiscardHandler), p.client.NewProducer()
	barrier, most := time.Duration(1+p.IntN(30))*time.Millisecond, []int{1, 20, 500, 50_000}
	var kept *pipeline.Checkpoints
	if p.states != nil {
		kept = &pipeline.Checkpoints{Store: p.states, Every: time.Duration(1+p.IntN(60)) * time.Millisecond}
	}
	r := &roles{
		numbers: pipeline.NewNumbers(pipeline.NumbersConfig{
			Flags: topicFlags, Rows: topicRows, DeadLetter: topicLetters, Writer: writer, Topics: topics, Policies: shipped{},
			PaneBits: p.paneBits, Checkpoints: kept, FlushEvery: barrier, MaxRows: most[p.IntN(4)], Drain: p.client.DrainTime(), Now: p.clock, Logger: logger,
		}),
		portfolios: pipeline.NewPortfolios(pipeline.PortfoliosConfig{
			Events: topicEvents, Flags: topicFlags, Rows: topicRows, Writer: writer, Topics: topics, Policies: shipped{},
			Checkpoints: kept, FlushEvery: barrier, MaxRows: most[p.IntN(4)], Drain: p.client.DrainTime(), Now: p.clock, Logger: logger,
		}),
		numbersEnded: make(chan error, 1), portfoliosEnded: make(chan error, 1),
	}
	begin := func(role, topic string, run func(context.Context, pipeline.Join) error, ended chan error) context.CancelFunc {
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		group := p.client.NewGroup(kafka.GroupConfig{ID: role, Topic: topic})
		go func() {
			ended <- run(ctx, func(ctx context.Context, serve pipeline.Serve) error {
				return group.Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
					return serve(ctx, pipeline.Claim{
						Topic: c.Topic, Partition: c.Partition, Committed: c.Committed, TopicID: c.TopicID, Partitions: c.Partitions, Identity: c.Identity,
					}, c)
				})
			})
		}()
		return cancel
	}
	r.stopNumbers = begin(event.RoleNumbers, topicEvents, r.numbers.Run, r.numbersEnded)
	r.stopPortfolios = begin(event.RolePortfolios, topicRows, r.portfolios.Run, r.portfoliosEnded)
	return r
}

// end stops what still runs and waits for it.
func (r *roles) end(t *testing.T) {
	t.Helper()
	r.stopNumbers()
	r.stopPortfolios()
	for _, ended := range []chan error{r.numbersEnded, r.portfoliosEnded} {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("a role does not end")
		}
	}
}

// crashPlan is a writer with so many writes left. Then the process is asked to stop,
// or dies: whether the last write reached the broker is left open then, and none
// does after it.
type crashPlan struct {
	pipeline.Writer
	mu          sync.Mutex
	left        int
	kill, after bool
	met         chan struct{}
}

var errDead = errors.New("dead")

func (f *crashPlan) Produce(ctx context.Context, topic string, messages []event.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.left == 0
	f.left--
	switch {
	case last:
		close(f.met)
	case f.left < 0 && f.kill:
		return errDead
	}
	if !last || !f.kill {
		return f.Writer.Produce(ctx, topic, messages)
	}
	if !f.after {
		messages = messages[:len(messages)/2]
	}
	return errors.Join(errDead, f.Writer.Produce(ctx, topic, messages))
}

// live runs the roles until the plan crashes them, or nothing is left to do.
func (p *testCluster) live(t *testing.T, f *crashPlan, records int) {
	t.Helper()
	r := p.start(t, f)
	embeddedtest.Eventually(t, patience, "the roles have crashed as planned or read everything", func() bool {
		select {
		case <-f.met:
			return true
		default:
			all := r.numbers.Status()
			return fault(all) != "" || read(all) == int64(records) && r.numbers.CaughtUp()
		}
	})
	r.end(t)
}

// fault says why a partition has stopped, if one has.
func fault(all []pipeline.PartitionStatus) string {
	for _, s := range all {
		if s.State == pipeline.StateStopped {
			return fmt.Sprintf("role %s has stopped: %s", s.Role, s.Error)
		}
	}
	return ""
}

func read(all []pipeline.PartitionStatus) int64 {
	var n int64
	for _, s := range all {
		for _, count := range s.Engine.Records {
			n += count
		}
	}
	return n
}

// finish runs the roles until the whole log has been read and the portfolios
// have taken all that came of it. It says why a partition stopped.
func (p *testCluster) finish(t *testing.T, records int) (problem string) {
	t.Helper()
	r := p.start(t, p.client.NewProducer())
	stopped := func(all []pipeline.PartitionStatus) bool {
		problem = cmp.Or(problem, fault(all))
		return problem != ""
	}
	embeddedtest.Eventually(t, patience, "the log has been read to its end", func() bool {
		return stopped(r.numbers.Status()) || read(r.numbers.Status()) == int64(records) && r.numbers.CaughtUp()
	})
	r.stopNumbers()
	r.numbersEnded <- <-r.numbersEnded // for end
	if problem == "" {
		embeddedtest.Eventually(t, patience, "the portfolios have read all rows", func() bool {
			all := r.portfolios.Status()
			_, ends, err := p.client.Offsets(t.Context(), topicRows) // after the status: a partition that is at its end then is at rest
			return stopped(all) || err == nil && len(all) == len(ends) && !slices.ContainsFunc(all, func(s pipeline.PartitionStatus) bool {
				return s.State != pipeline.StateRunning || s.Next < ends[s.Partition]
			})
		})
	}
	r.end(t)
	return problem
}

// readTopic returns all records of a topic, read by an independent client.
func (p *testCluster) readTopic(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, ends, err := p.client.Offsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var left int64
	from := map[int32]kgo.Offset{}
	for i, end := range ends {
		left += end
		from[int32(i)] = kgo.NewOffset().AtStart()
	}
	p.theirs.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	defer p.theirs.PurgeTopicsFromConsuming(topic)
	var all []*kgo.Record
	for int64(len(all)) < left {
		fetches := p.theirs.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}
