// Command peers measures Sendwatch beside what one would use instead, on the same topic of a
// real Apache Kafka:
//
//	cd benchmarks/peers && go run .
//
// Apache Kafka, Kafka Streams and Flink come through Maven, ClickHouse's engine through npm, each
// pinned and checked, into the user's cache folder on first use. The broker has one core and the
// system under test another. What each system is asked for, and by which settings, is in
// ../README.md. A time counts only if the answer that goes with it is what the log says.
//
// With -latency it measures from a record produced to its flag fetched instead, with -replay
// files to flags and rows.
//
// -runs, -events and -numbers change the size; -only names systems by parts of their names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/fetch"
)

// options are the flags.
type options struct {
	runs, events, numbers int
	seed                  uint64
	only                  string
	sendwatch             string // binary
	plot                  string
	folder                string // for everything that a run writes
	latency, replay       bool
	rate                  int
	warm, lasts           time.Duration
	as                    string // this process is a system under test
	brokers, topic, flags string // of that process
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 5, "how often each system is run")
	flag.IntVar(&o.events, "events", 3_000_000, "records of the log")
	flag.IntVar(&o.numbers, "numbers", 5_000, "senders in it")
	flag.Uint64Var(&o.seed, "seed", 1, "the same seed makes the same log")
	flag.StringVar(&o.only, "only", "", "parts of the names of systems, separated by commas: all others are left out")
	flag.StringVar(&o.sendwatch, "sendwatch", "", "the binary to measure; by default it is built from this checkout")
	flag.StringVar(&o.plot, "plot", "", "write the figures as SVG to this file too")
	flag.BoolVar(&o.latency, "latency", false, "measure how long a flag takes, on Apache Kafka and on the broker in memory, and nothing else")
	flag.BoolVar(&o.replay, "replay", false, "measure replay of a file by one core, and of its two partitions by two, and nothing else")
	flag.IntVar(&o.rate, "rate", 30_000, "events a second beside the probes of -latency")
	flag.DurationVar(&o.warm, "warm", 40*time.Second, "how long that load lasts before the first probe")
	flag.DurationVar(&o.lasts, "for", time.Minute, "how long -latency probes, a hundred times a second")
	flag.StringVar(&o.as, "as", "", "used by the command itself")
	flag.StringVar(&o.brokers, "brokers", "", "used by the command itself")
	flag.StringVar(&o.topic, "topic", "", "used by the command itself")
	flag.StringVar(&o.flags, "flags", "", "used by the command itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) (err error) {
	if o.as != "" {
		return runAs(ctx, o)
	}
	if o.numbers < 1 || o.events < 20*o.numbers {
		return fmt.Errorf("-events %d: at least 20 for each of the %d numbers", o.events, o.numbers)
	}
	if err := stayOnCore(); err != nil {
		return err
	}
	if o.folder, err = os.MkdirTemp("", "sendwatch-peers-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.folder)) }()
	if err := buildProduct(ctx, o); err != nil {
		return err
	}
	if o.replay {
		return measureReplay(ctx, o)
	}
	broker, err := apachekafka.Start(ctx, apachekafka.Config{HeapMB: 1024, Report: fetch.Bar(os.Stderr)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	o.brokers = broker.Addr()
	if o.latency {
		return measureLatency(ctx, o)
	}
	return measure(ctx, o)
}

// pinnedMark says in the environment that this process has been put on its core.
const pinnedMark = "SENDWATCH_PEERS_PINNED"

// stayOnCore starts this program again on the core of everything but the system under test, so
// that the broker, its child, is there too.
func stayOnCore() error {
	if os.Getenv(pinnedMark) != "" {
		return nil
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		fmt.Fprintln(os.Stderr, "peers: taskset or a second core is missing: broker and system under test share what there is, and the clock on the wall says little")
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{taskset, "-c", coreOfRest, self}, os.Args[1:]...)
	return syscall.Exec(taskset, args, append(os.Environ(), pinnedMark+"=1"))
}

// runAs is this process as a system under test. It stays until it is told to end, so that what it
// has used can be read.
func runAs(ctx context.Context, o *options) error {
	do, ok := map[string]func(context.Context, *options) error{
		"naive": runNaive, "clickhouse": runClickHouse,
		"consume-ours": consumeOurs, "consume-kafka-go": consumeGroupReader, "consume-franz-go": consumeFranz,
	}[o.as]
	if !ok {
		return fmt.Errorf("-as %s: no such system", o.as)
	}
	if err := do(ctx, o); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// wanted reports whether a system was asked for.
func (o *options) wanted(name string) bool {
	if o.only == "" {
		return true
	}
	for part := range strings.SplitSeq(o.only, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
