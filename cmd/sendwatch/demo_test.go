package main

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/demo"
	"sendwatch/internal/embedded/embeddedtest"
)

// chunks is an output that can be read while it is written to.
type chunks chan string

func (c chunks) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}

// runDemo runs a demo, wired as the command wires it, and returns what it
// printed. stop is called with every piece of output; once it returns true the
// demo is ended as by Ctrl-C.
func runDemo(t *testing.T, options demo.Options, stop func(string) bool) (string, error) {
	t.Helper()
	out := make(chunks)
	options.Out = out
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- demo.Run(ctx, options, startDemo) }()
	var all strings.Builder
	for {
		select {
		case s := <-out:
			all.WriteString(s)
			if stop(s) {
				cancel()
			}
		case err := <-done:
			return all.String(), err
		}
	}
}

func smallDemo() demo.Options {
	return demo.Options{Seed: 3, Numbers: 66, Days: 12, For: time.Second, HTTP: "127.0.0.1:0", NoClickHouse: true, Partitions: 3}
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

// A webhook that comes amid the history would move the clock of its partition to the
// history's end: it is answered 503, and taken once the history was played.
func TestDemoTakesWebhooksAfterItsHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("plays twelve days")
	}
	options := smallDemo()
	options.For, options.Webhooks = 0, "127.0.0.1:0"
	at := regexp.MustCompile(`Webhooks +(http://127\.0\.0\.1:[0-9]+)`)
	var address string
	out, err := runDemo(t, options, func(s string) bool {
		if m := at.FindStringSubmatch(s); m != nil {
			address = m[1] + "/v1/webhooks/meta"
			if status := postBody(t, address, []byte("{}")); status != http.StatusServiceUnavailable {
				t.Errorf("amid the history: %d, want 503", status)
			}
		}
		if !strings.HasPrefix(s, "history played:") {
			return false
		}
		embeddedtest.Eventually(t, 20*time.Second, "a body is taken", func() bool { return postBody(t, address, []byte("{}")) == http.StatusOK })
		return true
	})
	if err != nil || address == "" {
		t.Fatalf("%v\n%s", err, out)
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

// A demo whose data is kept stores all that was sent, also after Ctrl-C.
func TestDemoWithDataReadsAllAfterASignal(t *testing.T) {
	options := smallDemo()
	options.Days, options.For, options.Data = 300, 0, t.TempDir()
	out, err := runDemo(t, options, func(s string) bool { return strings.HasPrefix(s, "history ") })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	line := regexp.MustCompile(`(?m)^  records  ([\d,]+) sent; (.*), [\d,]+ late$`).FindStringSubmatch(out)
	if line == nil {
		t.Fatalf("the summary does not count the records:\n%s", out)
	}
	var read int64
	for _, class := range regexp.MustCompile(`([\d,]+) [a-z]+`).FindAllStringSubmatch(line[2], -1) {
		read += grouped(t, class[1])
	}
	if sent := grouped(t, line[1]); read < sent || sent == 0 {
		t.Errorf("%d of %d records were read", read, sent)
	}
}

// grouped reads a number with commas between its thousands.
func grouped(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
