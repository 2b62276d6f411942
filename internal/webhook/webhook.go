package webhook

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	eventsv1 "sendwatch/schemas/events/v1"
)

const (
	// MaxBody is the largest body in bytes: Meta posts up to 3 MB.
	MaxBody = 3 << 20
	// MaxUpdates is how many updates of one body are read: Meta batches up to
	// 1,000. What is beyond is kept as not understood.
	MaxUpdates = 1000
	// MaxDepth is how deep a body may nest, the outermost object being 1. Quoted
	// messages inside quoted messages are the deepest that is seen, about 20.
	MaxDepth = 64
)

// Source is what surrounds a body.
type Source struct {
	// ReceivedAt is when the body came, milliseconds UTC; 0 if it is not known.
	// It is the time of what has no time of its own.
	ReceivedAt int64
	// AssumedAt stands in for ReceivedAt where nothing else has a time: the
	// moment at which an old file is read. 0 for none.
	AssumedAt int64
	// NumberID, WABAID and PortfolioID stand in where a body names none.
	NumberID, WABAID, PortfolioID string
	// Directory answers what other bodies reported; nil knows nothing.
	Directory Directory
}

// Directory answers what earlier bodies or the configuration reported. An answer is
// "" where nothing is known. *Memory is one.
type Directory interface {
	// Known returns what is known of a key.
	Known(FactKind, string) string
}

// FactKind is what a Fact is about.
type FactKind uint8

const (
	// FactPortfolio is the portfolio that owns a WABA.
	FactPortfolio FactKind = iota
	// FactNumber is the number_id of a displayed phone number, in digits.
	FactNumber
	// FactPhone is the phone number behind a hidden id (...@lid).
	FactPhone
	// FactStream is whether the webhooks of a WABA, or of the number with these
	// digits, go on: StreamEnded or StreamAlive.
	FactStream
	// FactHeld is a send that pacing holds back, by its number and message id: the
	// event that it becomes once it is let go. Its value has a text and a contact
	// in it and is for memory alone.
	FactHeld
	// FactAddressee is whom a message went to and from which number, by its id: of
	// the providers whose statuses name nobody. It is for memory alone.
	FactAddressee
)

// The values of a FactStream.
const (
	StreamEnded = "ended"
	StreamAlive = "alive"
)

// Fact is something that a body said in passing and other bodies need.
type Fact struct {
	Kind       FactKind
	Key, Value string
	// NumberID is the number that the body belonged to, "" if it named none.
	NumberID string
	// Time is when it held, milliseconds UTC; 0 if nothing says.
	Time int64
}

// Alias returns the contact.alias that a FactPhone means for its number; nil for
// other facts, and without a number or a time. Its id is the pair's: told again
// it changes nothing.
func (f Fact) Alias() *eventsv1.Event {
	if f.Kind != FactPhone || f.NumberID == "" || f.Time == 0 {
		return nil
	}
	return &eventsv1.Event{
		Id: short("alias:" + f.NumberID + ":" + f.Key), Type: "contact.alias", Time: new(f.Time),
		NumberId: f.NumberID, Contact: f.Value, Previous: f.Key,
	}
}

// Outcome is what became of one update.
type Outcome uint8

const (
	// Made is of an update that became events.
	Made Outcome = iota
	// Nothing is of one that is understood and becomes none.
	Nothing
	// Unknown is of one that is not understood, and kept.
	Unknown
)

// String returns the outcome as metrics and reports name it.
func (o Outcome) String() string {
	switch o {
	case Made:
		return "events"
	case Nothing:
		return "nothing"
	default:
		return "unknown"
	}
}

// Update is one thing that a body reports.
type Update struct {
	// Field names what it was, from a list that the provider's file bounds.
	Field   string
	Outcome Outcome
	// Events are what was made of it, in order; empty unless Made.
	Events []*eventsv1.Event
	// Taught are what it makes known beside its own events, whatever its outcome:
	// see Result.Taught.
	Taught []*eventsv1.Event
	// Reason names why no event was made, from a bounded list of words.
	Reason string
	// Kept is the update as it came, in JSON, without names and texts; only of Unknown.
	Kept []byte
}

