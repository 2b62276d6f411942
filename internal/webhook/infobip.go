package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// infobip is Infobip's WhatsApp channel (infobip.com/docs/api, read 2026): a list
// of results; delivery, seen and deleted reports are webhooks of their own. Its
// error is there on success too, and its groups have no sure counterpart of Meta's.
func infobip() *provider {
	return &provider{
		name: "infobip", official: true,
		statuses: map[string]string{
			"pending": "-accepted", "accepted": "-accepted", "delivered": "delivered", "undeliverable": "failed", "expired": "failed", "rejected": "failed",
			"1": "-accepted", "2": "failed", "3": "delivered", "4": "failed", "5": "failed",
			"ok": "-accepted", "canceled": "-canceled", "seen": "read", "deleted": "-deleted",
		},
		read: readInfobip,
		send: sendInfobip,
	}
}

func readInfobip(c *call, v any) {
	results := list(v, "results")
	if !has(v, "results") {
		results = []any{v}
	}
	if len(results) == 0 {
		c.nothing("results", "empty")
	}
	for _, one := range results {
		if !c.room("results", one) {
			continue
		}
		channel := strings.ToUpper(first(str(one, "integrationType"), str(one, "channel")))
		switch {
		case channel != "" && channel != "WHATSAPP":
			c.nothing("other", "other_channel")
		case has(one, "seenAt"):
			infobipStatus(c, "seen", "seen", get(one, "seenAt"), one)
		case has(one, "deletedAt"):
			c.nothing("deleted", "deleted")
		case has(one, "status"):
			word := first(str(one, "status", "groupName"), str(one, "status", "groupId"), str(one, "status"))
			infobipStatus(c, "delivery", word, get(one, "doneAt"), one)
		case has(one, "message") || has(one, "content"):
			infobipInbound(c, one)
		default:
			c.unknown("results", "no_report", one)
		}
	}
}

// infobipStatus reads a report. The groups' names may carry a suffix:
// PENDING_ENROUTE is of PENDING, and so on.
func infobipStatus(c *call, field, word string, when, v any) {
	if c.p.statuses[strings.ToLower(word)] == "" {
		word, _, _ = strings.Cut(word, "_")
	}
	m := message{id: str(v, "messageId"), time: c.at(when, get(v, "sentAt"))}
	m.number = plain(first(str(v, "sender"), str(v, "from")))
	m.who.see(str(v, "to"), str(v, "contact", "phoneNumber"), str(v, "contact", "userId"), str(v, "recipient", "userId"), str(v, "userId"))
	if number := str(v, "to", "phoneNumber"); number != "" {
		m.who.see(number)
	}
	c.status(field, word, nil, m, "", v)
}

func infobipInbound(c *call, v any) {
	m := message{
		id: str(v, "messageId"), number: plain(first(str(v, "to"), str(v, "destination"))),
		time: c.at(get(v, "receivedAt")), context: first(str(v, "message", "context", "id"), str(v, "pairedMessageId")),
	}
	m.who.see(first(str(v, "from"), str(v, "sender")), str(v, "contact", "phoneNumber"), str(v, "contact", "userId"))
	body := get(v, "message")
	if body == nil {
		if parts := list(v, "content"); len(parts) > 0 {
			body = parts[0]
		}
	}
	kind := strings.ToLower(str(body, "type"))
	m.kind = kindOf(kind)
	switch kind {
	case "text", "button":
		m.text = first(str(body, "text"), str(body, "cleanText"))
	case "interactive_button_reply", "interactive_list_reply", "list_reply", "button_reply":
		m.text = first(str(body, "title"), str(body, "text"))
	case "image", "video", "document", "audio", "voice", "sticker":
		m.text = str(body, "caption")
	case "reaction":
		if first(str(body, "emoji"), str(body, "reaction")) == "" {
			c.nothing("inbound", "reaction_removed")
			return
		}
	case "system", "deleted", "edit", "identity_change", "number_change", "identification":
		c.nothing("inbound", "system")
		return
	}
	c.inbound("inbound", m, v)
}

// sendInfobip reads POST /whatsapp/1/message/...: one message, or a list of
// templates, each with its own answer.
func sendInfobip(c *call, it item) {
	requests := list(it.request, "messages")
	if len(requests) == 0 {
		requests = []any{it.request}
	}
	answers := list(it.response, "messages")
	if len(answers) == 0 {
		answers = []any{it.response}
	}
	for i, r := range requests {
		if !c.room("sends", r) {
			continue
		}
		m := it.message(c)
		var answer any
		if i < len(answers) {
			answer = answers[i]
		}
		m.id = first(str(answer, "messageId"), str(r, "messageId"))
		m.number = first(m.number, plain(first(str(r, "from"), str(r, "sender"))))
		m.who.see(str(answer, "to"), str(r, "to"), str(r, "destinations", "to"))
		infobipContent(&m, get(r, "content"))
		one := it
		one.request, one.response, one.nth = r, answer, i
		if status, _ := c.p.status(first(str(answer, "status", "groupName"), str(answer, "status", "groupId"))); status == "failed" || has(it.response, "requestError") {
			c.refused(one, m, "", nil)
			continue
		}
		c.finish(one, m)
	}
}

func infobipContent(m *message, content any) {
	media := str(content, "mediaUrl")
	switch {
	case str(content, "templateName") != "":
		m.kind = "template"
		m.template = &eventsv1.Template{Name: str(content, "templateName"), Language: language(str(content, "language"))}
	case media != "":
		m.kind, m.mediaRef, m.text = "other", media, str(content, "caption")
		if str(content, "filename") != "" {
			m.kind = "document"
		}
	case has(content, "action") || has(content, "body"):
		m.kind, m.text = "interactive", str(content, "body", "text")
	case has(content, "latitude"):
		m.kind = "location"
	case has(content, "contacts"):
		m.kind = "contacts"
	case has(content, "emoji"):
		m.kind = "reaction"
	default:
		m.kind, m.text = "text", str(content, "text")
	}
}
