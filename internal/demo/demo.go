package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/kafka"
	"sendwatch/internal/server"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/traffic"
)

// Options is what a user may choose.
type Options struct {
	Seed         uint64        // of the traffic; the same seed makes the same events
	Numbers      int           // senders, 1 to 10,000
	Days         int           // of history before live mode, 1 to 365
	For          time.Duration // how long live mode lasts; 0: until the context ends
	Data         string        // folder that keeps ClickHouse's data; empty: nothing is kept
	HTTP         string        // host:port of the page, the API and the metrics
	Webhooks     string        // host:port of the gateway
	NoClickHouse bool          // flags alone, no tables
	Partitions   int           // of each topic, 1 to 64
	Plain        bool          // lines instead of a screen that is redrawn
	Out          io.Writer     // where the screen goes; nil is standard output, which alone may be a terminal
}

// Check returns an error that names every option outside its bounds, by its
// flag on the command line.
func (o *Options) Check() error {
	var errs []error
	if o.Numbers < 1 || o.Numbers > 10_000 {
		errs = append(errs, fmt.Errorf("--numbers is %d: give 1 to 10000", o.Numbers))
	}
	if o.Days < 1 || o.Days > 365 {
		errs = append(errs, fmt.Errorf("--days is %d: give 1 to 365", o.Days))
	}
	if o.Partitions < 1 || o.Partitions > 64 {
		errs = append(errs, fmt.Errorf("--partitions is %d: give 1 to 64", o.Partitions))
	}
	if o.For < 0 {
		errs = append(errs, fmt.Errorf("--for is %s: give a duration such as 30s, or none to run until Ctrl-C", o.For))
	}
	return errors.Join(errs...)
}

// Roles are the connected roles.
type Roles struct {
	Sources server.Sources
	// Webhooks is where the gateway takes bodies, host:port.
	Webhooks string
	// TakeWebhooks lets it take them, which it answers 503 before. It is called once.
	TakeWebhooks func()
	// Run works until its context ends, then drains.
	Run func(context.Context) error
}

// Start connects the roles of a configuration without running them. The secret
// is the key of the contact hashes.
type Start func(settings config.Config, secret [16]byte, logger *slog.Logger) (Roles, error)

// ErrVerdict is returned by Run when a flag that was due did not come, or a
// healthy number was in danger. The summary names each.
var ErrVerdict = errors.New("the flags are not those that the traffic was built for; the lines above name each difference")

// Run plays the demo until Options.For has passed or ctx ends, and prints a
// summary. The verdict is part of the result only if the demo ended by itself.
func Run(ctx context.Context, options Options, start Start) error {
	if err := options.Check(); err != nil {
		return err
	}
	d := &demo{options: options, start: start, out: options.Out, begun: time.Now(), log: &logTail{}}
	if d.out == nil {
		d.out = os.Stdout
		if !options.Plain {
			d.terminal = newTerminal(os.Stdout)
		}
	}
	return d.run(ctx)
}

// demo is one run of it.
type demo struct {
	options  Options
	start    Start
	out      io.Writer
	terminal *terminal // nil writes plain lines
	log      *logTail
	begun    time.Time

	settings     config.Config
	broker       *memkafka.Broker
	client       *kafka.Client
	generator    *traffic.Generator
	tables       *clickhouse.Client // nil without ClickHouse
	sources      server.Sources
	feed         *feed
	flags        *flagReader
	expectations *expectations
	meter        meter
	services     []service
	ending       bool
}

// run starts everything in the order of the data's way, shows it, and stops it
// in the same order, so that what is under way arrives.
func (d *demo) run(ctx context.Context) (err error) {
	signalled := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	all := &tasks{fail: fail}
	defer func() { err = errors.Join(err, all.stopAll(), d.close()) }()
	d.settings = d.configuration()
	logger, err := telemetry.NewLogger(d.log, telemetry.Log{Level: "warn"})
	if err != nil {
		return err
	}
	if err := d.startKafka(logger); err != nil {
		return err
	}
	if err := d.startClickHouse(ctx, all, logger); err != nil {
		return unlessCancelled(signalled, err)
	}
	roles, err := d.start(d.settings, d.contactKey(), logger)
	if err != nil {
		return unlessCancelled(signalled, err)
	}
	d.sources = roles.Sources
	d.services = append(d.services, service{"Webhooks", "http://" + roles.Webhooks, "POST /v1/webhooks/meta, /v1/sends/meta; 503 until the history is played"})
	pipeline := all.start(ctx, "pipeline", roles.Run)
	if err := d.startServer(ctx, all, logger); err != nil {
		return err
	}
	d.flags = newFlagReader(d.client, d.settings.Kafka.Topics.Flags, int32(d.options.Partitions), d.expectations)
	flags := all.start(ctx, "flags", d.flags.run)
	feed := all.start(ctx, "traffic", d.feed.run)
	// A body of now amid the history would move its partition's clock to the end of it.
	all.start(ctx, "webhooks", func(ctx context.Context) error {
		select {
		case <-d.feed.live:
			roles.TakeWebhooks()
		case <-ctx.Done():
		}
		return nil
	})
	d.meter.start(d.now())

	shown := d.show(ctx)
	if cause := context.Cause(ctx); ctx.Err() != nil && signalled.Err() == nil {
		return cause // a task has failed
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
		stopped = errors.Join(stopped, d.drain(ctx))
	}
	stopped = errors.Join(stopped, pipeline.stop(), d.flags.catchUp(ctx), flags.stop())
	return errors.Join(stopped, d.summarise(judged))
}

// close releases the connections and the broker, once nothing runs.
func (d *demo) close() (err error) {
	if d.tables != nil {
		err = d.tables.Close()
	}
	if d.client != nil {
		d.client.Close()
	}
	if d.broker != nil {
		d.broker.Close()
	}
	return err
}

// unlessCancelled returns err unless ctx has ended: then it is only the signal's doing.
func unlessCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// now is the wall clock; the traffic's history ends there.
func (d *demo) now() time.Time { return time.Now() }

// contactKey is the key of the contact hashes. The contacts are invented, so
// that it guards nothing; it follows the seed, so that equal runs write equal rows.
func (d *demo) contactKey() [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "sendwatch demo %d", d.options.Seed))
	return [16]byte(sum[:16])
}

// logTail is a log writer that keeps the newest line for the screen, where a
// line of its own would tear the picture.
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
