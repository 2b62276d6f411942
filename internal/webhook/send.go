package webhook

import (
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	eventsv1 "sendwatch/schemas/events/v1"
)

// item is one send: the provider's own call and its answer, and what the sender
// may put beside them because no provider's call has it.
type item struct {
	v                 any
	request, response any
	nth               int // which of the call's sends it is, from 0
}

// message begins a message with what stands beside request and response.
func (it *item) message(c *call) message {
	m := message{
		number: str(it.v, "number_id"), waba: str(it.v, "waba_id"), country: str(it.v, "contact_country"),
		contentRef: str(it.v, "content_hash"), time: c.at(get(it.v, "time"), get(it.v, "sent_at"), get(it.v, "received_at")),
	}
	if links, is := get(it.v, "links").([]any); is {
		for _, one := range links[:min(len(links), maxLinks)] {
			m.links = append(m.links, str(one))
		}
	}
	if b, ok := truth(it.v, "opt_in"); ok {
		m.optIn = new(b)
	}
	return m
}

// finish ends a send. What stands beside it about the template fills in what the
// call does not say: few calls name the category.
func (c *call) finish(it item, m message) {
	if t := obj(it.v, "template"); t != nil {
		if m.template == nil {
			m.template, m.kind = &eventsv1.Template{}, "template"
		}
		m.template.Name = first(str(t, "name"), m.template.Name)
		m.template.Language = language(first(str(t, "language"), m.template.Language))
		m.template.Category = first(str(t, "category"), m.template.Category)
	}
	if m.template != nil {
		m.template.Category = first(m.template.Category, str(it.v, "category"))
		m.template.Language = first(m.template.Language, undetermined)
		if m.template.Name == "" {
			m.template = nil
		}
	}
	m.kind = first(m.kind, "other")
	e := c.sent("sends", m, it.v)
	if e == nil {
		return
	}
	e.MediaHash = first(str(it.v, "media_hash"), e.MediaHash)
	if n, ok := integer(it.v, "text_length"); ok && n >= 0 {
		e.TextLength = &n
	}
	if m.held {
		c.hold(e)
	}
	c.made("sends", e)
}

// hold remembers a send that is held back: that it is let go is reported by no more
// than the status "sent", and then it counts as an event of its own.
func (c *call) hold(e *eventsv1.Event) {
	released := proto.CloneOf(e)
	released.Held = nil
	if len(released.Text) > maxHeldSize/2 {
		released.Text = released.Text[:0] // too long to keep: it counts without its content
	}
	value, err := proto.Marshal(released)
	if err != nil {
		return // the event itself cannot be written either
	}
	c.learn(Fact{Kind: FactHeld, Key: e.NumberId + ":" + e.MessageId, Value: string(value), NumberID: e.NumberId, Time: e.GetTime()})
}

// released returns the send that a first status lets go, nil if none was held.
func (c *call) released(m *message) *eventsv1.Event {
	value := c.known(FactHeld, m.number+":"+m.id)
	if value == "" {
		return nil
	}
	e := new(eventsv1.Event)
	if err := proto.Unmarshal([]byte(value), e); err != nil {
		return nil
	}
	e.Id, e.Time = c.id("out", m.number, m.id, "released"), new(m.time)
	return e
}

// undetermined is the language of a template whose call names none (BCP 47).
const undetermined = "und"

// sendItem reads one send.
func (c *call) sendItem(v any) {
	if !c.room("sends", v) {
		return
	}
	it := item{v: v, request: get(v, "request"), response: get(v, "response")}
	if obj(it.request) == nil {
		c.unknown("sends", "no_request", v)
		return
	}
	if get(it.response) == nil {
		c.unknown("sends", "no_response", v)
		return
	}
	c.p.send(c, it)
}

// refused ends a send that the provider did not take: a failed status under a
// made-up message id, since there is none and no webhook may follow. ref is the
// provider's own name for the call, if it gives one.
func (c *call) refused(it item, m message, ref string, code *int64) {
	if m.id == "" {
		call := string(marshal(it.v))
		if it.nth > 0 {
			call += ":" + strconv.Itoa(it.nth) // each of several was refused
		}
		m.id = "refused." + first(ref, hash(call))
	}
	if m.who.none() {
		c.unknown("sends", "no_contact", it.v)
		return
	}
	if e := c.statusEvent("sends", "failed", code, m, "", it.v); e != nil {
		if m.held {
			c.hold(e)
		}
		c.made("sends", e)
	}
}

