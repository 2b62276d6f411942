package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
)

const (
	redrawEach = 500 * time.Millisecond
	sampleEach = 200 * time.Millisecond
	plainEach  = 5 * time.Second
	// settleWithin bounds how long the demo waits for what is under way.
	settleWithin = time.Minute
	// rateOver is the span over which events a second are averaged; live events
	// are few, often none in so short a time.
	rateOver     = 3 * time.Second
	rateLiveOver = 30 * time.Second
	// riskiestShown is more than fits on most screens.
	riskiestShown = 20
)

// meter is how far the pipeline is, as last sampled. full is asked by the feed;
// all else belongs to the goroutine that shows.
type meter struct {
	read    atomic.Int64 // records of the events topic that were read
	unseen  atomic.Int64 // records of the rows topic that the sink has not fetched
	begun   time.Time
	lag     int64 // records of the events topic that were not read
	storing bool  // an insert is under way
	records map[string]int64
	late    int64
	busy    time.Time     // when something was last under way
	arrived time.Time     // when the history had been read
	history time.Duration // how long the history took; 0 while it plays
	live    time.Time     // when live mode began

	points []ratePoint
}

type ratePoint struct {
	at   time.Time
	read int64
}

const (
	// readAhead is how many records the feed may be ahead of the numbers role.
	// Less would let it wait; more would only fill memory.
	readAhead = 200_000
	// storeAhead is how many batches of rows ClickHouse may be behind.
	storeAhead = 500
	// quiet is how long after the last event its rows have been written for
	// sure: longer than the time between two barriers of the numbers role.
	quiet = 1500 * time.Millisecond
)

func (m *meter) start(now time.Time) { m.begun, m.busy = now, now }

// done tells whether what was read by arrived is stored.
func (m *meter) done(now time.Time) bool {
	return now.Sub(m.arrived) >= quiet && m.unseen.Load() == 0 && !m.storing
}

// full tells the feed whether to wait, so that memory stays bounded.
func (m *meter) full(produced int64) bool {
	return produced-m.read.Load() > readAhead || m.unseen.Load() > storeAhead
}

// rate gives the events a second of the last few seconds.
func (m *meter) rate() float64 {
	if len(m.points) < 2 {
		return 0
	}
	a, b := m.points[0], m.points[len(m.points)-1]
	return float64(b.read-a.read) / max(b.at.Sub(a.at).Seconds(), .001)
}

// sample asks the pipeline how far it is. A partition that has stopped is an
// error: nobody could tell what it would have flagged.
func (d *demo) sample(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := d.sources.Pipeline.Status(ctx)
	if err != nil {
		return err
	}
	m, now := &d.meter, d.now()
	var read, fetched int64
	m.storing = false
	for _, p := range status.Partitions {
		if p.Error != "" {
			return fmt.Errorf("%s partition %d of %s has stopped: %s", p.Role, p.Partition, p.Topic, p.Error)
		}
		switch p.Role {
		case config.RoleSink:
			fetched += p.NextOffset
			m.storing = m.storing || p.State == string(pipeline.StateWaiting)
		case config.RoleNumbers:
			read += p.NextOffset
		}
	}
	written, err := d.written(ctx, d.settings.Kafka.Topics.Events)
	if err != nil {
		return err
	}
	m.read.Store(read)
	m.lag = max(written-read, 0)
	if d.tables != nil {
		if written, err = d.written(ctx, d.settings.Kafka.Topics.Rows); err != nil {
			return err
		}
		m.unseen.Store(max(written-fetched, 0))
	}
	m.records, m.late = status.Records, status.Late
	m.points = append(m.points, ratePoint{now, read})
	over := rateOver
	if !m.live.IsZero() {
		over = rateLiveOver
	}
	for len(m.points) > 2 && now.Sub(m.points[0].at) > over {
		m.points = m.points[1:]
	}
	if m.lag > 0 || m.unseen.Load() > 0 || m.storing {
		m.busy = now
	}
	if m.arrived.IsZero() && d.played() && read >= d.feed.history.Load() {
		m.arrived = now
	}
	if m.history == 0 && !m.arrived.IsZero() && m.done(now) {
		m.history, m.live = m.busy.Sub(m.begun), now
	}
	return nil
}

// played tells whether the history has been written.
func (d *demo) played() bool {
	select {
	case <-d.feed.live:
		return true
	default:
		return false
	}
}

// written counts the records of a topic.
func (d *demo) written(ctx context.Context, topic string) (int64, error) {
	_, ends, err := d.client.Offsets(ctx, topic)
	var n int64
	for _, end := range ends {
		n += end
	}
	return n, err
}

