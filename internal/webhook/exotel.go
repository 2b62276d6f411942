package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// exotel is Exotel (developer.exotel.com, read 2026). Two of its pages give one
// status code two meanings (30008: spam rate limit; invalid number), so only the
// words are read, and of the codes the three that both pages agree on.
func exotel() *provider {
	return &provider{
		name: "exotel", official: true,
		statuses: map[string]string{
			"ex_message_sent": "sent", "ex_message_delivered": "delivered", "ex_message_seen": "read", "ex_message_read": "read", "ex_message_failed": "failed",
			"ex_message_submitted": "-accepted", "ex_message_queued": "-accepted", "ex_message_accepted": "-accepted",
			"sent": "sent", "delivered": "delivered", "read": "read", "seen": "read", "failed": "failed", "undelivered": "failed", "expired": "failed",
			"submitted": "-accepted", "queued": "-accepted", "accepted": "-accepted", "success": "-accepted", "deleted": "-deleted",
			"30001": "sent", "30002": "delivered", "30003": "read",
		},
		codes: map[string]int64{
			"EX_SPAM_RATE_LIMIT_HIT": 131048, "EX_RATE_LIMIT_HIT": 130429, "EX_TOO_MANY_REQUEST": 130429, "EX_TOO_MANY_REQUESTS": 130429,
			"EX_INCAPABLE_RECIPIENT": 131026, "EX_INVALID_RECIPIENT": 131026,
		},
		read: readExotel,
		send: sendExotel,
	}
}

// FieldVerification is the field of a body that only checks the address: its
// challenge is to be sent back.
const FieldVerification = "verification"

func readExotel(c *call, v any) {
	kind := first(str(v, "type"), str(v, "event"))
	switch {
	case has(v, "whatsapp"):
		messages := list(v, "whatsapp", "messages")
		if len(messages) == 0 {
			c.nothing("messages", "empty")
		}
		for _, one := range messages {
			if !c.room("messages", one) {
				continue
			}
			switch str(one, "callback_type") {
			case "dlr":
				exotelStatus(c, one)
			case "icm":
				exotelInbound(c, one, get(one, "content"), "")
			default:
				c.unknown("messages", "callback_type", one)
			}
		}
	case kind == "verification":
		c.nothing(FieldVerification, "verification")
	case strings.Contains(kind, "template"):
		d := get(v, "data")
		t := templateUpdate{
			id: first(str(d, "template_id"), str(d, "template_name")), name: first(str(d, "template_name"), str(d, "name")), language: str(d, "language"),
			waba: str(d, "waba_id"), time: c.at(get(d, "timestamp"), get(v, "timestamp")),
		}
		c.templateWord("template", str(d, "status"), t, v)
	case has(v, "message"):
		exotelInbound(c, get(v, "message"), get(v, "message"), str(v, "contact", "wa_id"))
	case has(v, "data") && (has(get(v, "data"), "status") || strings.Contains(kind, "status")):
		exotelStatus(c, get(v, "data"))
	case has(v, "data"):
		exotelInbound(c, get(v, "data"), get(v, "data"), "")
	case has(v, "status") || has(v, "exo_status_code") || has(v, "exo_detailed_status"):
		exotelStatus(c, v)
	default:
		c.unknown("other", "no_callback", v)
	}
}

// exotelStatus reads a delivery report. A word of Exotel's that is no status is
// the reason of a failure.
func exotelStatus(c *call, v any) {
	m := message{id: first(str(v, "sid"), str(v, "message_sid"), str(v, "id")), number: plain(str(v, "from")), time: c.at(get(v, "timestamp"))}
	m.who.see(str(v, "to"), str(v, "recipient_user_id"))
	reason := strings.ToUpper(first(str(v, "exo_detailed_status"), str(v, "error", "status"), str(v, "error", "code")))
	word := first(str(v, "exo_detailed_status"), str(v, "status"), str(v, "exo_status_code"))
	if _, known := c.p.statuses[strings.ToLower(word)]; !known && strings.HasPrefix(reason, "EX_") {
		word = "failed"
	}
	if _, known := c.p.statuses[strings.ToLower(word)]; !known && word == str(v, "exo_status_code") && strings.HasPrefix(word, "300") {
		word = "failed"
	}
	code := pointer(c.p.code(reason))
	if code == nil {
		if n, ok := integer(v, "error", "code"); ok && n >= 130000 && n < 140000 {
			code = &n
		}
	}
	c.status("dlr", word, code, m, "", v)
}

func exotelInbound(c *call, v, content any, waID string) {
	m := message{id: first(str(v, "sid"), str(v, "id"), str(v, "message_sid")), number: plain(str(v, "to")), time: c.at(get(v, "timestamp"))}
	m.who.see(str(v, "from"), waID, str(v, "from_user_id"))
	m.context = first(str(v, "context", "id"), str(content, "context", "id"), str(v, "context", "message_sid"))
	kind := strings.ToLower(str(content, "type"))
	var silent string
	if m.kind, m.text, silent = metaContent(content, kind); silent != "" {
		c.nothing("icm", silent)
		return
	}
	m.text = first(m.text, str(content, kind, "text"), str(content, kind, "title"), str(content, "button_reply", "title"), str(content, "list_reply", "title"))
	switch kind {
	case "system", "edit", "revoke", "request_welcome":
		c.nothing("icm", kind)
		return
	}
	c.inbound("icm", m, v)
}

// sendExotel reads POST /v2/accounts/{sid}/messages: a list of messages, each
// with its answer.
func sendExotel(c *call, it item) {
	requests := list(it.request, "whatsapp", "messages")
	answers := list(it.response, "response", "whatsapp", "messages")
	if len(answers) == 0 {
		answers = list(it.response, "whatsapp", "messages")
	}
	if len(requests) == 0 {
		c.unknown("sends", "no_request", it.v)
		return
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
		m.id = first(str(answer, "data", "sid"), str(answer, "sid"))
		m.number = first(m.number, plain(str(r, "from")))
		m.who.see(str(r, "to"))
		content := get(r, "content")
		metaSendContent(&m, content)
		kind := str(content, "type")
		m.text = first(m.text, str(content, kind, "body"))
		m.mediaRef = first(m.mediaRef, str(content, kind, "link"), str(content, kind, "url"))
		if t := obj(content, "template"); t != nil && m.template == nil {
			m.template = &eventsv1.Template{Name: str(t, "name"), Language: language(str(t, "language", "code"))}
		}
		one := it
		one.request, one.nth = r, i
		if m.id == "" || strings.EqualFold(str(answer, "status"), "failure") {
			c.refused(one, m, "", pointer(c.p.code(str(answer, "error_data", "code"))))
			continue
		}
		c.finish(one, m)
	}
}
