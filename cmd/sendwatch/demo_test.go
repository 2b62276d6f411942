package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// lines is an output that can be read while it is written to.
type lines struct {
	wrote chan string
}

func (l *lines) Write(b []byte) (int, error) {
	l.wrote <- string(b)
	return len(b), nil
}

// runDemo runs a demo without ClickHouse and gives what it printed. stop is
// called with every piece of output and ends the demo, as Ctrl-C does, once it
// gives true.
func runDemo(t *testing.T, options demoCmd, stop func(string) bool) (string, error) {
	t.Helper()
	if err := options.check(); err != nil {
		t.Fatal(err)
	}
	d := &demo{options: options, log: &logTail{}, begun: time.Now()}
	return d.play(t, stop)
}

// play runs the demo for runDemo.
func (d *demo) play(t *testing.T, stop func(string) bool) (string, error) {
	t.Helper()
	out := &lines{wrote: make(chan string)}
	d.out = out
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()
	var all strings.Builder
	for {
		select {
		case s := <-out.wrote:
			all.WriteString(s)
			if stop(s) {
				cancel()
			}
		case err := <-done:
			return all.String(), err
		}
	}
}

func smallDemo() demoCmd {
	return demoCmd{Seed: 3, Numbers: 66, Days: 12, For: time.Second, HTTP: "127.0.0.1:0", NoClickhouse: true, Partitions: 3, Plain: true}
}

// The whole demo, on the in-process Kafka: what is expected by then is flagged.
func TestDemoEndsByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("plays twelve days")
	}
	out, err := runDemo(t, smallDemo(), func(string) bool { return false })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"Kafka      127.0.0.1:", "HTTP       http://127.0.0.1:", "kcat -b 127.0.0.1:",
		"history played:", "12 days of history", "events/s", "velocity_hour, velocity_burst",
		"Every misbehaving number was flagged for what it was built to do; no healthy one was in danger.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// Ctrl-C in the middle of the history ends the demo without an error, and
// without a verdict on what could not have come yet.
func TestDemoEndsOnASignal(t *testing.T) {
	options := smallDemo()
	options.Days, options.For = 300, 0
	out, err := runDemo(t, options, func(s string) bool { return strings.HasPrefix(s, "history ") })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "was not played to its end") || strings.Contains(out, "was not flagged") {
		t.Errorf("the summary does not say that the history was cut short:\n%s", out)
	}
}

// Whoever keeps the data finds in it all that was sent, also after Ctrl-C.
func TestDemoWithDataReadsAllAfterASignal(t *testing.T) {
	options := smallDemo()
	options.Days, options.For, options.Data = 300, 0, t.TempDir()
	d := &demo{options: options, log: &logTail{}, begun: time.Now()}
	out, err := d.play(t, func(s string) bool { return strings.HasPrefix(s, "history ") })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var read int64
	for _, n := range d.meter.records {
		read += n
	}
	if sent := d.feed.produced.Load(); read < sent || sent == 0 {
		t.Errorf("%d of %d records were read", read, sent)
	}
	if d.meter.read.Load() != read {
		t.Errorf("the screen says %d events were read, it were %d", d.meter.read.Load(), read)
	}
}

func TestDemoNamesEveryWrongOption(t *testing.T) {
	err := (&demoCmd{Numbers: -1, Days: 0, Partitions: 65, For: -1}).check()
	for _, want := range []string{"--numbers", "--days", "--partitions", "--for"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