// show samples and draws until the demo is to end.
func (d *demo) show(ctx context.Context) error {
	each := plainEach
	if d.painter != nil {
		each = redrawEach
	} else {
		d.printPlaces()
	}
	sampling, drawing := time.NewTicker(sampleEach), time.NewTicker(each)
	defer sampling.Stop()
	defer drawing.Stop()
	wasLive := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sampling.C:
			if err := d.sample(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			if live := !d.meter.live.IsZero(); live != wasLive {
				wasLive = live
				if d.painter == nil {
					fmt.Fprintf(d.out, "history played: %s\n", d.historyLine())
				}
			}
			if d.options.For > 0 && !d.meter.live.IsZero() && d.now().Sub(d.meter.live) >= d.options.For {
				return nil
			}
		case <-drawing.C:
			if err := d.draw(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// settle waits until everything that was written has been read and stored.
func (d *demo) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	d.ending = true
	ticker := time.NewTicker(sampleEach)
	defer ticker.Stop()
	for d.meter.arrived = d.now(); ; {
		if err := d.sample(ctx); err != nil {
			return err
		}
		if d.painter != nil {
			if err := d.draw(ctx); err != nil {
				return err
			}
		}
		if d.meter.lag > 0 {
			d.meter.arrived = d.now()
		}
		if d.meter.done(d.now()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d records were not read and %d batches of rows not stored within %s", d.meter.lag, d.meter.unseen.Load(), settleWithin)
		case <-ticker.C:
		}
	}
}

// screen puts together what is to be seen now.
func (d *demo) screen(ctx context.Context) (*screen, error) {
	m := &d.meter
	ranking, err := d.sources.Numbers.Riskiest(ctx, riskiestShown)
	if err != nil {
		return nil, err
	}
	s := &screen{
		Title:  "Sendwatch demo",
		Right:  fmt.Sprintf("seed %d, %s, %s", d.options.Seed, counted(d.options.Numbers, "number"), counted(len(d.generator.Portfolios()), "portfolio")),
		Places: d.places, Events: m.read.Load(), Rate: m.rate(), Lag: m.lag, Unstored: m.unseen.Load(),
		Bands: ranking.Bands, Flags: d.ledger.newestFlags(riskiestShown), Paste: d.paste(),
		Foot: "Ctrl-C drains and ends the demo; a second one ends it at once.",
	}
	s.Counts = d.counts()
	for i := range ranking.Numbers {
		s.Riskiest = append(s.Riskiest, d.ledger.risk(&ranking.Numbers[i]))
	}
	switch {
	case d.ending:
		s.Phase = phaseDraining
	case !m.live.IsZero():
		s.Phase = phaseLive
		if d.options.For > 0 {
			s.Foot = fmt.Sprintf("Ends by itself in %s. %s", max(d.options.For-d.now().Sub(m.live), 0).Round(time.Second), s.Foot)
		}
	case !m.arrived.IsZero():
		s.Phase = phaseStoring
	default:
		span := d.begun.UnixMilli() - d.generator.Start()
		written := float64(d.feed.reached.Load()-d.generator.Start()) / float64(span)
		done := float64(s.Events) / float64(max(d.feed.produced.Load(), 1))
		s.Progress = min(max(written*done, 0), 1)
	}
	if line := d.log.last(); line != "" {
		s.Note = "log: " + line
	}
	return s, nil
}

func (d *demo) counts() string {
	var words []string
	for _, class := range []event.Class{event.ClassApplied, event.ClassDuplicate, event.ClassIgnored, event.ClassRejected} {
		words = append(words, fmt.Sprintf("%s %s", thousands(d.meter.records[class.String()]), class))
	}
	return strings.Join(words, ", ") + fmt.Sprintf(", %s late", thousands(d.meter.late))
}

// paste gives the commands to look inside a running demo.
func (d *demo) paste() []pasteLine {
	lines := []pasteLine{{
		"Read the flags with any Kafka client:",
		fmt.Sprintf("kcat -b %s -t %s -C -e -q -o -5", strings.Join(d.broker.Addrs(), ","), d.settings.Kafka.Topics.Flags),
	}}
	if d.tables != nil {
		lines = append(lines, pasteLine{
			"Ask ClickHouse:",
			fmt.Sprintf(`%s sql --address %s "SELECT number_id, score, band FROM numbers ORDER BY score LIMIT 10"`, self(), d.settings.ClickHouse.Addresses[0]),
		})
	}
	return lines
}

// self is how this program is called again.
func self() string {
	path := os.Args[0]
	if strings.Contains(path, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/sendwatch"
	}
	return path
}

// draw shows the present state: the screen, or one line.
func (d *demo) draw(ctx context.Context) error {
	s, err := d.screen(ctx)
	if err != nil {
		return err
	}
	if d.painter != nil {
		return d.painter.paint(s)
	}
	_, err = fmt.Fprintln(d.out, s.plain())
	return err
}

// plain is the screen as one line, for a pipe.
func (s *screen) plain() string {
	what := fmt.Sprintf("history %3.0f %%", s.Progress*100)
	switch s.Phase {
	case phaseLive:
		what = "live"
	case phaseStoring:
		what = "storing"
	case phaseDraining:
		what = "ending"
	}
	line := fmt.Sprintf("%s  %s events  %.1f events/s  lag %s  high %d  medium %d  low %d", what, thousands(s.Events), s.Rate,
		thousands(s.Lag), s.Bands[event.BandHigh], s.Bands[event.BandMedium], s.Bands[event.BandLow])
	if len(s.Flags) > 0 {
		f := s.Flags[0]
		step := f.Transition.String()
		if f.Transition != event.TransitionCleared {
			step = f.Level.String() + " " + step
		}
		line += fmt.Sprintf("  newest flag: %s %s, %s", f.Subject, step, f.Words)
	}
	return line
}

func (d *demo) printPlaces() {
	for _, p := range d.places {
		fmt.Fprintf(d.out, "%-11s%s  %s\n", p.What, p.Address, p.Detail)
	}
	for _, p := range d.paste() {
		fmt.Fprintf(d.out, "%s\n  %s\n", p.What, p.Command)
	}
}
