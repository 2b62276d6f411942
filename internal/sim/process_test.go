package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
)

// The topics of a simulated deployment.
const (
	topicEvents  = "events"
	topicFlags   = "flags"
	topicRows    = "rows"
	topicLetters = "letters"
)

// fate is what becomes of an operation: of a request, a step on the store of checkpoints,
// or an insert.
type fate struct {
	err   error         // it does not happen
	lost  bool          // it happens, and the process is not told
	late  time.Duration // it happens so much later, and the process is told that it failed
	after *trigger      // what happens once it has been done
}

// process is one process with all roles. What it does to the world goes through reach, so
// that nothing of it reaches anybody once it is dead.
type process struct {
	world *world
	name  string
	slot  int

	cancel     context.CancelFunc
	ended      chan struct{} // closed when its goroutines are gone
	client     *kafka.Client
	states     *checkpoint.Store
	numbers    *pipeline.Numbers
	portfolios *pipeline.Portfolios
	sink       *pipeline.Sink

	mu      sync.Mutex
	dead    bool
	dying   chan struct{}      // closed when it dies
	resumed chan struct{}      // closed when it goes on; nil while it is not paused
	wires   map[*wire]struct{} // open connections
	counts  map[string]int     // operations, by name
	armed   []*trigger
}

// start starts a process in a slot.
func (w *world) start(slot int) *process {
	w.born++
	p := &process{
		world: w, slot: slot, name: fmt.Sprintf("%c%d", 'A'+slot, w.born), ended: make(chan struct{}), dying: make(chan struct{}),
		wires: map[*wire]struct{}{}, counts: map[string]int{},
	}
	var err error
	if p.client, err = kafka.New(kafka.Config{
		Brokers: w.brokers, ClientID: p.name, MaxWait: w.plan.maxWait, MaxBytes: w.plan.maxBytes, Dial: p.dial,
		Session: w.plan.session, Rebalance: w.plan.rebalance, Refresh: 10 * time.Second, Logger: w.logger(p.name),
	}); err != nil {
		w.t.Fatal(err)
	}
	if p.states, err = checkpoint.OpenFolder(w.folder, p.step); err != nil {
		w.t.Fatal(err)
	}
	p.build()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	w.slots[slot] = p
	w.processes = append(w.processes, p)
	go p.run(ctx)
	return p
}

// build makes the roles, as the command does.
func (p *process) build() {
	w, logger, producer := p.world, p.world.logger(p.name), p.client.NewProducer()
	kept := &pipeline.Checkpoints{Store: p.states, Every: w.plan.saveEvery, Keep: w.plan.keep}
	p.numbers = pipeline.NewNumbers(pipeline.NumbersConfig{
		Flags: topicFlags, Rows: topicRows, DeadLetter: topicLetters, Writer: producer, Topics: producer, Policies: shipped{},
		PaneBits: w.plan.paneBits, Checkpoints: kept, FlushEvery: w.plan.flushEvery, MaxRows: w.plan.maxRows, Drain: p.client.DrainTime(),
		Keeper: p.client.NewNotes(event.RoleNumbers), Now: w.now, Logger: logger,
	})
	p.portfolios = pipeline.NewPortfolios(pipeline.PortfoliosConfig{
		Events: topicEvents, Flags: topicFlags, Rows: topicRows, Writer: producer, Topics: producer, Policies: shipped{},
		Checkpoints: kept, FlushEvery: w.plan.flushEvery, MaxRows: w.plan.maxRows, Drain: p.client.DrainTime(),
		Keeper: p.client.NewNotes(event.RolePortfolios), Now: w.now, Logger: logger,
	})
	p.sink = pipeline.NewSink(pipeline.SinkConfig{
		Store: warehouseOf{p}, Every: w.plan.flushEvery, Drain: p.client.DrainTime(), Retry: 5 * time.Second, Keeper: p.client.NewNotes(event.RoleSink), Now: w.now, Logger: logger,
	})
}

// shipped knows every version that a log may name as the shipped policy, by which alone
// the model judges.
type shipped struct{}

func (shipped) First() *policy.Policy               { return shippedPolicy() }
func (shipped) Newest() *policy.Policy              { return shippedPolicy() }
func (shipped) Find(string) (*policy.Policy, error) { return shippedPolicy(), nil }

