package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// record is one record of a case's log.
type record struct {
	line  int // of the file
	time  int64
	at    int64 // the record's timestamp, ms
	after int64 // ms: the time on its line, which places it among the expectations
	raw   bool
	value []byte
}

// records calls f for each record of the case, in the order of the log, until f
// returns false.
func (c *Case) records(f func(record) bool) {
	var last []record // of the line before
	number := 0
	profiles := c.profiles()
	for i := range profiles {
		if !c.expand(&profiles[i], &number, nil, f) {
			return
		}
	}
	for i := range c.actions {
		d := &c.actions[i]
		if d.repeat {
			for _, r := range last {
				r.line, r.at, r.after = d.line, d.at, d.at
				if !f(r) {
					return
				}
			}
			continue
		}
		last = last[:0]
		var keep *[]record
		if i+1 < len(c.actions) && c.actions[i+1].repeat {
			keep = &last
		}
		if !c.expand(d, &number, keep, f) {
			return
		}
	}
}

// profiles returns the events with which a case begins: what it declares of its
// numbers.
func (c *Case) profiles() []action {
	var list []action
	for i := range c.senders {
		if p := c.senders[i].profile; p != nil {
			list = append(list, action{line: c.Line, at: c.start, sender: i, typ: event.TypeProfile, count: 1, fields: p})
		}
	}
	return list
}

// expand makes the records of one action. They are kept in last if it is not nil.
func (c *Case) expand(d *action, number *int, last *[]record, f func(record) bool) bool {
	for k := range d.count {
		r := c.record(d, k, *number)
		*number++
		if last != nil {
			*last = append(*last, r)
		}
		if !f(r) {
			return false
		}
	}
	return true
}

// record makes the k-th record of an action. What its line says of the number, the
// WABA, the portfolio and the id stays.
func (c *Case) record(d *action, k, number int) record {
	s := &c.senders[d.sender]
	t := d.at + int64(k)*d.every
	f := maps.Clone(d.fields)
	put := func(name string, value any) {
		if _, ok := f[name]; !ok && value != "" {
			f[name] = value
		}
	}
	put("id", "e"+strconv.Itoa(number))
	put("time", t)
	if !d.raw {
		put("type", d.typ.String())
	}
	if !d.shared {
		put("number_id", s.id)
		put("waba_id", s.waba)
		put("portfolio_id", s.portfolio)
	}
	if d.contacts.size > 0 {
		contact, userID := d.contacts.id, "user-of-"+d.contacts.id
		if contact == "" {
			n := strconv.Itoa(d.contacts.first + k%d.contacts.size)
			contact, userID = "contact-"+n, "user-"+n
		}
		if d.as != asUserID {
			put("contact", contact)
		}
		if d.as != asContact {
			put("contact_user_id", userID)
		}
		if d.tie {
			put("previous_user_id", userID)
		}
	}
	if d.typ == event.TypeSent || d.typ == event.TypeStatus || d.typ == event.TypeReceived {
		put("message_id", "m"+strconv.Itoa(number))
	}
	if d.distinct {
		put("content_hash", "content-"+strconv.Itoa(number))
	}
	value, err := encode(f, d.raw)
	if err != nil {
		value = fmt.Appendf(nil, "no event: %v", err) // is rejected, and the case says so
	}
	r := record{line: d.line, time: t, at: t, after: t, raw: d.raw, value: value}
	if own, ok := codec.RecordTime(value); ok && d.raw {
		r.at = own
	}
	if d.recorded != 0 {
		r.at = d.recorded
	}
	return r
}

// encode writes the fields as an event or, if they are raw, as they stand: such
// a line may say what no event can.
func encode(fields map[string]any, raw bool) ([]byte, error) {
	if raw {
		return json.Marshal(fields)
	}
	e, err := rawEvent(fields)
	if err != nil {
		return nil, err
	}
	return codec.AppendEventJSON(nil, e), nil
}

// Log returns the case as a log of newline-delimited JSON, as `sendwatch replay`
// reads it, with a clock event at the last expectation if no event comes as far.
func (c *Case) Log() []byte {
	var log []byte
	newest := c.start
	c.records(func(r record) bool {
		value := r.value
		if r.at != r.time && len(value) > 0 && value[0] == '{' {
			value = append(fmt.Appendf(nil, `{"_record_time":%d,`, r.at), value[1:]...)
		}
		log = append(append(log, value...), '\n')
		newest = max(newest, r.time)
		return true
	})
	if n := len(c.expects); n > 0 && c.expects[n-1].at > newest {
		at := c.expects[n-1].at
		log = codec.AppendEventJSON(log, &eventsv1.Event{Id: "end", Type: event.TypeClock.String(), Time: &at})
		log = append(log, '\n')
	}
	return log
}
