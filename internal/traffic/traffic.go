package traffic

import (
	"fmt"
	"math/rand/v2"
	"time"

	eventsv1 "sendwatch/schemas/events/v1"
)

// Config says which traffic. The zero value of a field takes its default.
type Config struct {
	Seed uint64
	// Numbers is how many senders there are. 0 is DefaultNumbers.
	Numbers int
	// Cast is who they are; the zero value is CastUsual.
	Cast Cast
	// Start is when the history begins. It is moved back to midnight UTC, so
	// that the same seed makes the same days at whatever date: only the times
	// differ. The zero time is 1 January 2026.
	Start time.Time
	// End is where Next stops: before the first record that arrives then or
	// later. The zero time is never.
	End time.Time
}

// Cast is a set of senders.
type Cast uint8

// CastUsual has each habit that a factor looks for, one a sender, among senders
// who do nothing of the kind. CastHard has the stories of real restrictions that
// came below every threshold, and the honest who look like them.
const (
	CastUsual Cast = iota
	CastHard
)

// DefaultNumbers fill twelve portfolios and make some 2.5 million records in 30 days.
const DefaultNumbers = 200

// MaxNumbers keeps a generator below a gigabyte.
const MaxNumbers = 100_000

// Record is one Kafka record. Its byte slices are valid until the next call of
// Next.
type Record struct {
	Time    int64 // ms, when it arrives: the record's timestamp
	Key     []byte
	Value   []byte
	Headers []Header
	// Number is the index in Numbers of the sender.
	Number int
	// Hidden is what the log does not say.
	Hidden Hidden
	// Shared records speak of a WABA or a portfolio and belong on every
	// partition (contract, section 2).
	Shared bool
}

// Hidden is what only the people concerned and WhatsApp know of a message.
type Hidden struct {
	Contact   uint64 // who the contact is, however it is called; 0 on what is about none
	Stranger  bool   // the contact has never dealt with the sender
	Complains bool   // the contact will complain of it to WhatsApp
}

// Header is one Kafka record header.
type Header struct {
	Key   string
	Value []byte
}

// Generator plays the traffic. It belongs to one goroutine.
type Generator struct {
	start, end int64
	numbers    []*number
	portfolios []Portfolio
	merge      merge
	buf        []byte          // the record being written
	event      *eventsv1.Event // the event being written
	pad        string          // filling of an oversized record, made when first needed
	rec        Record
}

// headers of nearly all records. Those of some numbers have none, and what they
// are must be told from the first byte.
var jsonHeaders = []Header{{Key: "content-type", Value: []byte("application/json")}}

// New makes a generator that stands before the first record.
func New(c Config) (*Generator, error) {
	if c.Numbers == 0 {
		c.Numbers = DefaultNumbers
	}
	if c.Numbers < 1 || c.Numbers > MaxNumbers {
		return nil, fmt.Errorf("traffic: Numbers is %d; use 1 to %d, or 0 for %d", c.Numbers, MaxNumbers, DefaultNumbers)
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	g := &Generator{start: c.Start.UTC().Truncate(24 * time.Hour).UnixMilli(), end: 1 << 62, event: new(eventsv1.Event)}
	if !c.End.IsZero() {
		g.end = c.End.UnixMilli()
	}
	portfolios := max(1, c.Numbers/16)
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	for i, p := range cast(c.Cast, c.Numbers, portfolios, rng) {
		n := newNumber(g, c.Seed, i, p)
		n.portfolio = i * portfolios / c.Numbers
		n.Portfolio = portfolioID(n.portfolio)
		accounts := 2 + (n.portfolio+1)%2
		n.WABA = fmt.Sprintf("waba-%02d%c", n.portfolio+1, 'a'+i%accounts)
		if n.portfolio == sharedPortfolio {
			n.connectionHash = "c0ffee5hared"
		}
		n.prepare()
		g.numbers = append(g.numbers, n)
	}
	g.portfolios = portfolioLabels(g.numbers, portfolios, g.start)
	for i, n := range g.numbers {
		if i == 0 || n.portfolio != g.numbers[i-1].portfolio {
			n.schedule(action{at: g.start + int64(n.portfolio), do: doLimit})
		}
		g.merge.order = append(g.merge.order, int32(i))
		g.merge.at = append(g.merge.at, n.queue[0].at)
	}
	for i := len(g.merge.order)/2 - 1; i >= 0; i-- {
		g.merge.down(i)
	}
	return g, nil
}

// Numbers returns the senders and what is to be found of each.
func (g *Generator) Numbers() []Number {
	out := make([]Number, len(g.numbers))
	for i, n := range g.numbers {
		out[i] = n.Number
	}
	return out
}

// Portfolios returns the portfolios and what is to be found of each.
func (g *Generator) Portfolios() []Portfolio { return g.portfolios }

// Start returns the time at which the history begins, ms.
func (g *Generator) Start() int64 { return g.start }

// Next returns the next record in order of arrival, false once there is none
// before the end. Without an end it never returns false.
func (g *Generator) Next(r *Record) bool {
	for {
		i := g.merge.order[0]
		n := g.numbers[i]
		if n.queue[0].at >= g.end {
			return false
		}
		a := n.queue.pop()
		g.rec = Record{Time: a.at, Key: n.key, Headers: n.headers, Number: int(i)}
		emitted := n.step(a)
		g.merge.at[i] = n.queue[0].at
		g.merge.down(0)
		if emitted {
			*r = g.rec
			return true
		}
	}
}