// Result is what became of a body.
type Result struct {
	Updates []Update
	Facts   []Fact
}

// Events returns the events of all updates, in order.
func (r *Result) Events() []*eventsv1.Event {
	var list []*eventsv1.Event
	for i := range r.Updates {
		list = append(list, r.Updates[i].Events...)
	}
	return list
}

// Taught returns what the updates make known beside their own events, in order,
// as events of the contract: that two identifiers are of one person
// (contact.alias, from a notice in the chat or a number that was asked for), and
// how often a template was paused (a template.update of pauses alone). They are
// no happenings of their own and in no list of a body's events; who counts what
// happens publishes them too, each in front of its update's events, so that these
// are counted for the right person.
func (r *Result) Taught() []*eventsv1.Event {
	var list []*eventsv1.Event
	for i := range r.Updates {
		list = append(list, r.Updates[i].Taught...)
	}
	return list
}

// provider is one row of the table of providers.
type provider struct {
	name string
	// local says that its message ids are unique within a chat only, so that an
	// event's id has the number in front.
	local bool
	// nameless says that its statuses name no contact: whom a message went to is
	// remembered from its send.
	nameless bool
	// official says that it speaks to WhatsApp's own API for businesses.
	official bool
	// statuses are its words for a status, in lower case: the contract's word, or
	// "-" and the reason why there is none.
	statuses map[string]string
	// codes are its error codes that have a sure counterpart among Meta's. What
	// is not here has none.
	codes map[string]int64
	read  func(*call, any)
	send  func(*call, item)
}

// providers lists the providers in the order of their names in the documentation.
func providers() []*provider {
	return []*provider{
		meta(), dialog360(), gupshup(), twilio(), vonage(), bird(), infobip(), whapi(), evolution(), baileys(),
		waha(), whatsmeow(), wppconnect(), greenAPI(), wati(), yCloud(), sinch(), exotel(),
	}
}

// Providers returns the names of the providers.
func Providers() []string {
	var names []string
	for _, p := range providers() {
		names = append(names, p.name)
	}
	return names
}

// Provider reads the bodies of one provider. It serves any number of goroutines.
type Provider struct{ p *provider }

// New returns the reader of a provider. The error lists the names that there are.
func New(name string) (Provider, error) {
	for _, p := range providers() {
		if p.name == name {
			return Provider{p}, nil
		}
	}
	return Provider{}, fmt.Errorf("no provider of this name: there are %s", strings.Join(Providers(), ", "))
}

// Official reports whether the provider's numbers are on WhatsApp's own API for
// businesses; those of the others are sessions of an app or of WhatsApp Web.
func (p Provider) Official() bool { return p.p != nil && p.p.official }

// Name returns the provider's name; of the zero value it is unknown.
func (p Provider) Name() string {
	if p.p == nil {
		return "unknown"
	}
	return p.p.name
}

// Read turns a body into events. contentType is the request's header; where it
// is empty or wrong the body's first byte decides between JSON and a form.
func (p Provider) Read(body []byte, contentType string, s Source) Result {
	c := newCall(p.p, s)
	v, reason := parse(body, contentType)
	if reason != "" {
		c.keep("body", reason, redact(body))
		return c.result
	}
	c.each(v, func(v any) { p.p.read(c, v) })
	if len(c.result.Updates) == 0 {
		c.unknown("body", "no_update", v)
	}
	return c.result
}

// Sends turns the provider's own send calls into events. A body is one
// {request, response} or a list of them; README.md says what else may stand
// beside the two.
func (p Provider) Sends(body []byte, s Source) Result {
	c := newCall(p.p, s)
	v, reason := parse(body, jsonType)
	if reason != "" {
		c.keep("sends", reason, redact(body))
		return c.result
	}
	c.each(v, c.sendItem)
	return c.result
}

