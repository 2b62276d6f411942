package webhook

import (
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// wati is Wati (docs.wati.io, read 2026): flat objects, an event a status, and
// statuses that name no contact: it is that of the send, if that was seen.
func wati() *provider {
	return &provider{
		name: "wati", official: true, nameless: true,
		statuses: map[string]string{
			"sentmessagedelivered": "delivered", "sentmessageread": "read", "sentmessagereplied": "-replied", "sentmessagesent": "sent",
			"templatemessagefailed": "failed", "sessionmessagefailed": "failed", "sentmessagefailed": "failed", "messagefailed": "failed",
			"delivered": "delivered", "read": "read", "failed": "failed", "sent": "sent", "replied": "-replied",
		},
		read: readWati,
		send: sendWati,
	}
}

// readWati reads an event. Later versions add _v2 and _bsuid to its name.
func readWati(c *call, v any) {
	event := str(v, "eventType")
	name := strings.ToLower(event)
	for _, suffix := range []string{"_bsuid", "_v2", "_v3"} {
		name = strings.ReplaceAll(name, suffix, "")
	}
	m := message{
		id: first(str(v, "whatsappMessageId"), str(v, "localMessageId"), str(v, "id")), localID: str(v, "localMessageId"), number: plain(str(v, "channelPhoneNumber")),
		context: str(v, "replyContextId"), time: c.at(get(v, "timestamp"), get(v, "created")),
	}
	m.who.see(str(v, "waId"), str(v, "bsuid"), str(v, "userId"))
	switch name {
	case "message", "newcontactmessagereceived":
		watiMessage(c, "message", m, v)
	case "templatemessagesent", "sessionmessagesent", "sentmessagetemplate":
		m.kind = kindOf(str(v, "type"))
		m.text = str(v, "text")
		if t := str(v, "templateName"); t != "" {
			m.kind, m.text = "template", ""
			m.template = &eventsv1.Template{Name: t, Language: undetermined}
		}
		c.outbound("sent", m, v)
	case "":
		c.unknown("other", "no_event", v)
	default:
		if _, is := c.p.statuses[name]; is {
			c.status("status", name, pointer(integer(v, "failedCode")), m, "", v)
			return
		}
		watiAccount(c, name, v)
	}
}

// watiMessage reads a message: of the person, or of an operator (owner).
func watiMessage(c *call, field string, m message, v any) {
	kind := strings.ToLower(str(v, "type"))
	m.kind = kindOf(kind)
	m.text = str(v, "text")
	switch kind {
	case "reaction":
		if m.text == "" {
			c.nothing(field, "reaction_removed")
			return
		}
		m.text = ""
	case "button", "interactive":
		m.text = first(str(v, "buttonReply", "text"), str(v, "interactiveButtonReply", "title"), str(v, "listReply", "title"), m.text)
	case "location", "contacts", "contact":
		m.text = ""
	case "system":
		c.nothing(field, "system")
		return
	}
	if yes(v, "owner") {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// watiAccount reads the events of accounts, numbers and templates, whose names
// follow Meta's fields.
func watiAccount(c *call, name string, v any) {
	m := &metaChange{field: "account", waba: str(v, "wabaId"), time: first(str(v, "timestamp"), str(v, "created"))}
	if portfolio := str(v, "businessId"); portfolio != "" {
		c.learn(Fact{Kind: FactPortfolio, Key: m.waba, Value: portfolio})
	}
	switch {
	case strings.Contains(name, "capability"):
		m.value = map[string]any{"max_daily_conversations_per_business": get(v, "maxDailyConversationsPerBusiness")}
		metaLimit(c, m)
	case strings.Contains(name, "templatequality"):
		watiTemplateQuality(c, m, v)
	case strings.Contains(name, "templatecategory"):
		t := watiTemplate(c, m, v, "cat")
		category := first(str(v, "newTemplateCategory"), str(v, "newCategory"), str(v, "category"))
		if e := c.templateEvent("template", t, v); e != nil {
			e.Template.Category = category
			c.made("template", e)
		}
	case strings.Contains(name, "template") && (strings.Contains(name, "status") || strings.Contains(name, "reviewed")):
		word := first(str(v, "newTemplateStatus"), str(v, "status"), str(v, "newStatus"), str(v, "event"))
		c.templateWord("template", first(watiTemplateStatuses[word], word), watiTemplate(c, m, v, ""), v)
	case strings.Contains(name, "waba") || strings.Contains(name, "account"):
		var restrictions []any
		for _, r := range append(list(v, "restrictionInfo"), list(v, "restriction_info")...) {
			restrictions = append(restrictions, map[string]any{
				"restriction_type": first(str(r, "restrictionType"), str(r, "restriction_type")), "expiration": get(r, "expiration"),
			})
		}
		m.value = map[string]any{
			"event":            first(str(v, "event"), str(v, "updateEvent")),
			"violation_info":   map[string]any{"violation_type": first(str(v, "violationInfo", "violation_type"), str(v, "violationInfo", "violationType"), str(v, "violationType"))},
			"ban_info":         map[string]any{"waba_ban_state": first(str(v, "banInfo", "waba_ban_state"), str(v, "banInfo", "wabaBanState"), str(v, "wabaBanState"))},
			"restriction_info": restrictions,
		}
		metaAccount(c, m)
	case strings.Contains(name, "phonenumber") || strings.Contains(name, "name"):
		c.nothing("account", "number")
	case strings.Contains(name, "assign") || strings.Contains(name, "chat") || strings.Contains(name, "ticket") || strings.Contains(name, "payment") || strings.Contains(name, "call"):
		c.nothing("other", "other_event")
	default:
		c.unknown("other", "event", v)
	}
}

// watiTemplateStatuses are Wati's numbers of a template's status.
var watiTemplateStatuses = map[string]string{"0": "PENDING", "1": "PENDING", "2": "APPROVED", "3": "REJECTED", "4": "DELETED", "5": "PENDING_DELETION"}

// watiTemplate begins a template.update. Neither these events nor Wati's send call
// name a language, so that the two meet under the same one.
func watiTemplate(c *call, m *metaChange, v any, what string) templateUpdate {
	return templateUpdate{
		id: first(str(v, "templateId"), str(v, "templateName")), name: first(str(v, "templateName"), str(v, "elementName")),
		language: first(str(v, "language"), str(v, "templateLanguage"), undetermined), waba: m.waba, time: c.at(m.time), what: what,
	}
}

// watiTemplateQuality reads a template's quality, a word or Wati's integer: 0
// unknown, 1 green, 2 red, 3 yellow (docs.wati.io, template quality update,
// 2026-09-29).
func watiTemplateQuality(c *call, m *metaChange, v any) {
	word := first(str(v, "newTemplateQuality"), str(v, "newQualityScore"), str(v, "newQuality"), str(v, "quality"))
	quality := first(map[string]string{"0": "UNKNOWN", "1": "GREEN", "2": "RED", "3": "YELLOW"}[word], rating(word))
	if quality == "" {
		c.unknown("template", "quality", v)
		return
	}
	if e := c.templateEvent("template", watiTemplate(c, m, v, "q"+quality), v); e != nil {
		e.Quality = quality
		c.made("template", e)
	}
}

// sendWati reads sendTemplateMessage (v1, v2, v3 and the one to many),
// sendSessionMessage and sendInteractive. What stands in the call's URL
// (whatsappNumber, messageText) is expected in the request.
func sendWati(c *call, it item) {
	r, answer := it.request, it.response
	receivers := list(answer, "receivers")
	if len(receivers) == 0 {
		receivers = []any{answer}
	}
	for i, receiver := range receivers {
		if !c.room("sends", receiver) {
			continue
		}
		it.nth = i
		m := it.message(c)
		m.number = first(m.number, plain(first(str(r, "channel_number"), str(r, "channelPhoneNumber"), str(r, "channelNumber"))))
		m.id = first(str(receiver, "whatsappMessageId"), str(receiver, "localMessageId"), str(answer, "message", "whatsappMessageId"), str(answer, "message", "localMessageId"), str(answer, "message", "id"))
		m.localID = first(str(receiver, "localMessageId"), str(answer, "message", "localMessageId"))
		m.who.see(str(receiver, "waId"), str(receiver, "bsuid"), str(answer, "contact", "waId"), str(answer, "phone_number"), str(r, "whatsappNumber"), str(r, "target"), str(r, "waId"))
		if t := first(str(r, "template_name"), str(r, "templateName"), str(answer, "templateName")); t != "" {
			m.kind, m.template = "template", &eventsv1.Template{Name: t, Language: language(first(str(r, "language"), undetermined))}
		} else {
			m.kind = "text"
			m.text = first(str(r, "messageText"), str(r, "text"), str(r, "body"))
			if has(r, "buttons") || has(r, "sections") {
				m.kind = "interactive"
			}
		}
		valid, known := truth(receiver, "isValidWhatsAppNumber")
		result, said := truth(answer, "result")
		switch {
		case known && !valid:
			n := int64(131026)
			c.refused(it, m, "", &n)
		case said && !result:
			c.refused(it, m, "", nil)
		default:
			c.finish(it, m)
		}
	}
}
