package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// brokerLimit is a topic's default max.message.bytes, which counts the batch
// around a message: 61 bytes, and at most 40 for the lengths within.
const brokerLimit = 1_048_588 - 61 - 40

// Ids have no limit but the record's. Whatever five of them come together in an
// output, it must be one that a broker takes: it would refuse a larger one for
// good, and the partition with all its other numbers would stand still.
func TestLongIDsFitABroker(t *testing.T) {
	const most = 255 << 10
	for _, c := range []struct {
		name                                                        string
		number, waba, portfolio, template, status, reason, language int
	}{
		{"portfolio and template", 2, 2, most - 2_000, most - 2_000, 2, 2, 2},
		{"portfolio, WABA and reason", 2, most - 2_000, most - 2_000, 2, 2, most - 2_000, 2},
		{"portfolio, WABA and status", 2, most / 2, most - 2_000, 2, most/2 - 2_000, 2, 2},
		{"all in equal parts", most / 3, most / 3, most / 3, most / 4, most/4 - 2_000, most/2 - 2_000, most / 8},
		{"number and template", most / 2, 2, 2, most/2 - 2_000, most/2 - 2_000, 2, 2},
		{"number", most - 2_000, 2, 2, 2, 2, 2, 2},
		{"status", 2, 2, 2, 2, most - 2_000, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				long := func(prefix string, n int) string { return prefix + strings.Repeat("x", n) }
				number, waba, portfolio := long("n", c.number), long("w", c.waba), long("p", c.portfolio)
				log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
				n, now := 0, time.Now().Add(-time.Minute)
				add := func(e *eventsv1.Event) {
					t.Helper()
					n++
					now = now.Add(100 * time.Millisecond)
					at := now.UnixMilli()
					e.Id, e.Time = fmt.Sprint("x", n), &at
					value, err := proto.Marshal(e)
					if err != nil || len(value) > 256<<10 {
						t.Fatalf("a record of %d bytes: %v", len(value), err)
					}
					log.append(string(value))
				}
				country := &eventsv1.Event{Type: "number.profile", NumberId: number, PortfolioId: portfolio, Country: "DE"}
				add(country)
				add(&eventsv1.Event{Type: "number.profile", NumberId: number, WabaId: waba, Country: "DE"})
				for k := range 4 {
					tpl := &eventsv1.Template{Name: long(fmt.Sprint("t", k), c.template), Language: long("l", c.language)}
					for s := range 3 {
						add(&eventsv1.Event{
							Type: "message.sent", NumberId: number, MessageId: "m", Contact: fmt.Sprint("c", k, s), Kind: "template", Template: tpl,
						})
					}
					add(&eventsv1.Event{Type: "template.update", WabaId: waba, Template: tpl, Status: long("s", c.status), Quality: "RED"})
				}
				add(&eventsv1.Event{Type: "account.update", NumberId: number, Scope: "number", State: "restricted", Reason: long("r", c.reason)})
				add(&eventsv1.Event{Type: "account.update", NumberId: number, Scope: "number", State: "warned", Restrictions: []string{long("r", c.reason)}})
				for i := range 5 {
					log.append(send(i, time.Now()))
				}
				whileRunning(t, newTestNumbers(writer).Run, joining(log), func() { elapse(5 * time.Second) })

				var keyed, neighbour int
				for topic, messages := range writer.written {
					for _, m := range messages {
						if size := len(m.Key) + len(m.Value); size > maxMessage {
							t.Errorf("a message of %d bytes to %s", size, topic)
						}
					}
				}
				for _, m := range writer.topic("flags") {
					var f struct {
						Number string `json:"number_id"`
						Factor string
						Key    string
					}
					if err := json.Unmarshal(m.Value, &f); err != nil {
						t.Fatal(err)
					}
					if f.Number == "n1" {
						neighbour++
					}
					if f.Factor == "template_quality" && f.Number == number && len(f.Key) > c.template+c.language {
						keyed++
					}
				}
				if keyed < 4 || neighbour == 0 {
					t.Errorf("%d flags of templates, %d of the neighbour", keyed, neighbour)
				}
				if n := len(log.committed); n == 0 || log.committed[n-1] != int64(len(log.records)) {
					t.Errorf("committed %v of %d", log.committed, len(log.records))
				}
			})
		})
	}
}

// JSON writes a control character as six bytes, so that a long id of them is
// longer than any message. Its flags are left out, its rows are not, and the
// others go on.
func TestFlagsThatNoBrokerTakesAreLeftOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		number := strings.Repeat("\x01", 250<<10)
		log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
		at := time.Now().UnixMilli()
		for i := range 5 {
			value, err := proto.Marshal(&eventsv1.Event{
				Id: fmt.Sprint("x", i), Type: "message.sent", Time: &at, NumberId: number, MessageId: "m", Contact: fmt.Sprint("c", i), Kind: "text",
			})
			if err != nil {
				t.Fatal(err)
			}
			log.append(string(value), send(i, time.Now()))
		}
		whileRunning(t, newTestNumbers(writer).Run, joining(log), func() { elapse(5 * time.Second) })
		flags := writer.topic("flags")
		if len(flags) == 0 {
			t.Error("no flags of the neighbour")
		}
		for _, m := range flags {
			if string(m.Key) != "n1" {
				t.Errorf("a flag of %d bytes", len(m.Value))
			}
		}
		var stored int
		for _, m := range writer.topic("rows") {
			var b codec.Rows
			if err := codec.DecodeRows(m.Value, &b); err != nil || len(m.Value) > brokerLimit {
				t.Errorf("rows of %d bytes: %v", len(m.Value), err)
			}
			for i := range b.Flags {
				if b.Flags[i].NumberID == number {
					stored++
				}
			}
		}
		if stored == 0 {
			t.Error("the flags are not among the rows")
		}
	})
}

// A shared event's header may say much beside the type. It is written to the
// portfolios role in one message, with the record.
func TestSharedEventsFitABroker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
		log.append(fmt.Sprintf(`{"id":"t","type":"template.update","time":%d,"waba_id":"%s","template":{"name":"%s","language":"en"},"quality":"RED"}`,
			time.Now().UnixMilli(), strings.Repeat("w", 120<<10), strings.Repeat("t", 120<<10)))
		log.records[0].Headers = []event.Header{{
			Key: []byte(codec.ContentTypeHeader), Value: []byte("application/json; note=" + strings.Repeat("h", 700<<10)),
		}}
		role := newTestNumbers(writer)
		role.config.Topics = topicsOf(2)
		whileRunning(t, role.Run, joining(log), func() { elapse(5 * time.Second) })
		written := false
		for _, m := range writer.topic("rows") {
			var b codec.Rows
			if err := codec.DecodeRows(m.Value, &b); err != nil || len(m.Key)+len(m.Value) > brokerLimit {
				t.Errorf("a message of %d bytes: %v", len(m.Value), err)
			}
			for i := range b.SharedEvents {
				written = true
				if b.SharedEvents[i].ContentType != "application/json" {
					t.Error("the content type is not written")
				}
			}
		}
		if !written {
			t.Error("the event is not written")
		}
	})
}
