package codec

import (
	"time"

	eventsv1 "sendwatch/schemas/events/v1"
)

// AppendEventJSON appends an event as a JSON object, the one form in which this
// program writes events: the fields that it has, in the order of their Protobuf
// numbers, times in milliseconds. Equal events give equal bytes. An empty string
// and an empty list are absent fields, but for inputs, where an empty list says
// something. The Protobuf form is proto.Marshal's.
func AppendEventJSON(dst []byte, e *eventsv1.Event) []byte {
	return appendEvent(dst, e, (*jsonWriter).num)
}

// AppendEventJSONInRFC3339 does what AppendEventJSON does, with times as in
// 2026-01-31T12:00:00.000Z: the other form that the contract accepts.
func AppendEventJSONInRFC3339(dst []byte, e *eventsv1.Event) []byte {
	return appendEvent(dst, e, (*jsonWriter).rfc3339)
}

// appendEvent writes an event; at writes its times.
func appendEvent(dst []byte, e *eventsv1.Event, at func(w *jsonWriter, name string, ms int64)) []byte {
	w := jsonWriter{b: dst}
	when := func(name string, ms *int64) {
		if ms != nil {
			at(&w, name, *ms)
		}
	}
	w.open('{')
	w.given("id", e.Id)
	w.given("type", e.Type)
	when("time", e.Time)
	w.given("number_id", e.NumberId)
	w.given("waba_id", e.WabaId)
	w.given("portfolio_id", e.PortfolioId)
	w.given("message_id", e.MessageId)
	w.given("contact", e.Contact)
	w.given("kind", e.Kind)
	if t := e.Template; t != nil {
		w.name("", "template")
		w.open('{')
		w.given("name", t.Name)
		w.given("language", t.Language)
		w.given("category", t.Category)
		w.close('}')
	}
	w.given("text", e.Text)
	w.given("status", e.Status)
	w.givenBool("opt_in", e.OptIn)
	w.list("links", e.Links)
	w.givenBool("held", e.Held)
	w.given("content_hash", e.ContentHash)
	w.givenNum("text_length", e.TextLength)
	w.given("media_hash", e.MediaHash)
	w.given("contact_country", e.ContactCountry)
	w.givenNum("error_code", e.ErrorCode)
	w.given("context_message_id", e.ContextMessageId)
	w.given("preference", e.Preference)
	w.given("country", e.Country)
	when("registered_at", e.RegisteredAt)
	when("last_active_at", e.LastActiveAt)
	w.given("connection", e.Connection)
	w.given("origin", e.Origin)
	w.given("rating", e.Rating)
	w.given("ip_country", e.IpCountry)
	w.given("ip_hash", e.IpHash)
	w.given("device_hash", e.DeviceHash)
	w.givenNum("non_contacts_added", e.NonContactsAdded)
	w.given("scope", e.Scope)
	w.given("state", e.State)
	w.list("restrictions", e.Restrictions)
	when("expires_at", e.ExpiresAt)
	w.given("reason", e.Reason)
	w.given("quality", e.Quality)
	w.givenNum("limit", e.Limit)
	w.given("version", e.Version)
	w.given("contact_user_id", e.ContactUserId)
	w.given("previous", e.Previous)
	w.given("previous_user_id", e.PreviousUserId)
	w.given("group_id", e.GroupId)
	if e.Inputs != nil {
		w.strings("inputs", e.Inputs.Names)
	}
	when("linked_at", e.LinkedAt)
	w.givenNum("used", e.Used)
	w.givenNum("total", e.Total)
	when("cycle_end", e.CycleEnd)
	w.givenNum("pauses", e.Pauses)
	w.close('}')
	return w.b
}

// given writes a string member unless it is empty.
func (w *jsonWriter) given(name, v string) {
	if v != "" {
		w.str(name, v)
	}
}

// givenNum writes an integer member if there is one.
func (w *jsonWriter) givenNum(name string, v *int64) {
	if v != nil {
		w.num(name, *v)
	}
}

// givenBool writes a boolean member if there is one.
func (w *jsonWriter) givenBool(name string, v *bool) {
	if v == nil {
		return
	}
	w.name("", name)
	if *v {
		w.b = append(w.b, "true"...)
	} else {
		w.b = append(w.b, "false"...)
	}
}

// list writes a list of strings unless it is empty.
func (w *jsonWriter) list(name string, v []string) {
	if len(v) > 0 {
		w.strings(name, v)
	}
}

// strings writes a list of strings.
func (w *jsonWriter) strings(name string, v []string) {
	w.name("", name)
	w.open('[')
	for _, s := range v {
		w.next()
		w.b = appendJSONString(w.b, s)
	}
	w.close(']')
}

// rfc3339 writes a time as text. A year that RFC 3339 has no form for is written
// in milliseconds.
func (w *jsonWriter) rfc3339(name string, ms int64) {
	t := time.UnixMilli(ms).UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		w.num(name, ms)
		return
	}
	w.name("", name)
	w.b = append(t.AppendFormat(append(w.b, '"'), "2006-01-02T15:04:05.000Z07:00"), '"')
}
