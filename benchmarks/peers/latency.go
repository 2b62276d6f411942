package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/embedded/memkafka"
)

// measureLatency measures how long it takes from before a record is produced until the flag that
// it raises has been fetched from the topic of flags, under a steady load beside it; in the same run,
// turn by turn, how long the same client takes to produce a record and fetch it again.
//
// A probe is the rating RED of a number that nobody knows, which raises a flag at once.
func measureLatency(ctx context.Context, o *options) error {
	memory, err := memkafka.Start(memkafka.Config{})
	if err != nil {
		return err
	}
	defer memory.Close()
	fmt.Println("| broker | events/s beside the probes | probes | what | p50 ms | p90 | p99 | p99.9 | most |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, place := range []struct{ name, brokers string }{{"Apache Kafka", o.brokers}, {"in memory", memory.Addrs()[0]}} {
		if !o.wanted("latency: " + place.name) {
			continue
		}
		here := *o
		here.brokers = place.brokers
		product, bare, err := latencies(ctx, &here)
		if err != nil {
			return fmt.Errorf("%s: %w", place.name, err)
		}
		for _, row := range []struct {
			what string
			list []time.Duration
		}{{"produced to flag fetched", product}, {"produced to fetched", bare}} {
			fmt.Printf("| %s | %d | %d | %s | %s |\n", place.name, o.rate, len(row.list), row.what, quantiles(row.list))
		}
		fmt.Fprintf(os.Stderr, "%s: load %s\n", place.name, load())
	}
	return nil
}

// quantiles writes a row of ms.
func quantiles(list []time.Duration) string {
	slices.Sort(list)
	var out []byte
	for i, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		if i > 0 {
			out = append(out, " | "...)
		}
		at := list[min(len(list)-1, int(q*float64(len(list))))]
		out = fmt.Appendf(out, "%.2f", float64(at)/1e6)
	}
	return string(out)
}

// probing is one run of probes.
type probing struct {
	mu         sync.Mutex
	began      map[string]time.Time
	flag, bare []time.Duration
}

func (p *probing) begin(id string) {
	p.mu.Lock()
	p.began[id] = time.Now()
	p.mu.Unlock()
}

// end notes that what the probe caused has come; only the first of it counts.
func (p *probing) end(id string, list *[]time.Duration) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if began, ok := p.began[id]; ok {
		*list = append(*list, now.Sub(began))
		delete(p.began, id)
	}
}

// probeEvery is the time between two probes, of which every second is a bare one.
const probeEvery = 10 * time.Millisecond

// latencies runs the product under load, lets it warm up, then probes.
func latencies(ctx context.Context, o *options) (flag, bare []time.Duration, err error) {
	name := fmt.Sprintf("latency-%d", time.Now().UnixNano())
	live, plain := name+"-live", name+"-bare"
	for _, topic := range []string{live, plain} {
		if err := makeTopic(ctx, o.brokers, topic); err != nil {
			return nil, nil, err
		}
	}
	p := product{}
	file, address, err := p.configure(ctx, o, live, name)
	if err != nil {
		return nil, nil, err
	}
	c, err := start(ctx, o, name, []string{secret}, o.sendwatch, "run", "--config", file)
	if err != nil {
		return nil, nil, err
	}
	defer c.stop()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	probes := &probing{began: map[string]time.Time{}}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.ConsumeTopics(name+"-flags", plain), kgo.FetchMinBytes(1), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return nil, nil, err
	}
	defer consumer.Close()
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() { collect(ctx, consumer, probes, plain) })
	var failed atomic.Pointer[error]
	group.Go(func() {
		if err := liveLoad(ctx, o, live); err != nil && ctx.Err() == nil {
			failed.Store(&err)
		}
	})
	if err := sleep(ctx, o.warm); err != nil {
		return nil, nil, err
	}
	if err := probe(ctx, o, probes, live, plain); err != nil {
		return nil, nil, err
	}
	if err := failed.Load(); err != nil {
		return nil, nil, *err
	}
	applied, err := newClient(address).next(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%w%s", err, c.tail())
	}
	fmt.Fprintf(os.Stderr, "%d records applied\n", applied)
	probes.mu.Lock()
	defer probes.mu.Unlock()
	if len(probes.flag) == 0 || len(probes.bare) == 0 || len(probes.began) > 0 {
		return nil, nil, fmt.Errorf("%d probes came to nothing, %d flags and %d records came%s", len(probes.began), len(probes.flag), len(probes.bare), c.tail())
	}
	return probes.flag, probes.bare, nil
}

// collect fetches flags and bare records and looks for probes in them.
func collect(ctx context.Context, consumer *kgo.Client, probes *probing, plain string) {
	for ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		for iter := fetches.RecordIter(); !iter.Done(); {
			r := iter.Next()
			switch {
			case !bytes.HasPrefix(r.Key, []byte("probe-")):
			case r.Topic == plain:
				probes.end(string(r.Key), &probes.bare)
			default:
				probes.end(string(r.Key), &probes.flag)
			}
		}
	}
}

// probe sends probes for as long as asked, and waits for the last.
func probe(ctx context.Context, o *options, probes *probing, live, plain string) error {
	producer, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer producer.Close()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for i := range int(o.lasts / probeEvery) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		id, topic := fmt.Sprintf("probe-%08d", i), live
		if i%2 == 0 {
			topic = plain
		}
		value := fmt.Appendf(nil, `{"id":"%s","type":"number.quality","time":%d,"number_id":"%s","rating":"RED"}`, id, time.Now().UnixMilli(), id)
		probes.begin(id)
		producer.Produce(ctx, &kgo.Record{Topic: topic, Key: []byte(id), Value: value}, nil)
	}
	return sleep(ctx, 5*time.Second)
}

// liveLoad writes the log at a steady rate, with the time of day as its times.
func liveLoad(ctx context.Context, o *options, topic string) error {
	if o.rate == 0 {
		return nil
	}
	f, err := newFiller(o.brokers, topic, kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	g := newGenerator(1<<40, o.numbers, o.seed)
	var h happening
	began, n := time.Now(), 0
	for ctx.Err() == nil {
		for due := int(time.Since(began).Seconds() * float64(o.rate)); n < due; n++ {
			g.take(&h)
			h.at = time.Now().UnixMilli()
			f.put(ctx, h.at, numberID(h.number), h.appendJSON(nil))
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			break
		}
	}
	f.client.Close()
	return f.failed
}