// Keep returns the result of a body that could not even be handed to a provider.
func Keep(field, reason string, body []byte) Result {
	return Result{Updates: []Update{{Field: field, Outcome: Unknown, Reason: reason, Kept: redact(body)}}}
}

// each hands on the value, or its elements if it is a list.
func (c *call) each(v any, f func(any)) {
	l, is := v.([]any)
	if !is {
		f(v)
		return
	}
	for _, one := range l {
		f(one)
	}
	if len(l) == 0 {
		c.nothing("body", "empty")
	}
}

// call is one body on its way through a provider.
type call struct {
	p      *provider
	source Source
	result Result
	// learned are the facts of this very body, for the updates that follow.
	learned Memory
	// taught waits for the end of the update that makes it known.
	taught []*eventsv1.Event
}

func newCall(p *provider, s Source) *call {
	return &call{p: p, source: s}
}

// room reports whether one more update may be read; what is beyond is kept.
func (c *call) room(field string, v any) bool {
	if len(c.result.Updates) < MaxUpdates {
		return true
	}
	c.keep(field, "too_many_updates", redact(marshal(v)))
	return false
}

// maxEvent is the largest event that is made, in bytes: the contract takes 256 KiB.
const maxEvent = 200 << 10

// teach adds an event to what the update in hand makes known beside its own.
func (c *call) teach(e *eventsv1.Event) { c.taught = append(c.taught, e) }

// made ends an update of which events were made.
func (c *call) made(field string, events ...*eventsv1.Event) {
	for i := range c.result.Facts {
		if f := &c.result.Facts[i]; f.Time == 0 && len(events) > 0 {
			f.Time = events[0].GetTime()
		}
	}
	c.end(Update{Field: field, Outcome: Made, Events: events})
}

// nothing ends an update that is understood and makes no event.
func (c *call) nothing(field, reason string) {
	c.end(Update{Field: field, Outcome: Nothing, Reason: reason})
}

// end ends an update with its one outcome.
func (c *call) end(u Update) {
	u.Taught, c.taught = c.taught, nil
	for _, e := range slices.Concat(u.Events, u.Taught) {
		if size := proto.Size(e); size > maxEvent {
			u = Update{Field: u.Field, Outcome: Unknown, Reason: "too_large", Kept: []byte(`"` + removed(size) + `"`)}
			break
		}
	}
	c.result.Updates = append(c.result.Updates, u)
}

// unknown ends an update that is not understood.
func (c *call) unknown(field, reason string, v any) {
	c.keep(field, reason, redact(marshal(v)))
}

func (c *call) keep(field, reason string, kept []byte) {
	c.end(Update{Field: field, Outcome: Unknown, Reason: reason, Kept: kept})
}

// learn reports a fact, for the updates that follow and for the caller.
func (c *call) learn(f Fact) {
	if f.Key == "" || f.Value == "" || f.Key == f.Value {
		return
	}
	if f.Time == 0 {
		f.Time = c.source.ReceivedAt
	}
	if c.learned.Learn(f) && !slices.Contains(c.result.Facts, f) {
		c.result.Facts = append(c.result.Facts, f)
	}
}

// known asks this body's facts, then the caller's directory.
func (c *call) known(kind FactKind, key string) string {
	if key == "" {
		return ""
	}
	if v := c.learned.Known(kind, key); v != "" || c.source.Directory == nil {
		return v
	}
	return c.source.Directory.Known(kind, key)
}

// status returns the contract's word for a provider's; else the reason why there
// is none. Both are empty for a word that the table does not have.
func (p *provider) status(word string) (status, reason string) {
	w := p.statuses[strings.ToLower(strings.TrimSpace(word))]
	if reason, no := strings.CutPrefix(w, "-"); no {
		return "", reason
	}
	return w, ""
}

// code returns Meta's number for a provider's code; ok is false if there is no
// sure counterpart.
func (p *provider) code(word string) (int64, bool) {
	n, ok := p.codes[strings.TrimSpace(word)]
	return n, ok
}
