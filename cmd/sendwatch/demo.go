package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/policy"
	"sendwatch/internal/server"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/traffic"
)

// demoCmd shows the whole path in one process, on embedded engines and on
// traffic whose flags are known beforehand.
type demoCmd struct {
	Seed         uint64        `default:"1" help:"Which traffic; the same seed gives the same."`
	Numbers      int           `default:"200" help:"How many senders."`
	Days         int           `default:"30" help:"Days of history to play first."`
	For          time.Duration `placeholder:"SPAN" help:"End by itself so long after the history (30s, 5m), with a summary and a status that says whether every flag came."`
	Data         string        `type:"path" placeholder:"DIR" help:"Keep ClickHouse's data in this folder; without it nothing is left behind."`
	HTTP         string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where to serve health, metrics and the API; port 0 takes a free one."`
	NoClickhouse bool          `help:"Run without ClickHouse: flags, but no tables."`
	Partitions   int           `default:"4" help:"Partitions of each topic."`
	Plain        bool          `help:"Plain lines instead of a screen that is redrawn."`
}

// check names every option that cannot be.
func (c *demoCmd) check() error {
	var errs []error
	if c.Numbers < 1 || c.Numbers > 10_000 {
		errs = append(errs, fmt.Errorf("--numbers is %d: give 1 to 10000", c.Numbers))
	}
	if c.Days < 1 || c.Days > 365 {
		errs = append(errs, fmt.Errorf("--days is %d: give 1 to 365", c.Days))
	}
	if c.Partitions < 1 || c.Partitions > 64 {
		errs = append(errs, fmt.Errorf("--partitions is %d: give 1 to 64", c.Partitions))
	}
	if c.For < 0 {
		errs = append(errs, fmt.Errorf("--for is %s: give a duration such as 30s, or none to go on until Ctrl-C", c.For))
	}
	return errors.Join(errs...)
}

// Run plays the demo until --for has passed or ctx ends.
func (c *demoCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // the in-memory Kafka holds the month: memory before speed
	}
	if !c.NoClickhouse {
		if err := closeInput(); err != nil {
			return err
		}
	}
	d := &demo{options: *c, out: os.Stdout, begun: time.Now(), log: &logTail{}}
	if !c.Plain {
		d.painter = newPainter(os.Stdout)
	}
	return d.run(ctx)
}

// closeInput puts the null device in the place of the standard input, which the
// demo does not read. The embedded engine takes a terminal there for somebody to
// talk to and fills the screen with complaints about its threads.
func closeInput() error {
	if err := os.Stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	null, err := os.Open(os.DevNull) // takes the lowest free descriptor, the one just closed
	os.Stdin = null
	return err
}

// demo is one run of it.
type demo struct {
	options demoCmd
	out     io.Writer
	painter *painter // nil writes plain lines
	log     *logTail
	begun   time.Time

	settings  config.Config
	broker    *memkafka.Broker
	client    *kafka.Client
	generator *traffic.Generator
	tables    *clickhouse.Client // nil without ClickHouse
	sources   server.Sources
	feed      *feed
	flags     *flagReader
	ledger    *ledger
	meter     meter
	places    []place
	ending    bool
}

// part is one thing that runs until it is stopped.
type part struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

// parts are stopped one by one in the order that the demo needs. What one
// returns before it was stopped ends the demo.
type parts struct {
	fail    context.CancelCauseFunc
	running []*part
}

func (p *parts) start(ctx context.Context, name string, run func(context.Context) error) *part {
	// Parts outlive the signal: each is stopped when those that need it are.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &part{name: name, cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := run(ctx)
		if err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("%s: %w", name, err))
		}
		one.done <- err
	}()
	p.running = append(p.running, one)
	return one
}

