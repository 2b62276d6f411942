package main

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/valyala/fastjson"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// peer reads one record into ev. What ev holds is good until its next call.
type peer func(ev *event.Event, record []byte) error

// ours is the product's decoder.
func ours(c codec.Config, ct codec.ContentType) peer {
	d := codec.NewDecoder(c)
	return func(ev *event.Event, record []byte) error { return d.Decode(ev, record, ct, 0) }
}

// wire is an event as encoding/json reads it.
type wire struct {
	ID             string        `json:"id"`
	Type           string        `json:"type"`
	Time           instant       `json:"time"`
	NumberID       string        `json:"number_id"`
	WABAID         string        `json:"waba_id"`
	PortfolioID    string        `json:"portfolio_id"`
	MessageID      string        `json:"message_id"`
	Contact        string        `json:"contact"`
	ContactUserID  string        `json:"contact_user_id"`
	Kind           string        `json:"kind"`
	Text           string        `json:"text"`
	Template       *wireTemplate `json:"template"`
	Status         string        `json:"status"`
	ContentHash    string        `json:"content_hash"`
	MediaHash      string        `json:"media_hash"`
	ContactCountry string        `json:"contact_country"`
	Country        string        `json:"country"`
	Connection     string        `json:"connection"`
	Origin         string        `json:"origin"`
	Rating         string        `json:"rating"`
	IPCountry      string        `json:"ip_country"`
	IPHash         string        `json:"ip_hash"`
	GroupID        string        `json:"group_id"`
	Preference     string        `json:"preference"`
	Previous       string        `json:"previous"`
	PreviousUserID string        `json:"previous_user_id"`
	Links          []string      `json:"links"`
	Inputs         []string      `json:"inputs"`
	OptIn          *bool         `json:"opt_in"`
	Held           *bool         `json:"held"`
	RegisteredAt   instant       `json:"registered_at"`
	LastActiveAt   instant       `json:"last_active_at"`
	LinkedAt       instant       `json:"linked_at"`
	CycleEnd       instant       `json:"cycle_end"`
	ErrorCode      *int64        `json:"error_code"`
	Limit          *int64        `json:"limit"`
	Added          *int64        `json:"non_contacts_added"`
	Used           *int64        `json:"used"`
	Total          *int64        `json:"total"`
}

type wireTemplate struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	Category string `json:"category"`
}

// instant reads a time of either form.
type instant struct{ moment }

// UnmarshalJSON keeps the text of RFC 3339 and reads milliseconds.
func (t *instant) UnmarshalJSON(b []byte) error {
	t.given = true
	if b[0] == '"' {
		t.text = append([]byte(nil), b[1:len(b)-1]...)
		return nil
	}
	var err error
	t.ms, err = strconv.ParseInt(string(b), 10, 64)
	return err
}

// std is encoding/json into a struct, as most programs use it.
func std(j *judge) peer {
	var m message
	return func(ev *event.Event, record []byte) error {
		var w wire
		if err := json.Unmarshal(record, &w); err != nil {
			return err
		}
		m = message{
			id: []byte(w.ID), typ: []byte(w.Type), number: []byte(w.NumberID), waba: []byte(w.WABAID), portfolio: []byte(w.PortfolioID),
			messageID: []byte(w.MessageID), contact: []byte(w.Contact), user: []byte(w.ContactUserID), kind: []byte(w.Kind), text: []byte(w.Text),
			status: []byte(w.Status), contentHash: []byte(w.ContentHash), mediaHash: []byte(w.MediaHash), contactCountry: []byte(w.ContactCountry),
			country: []byte(w.Country), connection: []byte(w.Connection), origin: []byte(w.Origin), rating: []byte(w.Rating),
			ipCountry: []byte(w.IPCountry), ipHash: []byte(w.IPHash), group: []byte(w.GroupID), preference: []byte(w.Preference),
			previous: []byte(w.Previous), previousUser: []byte(w.PreviousUserID),
			links: byteSlices(w.Links), inputs: byteSlices(w.Inputs), optIn: w.OptIn, held: w.Held,
			time: w.Time.moment, registered: w.RegisteredAt.moment, lastActive: w.LastActiveAt.moment, linked: w.LinkedAt.moment, cycleEnd: w.CycleEnd.moment,
			errorCode: w.ErrorCode, limit: w.Limit, added: w.Added, used: w.Used, total: w.Total,
		}
		if t := w.Template; t != nil {
			m.template, m.templateName, m.templateLanguage, m.category = true, []byte(t.Name), []byte(t.Language), []byte(t.Category)
		}
		return j.event(ev, &m)
	}
}

