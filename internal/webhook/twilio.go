package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// twilio is Twilio Programmable Messaging: forms, without a time of their own
// (twilio.com/docs, changelog 2026-07-20). Its codes are its own; 63018 stands
// for pace, the spam limit and the messaging limit alike (error-code-mapping,
// read 2026), so that the spam limit cannot be seen: it is reported as pace.
func twilio() *provider {
	return &provider{
		name: "twilio", official: true,
		statuses: map[string]string{
			"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed",
			"queued": "-accepted", "accepted": "-accepted", "sending": "-accepted", "scheduled": "-accepted", "canceled": "-canceled",
			"partially_delivered": "-partial",
		},
		codes: map[string]int64{"63016": 131047, "63024": 131026, "63032": 130472, "63049": 131049, "63018": 130429},
		read:  readTwilio,
		send:  sendTwilio,
	}
}

func readTwilio(c *call, v any) {
	from, to := str(v, "From"), str(v, "To")
	if from == "" && to == "" {
		c.unknown("other", "no_message", v)
		return
	}
	if !strings.HasPrefix(from, "whatsapp:") && !strings.HasPrefix(to, "whatsapp:") && str(v, "ChannelPrefix") != "whatsapp" {
		c.nothing("other", "other_channel")
		return
	}
	m := message{id: first(str(v, "MessageSid"), str(v, "SmsMessageSid"), str(v, "SmsSid")), time: c.at(get(v, "Timestamp"))}
	word := first(str(v, "MessageStatus"), str(v, "SmsStatus"))
	if strings.EqualFold(str(v, "EventType"), "READ") {
		word = "read"
	}
	if strings.EqualFold(word, "received") || strings.EqualFold(word, "receiving") || word == "" && (has(v, "Body") || has(v, "NumMedia")) {
		twilioInbound(c, m, v)
		return
	}
	m.number = plain(from)
	m.who.see(to, str(v, "ExternalUserId"))
	c.status("status", word, pointer(c.p.code(str(v, "ErrorCode"))), m, "", v)
}

func twilioInbound(c *call, m message, v any) {
	m.number = plain(str(v, "To"))
	m.who.see(str(v, "From"), str(v, "ExternalUserId"), str(v, "WaId"))
	m.context = str(v, "OriginalRepliedMessageSid")
	kind := strings.ToLower(str(v, "MessageType"))
	media, _ := integer(v, "NumMedia")
	switch {
	case kind == "reaction" && first(str(v, "Body"), str(v, "ReactionEmoji")) == "":
		c.nothing("inbound", "reaction_removed")
		return
	case kind == "system":
		c.nothing("inbound", "system")
		return
	case kind == "" && media > 0:
		m.kind = kindOfMedia(str(v, "MediaContentType0"))
	case kind == "" && str(v, "Latitude") != "":
		m.kind = "location"
	case kind == "" && first(str(v, "ButtonPayload"), str(v, "ListId")) != "":
		m.kind = "interactive"
	case kind == "":
		m.kind = "text"
	default:
		m.kind = kindOf(kind)
	}
	if m.kind != "reaction" && m.kind != "location" && m.kind != "contacts" {
		m.text = first(str(v, "Body"), str(v, "ButtonText"), str(v, "ListTitle"))
	}
	c.inbound("inbound", m, v)
}

// sendTwilio reads POST /Messages. A content template is named by its ContentSid,
// which has no language in the call.
func sendTwilio(c *call, it item) {
	m := it.message(c)
	r, answer := it.request, it.response
	m.id = str(answer, "sid")
	m.number = first(m.number, plain(first(str(answer, "from"), str(r, "From"), str(r, "from"))), str(r, "MessagingServiceSid"), str(r, "messagingServiceSid"))
	m.who.see(str(r, "To"), str(r, "to"), str(answer, "to"))
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(get(answer, "date_created"))
	}
	media := first(str(r, "MediaUrl"), str(r, "mediaUrl"), str(r, "MediaUrl0"))
	if media == "" && len(list(r, "mediaUrl")) > 0 {
		media = str(list(r, "mediaUrl")[0])
	}
	m.text = first(str(r, "Body"), str(r, "body"))
	switch sid := first(str(r, "ContentSid"), str(r, "contentSid")); {
	case sid != "":
		m.kind, m.template = "template", &eventsv1.Template{Name: sid}
	case media != "":
		m.kind, m.mediaRef = "other", media
	case str(r, "PersistentAction") != "":
		m.kind = "location"
	default:
		m.kind = "text"
	}
	code := str(answer, "error_code")
	if status, _ := c.p.status(str(answer, "status")); status == "failed" || m.id == "" && str(answer, "code") != "" {
		c.refused(it, m, "", pointer(c.p.code(first(code, str(answer, "code")))))
		return
	}
	c.finish(it, m)
}