// stop ends a part and waits for it. More calls do nothing.
func (p *part) stop() error {
	if p == nil || p.done == nil {
		return nil
	}
	p.cancel()
	err := <-p.done
	p.done = nil
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// stopAll ends what still runs, the youngest first.
func (p *parts) stopAll() error {
	var errs []error
	for _, one := range slices.Backward(p.running) {
		errs = append(errs, one.stop())
	}
	return errors.Join(errs...)
}

// run starts everything in the order of the data's way, shows it, and stops it
// in the same order, so that what is under way arrives.
func (d *demo) run(ctx context.Context) (err error) {
	signalled := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	all := &parts{fail: fail}
	defer func() {
		err = errors.Join(err, all.stopAll())
		if d.tables != nil {
			err = errors.Join(err, d.tables.Close())
		}
		if d.client != nil {
			d.client.Close()
		}
		if d.broker != nil {
			d.broker.Close()
		}
	}()
	d.settings = d.configuration()
	logger, err := telemetry.NewLogger(d.log, telemetry.Log{Level: "warn"})
	if err != nil {
		return err
	}
	if err := d.startKafka(logger); err != nil {
		return err
	}
	if err := d.startClickHouse(ctx, all, logger); err != nil {
		return cancelled(signalled, err)
	}
	pipeline, err := d.startPipeline(ctx, all, logger)
	if err != nil {
		return cancelled(signalled, err)
	}
	if err := d.startServer(ctx, all, logger); err != nil {
		return err
	}
	d.flags = newFlagReader(d.client, d.settings.Kafka.Topics.Flags, int32(d.options.Partitions), d.ledger)
	flags := all.start(ctx, "flags", d.flags.run)
	feed := all.start(ctx, "traffic", d.feed.run)
	d.meter.start(d.now())

	shown := d.show(ctx)
	if cause := context.Cause(ctx); ctx.Err() != nil && signalled.Err() == nil {
		return cause // a part has failed
	}
	if shown != nil {
		return shown
	}
	// After Ctrl-C what has been read is brought to its end by the roles
	// themselves. A demo that ends by itself waits for all there is, and so does one
	// whose data is kept: the sink ends with the others, before the last rows come.
	judged := signalled.Err() == nil
	stopped := feed.stop()
	if judged || d.options.Data != "" {
		stopped = errors.Join(stopped, d.settle(ctx))
	}
	stopped = errors.Join(stopped, pipeline.stop(), d.flags.catchUp(ctx), flags.stop())
	return errors.Join(stopped, d.summarise(judged))
}

// cancelled hides an error that is only the signal's doing.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// now is the wall clock; the traffic's history ends there.
func (d *demo) now() time.Time { return time.Now() }

// configuration is what a sendwatch.yaml for the demo would say.
func (d *demo) configuration() config.Config {
	c := config.Default()
	c.Roles = []string{config.RoleNumbers, config.RolePortfolios, config.RoleSink}
	if d.options.NoClickhouse {
		c.Roles = c.Roles[:2]
	}
	c.Kafka.Create.Partitions = d.options.Partitions
	c.Kafka.ClientID = "sendwatch-demo"
	c.HTTP.Listen = d.options.HTTP
	return c
}

func (d *demo) startKafka(logger *slog.Logger) error {
	topics := d.settings.Kafka.Topics
	var made []memkafka.Topic
	for _, name := range []string{topics.Events, topics.Flags, topics.Rows, topics.DeadLetter} {
		made = append(made, memkafka.Topic{Name: name, Partitions: int32(d.options.Partitions)})
	}
	var err error
	if d.broker, err = memkafka.Start(memkafka.Config{Topics: made}); err != nil {
		return err
	}
	d.settings.Kafka.Brokers = d.broker.Addrs()
	d.client, err = kafka.New(kafka.Config{
		Brokers: d.broker.Addrs(), ClientID: "sendwatch-demo-traffic", Logger: logger,
		Topics: []string{topics.Events, topics.Flags, topics.Rows},
	})
	if err != nil {
		return err
	}
	d.generator, err = traffic.New(traffic.Config{
		Seed: d.options.Seed, Numbers: d.options.Numbers, Start: d.now().AddDate(0, 0, -d.options.Days),
	})
	if err != nil {
		return err
	}
	d.ledger = newLedger(d.generator.Numbers(), d.generator.Portfolios(), policy.Default())
	producer := d.client.NewProducer()
	d.feed = &feed{
		generator: d.generator, partitions: int32(d.options.Partitions), now: d.now, live: make(chan struct{}),
		produce: func(ctx context.Context, m []event.Message) error { return producer.Produce(ctx, topics.Events, m) },
		full:    d.meter.full,
	}
	d.places = append(d.places, place{"Kafka", strings.Join(d.broker.Addrs(), ","), "in memory, topics of " + counted(d.options.Partitions, "partition")})
	return nil
}

func (d *demo) startClickHouse(ctx context.Context, all *parts, logger *slog.Logger) error {
	if d.options.NoClickhouse {
		d.places = append(d.places, place{"ClickHouse", "-", "switched off"})
		return nil
	}
	dir := ""
	if d.options.Data != "" {
		dir = filepath.Join(d.options.Data, demoClickHouse)
		// Another run's rows have the same numbers at other times: together they say nothing.
		if old, err := os.ReadDir(dir); err == nil && len(old) > 0 {
			return fmt.Errorf("--data: %s holds the data of an earlier demo; read it with `%s sql --data %s`, give another folder, or remove it", dir, self(), d.options.Data)
		}
	}
	engine := chdb.New(chdb.Config{Dir: dir, Report: fetch.Bar(os.Stderr)})
	if err := engine.Open(ctx); err != nil {
		return fmt.Errorf("the embedded ClickHouse: %w", err)
	}
	all.start(ctx, "ClickHouse", engine.Run)
	d.settings.ClickHouse.Addresses = []string{engine.Addr()}
	tables, err := clickhouse.Open(clickhouse.Config{
		Addresses: d.settings.ClickHouse.Addresses, Database: d.settings.ClickHouse.Database, NoCompression: true, Logger: logger,
	})
	if err != nil {
		return err
	}
	d.tables = tables
	if _, err := tables.Migrate(ctx); err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	detail := "native protocol, database " + d.settings.ClickHouse.Database
	if dir != "" {
		detail += ", data in " + dir
	}
	d.places = append(d.places, place{"ClickHouse", engine.Addr(), detail})
	return nil
}

func (d *demo) startServer(ctx context.Context, all *parts, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", d.settings.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("--http: %w; give a free HOST:PORT, or port 0 for any", err)
	}
	all.start(ctx, "HTTP server", func(ctx context.Context) error {
		return server.New(d.sources, logger).Run(ctx, listener)
	})
	d.places = append(d.places, place{"HTTP", "http://" + listener.Addr().String(), "live page, /metrics, /readyz, /api/numbers, /api/flags"})
	return nil
}

// contactKey is the key of the contact hashes. The contacts are invented, so
// that it guards nothing; it follows the seed, so that equal runs write equal rows.
func (d *demo) contactKey() [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "sendwatch demo %d", d.options.Seed))
	return [16]byte(sum[:16])
}

// logTail takes log lines and keeps the newest for the screen, where a line of
// its own would tear the picture.
type logTail struct {
	mu   sync.Mutex
	line string
}

// Write keeps a line.
func (l *logTail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = strings.TrimSpace(string(b))
	return len(b), nil
}

func (l *logTail) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
