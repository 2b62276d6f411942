package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/replay"
	"sendwatch/internal/sqlprint"
	"sendwatch/internal/wording"
)

// historyLine says how the history went.
func (d *demo) historyLine() string {
	n, took := d.feed.history.Load(), d.meter.history
	return fmt.Sprintf("%s events in %.1f s, %s events/s, all of the process: traffic, Kafka, engine, flags%s",
		wording.Thousands(n), took.Seconds(), wording.Thousands(int64(float64(n)/took.Seconds())), d.andTables())
}

func (d *demo) andTables() string {
	if d.tables == nil {
		return ""
	}
	return ", ClickHouse"
}

// summarise prints what became of it all. With judge it returns ErrVerdict if a
// flag is missing or a healthy number was in danger.
func (d *demo) summarise(judge bool) error {
	v := d.expectations.result(d.feed.reached.Load())
	var b strings.Builder
	fmt.Fprintf(&b, "\nSendwatch demo: seed %d, %s, %s of history", d.options.Seed,
		wording.Count(d.options.Numbers, "number"), wording.Count(d.options.Days, "day"))
	if !d.meter.live.IsZero() {
		fmt.Fprintf(&b, ", %s live", d.now().Sub(d.meter.live).Round(time.Second))
	}
	b.WriteString("\n")
	if d.meter.history > 0 {
		fmt.Fprintf(&b, "  history  %s\n", d.historyLine())
	} else {
		b.WriteString("  history  was not played to its end\n")
	}
	fmt.Fprintf(&b, "  memory   %s MB at most\n", wording.Thousands(replay.PeakMemory()>>20))
	fmt.Fprintf(&b, "  records  %s sent; %s\n", wording.Thousands(d.feed.produced.Load()), d.counts())
	var flags []string
	for t := event.TransitionRaised; t <= event.TransitionCleared; t++ {
		flags = append(flags, fmt.Sprintf("%s %s", wording.Thousands(v.Flags[t]), t))
	}
	fmt.Fprintf(&b, "  flags    %s\n", strings.Join(flags, ", "))
	if rows, err := d.rows(); err == nil && rows != "" {
		fmt.Fprintf(&b, "  rows     %s\n", rows)
	}
	b.WriteString("\n")
	complete := d.meter.history > 0
	if complete {
		b.WriteString(strings.Join(v.lines(), "\n") + "\n")
	}
	if _, err := fmt.Fprint(d.out, b.String()); err != nil {
		return err
	}
	if judge && complete && len(v.Mistakes) > 0 {
		return ErrVerdict
	}
	return nil
}

// rows counts what lies in ClickHouse, through its own wire.
func (d *demo) rows() (string, error) {
	if d.tables == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var words []string
	for _, table := range []string{"number_minutes", "fingerprint_hours", "number_status", "flags"} {
		var b strings.Builder
		if _, err := d.tables.Query(ctx, "SELECT count() FROM "+table+" FINAL", sqlprint.New(&b, sqlprint.FormatCSV)); err != nil {
			return "", err
		}
		lines := strings.Fields(b.String())
		words = append(words, lines[len(lines)-1]+" "+table)
	}
	return strings.Join(words, ", "), nil
}
