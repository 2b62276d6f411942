// Command gateway measures the gateway beside a service as most would write one:
// net/http, encoding/json into maps, and kafka-go's Writer with its defaults and
// acks=all. Both are processes of their own with GOMAXPROCS=1 in front of the same
// Apache Kafka, under the same load:
//
//	go run ./benchmarks/gateway
//
// First 2,000 bodies a second of one update each, on a fixed schedule: the answer's
// latency counts from when the body was due. Then bodies of 1,000 updates, as fast
// as they are answered: updates a second, and a second of the process's own
// processor time. It needs Java 17 and Maven for the broker, as the tests do.
//
// With -steady 10m it sends 2,000 updates a second for so long instead and prints
// the memory of the process at intervals: it has to come to rest. -of 1000 puts so
// many updates into a body; -strangers sends bodies of Baileys' in which each contact
// has a hidden id that was never seen before, which is what fills the gateway's
// memory of pairs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/kafka"
)

// options are the flags.
type options struct {
	rate    int
	only    string
	lasts   time.Duration
	steady  time.Duration
	of      int
	strange bool
	serve   string // ours, plain: this process is the service
	brokers string
	topic   string
}

func main() {
	var o options
	flag.IntVar(&o.rate, "rate", 2000, "updates a second of the first part")
	flag.DurationVar(&o.lasts, "for", 20*time.Second, "how long each part lasts")
	flag.DurationVar(&o.steady, "steady", 0, "measure the memory over so long a run at the rate, and nothing else")
	flag.IntVar(&o.of, "of", 1, "updates in a body of a steady run")
	flag.BoolVar(&o.strange, "strangers", false, "a steady run of contacts that were never seen before, under hidden ids")
	flag.StringVar(&o.serve, "serve", "", "used by the command itself: ours or plain")
	flag.StringVar(&o.brokers, "brokers", "", "brokers to use instead of one of its own")
	flag.StringVar(&o.only, "only", "", "measure one of the two: ours or plain")
	flag.StringVar(&o.topic, "topic", "", "used by the command itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if o.of < 1 || o.rate < o.of {
		return fmt.Errorf("-of %d: from 1 to the rate, which is %d", o.of, o.rate)
	}
	switch o.serve {
	case "ours":
		return serveOurs(ctx, o.brokers, o.topic)
	case "plain":
		return servePlain(ctx, o.brokers, o.topic)
	}
	if o.brokers == "" {
		broker, err := apachekafka.Start(ctx, apachekafka.Config{})
		if err != nil {
			return err
		}
		defer func() { _ = broker.Close() }()
		o.brokers = broker.Addr()
	}
	if o.steady > 0 {
		return each(o, func(name string) error {
			fmt.Printf("%s: %d updates/s in bodies of %d for %s; GOMAXPROCS=1\n\n", title(name), o.rate, o.of, o.steady)
			return measureSteady(ctx, o, name)
		})
	}
	fmt.Printf("%d updates/s in bodies of one for %s, then bodies of %d as fast as they are answered for %s; GOMAXPROCS=1 each\n\n", o.rate, o.lasts, batchSize, o.lasts)
	fmt.Println("| service | p50 | p99 | max | not 200 | updates/s in batches | updates/s of its processor time | resident memory after each part |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	return each(o, func(name string) error { return measure(ctx, o, name) })
}

// each calls f with the services that are to be measured.
func each(o *options, f func(name string) error) error {
	for _, name := range []string{"ours", "plain"} {
		if o.only != "" && o.only != name {
			continue
		}
		if err := f(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// ready starts a service with topics of its own and waits until it answers.
func ready(ctx context.Context, o *options, name string) (*service, error) {
	topic := fmt.Sprintf("events-%s-%d", name, time.Now().UnixNano())
	if err := makeTopics(ctx, o.brokers, topic); err != nil {
		return nil, err
	}
	s, err := startService(ctx, o, name, topic)
	if err != nil {
		return nil, err
	}
	if err := s.warmUp(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// measureSteady runs one service for long and prints its memory.
func measureSteady(ctx context.Context, o *options, name string) error {
	s, err := ready(ctx, o, name)
	if err != nil {
		return err
	}
	defer s.stop()
	l := load{rate: o.rate / o.of, of: o.of, body: body}
	if o.strange {
		l.body, s.address = strangers, strings.TrimSuffix(s.address, "meta")+"baileys"
	}
	return s.steady(ctx, l, o.steady)
}

// measure runs one service and prints its row.
func measure(ctx context.Context, o *options, name string) error {
	s, err := ready(ctx, o, name)
	if err != nil {
		return err
	}
	defer s.stop()
	paced, err := s.paced(ctx, load{rate: o.rate, of: 1, body: body}, o.lasts)
	if err != nil {
		return err
	}
	afterPaced := s.memory()
	before := s.processorTime()
	batches, err := s.batches(ctx, o.lasts)
	if err != nil {
		return err
	}
	processor := s.processorTime() - before
	perCore := "-"
	if processor > 0 {
		perCore = fmt.Sprintf("%.0f", float64(batches.updates)/processor.Seconds())
	}
	fmt.Printf("| %s | %s | %s | %s | %d of %d | %.0f | %s | %d MiB, %d MiB |\n", title(name),
		paced.at(0.5), paced.at(0.99), paced.at(1), paced.failed+batches.failed, paced.sent+batches.sent,
		float64(batches.updates)/batches.lasted.Seconds(), perCore, afterPaced>>20, s.memory()>>20)
	return nil
}

func title(name string) string {
	if name == "ours" {
		return "`sendwatch gateway`"
	}
	return "plain service"
}

// makeTopics makes the topics of a run.
func makeTopics(ctx context.Context, brokers, topic string) error {
	client, err := kafka.New(kafka.Config{Brokers: strings.Split(brokers, ",")})
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.CreateMissing(ctx, []kafka.Topic{
		{Name: topic, Partitions: 4}, {Name: topic + "-dead", Partitions: 4}, {Name: topic + "-context", Partitions: 1, Compacted: true},
	})
	return err
}

// service is a process under load.
type service struct {
	process       *exec.Cmd
	address       string
	memoryAddress string
}

// startService starts this program again as the service and waits for its
// addresses, the first line that it prints.
func startService(ctx context.Context, o *options, name, topic string) (*service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := exec.CommandContext(ctx, self, "-serve", name, "-brokers", o.brokers, "-topic", topic)
	p.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.Stderr = os.Stderr
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGTERM) }
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	var address, memoryAddress string
	if _, err := fmt.Fscanln(out, &address, &memoryAddress); err != nil {
		return nil, errors.Join(fmt.Errorf("no address: %w", err), p.Wait())
	}
	return &service{process: p, address: "http://" + address + "/v1/webhooks/meta", memoryAddress: "http://" + memoryAddress}, nil
}

// stop ends the process.
func (s *service) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}
