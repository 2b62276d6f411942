package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/webhook"
)

// Wrapping is how a body lies in a record. It is configured, never guessed: a body may
// itself be JSON with a payload.
type Wrapping string

// The wrappings.
const (
	WrappingNone    Wrapping = "none"    // the record is the body
	WrappingConnect Wrapping = "connect" // Kafka Connect's JSON converter: {"schema", "payload"}
	WrappingBase64  Wrapping = "base64"  // base64, as a JSON string or as it is
)

// Source says whose bodies a topic holds, and how.
type Source struct {
	Topic string
	// Provider is whose bodies they are; empty, the record header ProviderHeader
	// names it.
	Provider, ProviderHeader string
	Wrapping                 Wrapping
	NumberID, WABAID         string // where the bodies name none
}

// Records is one partition of a source.
type Records interface {
	// Fetch returns the next records.
	Fetch(ctx context.Context) (*event.Batch, error)
	// Commit says that everything before the offset is done.
	Commit(offset int64) error
}

// errNoPayload is what a record without a body gets.
var errNoPayload = errors.New("no payload")

// retryPause is how long a source waits before it writes again what the brokers did
// not acknowledge.
const retryPause = time.Second

// ReadSource turns a partition's bodies into events until ctx ends: what became of
// a fetch is acknowledged before its offset is committed. A body is as old as its
// record. Run must be running: it writes.
func (g *Gateway) ReadSource(ctx context.Context, s Source, partition int32, records Records) error {
	select {
	case <-g.restored:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		batch, err := records.Fetch(ctx)
		if err != nil {
			return err
		}
		if len(batch.Records) == 0 {
			continue
		}
		if err := g.readRecords(ctx, s, partition, batch.Records); err != nil {
			return err
		}
		switch err := records.Commit(batch.Next); {
		case errors.Is(err, context.DeadlineExceeded):
			g.config.Logger.Warn("commit failed: the next one makes it good; after a restart, records from there on would be written again", "topic", s.Topic, "error", err)
		case err != nil:
			return err
		}
	}
}

// writtenAtOnce is how many messages of a source wait to be written at a time.
const writtenAtOnce = 10_000

// readRecords writes what becomes of the records of a fetch, in their order.
func (g *Gateway) readRecords(ctx context.Context, s Source, partition int32, records []event.Record) error {
	start := time.Now()
	ctx, span := g.config.Telemetry.StartSpan(ctx, telemetry.OperationReceive, s.Topic, partition)
	metrics := g.config.Telemetry.Metrics()
	var ready []prepared
	var messages []topicMessage
	flush := func() error {
		if err := g.writeUntil(ctx, messages); err != nil {
			return err
		}
		for i := range ready {
			g.count(&ready[i])
			metrics.Add(telemetry.WebhookBodies, 1, ready[i].provider, strconv.Itoa(http.StatusOK))
			metrics.Observe(telemetry.WebhookDuration, time.Since(start), ready[i].provider)
		}
		ready, messages = ready[:0], messages[:0]
		return nil
	}
	for i := range records {
		r := &records[i]
		p, result := g.convert(s, r)
		one := g.prepare(p, &result, origin{topic: s.Topic, partition: partition, offset: r.Offset, receivedAt: r.Timestamp})
		ready, messages = append(ready, one), append(messages, one.messages...)
		if len(messages) >= writtenAtOnce || i == len(records)-1 {
			if err := flush(); err != nil {
				span.End(i, err)
				return err
			}
		}
	}
	span.End(len(records), nil)
	return nil
}

// writeUntil writes messages again and again until they are acknowledged or ctx ends.
func (g *Gateway) writeUntil(ctx context.Context, messages []topicMessage) error {
	for {
		err := g.batch.write(ctx, messages)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(retryPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// convert reads one record.
func (g *Gateway) convert(s Source, r *event.Record) (webhook.Provider, webhook.Result) {
	name := s.Provider
	if name == "" {
		name = string(r.Header(s.ProviderHeader))
	}
	p, known := g.providers[name]
	if !known {
		return p, webhook.Keep("record", "provider", r.Value)
	}
	body, err := s.Wrapping.unwrap(r.Value)
	if err != nil {
		return p, webhook.Keep("record", "wrapping", r.Value)
	}
	return p, p.Convert(body, webhook.Source{
		ReceivedAt: r.Timestamp, Directory: g.known, NumberID: s.NumberID, WABAID: s.WABAID,
	})
}

// unwrap returns the body in a record's value.
func (w Wrapping) unwrap(value []byte) ([]byte, error) {
	switch w {
	case WrappingConnect:
		return unwrapConnect(value)
	case WrappingBase64:
		text := bytes.TrimSpace(value)
		if len(text) > 0 && text[0] == '"' {
			var s string
			if err := json.Unmarshal(text, &s); err != nil {
				return nil, fmt.Errorf("no JSON string: %w", err)
			}
			text = []byte(s)
		}
		return fromBase64(string(text))
	case WrappingNone:
	}
	return value, nil
}

// unwrapConnect reads {"schema", "payload"}. A payload is a string (of a string
// schema), base64 (of a bytes schema), or the body itself.
func unwrapConnect(value []byte) ([]byte, error) {
	var record struct {
		Schema  struct{ Type string }
		Payload json.RawMessage
	}
	if err := json.Unmarshal(value, &record); err != nil {
		return nil, fmt.Errorf("not as Kafka Connect writes it: %w", err)
	}
	if len(record.Payload) == 0 || string(record.Payload) == "null" {
		return nil, errNoPayload
	}
	if record.Payload[0] != '"' {
		return record.Payload, nil
	}
	var s string
	if err := json.Unmarshal(record.Payload, &s); err != nil {
		return nil, fmt.Errorf("no JSON string: %w", err)
	}
	if record.Schema.Type == "bytes" {
		return fromBase64(s)
	}
	return []byte(s), nil
}

// fromBase64 decodes the four usual alphabets.
func fromBase64(s string) ([]byte, error) {
	var firstErr error
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		body, err := e.DecodeString(s)
		if err == nil {
			return body, nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return nil, firstErr
}