// tag is what a sender wrote into biz_opaque_callback_data, which Meta returns
// with every status: "sendwatch:" and a query string of template, language,
// category, kind, fp (the sender's fingerprint of the content), opt_in, country.
// With it a status describes the send, and no send call need be posted.
type tag url.Values

const tagPrefix = "sendwatch:"

// readTag returns nil if the data is not ours.
func readTag(s string) *tag {
	query, ours := strings.CutPrefix(s, tagPrefix)
	if !ours || len(query) > 1024 {
		return nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	for _, list := range values {
		for i := range list {
			list[i] = strings.ToValidUTF8(list[i], "\uFFFD")
		}
	}
	return (*tag)(&values)
}

func (t *tag) apply(m *message) {
	v := url.Values(*t)
	if name := v.Get("template"); name != "" && m.template == nil {
		m.template = &eventsv1.Template{Name: name, Language: language(first(v.Get("language"), undetermined))}
	}
	if m.template != nil {
		m.template.Category = first(m.template.Category, v.Get("category"))
	}
	m.contentRef = first(m.contentRef, v.Get("fp"))
	m.country = first(m.country, v.Get("country"))
	if b, err := strconv.ParseBool(v.Get("opt_in")); err == nil && m.optIn == nil {
		m.optIn = new(b)
	}
	switch {
	case m.kind != "":
	case m.template != nil:
		m.kind = "template"
	default:
		m.kind = kindOf(v.Get("kind"))
	}
}

// sendMeta reads POST /{phone-number-id}/messages and /marketing_messages.
func sendMeta(c *call, it item) {
	r := it.request
	if str(r, "status") != "" || has(r, "typing_indicator") {
		c.nothing("sends", "read_receipt")
		return
	}
	m := it.message(c)
	m.number = first(m.number, str(r, "phone_number_id"))
	answer := list(it.response, "contacts")
	to, recipient := str(r, "to"), str(r, "recipient")
	switch {
	case str(r, "recipient_type") == "group":
		m.group = first(to, recipient)
	case userID.MatchString(to), to == "" && userID.MatchString(recipient):
		// The answer's wa_id, if it has one, may then be the id's digits, which are
		// no phone.
		m.who.see(to, recipient)
	default:
		for _, one := range answer {
			m.who.see(str(one, "wa_id"), str(one, "user_id"))
		}
		m.who.see(to, recipient)
	}
	metaSendContent(&m, r)
	if t := readTag(str(r, "biz_opaque_callback_data")); t != nil {
		t.apply(&m)
	}
	if e := obj(it.response, "error"); e != nil {
		c.refused(it, m, str(e, "fbtrace_id"), c.metaCode(it.response))
		return
	}
	for _, one := range list(it.response, "messages") {
		m.id = first(m.id, str(one, "id"))
		switch strings.ToLower(str(one, "message_status")) {
		case "held_for_quality_assessment", "paused":
			m.held = true
		}
	}
	c.finish(it, m)
}

// metaSendContent reads what a request sends, in the form that Meta's API and
// those that took it over share.
func metaSendContent(m *message, r any) {
	kind := str(r, "type")
	if kind == "" {
		for _, k := range []string{"template", "text", "interactive", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction"} {
			if has(r, k) {
				kind = k
				break
			}
		}
	}
	if kind != "" {
		m.kind = kindOf(kind)
	}
	switch kind {
	case "text":
		m.text = first(str(r, "text", "body"), str(r, "text"))
	case "image", "video", "audio", "document", "sticker":
		m.text = str(r, kind, "caption")
		m.mediaRef = first(str(r, kind, "id"), str(r, kind, "link"), str(r, kind, "url"))
	case "interactive":
		m.text = str(r, "interactive", "body", "text")
		if page := str(r, "interactive", "action", "parameters", "url"); page != "" {
			m.links = append(links(m.text), page)
		}
	case "template":
		m.template = metaTemplate(get(r, "template"))
	}
	m.context = str(r, "context", "message_id")
}

// metaTemplate reads a template as it is sent, nil if there is none.
func metaTemplate(v any) *eventsv1.Template {
	name := str(v, "name")
	if name == "" {
		return nil
	}
	return &eventsv1.Template{
		Name: name, Language: language(first(str(v, "language", "code"), str(v, "language"), undetermined)), Category: str(v, "category"),
	}
}
