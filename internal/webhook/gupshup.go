package webhook

import (
	"maps"
	"strconv"
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// gupshup is Gupshup's v2 (docs.gupshup.io) and v3, which is Meta's envelope with
// additions (partner-docs.gupshup.io), distinguished by the envelope.
func gupshup() *provider {
	p := meta()
	p.name = "gupshup"
	p.statuses["mismatched"], p.statuses["mismatch"] = "-mismatch", "-mismatch"
	p.statuses["others"] = "-other"
	maps.Copy(p.codes, map[string]int64{
		"1002": 131026, "1012": 131050, "1004": 131047, "1005": 131047, "1006": 131047, "1007": 131047, "1008": 131047, "4001": 130429, "4005": 132015,
	})
	p.read, p.send = readGupshup, sendGupshup
	return p
}

func readGupshup(c *call, v any) {
	if has(v, "entry") {
		if c.source.NumberID == "" {
			c.source.NumberID = str(v, "gs_app_id") // where a status has no metadata
		}
		readMeta(c, v)
		return
	}
	payload := get(v, "payload")
	switch kind := str(v, "type"); kind {
	case "message":
		gupshupInbound(c, v, payload)
	case "message-event":
		gupshupStatus(c, v, payload)
	case "user-event":
		gupshupUser(c, v, payload)
	case "template-event":
		gupshupTemplate(c, v, payload)
	case "billing-event":
		c.nothing(kind, "billing")
	case "account-event":
		gupshupAccount(c, v, payload)
	default:
		c.unknown("other", "type", v)
	}
}

// gupshupInbound reads a message of a person. An answer to a button is a text
// with a title.
func gupshupInbound(c *call, v, payload any) {
	m := message{
		id: str(payload, "id"), number: first(str(v, "app"), str(v, "appId")), context: first(str(payload, "context", "id"), str(payload, "context", "gsId")),
		time: c.at(get(v, "timestamp")),
	}
	m.who.see(str(payload, "source"), str(payload, "sender", "phone"), str(payload, "sender", "userId"), str(payload, "sender", "user_id"))
	kind := str(payload, "type")
	m.kind = kindOf(kind)
	content := get(payload, "payload")
	switch kind {
	case "text":
		m.text = str(content, "text")
	case "button_reply", "list_reply":
		m.text = first(str(content, "title"), str(content, "postbackText"))
	case "quick_reply", "button":
		m.text = str(content, "text")
	case "image", "video", "file", "document", "audio", "sticker", "voice":
		m.text = str(content, "caption")
	case "reaction":
		if str(content, "emoji") == "" {
			c.nothing("message", "reaction_removed")
			return
		}
		m.context = first(m.context, str(content, "message_id"), str(content, "id"))
	case "system", "edit", "revoke", "request_welcome", "deleted":
		c.nothing("message", "system")
		return
	}
	c.inbound("message", m, v)
}

// gupshupStatus reads what became of a message. Its time is in seconds inside, in
// milliseconds outside; its id is WhatsApp's once there is one.
func gupshupStatus(c *call, v, payload any) {
	m := message{
		id: str(payload, "id"), number: first(str(v, "app"), str(v, "appId")),
		time: c.at(get(payload, "payload", "ts"), get(v, "timestamp")),
	}
	m.who.see(str(payload, "destination"), str(payload, "recipientUserId"))
	code := str(payload, "payload", "code")
	number := pointer(c.p.code(code))
	if number == nil && len(code) >= 6 {
		number = pointer(integer(payload, "payload", "code")) // Meta's own, passed on
	}
	c.status("message-event", str(payload, "type"), number, m, "", v)
}

// gupshupUser reads opted-in and opted-out, as the person wished.
func gupshupUser(c *call, v, payload any) {
	wish := map[string]string{"opted-out": "stop", "opted-in": "resume"}[str(payload, "type")]
	if wish == "" {
		if str(payload, "type") == "sandbox-start" {
			c.nothing("user-event", "sandbox")
			return
		}
		c.unknown("user-event", "type", v)
		return
	}
	m := message{number: first(str(v, "app"), str(v, "appId")), time: c.at(get(v, "timestamp"))}
	m.who.see(str(payload, "phone"), str(payload, "userId"))
	c.preference("user-event", wish, m, v)
}

// gupshupTemplate reads a template's new status, category or quality.
func gupshupTemplate(c *call, v, payload any) {
	const field = "template-event"
	t := templateUpdate{
		id: str(payload, "id"), name: str(payload, "elementName"), language: str(payload, "languageCode"),
		waba: str(payload, "wabaId"), time: c.at(get(v, "timestamp")),
	}
	if category := first(str(payload, "category", "new"), str(payload, "newCategory"), str(payload, "category")); strings.HasPrefix(str(payload, "type"), "category") && category != "" {
		t.what = "cat"
		if e := c.templateEvent(field, t, v); e != nil {
			e.Template.Category = category
			c.made(field, e)
		}
		return
	}
	if quality := rating(first(str(payload, "quality"), str(payload, "qualityScore"))); strings.HasPrefix(str(payload, "type"), "quality") && quality != "" {
		t.what = "q" + quality
		if e := c.templateEvent(field, t, v); e != nil {
			e.Quality = quality
			c.made(field, e)
		}
		return
	}
	c.templateWord(field, str(payload, "status"), t, v)
}

// templateWord ends an update with a template's new status, given in a word of Meta's.
func (c *call) templateWord(field, word string, t templateUpdate, v any) {
	word = strings.ToUpper(strings.ReplaceAll(word, " ", "_"))
	status, known := templateEvents[word]
	if reason, silent := strings.CutPrefix(status, "-"); silent {
		c.nothing(field, reason)
		return
	}
	if !known {
		c.unknown(field, "status_word", v)
		return
	}
	t.what = word
	if e := c.templateEvent(field, t, v); e != nil {
		e.Status = status
		c.made(field, e)
	}
}

// gupshupAccount reads the account events that stop sending; the others speak of
// names, tiers of one number and reviews.
func gupshupAccount(c *call, v, payload any) {
	const field = "account-event"
	kind := str(payload, "type")
	switch kind {
	case "account-restrictions", "restriction-event", "account-restriction":
		a := account{number: first(str(v, "app"), c.source.NumberID), time: c.at(get(v, "timestamp"))}
		restrict(&a, list(payload, "restriction_info"))
		if len(a.restrictions) == 0 {
			c.unknown(field, "restriction", v)
			return
		}
		c.numberAccount(field, "ACCOUNT_RESTRICTION", a, v)
	case "account-violation", "violation-event":
		a := account{number: first(str(v, "app"), c.source.NumberID), time: c.at(get(v, "timestamp")), state: "warned", reason: first(str(payload, "violation_type"), "ACCOUNT_VIOLATION")}
		c.numberAccount(field, "ACCOUNT_VIOLATION", a, v)
	case "status-event":
		state := map[string]string{
			"ACCOUNT_RESTRICTED": "restricted", "ACCOUNT_DISABLED": "banned", "DISABLED": "banned", "RESTRICTED": "restricted", "BANNED": "banned",
			"REINSTATED": "reinstated", "ACCOUNT_REINSTATED": "reinstated", "FLAGGED": "warned", "ACCOUNT_VIOLATION": "warned",
		}[strings.ToUpper(str(payload, "status"))]
		if state == "" {
			c.nothing(field, "status")
			return
		}
		a := account{number: first(str(v, "app"), c.source.NumberID), time: c.at(get(v, "timestamp")), state: state, reason: strings.ToLower(str(payload, "status"))}
		c.numberAccount(field, strings.ToUpper(str(payload, "status")), a, v)
	case "tier-event", "pndn-event", "review-event", "capability-event", "name-event":
		c.nothing(field, kind)
	default:
		c.unknown(field, "type", v)
	}
}

// sendGupshup reads POST /wa/api/v1/msg and /template/msg (a form) and v3 (Meta's).
func sendGupshup(c *call, it item) {
	r := it.request
	if has(r, "messaging_product") {
		sendMeta(c, it)
		return
	}
	m := it.message(c)
	m.number = first(m.number, str(r, "src.name"), str(r, "appName"), digits(str(r, "source")))
	m.who.see(str(r, "destination"))
	m.id = first(str(it.response, "messageId"), str(it.response, "id"))
	if t := embedded(r, "template"); str(t, "id") != "" {
		m.kind = "template"
		m.template = &eventsv1.Template{Name: str(t, "id"), Language: language(first(str(t, "languageCode"), undetermined))}
	} else if content := embedded(r, "message"); content != nil {
		kind := str(content, "type")
		m.kind = kindOf(kind)
		m.text = first(str(content, "text"), str(content, "caption"), str(content, "content", "text"), str(content, "body"))
		m.mediaRef = first(str(content, "originalUrl"), str(content, "url"))
	} else {
		m.kind, m.text = "text", str(r, "message")
	}
	if status := str(it.response, "status"); strings.EqualFold(status, "error") {
		c.refused(it, m, "", pointer(c.p.code(str(it.response, "code"))))
		return
	}
	c.finish(it, m)
}

// embedded returns an object that stands in a form as text, or as it is in JSON.
func embedded(v any, name string) map[string]any {
	if o := obj(v, name); o != nil {
		return o
	}
	if s := str(v, name); strings.HasPrefix(s, "{") {
		if inner, reason := parse([]byte(s), jsonType); reason == "" {
			return obj(inner)
		}
	}
	return nil
}

// stamp is a time in an id.
func stamp(ms int64) string { return strconv.FormatInt(ms, 10) }