// run runs the roles until ctx ends.
func (p *process) run(ctx context.Context) {
	defer close(p.ended)
	var roles sync.WaitGroup
	start := func(name string, run func(context.Context, pipeline.Join) error, watcher interface {
		Joined()
		Failing(error)
	}, config kafka.GroupConfig,
	) {
		config.ID, config.Joined, config.Failing = name, watcher.Joined, watcher.Failing
		group := p.client.NewGroup(config)
		roles.Go(func() {
			err := run(ctx, func(ctx context.Context, serve pipeline.Serve) error {
				return group.Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
					return serve(ctx, pipeline.Claim{
						Topic: c.Topic, Partition: c.Partition, Committed: c.Committed, CommittedTime: c.CommittedTime,
						TopicID: c.TopicID, Partitions: c.Partitions, Identity: c.Identity,
					}, c)
				})
			})
			if err != nil && !p.isDead() {
				p.world.fail("role %s of %s ended: %v", name, p.name, err)
			}
		})
	}
	start(event.RoleNumbers, p.numbers.Run, p.numbers, kafka.GroupConfig{Topic: topicEvents, FixedPartitions: true})
	start(event.RolePortfolios, p.portfolios.Run, p.portfolios, kafka.GroupConfig{Topic: topicRows, FixedPartitions: true})
	start(event.RoleSink, p.sink.Run, p.sink, kafka.GroupConfig{Topic: topicRows})
	roles.Wait()
	p.client.Close()
	_ = p.states.Close()
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// kill ends a process as kill -9 does: from this moment on nothing of it reaches anybody.
func (p *process) kill() {
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return
	}
	p.dead = true
	close(p.dying)
	open := make([]*wire, 0, len(p.wires))
	for c := range p.wires {
		open = append(open, c)
	}
	p.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	p.cancel()
}

// pause stops a process in whatever it is doing with the world, until resume. Its timers
// go on.
func (p *process) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed == nil {
		p.resumed = make(chan struct{})
	}
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
	}
}

// connected notes a new connection, unless the process is dead.
func (p *process) connected(c *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		p.wires[c] = struct{}{}
	}
	return !p.dead
}

func (p *process) disconnected(c *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wires, c)
}

// await returns once the process is not paused, with an error if it is dead then.
func (p *process) await() error {
	for {
		p.mu.Lock()
		dead, resumed := p.dead, p.resumed
		p.mu.Unlock()
		if dead {
			return errDead
		}
		if resumed == nil {
			return nil
		}
		select {
		case <-resumed:
		case <-p.dying:
		}
	}
}

// reach is called before everything that a process does to the world. It says what
// becomes of it.
func (p *process) reach(operation string) fate {
	if err := p.await(); err != nil {
		return fate{err: err}
	}
	p.mu.Lock()
	p.counts[operation]++
	n := p.counts[operation]
	var before, after *trigger
	for i, t := range p.armed {
		if t.operation == operation && !t.met {
			if t.left--; t.left <= 0 {
				t.met = true
				p.armed = append(p.armed[:i:i], p.armed[i+1:]...)
				if before = t; t.after {
					before, after = nil, t
				}
				break
			}
		}
	}
	p.mu.Unlock()
	if before != nil {
		p.act(before)
		if err := p.await(); err != nil {
			return fate{err: err}
		}
	}
	if after != nil {
		return fate{after: after}
	}
	return p.suffer(operation, n)
}

// act does what a trigger is for, unless it is met by an answer that comes when nothing goes wrong
// any more: a pause that began then would be a fault after the last one.
func (p *process) act(t *trigger) {
	if t == nil {
		return
	}
	select {
	case <-p.world.healed:
		return
	default:
	}
	p.world.note("%s: %s", p.name, t)
	t.do(p)
}

// suffer makes the fate of an operation by the seed and by what trouble there is at present.
func (p *process) suffer(operation string, n int) fate {
	w := p.world
	trouble := w.trouble()
	roll := func(what string) uint64 {
		b := strconv.AppendUint(make([]byte, 0, 80), w.plan.seed, 10)
		b = strconv.AppendInt(append(append(b, p.name...), operation...), int64(n), 10)
		h := fnv.New64a()
		_, _ = h.Write(append(b, what...)) // it never fails
		return h.Sum64() >> 3              // the lowest bits of this hash are not the best
	}
	within := func(what string, d time.Duration) time.Duration { return time.Duration(roll(what) % uint64(d+1)) }
	if d := trouble.latency; d > 0 {
		elapse(within("latency", d))
	}
	if err := p.await(); err != nil { // it died meanwhile: nothing of it reaches anybody any more
		return fate{err: err}
	}
	if roll("whether")%1000 >= trouble.of(operation) {
		return fate{}
	}
	switch roll("what") % 5 {
	case 0:
		return fate{err: errRefused}
	case 1, 2:
		return fate{lost: true}
	case 3:
		return fate{late: 1 + within("late", 20*time.Second)}
	default:
		select {
		case <-time.After(within("delay", 15*time.Second)):
		case <-w.healed:
		case <-p.dying:
		}
	}
	if err := p.await(); err != nil {
		return fate{err: err}
	}
	return fate{}
}

// logger returns what a process logs to: nothing, unless it is asked for.
func (w *world) logger(name string) *slog.Logger {
	if !*trace {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})).With("process", name)
}