func byteSlices(list []string) [][]byte {
	if list == nil {
		return nil
	}
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

// quick is fastjson with one parser and one walk over the members: its strings
// stay where they are, nothing is looked up by name.
type quick struct {
	parser  fastjson.Parser
	m       message
	bools   [2]bool
	ints    [5]int64
	strings [][]byte
	err     error
}

func fast(j *judge) peer {
	q := new(quick)
	member := q.member // made once, or each call would allocate it
	return func(ev *event.Event, record []byte) error {
		v, err := q.parser.ParseBytes(record)
		if err != nil {
			return err
		}
		o, err := v.Object()
		if err != nil {
			return err
		}
		q.m, q.err, q.strings = message{}, nil, q.strings[:0]
		if o.Visit(member); q.err != nil {
			return q.err
		}
		return j.event(ev, &q.m)
	}
}

func (q *quick) member(key []byte, v *fastjson.Value) {
	if v.Type() == fastjson.TypeNull {
		return
	}
	m := &q.m
	switch string(key) {
	case "id":
		q.text(&m.id, v)
	case "type":
		q.text(&m.typ, v)
	case "time":
		q.moment(&m.time, v)
	case "number_id":
		q.text(&m.number, v)
	case "waba_id":
		q.text(&m.waba, v)
	case "portfolio_id":
		q.text(&m.portfolio, v)
	case "message_id":
		q.text(&m.messageID, v)
	case "contact":
		q.text(&m.contact, v)
	case "contact_user_id":
		q.text(&m.user, v)
	case "kind":
		q.text(&m.kind, v)
	case "text":
		q.text(&m.text, v)
	case "template":
		o, err := v.Object()
		if q.fail(err) {
			return
		}
		m.template = true
		q.text(&m.templateName, o.Get("name"))
		q.text(&m.templateLanguage, o.Get("language"))
		q.text(&m.category, o.Get("category"))
	case "status":
		q.text(&m.status, v)
	case "content_hash":
		q.text(&m.contentHash, v)
	case "media_hash":
		q.text(&m.mediaHash, v)
	case "contact_country":
		q.text(&m.contactCountry, v)
	case "previous":
		q.text(&m.previous, v)
	case "previous_user_id":
		q.text(&m.previousUser, v)
	case "links":
		q.list(&m.links, v)
	case "opt_in":
		q.bool(&m.optIn, &q.bools[0], v)
	case "held":
		q.bool(&m.held, &q.bools[1], v)
	case "error_code":
		q.int(&m.errorCode, &q.ints[0], v)
	case "group_id":
		q.text(&m.group, v)
	default:
		q.rare(key, v)
	}
}

// rare takes the fields that few events have.
func (q *quick) rare(key []byte, v *fastjson.Value) {
	m := &q.m
	switch string(key) {
	case "country":
		q.text(&m.country, v)
	case "connection":
		q.text(&m.connection, v)
	case "origin":
		q.text(&m.origin, v)
	case "rating":
		q.text(&m.rating, v)
	case "ip_country":
		q.text(&m.ipCountry, v)
	case "ip_hash":
		q.text(&m.ipHash, v)
	case "preference":
		q.text(&m.preference, v)
	case "inputs":
		q.list(&m.inputs, v)
	case "registered_at":
		q.moment(&m.registered, v)
	case "last_active_at":
		q.moment(&m.lastActive, v)
	case "linked_at":
		q.moment(&m.linked, v)
	case "cycle_end":
		q.moment(&m.cycleEnd, v)
	case "limit":
		q.int(&m.limit, &q.ints[1], v)
	case "non_contacts_added":
		q.int(&m.added, &q.ints[2], v)
	case "used":
		q.int(&m.used, &q.ints[3], v)
	case "total":
		q.int(&m.total, &q.ints[4], v)
	}
}

func (q *quick) fail(err error) bool {
	if err != nil {
		q.err = err
	}
	return err != nil
}

func (q *quick) text(dst *[]byte, v *fastjson.Value) {
	if v == nil {
		return
	}
	s, err := v.StringBytes()
	q.fail(err)
	*dst = s
}

func (q *quick) moment(dst *moment, v *fastjson.Value) {
	dst.given = true
	var err error
	if v.Type() == fastjson.TypeString {
		dst.text, err = v.StringBytes()
	} else {
		dst.ms, err = v.Int64()
	}
	q.fail(err)
}

func (q *quick) int(dst **int64, room *int64, v *fastjson.Value) {
	n, err := v.Int64()
	q.fail(err)
	*room, *dst = n, room
}

func (q *quick) bool(dst **bool, room *bool, v *fastjson.Value) {
	b, err := v.Bool()
	q.fail(err)
	*room, *dst = b, room
}

func (q *quick) list(dst *[][]byte, v *fastjson.Value) {
	values, err := v.Array()
	q.fail(err)
	q.strings = q.strings[:0]
	for _, one := range values {
		s, err := one.StringBytes()
		q.fail(err)
		q.strings = append(q.strings, s)
	}
	*dst = q.strings[:len(q.strings):len(q.strings)]
	if *dst == nil {
		*dst = [][]byte{}
	}
}

// generated is google.golang.org/protobuf with the generated message, used again.
func generated(j *judge) peer {
	var e eventsv1.Event
	var m message
	return func(ev *event.Event, record []byte) error {
		if err := proto.Unmarshal(record, &e); err != nil {
			return errors.Join(errNoEvent, err)
		}
		m = message{
			id: []byte(e.Id), typ: []byte(e.Type), number: []byte(e.NumberId), waba: []byte(e.WabaId), portfolio: []byte(e.PortfolioId),
			messageID: []byte(e.MessageId), contact: []byte(e.Contact), user: []byte(e.ContactUserId), kind: []byte(e.Kind), text: []byte(e.Text),
			status: []byte(e.Status), contentHash: []byte(e.ContentHash), mediaHash: []byte(e.MediaHash), contactCountry: []byte(e.ContactCountry),
			country: []byte(e.Country), connection: []byte(e.Connection), origin: []byte(e.Origin), rating: []byte(e.Rating),
			ipCountry: []byte(e.IpCountry), ipHash: []byte(e.IpHash), group: []byte(e.GroupId), preference: []byte(e.Preference),
			previous: []byte(e.Previous), previousUser: []byte(e.PreviousUserId),
			links: byteSlices(e.Links), optIn: e.OptIn, held: e.Held,
			time: msOf(e.Time), registered: msOf(e.RegisteredAt), lastActive: msOf(e.LastActiveAt), linked: msOf(e.LinkedAt), cycleEnd: msOf(e.CycleEnd),
			errorCode: e.ErrorCode, limit: e.Limit, added: e.NonContactsAdded, used: e.Used, total: e.Total,
		}
		if e.Inputs != nil {
			m.inputs = byteSlices(append([]string{}, e.Inputs.Names...))
		}
		if t := e.Template; t != nil {
			m.template, m.templateName, m.templateLanguage, m.category = true, []byte(t.Name), []byte(t.Language), []byte(t.Category)
		}
		return j.event(ev, &m)
	}
}

func msOf(v *int64) moment {
	if v == nil {
		return moment{}
	}
	return moment{given: true, ms: *v}
}
