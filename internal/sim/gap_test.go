package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
)

// gaps is how many logs TestGaps plays, each with other deaths.
const gaps = 40

// TestGaps has retention delete events that a checkpoint had promised. Every process stands before them, however often one
// dies there, until that is acknowledged. Then one goes on behind them with the state before them, also if it dies before it has
// saved another, and what comes of it all is what comes of the log without them.
func TestGaps(t *testing.T) {
	a := newAnswers()
	for seed := range uint64(gaps) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playGap(t, gapPlan(seed, a)) })
		})
	}
}

// The times of a plan with a gap.
const (
	gapAt        = 8 * time.Second  // a part of the log has been read and saved by then
	acknowledged = 40 * time.Second // by then others than the first process may have stood before the gap
	quiet        = 16 * time.Second // before it, in which nobody dies
)

// gapPlan writes a third of the log before retention gets ahead of the reader, and two while nobody reads; of the first of
// these some are lost.
func gapPlan(seed uint64, a *answers) *plan {
	r := rand.New(rand.NewPCG(seed, 0x9a9))
	p := cyclePlan(seed, a)
	p.slots, p.saveEvery, p.actions = pick(r, 1, 1, 2), pick(r, time.Second, 2*time.Second, time.Minute), nil
	p.add(0, weatherOf(trouble{latency: pick(r, time.Millisecond, 20*time.Millisecond, 150*time.Millisecond)}))
	third := len(p.lines) / 3
	p.add(time.Second, action{text: fmt.Sprintf("%d records", third), do: func(w *world) { w.produce(p.lines[:third]) }})
	p.add(gapAt, action{text: "retention gets ahead while nobody reads", do: func(w *world) {
		w.stopAll()
		if r.IntN(2) == 0 { // what was read first counts; what comes now is lost from its beginning on
			w.produce(p.lines[third : 2*third])
			w.lose(topicEvents, 0, 1+r.Int64N(int64(third)))
			w.produce(p.lines[2*third:])
			return
		}
		w.produce(p.lines[third:]) // and all of it may be lost
		w.lose(topicEvents, 0, int64(len(p.lines)-third))
	}})
	for range r.IntN(4) {
		slot := r.IntN(p.slots)
		p.add(gapAt+time.Duration(r.Int64N(int64(acknowledged-gapAt-quiet))), action{text: "kill", do: func(w *world) { w.kill(slot) }})
	}
	p.add(acknowledged-time.Second, action{text: "look", do: func(w *world) { w.wantStopped() }})
	p.add(acknowledged, action{text: "acknowledge", do: func(w *world) { w.acknowledge() }})
	for range r.IntN(3) {
		slot := r.IntN(p.slots)
		p.add(acknowledged+time.Duration(r.Int64N(int64(12*time.Second))), action{text: "kill", do: func(w *world) { w.kill(slot) }})
	}
	p.add(acknowledged+15*time.Second, action{text: "the end", do: func(*world) {}})
	slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
	return p
}

// playGap plays it.
func playGap(t *testing.T, p *plan) {
	w := newWorld(t, p)
	defer w.close()
	w.run()
	w.heal()
	w.converge()
	w.judge()
	if w.problem != "" {
		t.Errorf("%s\n%s\nwhat happened:\n%s", w.problem, p, w.story())
	}
}

// stopAll stops every process in good order, and waits for that.
func (w *world) stopAll() {
	for _, p := range w.slots {
		p.cancel()
	}
	for _, p := range w.slots {
		<-p.ended
	}
}

// lose has brokers delete so many records that nobody has read, and all before them, which everybody has.
func (w *world) lose(topic string, partition int32, n int64) {
	read := w.committed(event.RoleNumbers)[partition]
	all := w.records(topic)[partition]
	w.mu.Lock()
	w.deleted[topic] = make([][]*kgo.Record, len(w.ends(topic)))
	for _, r := range all {
		if r.Offset < read {
			w.deleted[topic][partition] = append(w.deleted[topic][partition], r)
		}
	}
	w.lost = lostRange{first: read, end: read + n}
	w.mu.Unlock()
	if err := w.cluster.DeleteRecords(topic, partition, read+n); err != nil {
		w.fail("delete records: %v", err)
	}
	w.note("records %d to %d of %s partition %d are lost", read, read+n-1, topic, partition)
}

// lostRange is what was lost of the events, none if it is empty.
type lostRange struct{ first, end int64 }

// wantStopped makes sure that the reader of the events stands before what is lost.
func (w *world) wantStopped() {
	stopped := 0
	for _, p := range w.slots {
		for _, s := range p.numbers.Status() {
			if s.State == pipeline.StateStopped {
				stopped++
			}
			if s.Next > w.lost.first {
				w.fail("%s has read to %d, and what is lost begins at %d", p.name, s.Next, w.lost.first)
			}
		}
		for _, problem := range p.numbers.Problems() {
			if problem.Reason == pipeline.ReasonRecordsLost && !strings.Contains(problem.Detail, fmt.Sprintf("begins at %d", w.lost.end)) {
				w.fail("%s says: %s, and the log begins at %d", p.name, problem.String(), w.lost.end)
			}
		}
	}
	if stopped != 1 {
		w.fail("%d partitions stand before what is lost, want one", stopped)
	}
}

// acknowledge does what `sendwatch acknowledge` does.
func (w *world) acknowledge() {
	client, err := kafka.New(kafka.Config{Brokers: w.brokers, Dial: w.network.DialContext, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.fail("acknowledge: %v", err)
		return
	}
	defer client.Close()
	lines, err := pipeline.Acknowledge(context.Background(), client.NewNotes(event.RoleNumbers), topicEvents)
	want := fmt.Sprintf("records_lost: %d records were lost", w.lost.end-w.lost.first)
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], want) {
		w.fail("acknowledged %q, %v, want %q", lines, err, want)
	}
}
