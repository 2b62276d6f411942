package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendwatch/internal/embedded/fetch"
)

// log is a topic that was filled.
type log struct {
	name   string // for people
	topic  string
	events int
	size   int    // mean bytes of a value
	truth  *truth // nil: nothing to compare with
}

// system is one that is measured on a log.
type system struct {
	name string
	log  *log
	run  func(context.Context) (*measured, error)
	runs []*measured
	// base is the system that this one is a multiple of, nil for none.
	base *system
}

// measure fills the logs and runs all systems, turn by turn, so that what else the machine does
// meets all of them.
func measure(ctx context.Context, o *options) error {
	list, err := systems(ctx, o)
	if err != nil {
		return err
	}
	for i := range o.runs {
		if err := turn(ctx, list, i); err != nil {
			if ctx.Err() == nil || i == 0 {
				return err
			}
			for _, s := range list { // interrupted: whole turns count
				s.runs = s.runs[:i]
			}
			break
		}
	}
	printTable(list)
	if o.plot != "" {
		return os.WriteFile(o.plot, plot(list), 0o644)
	}
	return nil
}

// turn runs each system once.
func turn(ctx context.Context, list []*system, i int) error {
	for _, s := range list {
		m, err := s.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.runs = append(s.runs, m)
		fmt.Fprintf(os.Stderr, "run %d: %s: %.0f ns an event, %.0f as a whole; %.1f s; %d MB; load %s\n",
			i+1, s.name, m.steady(), m.whole(), m.done.wall.Seconds(), m.rss/1e6, load())
	}
	return nil
}

