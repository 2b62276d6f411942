package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// vonage is Vonage's Messages API v1 (developer.vonage.com, WhatsApp status
// callbacks, read 2026) and the older v0.1, whose parties are objects.
func vonage() *provider {
	return &provider{
		name: "vonage", official: true,
		statuses: map[string]string{
			"submitted": "-accepted", "sent": "sent", "delivered": "delivered", "read": "read",
			"rejected": "failed", "undeliverable": "failed", "failed": "failed", "expired": "failed", "deleted": "-deleted",
		},
		codes: map[string]int64{"1340": 131047, "1330": 131026},
		read:  readVonage,
		send:  sendVonage,
	}
}

// vonageParty returns a party's number: a string, or an object of v0.1.
func vonageParty(v any, name string) string {
	return first(str(v, name), str(v, name, "number"), str(v, name, "id"))
}

func readVonage(c *call, v any) {
	channel := first(str(v, "channel"), str(v, "from", "type"), str(v, "to", "type"))
	if channel != "" && !strings.EqualFold(channel, "whatsapp") {
		c.nothing("other", "other_channel")
		return
	}
	m := message{id: str(v, "message_uuid"), waba: str(v, "whatsapp", "waba_id"), time: c.at(get(v, "timestamp"))}
	if word := str(v, "status"); word != "" {
		m.number = plain(vonageParty(v, "from"))
		m.who.see(vonageParty(v, "to"))
		vonageIDs(&m.who, v)
		code := pointer(c.p.code(first(str(v, "error", "title"), str(v, "error", "code"))))
		if code == nil && strings.HasPrefix(str(v, "error", "title"), "13") && len(str(v, "error", "title")) == 6 {
			code = pointer(integer(v, "error", "title")) // Meta's own, passed on
		}
		c.status("status", word, code, m, "", v)
		return
	}
	kind := first(str(v, "message_type"), str(v, "message", "content", "type"))
	if kind == "" {
		c.unknown("other", "no_type", v)
		return
	}
	m.number = plain(vonageParty(v, "to"))
	m.who.see(vonageParty(v, "from"))
	vonageIDs(&m.who, v)
	m.kind, m.context = kindOf(kind), str(v, "context", "message_uuid")
	body := v
	if inner := obj(v, "message", "content"); inner != nil {
		body = inner
	}
	switch kind {
	case "text":
		m.text = str(body, "text")
	case "reply":
		m.text = str(body, "reply", "title")
	case "button":
		m.text = str(body, "button", "text")
	case "image", "video", "file", "audio":
		m.text = str(body, kind, "caption")
	case "reaction":
		if strings.EqualFold(str(body, "reaction", "action"), "unreact") || str(body, "reaction", "emoji") == "" {
			c.nothing("inbound", "reaction_removed")
			return
		}
	case "system", "edit", "revoke", "request_welcome":
		c.nothing("inbound", "system")
		return
	}
	c.inbound("inbound", m, v)
}

// vonageIDs adds the identifiers under whatsapp; the party there is the person.
func vonageIDs(who *person, v any) {
	for _, party := range []string{"recipient", "sender", "contact", "user"} {
		who.see(str(v, "whatsapp", party, "wa_id"), str(v, "whatsapp", party, "user_id"))
	}
	who.see(str(v, "whatsapp", "wa_id"), str(v, "whatsapp", "user_id"), str(v, "profile", "user_id"))
}

// sendVonage reads POST /v1/messages.
func sendVonage(c *call, it item) {
	r := it.request
	if channel := str(r, "channel"); channel != "" && !strings.EqualFold(channel, "whatsapp") {
		c.nothing("sends", "other_channel")
		return
	}
	m := it.message(c)
	m.id = str(it.response, "message_uuid")
	m.number = first(m.number, plain(vonageParty(r, "from")))
	m.who.see(vonageParty(r, "to"))
	kind := str(r, "message_type")
	m.kind = kindOf(kind)
	m.context = str(r, "context", "message_uuid")
	switch kind {
	case "text":
		m.text = str(r, "text")
	case "image", "video", "audio", "file", "sticker":
		m.text, m.mediaRef = str(r, kind, "caption"), first(str(r, kind, "url"), str(r, kind, "id"))
	case "template":
		m.template = &eventsv1.Template{Name: str(r, "template", "name"), Language: language(str(r, "whatsapp", "locale"))}
	case "custom":
		metaSendContent(&m, get(r, "custom"))
	}
	if m.id == "" && (has(it.response, "title") || has(it.response, "error")) {
		c.refused(it, m, str(it.response, "instance"), pointer(c.p.code(str(it.response, "title"))))
		return
	}
	c.finish(it, m)
}
