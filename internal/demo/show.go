package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/wording"
)

const (
	redrawEach = 500 * time.Millisecond
	sampleEach = 200 * time.Millisecond
	plainEach  = 5 * time.Second
	// drainTimeout bounds how long the demo waits for what is under way.
	drainTimeout = time.Minute
	// riskiestShown is more than fits on most screens.
	riskiestShown = 20
)

// show samples and draws until the demo is to end.
func (d *demo) show(ctx context.Context) error {
	each := plainEach
	if d.terminal != nil {
		each = redrawEach
	} else {
		d.printServices()
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
				if d.terminal == nil {
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	d.ending = true
	ticker := time.NewTicker(sampleEach)
	defer ticker.Stop()
	for d.meter.arrived = d.now(); ; {
		if err := d.sample(ctx); err != nil {
			return err
		}
		if d.terminal != nil {
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
			return fmt.Errorf("%d records were not read and %d batches of rows not stored within %s", d.meter.lag, d.meter.unseen.Load(), drainTimeout)
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
		Title:    "Sendwatch demo",
		Right:    fmt.Sprintf("seed %d, %s, %s", d.options.Seed, wording.Count(d.options.Numbers, "number"), wording.Count(len(d.generator.Portfolios()), "portfolio")),
		Services: d.services, Events: m.read.Load(), Rate: m.rate(), Lag: m.lag, Unstored: m.unseen.Load(),
		Bands: ranking.Bands, Flags: d.expectations.newestFlags(riskiestShown), Paste: d.paste(),
		Foot: "Ctrl-C drains and ends the demo; a second one ends it at once.",
	}
	s.Counts = d.counts()
	for i := range ranking.Numbers {
		s.Riskiest = append(s.Riskiest, d.expectations.risk(&ranking.Numbers[i]))
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
		words = append(words, fmt.Sprintf("%s %s", wording.Thousands(d.meter.records[class.String()]), class))
	}
	return strings.Join(words, ", ") + fmt.Sprintf(", %s late", wording.Thousands(d.meter.late))
}

// paste returns the commands to look inside a running demo.
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
	if d.terminal != nil {
		return d.terminal.paint(s)
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
	line := fmt.Sprintf("%s  %s events  %.1f events/s  lag %s  high %d  medium %d  low %d", what, wording.Thousands(s.Events), s.Rate,
		wording.Thousands(s.Lag), s.Bands[event.BandHigh], s.Bands[event.BandMedium], s.Bands[event.BandLow])
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

func (d *demo) printServices() {
	for _, p := range d.services {
		fmt.Fprintf(d.out, "%-11s%s  %s\n", p.What, p.Address, p.Detail)
	}
	for _, p := range d.paste() {
		fmt.Fprintf(d.out, "%s\n  %s\n", p.What, p.Command)
	}
}
