package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/webhook"
	eventsv1 "sendwatch/schemas/events/v1"
)

// receive takes one body.
func (g *Gateway) receive(w http.ResponseWriter, r *http.Request, sends bool) {
	start := time.Now()
	name := r.PathValue("provider")
	provider, known := g.providers[name]
	if !known {
		name = "unknown"
	}
	ctx, span := g.config.Telemetry.StartSpan(r.Context(), telemetry.OperationReceive, name, -1)
	answer := outcome{status: http.StatusNotFound}
	if known {
		answer = g.take(ctx, w, r, provider, sends)
	}
	span.End(answer.Events, answer.err)
	metrics := g.config.Telemetry.Metrics()
	metrics.Add(telemetry.WebhookBodies, 1, name, strconv.Itoa(answer.status))
	metrics.Observe(telemetry.WebhookDuration, time.Since(start), name)
	answer.write(w, name)
}

// errNotRestored is what bodies get that come before the context.
var errNotRestored = errors.New("the context is not read yet")

// outcome is the answer to a body.
type outcome struct {
	status  int
	err     error
	Events  int            `json:"events"`
	Taught  int            `json:"taught,omitempty"` // events beside the body's own
	Nothing int            `json:"nothing"`
	Unknown map[string]int `json:"unknown,omitempty"` // by reason
	// Challenge is what Exotel wants back when it checks the address.
	Challenge string `json:"challenge,omitempty"`
}

// write answers. Twilio reads its answer as instructions: none.
func (o *outcome) write(w http.ResponseWriter, provider string) {
	if o.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if o.status != http.StatusOK {
		http.Error(w, http.StatusText(o.status), o.status)
		return
	}
	if provider == "twilio" {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, "<Response/>")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o) //nolint:errchkjson // the sender has gone: nobody reads it
}

// take reads a body, checks who sent it, and writes what it becomes.
func (g *Gateway) take(ctx context.Context, w http.ResponseWriter, r *http.Request, p webhook.Provider, sends bool) outcome {
	size := r.ContentLength
	switch {
	case !g.isRestored():
		return outcome{status: http.StatusServiceUnavailable, err: errNotRestored}
	case size > webhook.MaxBody:
		return outcome{status: http.StatusRequestEntityTooLarge}
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		return outcome{status: http.StatusUnsupportedMediaType}
	case size < 0:
		size = webhook.MaxBody // not known: it may be the largest
	}
	waiting, cancel := context.WithTimeout(ctx, roomTimeout)
	err := g.room.Acquire(waiting, size+1)
	cancel()
	if err != nil {
		return outcome{status: http.StatusServiceUnavailable, err: err}
	}
	defer g.room.Release(size + 1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return outcome{status: http.StatusRequestEntityTooLarge, err: err}
		}
		return outcome{status: http.StatusBadRequest, err: err}
	}
	if !g.config.Auth.allowed(p.Name(), sends, r, body) {
		return outcome{status: http.StatusUnauthorized}
	}
	q := r.URL.Query()
	source := webhook.Source{
		ReceivedAt: g.config.Now(), Directory: g.known,
		NumberID: parameter(q, "number_id"), WABAID: parameter(q, "waba_id"), PortfolioID: parameter(q, "portfolio_id"),
	}
	bounded, cancel := context.WithTimeout(ctx, ackTimeout+roomTimeout)
	defer cancel()
	ready := g.read(p, body, r.Header.Get("Content-Type"), sends, source)
	return g.store(bounded, &ready)
}

// read makes the messages of a body. Nothing else of it is left when it returns: while
// the brokers are slow many bodies wait, and the events that were read from one take
// four times what its messages do.
func (g *Gateway) read(p webhook.Provider, body []byte, contentType string, sends bool, source webhook.Source) prepared {
	if len(body) > largeBody {
		g.turns <- struct{}{}
		defer func() { <-g.turns }()
	}
	var result webhook.Result
	if sends {
		result = p.Sends(body, source)
	} else {
		result = p.Read(body, contentType, source)
	}
	ready := g.prepare(p, &result, origin{receivedAt: source.ReceivedAt})
	if len(result.Updates) == 1 && result.Updates[0].Field == webhook.FieldVerification {
		ready.outcome.Challenge = challenge(body)
	}
	return ready
}

// challenge returns what a body of Exotel's wants back (developer.exotel.com,
// WhatsApp webhooks, 2026).
func challenge(body []byte) string {
	var v struct{ Challenge string }
	if err := json.Unmarshal(body, &v); err != nil || len(v.Challenge) > 256 {
		return ""
	}
	return v.Challenge
}

// parameter returns what an address says.
func parameter(q url.Values, name string) string { return strings.ToValidUTF8(q.Get(name), "") }

// origin is where a body came from, for the dead letter.
type origin struct {
	topic      string // empty: over HTTP
	partition  int32
	offset     int64
	receivedAt int64
}

// prepared is what became of a body, before it is written.
type prepared struct {
	provider string
	outcome  outcome
	messages []topicMessage
	counts   map[[2]string]int64 // updates by field and outcome

	fresh           []webhook.Fact
	changed, before map[string]sender
}

// store writes what became of a body and says how to answer.
func (g *Gateway) store(ctx context.Context, ready *prepared) outcome {
	if err := g.batch.write(ctx, ready.messages); err != nil {
		g.known.forget(ready.fresh, ready.changed, ready.before)
		return outcome{status: http.StatusServiceUnavailable, err: err}
	}
	g.count(ready)
	return ready.outcome
}

