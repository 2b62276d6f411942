package webhook

import (
	"regexp"
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// bird is Bird's Channels API (docs.bird.com, 2026) and MessageBird's
// Conversations API before it.
func bird() *provider {
	return &provider{
		name: "bird", official: true,
		statuses: map[string]string{
			"sent": "sent", "delivered": "delivered", "read": "read", "transmitted": "sent",
			"sending_failed": "failed", "delivery_failed": "failed", "failed": "failed", "rejected": "failed", "undelivered": "failed", "expired": "failed",
			"accepted": "-accepted", "processing": "-accepted", "pending": "-accepted", "scheduled": "-accepted", "skipped": "-skipped", "buffered": "-accepted",
			"deleted": "-deleted", "received": "-inbound", "unknown": "-unknown_status", "unsupported": "-unsupported",
		},
		read: readBird,
		send: sendBird,
	}
}

func readBird(c *call, v any) {
	event := str(v, "event")
	switch {
	case strings.HasPrefix(event, "whatsapp."):
		payload := get(v, "payload")
		if strings.Contains(event, "template") {
			birdTemplate(c, event, v, payload)
			return
		}
		switch kind := strings.TrimPrefix(event, "whatsapp."); kind {
		case "inbound":
			birdInbound(c, payload)
		case "outbound":
			birdStatus(c, payload)
		case "interaction":
			birdInteraction(c, payload)
		default:
			c.unknown("other", "event", v)
		}
	case strings.HasPrefix(event, "template."):
		birdTemplate(c, event, v, get(v, "payload"))
	case event != "":
		c.nothing("other", "other_channel")
	case has(v, "message"):
		messageBird(c, v)
	case strings.HasPrefix(str(v, "type"), "conversation."):
		c.nothing("conversation", "conversation")
	default:
		c.unknown("other", "event", v)
	}
}

// birdContact adds a contact of the Channels API. The key says what the value is.
func birdContact(who *person, v any) {
	if v == nil {
		return
	}
	who.see(str(v, "identifierValue"))
	for _, attribute := range []string{"userId", "user_id"} {
		who.see(str(v, attribute))
	}
	who.see(str(v, "platformUserId"), str(v, "phoneNumber"))
}

func birdIDs(who *person, payload any) {
	for _, path := range [][]string{{"status", "metadata", "recipient"}, {"meta", "recipient"}, {"meta", "extraInformation"}, {"metadata", "recipient"}} {
		who.see(str(get(payload, path...), "userId"), str(get(payload, path...), "user_id"), str(get(payload, path...), "phoneNumber"))
	}
}

// birdInbound reads a message of a person; its status is about our having got it.
// WhatsApp's own id and time stand inside.
func birdInbound(c *call, v any) {
	if d := str(v, "direction"); d != "" && d != "incoming" {
		birdStatus(c, v)
		return
	}
	m := message{id: str(v, "id"), number: str(v, "channelId"), time: c.at(get(v, "meta", "extraInformation", "timestamp"), get(v, "createdAt"))}
	for _, part := range list(v, "parts") {
		if id := str(part, "platformReference"); id != "" {
			m.id = id
			break
		}
	}
	birdContact(&m.who, get(v, "sender", "contact"))
	birdIDs(&m.who, v)
	m.context = first(str(v, "replyTo", "platformReference"), str(v, "replyTo", "id"))
	kind := str(v, "body", "type")
	m.kind = kindOf(kind)
	switch kind {
	case "text":
		m.text = str(v, "body", "text", "text")
		if len(list(v, "body", "text", "actions")) > 0 {
			m.kind = "interactive"
		}
	case "image":
		m.text = str(v, "body", "image", "text")
	case "file":
		m.text = str(v, "body", "file", "text")
		if files := list(v, "body", "file", "files"); len(files) > 0 {
			m.kind = kindOfMedia(str(files[0], "contentType"))
		}
	case "list", "interactive":
		m.text = first(str(v, "body", kind, "text"), str(v, "body", kind, "title"))
	case "reaction":
		if first(str(v, "body", "reaction", "emoji"), str(v, "body", "reaction", "text")) == "" {
			c.nothing("inbound", "reaction_removed")
			return
		}
	case "event", "system":
		c.nothing("inbound", "system")
		return
	}
	c.inbound("inbound", m, v)
}

// leading is a code at the start of a reason: "131026: undeliverable".
var leading = regexp.MustCompile(`^\(?#?([0-9]{3,6})\b`)

// birdCode finds Meta's code: as the source's, else in the failure or the reason,
// where it is one of Meta's six digits.
func birdCode(v any) *int64 {
	if name := str(v, "failure", "source", "name"); name == "" || strings.EqualFold(name, "facebook") || strings.EqualFold(name, "meta") || strings.EqualFold(name, "whatsapp") {
		if n, ok := integer(v, "failure", "source", "code"); ok {
			return &n
		}
	}
	candidates := []string{str(v, "failure", "code")}
	if m := leading.FindStringSubmatch(str(v, "reason")); m != nil {
		candidates = append(candidates, m[1])
	}
	if m := leading.FindStringSubmatch(str(v, "error", "description")); m != nil {
		candidates = append(candidates, m[1])
	}
	for _, s := range append(candidates, str(v, "error", "code")) {
		if n, ok := integer(s); ok && (n >= 130000 && n < 140000 || n == 368) {
			return &n
		}
	}
	return nil
}

func birdStatus(c *call, v any) {
	m := message{id: str(v, "id"), number: str(v, "channelId"), time: c.at(get(v, "lastStatusAt"), get(v, "updatedAt"), get(v, "createdAt"))}
	for _, contact := range list(v, "receiver", "contacts") {
		birdContact(&m.who, contact)
	}
	birdContact(&m.who, get(v, "receiver", "contact"))
	birdIDs(&m.who, v)
	word := first(str(v, "status"), str(v, "status", "status"), str(v, "status", "name"))
	c.status("outbound", word, birdCode(v), m, "", v)
}

// birdInteraction reads what a person did with a message of ours: read it.
func birdInteraction(c *call, v any) {
	kind := strings.ToLower(str(v, "type"))
	m := message{id: first(str(v, "messageId"), str(v, "message", "id")), number: str(v, "channelId"), time: c.at(get(v, "createdAt"), get(v, "timestamp"))}
	for _, who := range []any{get(v, "receiver", "contact"), get(v, "sender", "contact"), get(v, "contact")} {
		birdContact(&m.who, who)
	}
	for _, contact := range list(v, "receiver", "contacts") {
		birdContact(&m.who, contact)
	}
	birdIDs(&m.who, v)
	if kind == "read" || kind == "delivered" {
		c.status("interaction", kind, nil, m, "", v)
		return
	}
	c.nothing("interaction", "interaction")
}

// birdTemplate reads a template webhook: the whole template comes, whatever has
// changed, its rating and category under platformInfo (docs.bird.com, template
// webhooks, 2026).
func birdTemplate(c *call, event string, v, payload any) {
	const field = "template"
	info := get(payload, "platformInfo")
	if platform := first(str(payload, "platformId"), str(info, "platformId")); platform != "" && !strings.HasPrefix(platform, "whatsapp") {
		c.nothing(field, "other_channel")
		return
	}
	t := templateUpdate{
		id:       first(str(payload, "platformReference"), str(payload, "id"), str(payload, "templateId")),
		name:     first(str(payload, "platformName"), str(info, "name"), str(payload, "name"), str(payload, "templateName")),
		language: first(str(payload, "locale"), str(payload, "defaultLocale"), str(payload, "language")),
		waba:     first(str(payload, "wabaId"), str(info, "wabaId"), str(payload, "businessAccountId")),
		time:     c.at(get(payload, "updatedAt"), get(payload, "createdAt"), get(payload, "timestamp")),
	}
	word := strings.ToUpper(first(str(info, "status"), str(payload, "status")))
	if strings.HasSuffix(event, "deleted") {
		word = "DELETED"
	}
	status := strings.TrimPrefix(templateEvents[word], "-locked")
	if word == "ACTIVE" {
		status = "APPROVED"
	}
	quality := rating(first(str(info, "qualityRating"), str(payload, "newQualityScore"), str(payload, "quality")))
	category := str(info, "category")
	if status == "" && quality == "" && category == "" {
		c.unknown(field, "status_word", v)
		return
	}
	t.what = first(status, "changed") + ":" + first(quality, "-")
	if e := c.templateEvent(field, t, v); e != nil {
		e.Status, e.Quality, e.Template.Category = status, quality, category
		c.made(field, e)
	}
}

// messageBird reads the Conversations API. The person's number is an integer there.
func messageBird(c *call, v any) {
	inner := get(v, "message")
	if platform := first(str(inner, "platform"), str(inner, "channel")); platform != "" && !strings.HasPrefix(platform, "whatsapp") {
		c.nothing("message", "other_channel")
		return
	}
	created := str(v, "type") == "message.created"
	m := message{id: str(inner, "id"), number: str(inner, "channelId"), context: str(inner, "replyTo", "id")}
	incoming := str(inner, "direction") == "received"
	m.who.see(str(v, "contact", "msisdn"))
	if incoming {
		m.who.see(str(inner, "from"))
	} else {
		m.who.see(str(inner, "to"))
	}
	if !created {
		if incoming {
			c.nothing("message", "inbound")
			return
		}
		m.time = c.at(get(inner, "updatedDatetime"), get(inner, "createdDatetime"))
		c.status("message", str(inner, "status"), birdCode(inner), m, "", v)
		return
	}
	m.time = c.at(get(inner, "createdDatetime"))
	kind := str(inner, "type")
	m.kind = kindOf(kind)
	content := get(inner, "content")
	m.text = first(str(content, "text"), str(content, kind, "caption"), str(content, "interactive", "reply", "text"))
	if incoming {
		c.inbound("message", m, v)
		return
	}
	m.template = messageBirdTemplate(content)
	c.outbound("message", m, v)
}

func messageBirdTemplate(content any) *eventsv1.Template {
	name := str(content, "hsm", "templateName")
	if name == "" {
		return nil
	}
	return &eventsv1.Template{Name: name, Language: language(first(str(content, "hsm", "language", "code"), undetermined))}
}

// sendBird reads POST /workspaces/{id}/channels/{id}/messages and /v1/send.
func sendBird(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.id = str(answer, "id")
	m.number = first(m.number, str(answer, "channelId"), str(r, "channelId"), str(r, "from"))
	for _, contact := range append(list(r, "receiver", "contacts"), list(answer, "receiver", "contacts")...) {
		birdContact(&m.who, contact)
	}
	m.who.see(str(r, "to"))
	kind := first(str(r, "body", "type"), str(r, "type"))
	m.kind = kindOf(kind)
	m.text = first(str(r, "body", "text", "text"), str(r, "body", kind, "text"), str(r, "content", "text"), str(r, "content", kind, "caption"))
	for _, list := range [][]any{list(r, "body", "image", "images"), list(r, "body", "file", "files")} {
		if len(list) > 0 {
			m.mediaRef = str(list[0], "mediaUrl")
		}
	}
	m.mediaRef = first(m.mediaRef, str(r, "content", kind, "url"))
	if t := obj(r, "template"); t != nil {
		m.kind = "template"
		m.template = &eventsv1.Template{
			Name: first(str(t, "name"), str(t, "projectId")), Language: language(first(str(t, "locale"), undetermined)),
		}
	} else if t := messageBirdTemplate(get(r, "content")); t != nil {
		m.kind, m.template = "template", t
	}
	if status, _ := c.p.status(str(answer, "status")); status == "failed" || m.id == "" && (has(answer, "code") || has(answer, "errors")) {
		c.refused(it, m, "", birdCode(answer))
		return
	}
	c.finish(it, m)
}
