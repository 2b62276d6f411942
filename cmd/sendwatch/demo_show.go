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
)

const (
	redrawEach = 500 * time.Millisecond
	sampleEach = 200 * time.Millisecond
	plainEach  = 5 * time.Second
	// drainWithin bounds how long the demo waits for what is under way.
	drainWithin = 20 * time.Second
	// rateOver is the span over which events a second are averaged.
	rateOver = 3 * time.Second
	// riskiestShown is more than fits on most screens.
	riskiestShown = 20
)

// meter is how far the pipeline is, as last sampled.
type meter struct {
	read    atomic.Int64 // records of the events topic that were read
	begun   time.Time
	lag     int64 // records of the numbers role
	sinkLag int64 // records of the sink role
	records map[string]int64
	late    int64
	history time.Duration // how long the history took; 0 while it plays
	live    time.Time     // when live mode began

	points []ratePoint
}

type ratePoint struct {
	at   time.Time
	read int64
}

func (m *meter) start(now time.Time) { m.begun = now }

// rate gives the events a second of the last few seconds.
func (m *meter) rate() float64 {
	if len(m.points) < 2 {
		return 0
	}
	a, b := m.points[0], m.points[len(m.points)-1]
	return float64(b.read-a.read) / max(b.at.Sub(a.at).Seconds(), .001)
}

// sample asks the pipeline how far it is.
func (d *demo) sample(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := d.sources.Pipeline.Status(ctx)
	if err != nil {
		return err
	}
	m, now := &d.meter, d.now()
	var read int64
	for _, n := range status.Records {
		read += n
	}
	m.read.Store(read)
	m.records, m.late = status.Records, status.Late
	m.lag, m.sinkLag = max(d.feed.produced.Load()-read, 0), 0
	for _, p := range status.Partitions {
		if p.Role == config.RoleSink {
			m.sinkLag += p.Lag
		}
	}
	m.points = append(m.points, ratePoint{now, read})
	for len(m.points) > 2 && now.Sub(m.points[0].at) > rateOver {
		m.points = m.points[1:]
	}
	if m.history == 0 {
		select {
		case <-d.feed.live:
			if read >= d.feed.history.Load() && m.sinkLag == 0 {
				m.history, m.live = now.Sub(m.begun), now
			}
		default:
		}
	}
	return nil
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

// drain waits until everything that was written has been read and stored.
func (d *demo) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	ticker := time.NewTicker(sampleEach)
	defer ticker.Stop()
	for {
		if err := d.sample(ctx); err != nil {
			return err
		}
		if d.painter != nil {
			if err := d.draw(ctx); err != nil {
				return err
			}
		}
		if d.meter.lag == 0 && d.meter.sinkLag == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d records were not read and %d not stored within %s", d.meter.lag, d.meter.sinkLag, drainWithin)
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
		Right:  fmt.Sprintf("seed %d, %d numbers, %d portfolios", d.options.Seed, d.options.Numbers, len(d.generator.Portfolios())),
		Places: d.places, Events: m.read.Load(), Rate: m.rate(), Lag: m.lag,
		Bands: ranking.Bands, Flags: d.ledger.newestFlags(riskiestShown), Paste: d.paste(),
		Foot: "Ctrl-C drains and ends the demo; a second one ends it at once.",
	}
	s.Counts = d.counts()
	for i := range ranking.Numbers {
		s.Riskiest = append(s.Riskiest, d.ledger.risk(&ranking.Numbers[i]))
	}
	switch {
	case ctx.Err() != nil:
		s.Phase = phaseDraining
	case !m.live.IsZero():
		s.Phase = phaseLive
		if d.options.For > 0 {
			s.Foot = fmt.Sprintf("Ends by itself in %s. %s", max(d.options.For-d.now().Sub(m.live), 0).Round(time.Second), s.Foot)
		}
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
	case phaseDraining:
		what = "ending"
	}
	line := fmt.Sprintf("%s  %s events  %.1f events/s  lag %s  high %d  medium %d  low %d", what, thousands(s.Events), s.Rate,
		thousands(s.Lag), s.Bands[event.BandHigh], s.Bands[event.BandMedium], s.Bands[event.BandLow])
	if len(s.Flags) > 0 {
		f := s.Flags[0]
		line += fmt.Sprintf("  newest flag: %s %s %s %s", f.Subject, f.Level, f.Transition, f.Words)
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