// prepare makes the messages of a body and learns from it.
func (g *Gateway) prepare(p webhook.Provider, result *webhook.Result, from origin) prepared {
	ready := prepared{provider: p.Name(), outcome: outcome{status: http.StatusOK}, counts: map[[2]string]int64{}}
	ready.fresh = g.known.learn(result.Facts)
	var extra []*eventsv1.Event
	extra, ready.changed, ready.before = g.known.beside(p, result, ready.fresh, from.receivedAt)
	for _, e := range extra {
		ready.messages = append(ready.messages, g.message(e))
	}
	ready.messages = append(ready.messages, g.remember(ready.fresh, ready.changed)...)
	o := &ready.outcome
	for i := range result.Updates {
		u := &result.Updates[i]
		ready.counts[[2]string{u.Field, u.Outcome.String()}]++
		switch u.Outcome {
		case webhook.Nothing:
			o.Nothing++
		case webhook.Unknown:
			if o.Unknown == nil {
				o.Unknown = map[string]int{}
			}
			o.Unknown[u.Reason]++
			ready.messages = append(ready.messages, g.deadLetter(p, u, from))
		case webhook.Made:
		}
		for _, e := range u.Taught {
			o.Taught++
			ready.messages = append(ready.messages, g.message(e))
		}
		for _, e := range u.Events {
			o.Events++
			ready.messages = append(ready.messages, g.message(e))
		}
	}
	return ready
}

// count reports what was written.
func (g *Gateway) count(ready *prepared) {
	metrics := g.config.Telemetry.Metrics()
	for what, n := range ready.counts {
		metrics.Add(telemetry.WebhookUpdates, n, ready.provider, what[0], what[1])
	}
}

// remember makes the records that a restart rebuilds the context from.
func (g *Gateway) remember(fresh []webhook.Fact, changed map[string]sender) []topicMessage {
	if g.config.Context == "" {
		return nil
	}
	var messages []topicMessage
	for _, f := range fresh {
		if m, ok := factRecord(f); ok {
			messages = append(messages, topicMessage{g.config.Context, m})
		}
	}
	for number, s := range changed {
		messages = append(messages, topicMessage{g.config.Context, s.record(number)})
	}
	return messages
}

// contentType says that an event is Protobuf.
var contentType = []event.Header{{Key: []byte(codec.ContentTypeHeader), Value: []byte(codec.ContentProtobuf.String())}}

// message makes the record of an event, keyed so that the events of a number, of a
// WABA and of a portfolio keep their order. No webhook of a number names its
// portfolio, and limits are the portfolio's: it is filled in.
func (g *Gateway) message(e *eventsv1.Event) topicMessage {
	key := e.NumberId
	switch {
	case e.Type == "template.update", e.Type == "portfolio.limit", e.Type == "account.update" && e.Scope != "number":
		if key = e.WabaId; key == "" {
			key = e.PortfolioId
		}
	case e.PortfolioId == "" && e.WabaId != "":
		e.PortfolioId = g.known.Known(webhook.FactPortfolio, e.WabaId)
	}
	value, err := proto.Marshal(e)
	if err != nil {
		// Only text that is no UTF-8 fails, and the readers let none through.
		g.config.Logger.Error("event left out: it cannot be written as Protobuf; report this", "type", e.Type, "error", err)
	}
	return topicMessage{g.config.Events, event.Message{Key: []byte(key), Value: value, Headers: contentType}}
}

// The headers of a dead letter of the gateway, beside the reason.
const (
	HeaderProvider = "sendwatch-provider"
	headerField    = codec.HeaderField
	// headerTruncated is the length that a cut dead letter had.
	headerTruncated = "sendwatch-truncated-from"
)

// maxDeadLetter bounds a dead letter so that it fits a broker's default limit for a
// message. One that the brokers refuse would be written again and again, with all that
// waits beside it.
const maxDeadLetter = 768 << 10

// deadLetter keeps an update that was not understood.
func (g *Gateway) deadLetter(p webhook.Provider, u *webhook.Update, from origin) topicMessage {
	headers := []event.Header{
		{Key: []byte(codec.HeaderReason), Value: []byte("webhook_" + u.Reason)},
		{Key: []byte(HeaderProvider), Value: []byte(p.Name())},
		{Key: []byte(headerField), Value: []byte(u.Field)},
	}
	if from.topic != "" {
		headers = append(headers,
			event.Header{Key: []byte(codec.HeaderTopic), Value: []byte(from.topic)},
			event.Header{Key: []byte(codec.HeaderPartition), Value: strconv.AppendInt(nil, int64(from.partition), 10)},
			event.Header{Key: []byte(codec.HeaderOffset), Value: strconv.AppendInt(nil, from.offset, 10)})
	}
	headers = append(headers, event.Header{Key: []byte(codec.HeaderTimestamp), Value: strconv.AppendInt(nil, from.receivedAt, 10)})
	value := u.Kept
	if len(value) > maxDeadLetter {
		headers = append(headers, event.Header{Key: []byte(headerTruncated), Value: strconv.AppendInt(nil, int64(len(value)), 10)})
		value = slices.Clone(value[:maxDeadLetter]) // it waits without the rest
	}
	return topicMessage{g.config.DeadLetter, event.Message{Key: []byte(p.Name()), Value: value, Headers: headers}}
}

// verify answers Meta's question at set-up: the challenge, if the token is ours.
func (g *Gateway) verify(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	challenge := q.Get("hub.challenge")
	status := http.StatusForbidden
	token := g.config.Auth.VerifyToken
	if token != "" && q.Get("hub.mode") == "subscribe" && same(q.Get("hub.verify_token"), token) && len(challenge) <= 256 {
		status = http.StatusOK
	}
	name := r.PathValue("provider")
	if _, known := g.providers[name]; !known {
		name, status = "unknown", http.StatusNotFound
	}
	g.config.Telemetry.Metrics().Add(telemetry.WebhookBodies, 1, name, strconv.Itoa(status))
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, challenge)
}
