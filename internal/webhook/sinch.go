package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// sinch is Sinch's WhatsApp API (developers.sinch.com, callbacks), whose status
// only says success or failure beside the state, and its Conversation API.
func sinch() *provider {
	return &provider{
		name: "sinch", official: true,
		statuses: map[string]string{
			"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "failure": "failed", "no_capability": "failed", "no_opt_in": "failed",
			"queued": "-accepted", "dispatched": "-accepted", "success": "-accepted", "deleted": "-deleted",
			"queued_on_channel": "-accepted", "switching_channel": "-switching",
		},
		read: readSinch,
		send: sendSinch,
	}
}

func readSinch(c *call, v any) {
	if has(v, "message_delivery_report") || has(v, "message") || has(v, "app_id") {
		sinchConversation(c, v)
		return
	}
	if !has(v, "statuses") && !has(v, "notifications") && !has(v, "contacts") {
		c.unknown("other", "no_callback", v)
		return
	}
	bot := first(str(v, "bot_id"), str(v, "bot"))
	for _, one := range list(v, "statuses") {
		if c.room("statuses", one) {
			sinchStatus(c, bot, one)
		}
	}
	for _, one := range list(v, "notifications") {
		if c.room("notifications", one) {
			sinchInbound(c, bot, one)
		}
	}
	if len(c.result.Updates) == 0 {
		c.nothing("contacts", "contacts")
	}
}

// sinchMany begins the key of a message that went to many.
const sinchMany = "sinch-many:"

func sinchStatus(c *call, bot string, v any) {
	m := message{id: str(v, "message_id"), number: bot, time: c.at(get(v, "timestamp"))}
	m.who.see(str(v, "recipient"), str(v, "recipient_user_id"))
	if c.known(FactAddressee, sinchMany+m.id) != "" && !m.who.none() {
		m.id += "/" + m.who.contact()
	}
	code := pointer(integer(v, "code"))
	if code != nil && (*code < 130000 || *code >= 140000) {
		code = nil
	}
	c.status("statuses", first(str(v, "state"), str(v, "status")), code, m, "", v)
}

func sinchInbound(c *call, bot string, v any) {
	m := message{id: str(v, "message_id"), number: first(plain(str(v, "to")), bot), context: str(v, "replying_to", "message_id"), time: c.at(get(v, "timestamp"))}
	m.who.see(str(v, "from"), str(v, "from_user_id"))
	body := get(v, "message")
	kind := strings.ToLower(str(body, "type"))
	m.kind = kindOf(kind)
	switch kind {
	case "text":
		m.text = first(str(body, "body"), str(body, "text"))
	case "image", "video", "document", "audio", "voice", "sticker":
		m.text = str(body, "caption")
	case "button", "interactive", "button_reply", "list_reply":
		m.text = first(str(body, "text"), str(body, "title"), str(body, "button_reply", "title"), str(body, "list_reply", "title"))
	case "reaction":
		if str(body, "emoji") == "" {
			c.nothing("notifications", "reaction_removed")
			return
		}
	case "system":
		c.nothing("notifications", "system")
		return
	}
	c.inbound("notifications", m, v)
}

// sinchConversation reads a callback of the Conversation API.
func sinchConversation(c *call, v any) {
	report := obj(v, "message_delivery_report")
	inner := any(obj(v, "message"))
	if report != nil {
		inner = report
	}
	if channel := str(inner, "channel_identity", "channel"); channel != "" && channel != "WHATSAPP" {
		c.nothing("conversation", "other_channel")
		return
	}
	m := message{number: str(v, "app_id")}
	m.who.see(str(inner, "channel_identity", "identity"))
	if report != nil {
		m.id = str(report, "message_id")
		m.time = c.at(get(v, "event_time"), get(v, "accepted_time"))
		code := pointer(integer(report, "reason", "channel_code"))
		if code == nil && str(report, "reason", "code") == "RECIPIENT_NOT_REACHABLE" {
			code = pointer(131026, true)
		}
		c.status("delivery", str(report, "status"), code, m, "", v)
		return
	}
	if obj(v, "message") == nil {
		c.nothing("conversation", "other_event")
		return
	}
	if d := str(inner, "direction"); d != "" && d != "TO_APP" {
		c.nothing("conversation", "own_message")
		return
	}
	m.id = str(inner, "id")
	m.time = c.at(get(inner, "accept_time"), get(v, "event_time"), get(v, "accepted_time"))
	content := get(inner, "contact_message")
	m.context = str(content, "reply_to", "message_id")
	switch {
	case has(content, "text_message"):
		m.kind, m.text = "text", str(content, "text_message", "text")
	case has(content, "media_message"):
		m.kind, m.text = "other", str(content, "media_message", "caption")
	case has(content, "choice_response_message"):
		m.kind, m.text = "interactive", str(content, "choice_response_message", "text")
	case has(content, "location_message"):
		m.kind = "location"
	case has(content, "channel_specific_message"):
		m.kind = "interactive"
	default:
		m.kind = "other"
	}
	c.inbound("conversation", m, v)
}

// sendSinch reads POST /messages: one message for each of "to", and the
// Conversation API's messages:send.
func sendSinch(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(r, "app_id"), str(answer, "app_id"), str(r, "bot_id"))
	body := get(r, "message")
	kind := str(body, "type")
	switch {
	case kind == "template":
		m.template = &eventsv1.Template{Name: first(str(body, "template_name"), str(body, "name")), Language: language(str(body, "language"))}
		m.kind = "template"
	case has(body, "template_message"):
		for _, t := range obj(body, "template_message", "channel_template") {
			m.template = &eventsv1.Template{Name: str(t, "template_id"), Language: language(str(t, "language_code"))}
		}
		m.kind = "template"
	case has(body, "text_message"):
		m.kind, m.text = "text", str(body, "text_message", "text")
	case has(body, "media_message"):
		m.kind, m.mediaRef = "other", str(body, "media_message", "url")
	default:
		m.kind = kindOf(kind)
		m.text = first(str(body, "text"), str(body, "body"), str(body, "caption"))
		m.mediaRef = str(body, "url")
	}
	m.id = first(str(answer, "message_id"), str(answer, "id"))
	to := list(r, "to")
	if len(to) == 0 {
		for _, identity := range list(r, "recipient", "identified_by", "channel_identities") {
			to = append(to, get(identity, "identity"))
		}
		if len(to) == 0 {
			to = []any{get(r, "to")}
		}
	}
	for i, recipient := range to {
		if !c.room("sends", recipient) {
			continue
		}
		one := m
		one.who.see(str(recipient))
		it.nth = i
		if len(to) > 1 && one.id != "" {
			// The answer has one id for all, and so have their statuses.
			c.learn(Fact{Kind: FactAddressee, Key: sinchMany + one.id, Value: "many", NumberID: one.number, Time: one.time})
			one.id += "/" + one.who.contact()
		}
		if one.id == "" && (has(answer, "error") || strings.EqualFold(str(answer, "status"), "failure")) {
			c.refused(it, one, "", nil)
			continue
		}
		c.finish(it, one)
	}
}
