package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/webhook"
	eventsv1 "sendwatch/schemas/events/v1"
)

// convertCmd turns bodies of webhooks into events.
type convertCmd struct {
	Files      []string          `arg:"" name:"file" help:"Files of one body or of a body a line, as they came or wrapped with what surrounded them; - is standard input."`
	From       string            `required:"" placeholder:"PROVIDER" help:"Whose bodies they are: ${providers}."`
	Taught     bool              `help:"Also write what the bodies teach beside their own events: other identifiers of a person (contact.alias), how often a template was paused. For a replay; the gateway does so always."`
	Sends      bool              `help:"The bodies are send calls, {request, response}, also where that cannot be seen."`
	NumberID   string            `name:"number-id" placeholder:"ID" help:"The number, where a body names none."`
	WABAID     string            `name:"waba-id" placeholder:"ID" help:"The WhatsApp Business Account, where a body names none."`
	Portfolio  map[string]string `placeholder:"WABA=ID" help:"The portfolio that owns a WABA; also learnt from PARTNER_ADDED in the files before."`
	ReceivedAt int64             `name:"received-at" placeholder:"MS" help:"When the bodies came, in milliseconds since 1970, for what has no time of its own."`
}

// Run writes the events to standard output and what made none to standard error.
func (c *convertCmd) Run() error {
	p, err := webhook.New(c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	memory := new(webhook.Memory)
	for waba, portfolio := range c.Portfolio {
		memory.Learn(webhook.Fact{Kind: webhook.FactPortfolio, Key: waba, Value: portfolio})
	}
	out := bufio.NewWriter(os.Stdout)
	run := conversion{
		provider: p, sends: c.Sends, taught: c.Taught, memory: memory, out: out, report: os.Stderr,
		source: webhook.Source{
			NumberID: c.NumberID, WABAID: c.WABAID, ReceivedAt: c.ReceivedAt, AssumedAt: time.Now().UnixMilli(), Directory: memory,
		},
	}
	for _, name := range c.Files {
		data, err := readFile(name)
		if err == nil {
			err = run.file(name, data)
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	return out.Flush()
}

// readFile reads a file, or standard input for -.
func readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

// conversion is one run of `convert`.
type conversion struct {
	provider webhook.Provider
	sends    bool
	taught   bool
	source   webhook.Source
	memory   *webhook.Memory
	out      *bufio.Writer
	report   io.Writer
	line     []byte
}

// file converts a file: one body, else a body a line.
func (c *conversion) file(name string, data []byte) error {
	whole := bytes.TrimSpace(data)
	if json.Valid(whole) || bytes.IndexByte(whole, '\n') < 0 {
		return c.body(name, whole)
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := c.body(fmt.Sprintf("%s:%d", name, n), bytes.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

// body converts one body.
func (c *conversion) body(place string, body []byte) error {
	read := c.provider.Convert
	if c.sends {
		read = c.provider.Sends
	}
	result := read(body, c.source)
	for _, fact := range result.Facts {
		if alias := fact.Alias(); c.memory.Learn(fact) && c.taught && alias != nil {
			if err := c.write(alias); err != nil {
				return err
			}
		}
	}
	for i := range result.Updates {
		u := &result.Updates[i]
		switch u.Outcome {
		case webhook.Nothing:
			fmt.Fprintf(c.report, "%s: update %d, %s: nothing to make of it: %s\n", place, i+1, u.Field, u.Reason)
		case webhook.Unknown:
			fmt.Fprintf(c.report, "%s: update %d, %s: not understood: %s: %s\n", place, i+1, u.Field, u.Reason, strings.TrimSpace(string(u.Kept)))
		case webhook.Made:
		}
		events := u.Events
		if c.taught {
			events = slices.Concat(u.Taught, u.Events)
		}
		if err := c.write(events...); err != nil {
			return err
		}
	}
	return nil
}

// write writes events, one a line.
func (c *conversion) write(events ...*eventsv1.Event) error {
	for _, e := range events {
		c.line = append(codec.AppendEventJSON(c.line[:0], e), '\n')
		if _, err := c.out.Write(c.line); err != nil {
			return err
		}
	}
	return nil
}
