package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	eventsv1 "sendwatch/schemas/events/v1"
)

// kind is what a record of the log is.
type kind int

const (
	sent kind = iota
	received
	status
)

// happening is one record before it is written as JSON or Protobuf.
type happening struct {
	kind     kind
	at       int64 // ms
	number   int
	contact  int64
	template int
	serial   int
	closing  bool // the number's last record: its facts after it are the answer
}

const (
	step      = 5                      // ms between two records: 200 a second
	pause     = 50 * 3600 * 1000       // ms after the first tenth, so that what nobody answered in it runs out
	templates = 200                    // names of campaigns
	recent    = 64                     // open conversations of a number that a record may come back to
	contacts0 = int64(4915100000000)   // contacts count up from here
	startDay  = "2026-01-01T00:00:00Z" // of the log
)

// generator makes the log: four records in five are sends of templates, by numbers of which
// few send much; one send in four goes to a contact who was written to and has not answered;
// the rest are answers and statuses by halves. The last records are a status of each number, all
// at the same millisecond.
type generator struct {
	events, numbers int
	random          *rand.Rand
	i               int
	at              int64
	next            int64     // contact
	open            [][]int64 // by number: contacts who have not answered
}

func newGenerator(events, numbers int, seed uint64) *generator {
	start, err := time.Parse(time.RFC3339, startDay)
	if err != nil {
		panic(err) // a constant
	}
	return &generator{
		events: events, numbers: numbers, random: rand.New(rand.NewPCG(seed, 2)), at: start.UnixMilli() + 1,
		next: contacts0, open: make([][]int64, numbers),
	}
}

// take returns the next happening, false at the end of the log.
func (g *generator) take(h *happening) bool {
	if g.i == g.events {
		return false
	}
	*h = happening{serial: g.i, at: g.at}
	body := g.events - g.numbers
	switch {
	case g.i >= body:
		h.kind, h.number, h.contact, h.closing = status, g.i-body, contacts0, true
	default:
		h.number = int(float64(g.numbers) * g.random.Float64() * g.random.Float64())
		g.choose(h)
		g.at += step
	}
	g.i++
	if g.i == body/10 {
		g.at += pause
		g.open = make([][]int64, g.numbers) // nobody comes back to what is two days old
	}
	return true
}

func (g *generator) choose(h *happening) {
	known := g.open[h.number]
	switch {
	case g.i%5 != 4:
		h.kind, h.template = sent, g.random.IntN(templates)
		if g.random.IntN(4) == 0 && len(known) > 0 {
			h.contact = known[g.random.IntN(len(known))]
			return
		}
		h.contact = g.next
		g.next++
		if len(known) < recent {
			g.open[h.number] = append(known, h.contact)
		} else {
			known[g.random.IntN(recent)] = h.contact
		}
	case g.i%10 == 9 && len(known) > 0:
		at := g.random.IntN(len(known))
		h.kind, h.contact = received, known[at]
		known[at] = known[len(known)-1]
		g.open[h.number] = known[:len(known)-1]
	default:
		h.kind, h.contact = status, g.next-1
	}
}

// numberID is the name of a number.
func numberID(n int) string { return fmt.Sprintf("number-%06d", n) }

func templateName(t int) string { return fmt.Sprintf("campaign_%03d", t) }

// text is what a send says: with a number in it that no other has.
func (h *happening) text() string {
	return "Dear customer " + strconv.Itoa(h.serial) + ", your order is on its way and will arrive between nine and noon."
}

func (h *happening) messageID() string { return fmt.Sprintf("wamid.HBgLNDkxNTE%012x", h.serial) }

// appendJSON writes the record as a producer of JSON would.
func (h *happening) appendJSON(b []byte) []byte {
	message := h.messageID()
	from := fmt.Sprintf(`"time":%d,"number_id":"%s","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d"`, h.at, numberID(h.number), h.number/4, h.number/40)
	switch h.kind {
	case sent:
		return fmt.Appendf(b, `{"id":"out:%s","type":"message.sent",%s,"message_id":"%s","contact":"%d","kind":"template","template":{"name":"%s","language":"en_GB","category":"MARKETING"},"text":"%s","opt_in":true}`,
			message, from, message, h.contact, templateName(h.template), h.text())
	case received:
		return fmt.Appendf(b, `{"id":"in:%s","type":"message.received",%s,"message_id":"in.%s","contact":"%d","kind":"text","text":"Thank you, that suits me well."}`,
			message, from, message, h.contact)
	default:
		return fmt.Appendf(b, `{"id":"%s:%s","type":"message.status",%s,"message_id":"%s","contact":"%d","status":"delivered"}`,
			h.statusPrefix(), message, from, message, h.contact)
	}
}

func (h *happening) statusPrefix() string {
	if h.closing {
		return "end"
	}
	return "st"
}

// appendProtobuf writes the same as a message of schemas/events/v1.
func (h *happening) appendProtobuf(b []byte) ([]byte, error) {
	message := h.messageID()
	e := &eventsv1.Event{
		Time: new(h.at), NumberId: numberID(h.number), WabaId: fmt.Sprintf("waba-%05d", h.number/4), PortfolioId: fmt.Sprintf("portfolio-%04d", h.number/40),
		MessageId: message, Contact: strconv.FormatInt(h.contact, 10),
	}
	switch h.kind {
	case sent:
		e.Id, e.Type, e.Kind, e.Text = "out:"+message, "message.sent", "template", h.text()
		e.Template = &eventsv1.Template{Name: templateName(h.template), Language: "en_GB", Category: "MARKETING"}
		e.OptIn = new(true)
	case received:
		e.Id, e.Type, e.Kind, e.Text, e.MessageId = "in:"+message, "message.received", "text", "Thank you, that suits me well.", "in."+message
	default:
		e.Id, e.Type, e.Status = h.statusPrefix()+":"+message, "message.status", "delivered"
	}
	return proto.MarshalOptions{}.MarshalAppend(b, e)
}