// systems fills the logs that the wanted systems read.
func systems(ctx context.Context, o *options) ([]*system, error) {
	sends := &log{name: "sends", topic: "sends", events: o.events}
	packed := &log{name: "sends, Protobuf", topic: "sends-protobuf", events: o.events}
	demo := &log{name: "demo", topic: "demo", events: o.events}
	list := slices.DeleteFunc(allSystems(o, sends, packed, demo), func(s *system) bool { return !o.wanted(s.name) })
	needed := map[*log]bool{}
	for _, s := range list {
		needed[s.log] = true
		if s.base != nil && !slices.Contains(list, s.base) {
			s.base = nil
		}
	}
	for _, l := range []*log{sends, packed, demo} {
		if !needed[l] {
			continue
		}
		start := time.Now()
		var err error
		if l == demo {
			l.size, err = fillDemo(ctx, o.brokers, l.topic, o)
		} else {
			l.truth, l.size, err = fillPeers(ctx, o.brokers, l.topic, o, l == packed)
		}
		if err != nil {
			return nil, fmt.Errorf("fill topic %s: %w", l.topic, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %d records of %d bytes written in %.0f s\n", l.name, l.events, l.size, time.Since(start).Seconds())
		if l.truth != nil {
			fmt.Fprintf(os.Stderr, "%s: the log says %+v\n", l.name, l.truth.answer)
		}
	}
	return list, nil
}

// allSystems are those that can be measured.
func allSystems(o *options, sends, packed, demo *log) []*system {
	var list []*system
	add := func(name string, l *log, base *system, run func(context.Context) (*measured, error)) *system {
		s := &system{name: name, log: l, run: run, base: base}
		list = append(list, s)
		return s
	}
	own := func(as string, l *log) func(context.Context) (*measured, error) {
		return func(ctx context.Context) (*measured, error) { return runOwn(ctx, o, as, l) }
	}
	ours := func(p product, l *log) func(context.Context) (*measured, error) {
		return func(ctx context.Context) (*measured, error) { return runSendwatch(ctx, o, p, l) }
	}
	fetcher := add("fetch: Sendwatch", sends, nil, own("consume-ours", sends))
	add("fetch: franz-go", sends, fetcher, own("consume-franz-go", sends))
	add("fetch: kafka-go group Reader", sends, fetcher, own("consume-kafka-go", sends))

	numbers := add("Sendwatch, numbers, JSON", sends, nil, ours(product{}, sends))
	kept := add("Sendwatch, numbers, JSON, checkpoints", sends, nil, ours(product{checkpoints: "file://" + filepath.Join(o.folder, "states"), every: checkpointEvery}, sends))
	add("Sendwatch, numbers, Protobuf", packed, nil, ours(product{}, packed))
	add("Sendwatch, numbers, demo's log", demo, nil, ours(product{}, demo))
	add("naive Go", sends, numbers, own("naive", sends))
	add("Flink, heap", sends, numbers, func(ctx context.Context) (*measured, error) {
		return runJava(ctx, o, sends, flinkJars(), "FlinkJob", "heap", "0")
	})
	add("Kafka Streams, memory", sends, numbers, func(ctx context.Context) (*measured, error) {
		return runJava(ctx, o, sends, streamsJars(), "StreamsJob", "none")
	})
	add("ClickHouse, Kafka engine", sends, numbers, own("clickhouse", sends))
	add("Kafka Streams, memory, changelog", sends, kept, func(ctx context.Context) (*measured, error) {
		return runJava(ctx, o, sends, streamsJars(), "StreamsJob", "changelog")
	})
	add("Flink, RocksDB, checkpoints", sends, kept, func(ctx context.Context) (*measured, error) {
		return runJava(ctx, o, sends, flinkJars(), "FlinkJob", "rocksdb", strconv.Itoa(int(checkpointEvery.Milliseconds())))
	})
	return list
}

// checkpointEvery is how often those who keep their state do so.
const checkpointEvery = 10 * time.Second

// runSendwatch runs the product and holds its figures against the log.
func runSendwatch(ctx context.Context, o *options, p product, l *log) (*measured, error) {
	var check func(*client) error
	if l.truth != nil {
		check = func(api *client) error { return l.truth.agreesWith(ctx, api) }
	}
	if p.checkpoints != "" {
		p.checkpoints += "-" + strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	return p.run(ctx, o, l.topic, l.events, check)
}

// runOwn runs this program as a system under test.
func runOwn(ctx context.Context, o *options, as string, l *log) (*measured, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return runPeer(ctx, o, l, as, func(flags string) []string {
		return []string{self, "-as", as, "-brokers", o.brokers, "-topic", l.topic, "-flags", flags, "-events", strconv.Itoa(l.events)}
	}, asked(as))
}

// runJava runs a job on Java.
func runJava(ctx context.Context, o *options, l *log, jars fetch.Maven, job string, args ...string) (*measured, error) {
	path, err := compiled(ctx, o, jars, job)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(o.folder, job)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // all goes at the end
	return runPeer(ctx, o, l, job, func(flags string) []string {
		return java(path, job, append(append([]string{o.brokers, l.topic, flags, strconv.Itoa(l.events)}, args...), folder)...)
	}, (*truth).agrees)
}

// asked is what a system of this program has to get right.
func asked(as string) func(*truth, answer) error {
	switch {
	case strings.HasPrefix(as, "consume"):
		return (*truth).wasRead
	case as == "clickhouse":
		return (*truth).agreesButFlags
	}
	return (*truth).agrees
}

// runPeer runs a peer with a topic of its own for flags, and judges its answer.
func runPeer(ctx context.Context, o *options, l *log, name string, command func(flags string) []string, judge func(*truth, answer) error) (*measured, error) {
	flags := fmt.Sprintf("%s-flags-%d", name, time.Now().UnixNano())
	if err := makeTopic(ctx, o.brokers, flags); err != nil {
		return nil, err
	}
	defer deleteTopics(o.brokers, flags)
	c, err := start(ctx, o, flags, nil, command(flags)...)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	m, err := c.follow(ctx, l.events)
	if err != nil {
		return nil, err
	}
	return m, judge(l.truth, *m.answer)
}

// load is the machine's load of the last minute.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}
