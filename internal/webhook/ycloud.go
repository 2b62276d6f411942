package webhook

import (
	"strings"
)

// yCloud is YCloud v2 (docs.ycloud.com, webhook reference, read 2026): Meta's
// objects in camel case under an envelope of its own. The error code is a string,
// a number of Meta's or a word.
func yCloud() *provider {
	p := meta()
	p.name = "ycloud"
	p.codes = nil
	p.read, p.send = readYCloud, sendYCloud
	return p
}

// yCloudSilent are the beginnings of the events that make none.
var yCloudSilent = []string{
	"whatsapp.smb.", "whatsapp.call.", "whatsapp.flow.", "whatsapp.phone_number.", "whatsapp.business_account.", "whatsapp.payment.", "whatsapp.group.",
	"sms.", "email.", "voice.", "contact.", "verification.", "verify.", "messenger.", "instagram.", "rcs.", "unsubscriber.",
}

func readYCloud(c *call, v any) {
	kind := str(v, "type")
	switch kind {
	case "whatsapp.inbound_message.received":
		yCloudInbound(c, kind, get(v, "whatsappInboundMessage"), v)
	case "whatsapp.message.updated":
		yCloudStatus(c, kind, get(v, "whatsappMessage"), v)
	case "whatsapp.smb.message.echoes", "whatsapp.smb.message.echo":
		yCloudEcho(c, kind, get(v, "whatsappMessage"), v)
	case "whatsapp.user.preferences":
		preferences := append(list(v, "whatsappUserPreference"), list(v, "whatsappUserPreferences")...)
		for _, one := range preferences {
			if c.room(kind, one) {
				yCloudPreference(c, kind, one, v)
			}
		}
		if len(preferences) == 0 {
			c.unknown(kind, "preference", v)
		}
	case "whatsapp.template.reviewed", "whatsapp.template.quality_updated", "whatsapp.template.category_updated":
		yCloudTemplate(c, kind, get(v, "whatsappTemplate"), v)
	case "whatsapp.phone_number.quality_updated":
		yCloudNumber(c, kind, get(v, "whatsappPhoneNumber"), v)
	case "whatsapp.business_account.updated", "whatsapp.business_account.reviewed":
		yCloudAccount(c, kind, get(v, "whatsappBusinessAccount"), v)
	default:
		for _, prefix := range yCloudSilent {
			if strings.HasPrefix(kind, prefix) {
				c.nothing("other", "other_event")
				return
			}
		}
		c.unknown("other", "type", v)
	}
}

// yCloudInbound reads a message: its content is Meta's.
func yCloudInbound(c *call, field string, v, whole any) {
	m := message{
		id: first(str(v, "wamid"), str(v, "id")), number: plain(str(v, "to")), waba: str(v, "wabaId"),
		context: str(v, "context", "id"), time: c.at(get(v, "sendTime"), get(whole, "createTime")), group: str(v, "groupId"),
	}
	kind := str(v, "type")
	switch kind {
	case "system":
		metaSystem(c, &metaChange{field: field, waba: m.waba}, m, v)
		return
	case "edit", "revoke", "request_welcome":
		c.nothing(field, kind)
		return
	}
	m.who.see(str(v, "from"), str(v, "fromUserId"), str(v, "customerProfile", "userId"))
	var silent string
	if m.kind, m.text, silent = metaContent(v, kind); silent != "" {
		c.nothing(field, silent)
		return
	}
	if kind == "reaction" {
		m.context = first(m.context, str(v, "reaction", "message_id"))
	}
	c.inbound(field, m, whole)
}

// yCloudStatus reads what became of a message. Of its four times updateTime is
// that of the status.
func yCloudStatus(c *call, field string, v, whole any) {
	m := message{
		id: first(str(v, "wamid"), str(v, "id")), number: plain(str(v, "from")), waba: str(v, "wabaId"),
		time: c.at(get(v, "updateTime"), get(v, "sendTime"), get(whole, "createTime")), group: str(v, "groupId"),
	}
	m.who.see(str(v, "to"), str(v, "recipientUserId"))
	code := pointer(integer(v, "errorCode"))
	if code == nil {
		code = pointer(integer(v, "whatsappApiError", "code"))
	}
	c.status(field, str(v, "status"), code, m, "", whole)
}

func yCloudEcho(c *call, field string, v, whole any) {
	kind := str(v, "type")
	m := message{
		id: first(str(v, "wamid"), str(v, "id")), number: plain(str(v, "from")), waba: str(v, "wabaId"),
		time: c.at(get(v, "sendTime"), get(v, "createTime"), get(whole, "createTime")),
	}
	m.who.see(str(v, "to"), str(v, "recipientUserId"), str(v, "toUserId"))
	var silent string
	if m.kind, m.text, silent = metaContent(v, kind); kind == "edit" || kind == "revoke" || silent != "" {
		c.nothing(field, first(silent, kind))
		return
	}
	c.outbound(field, m, whole)
}

func yCloudPreference(c *call, field string, v, whole any) {
	m := message{number: plain(first(str(v, "businessPhoneNumber"), str(v, "to"), str(v, "phoneNumber"))), waba: str(v, "wabaId"), time: c.at(get(v, "timestamp"), get(v, "updateTime"), get(whole, "createTime"))}
	m.who.see(str(v, "contactPhoneNumber"), str(v, "customerPhoneNumber"), str(v, "from"), str(v, "waId"), str(v, "userId"))
	wish := map[string]string{"stop": "stop", "resume": "resume", "signup": "resume"}[strings.ToLower(first(str(v, "value"), str(v, "preference")))]
	if wish == "" {
		c.unknown(field, "preference", whole)
		return
	}
	c.preference(field, wish, m, whole)
}

// yCloudTemplate reads a template: the whole of it comes, whatever has changed.
func yCloudTemplate(c *call, field string, v, whole any) {
	t := templateUpdate{
		id: first(str(v, "officialTemplateId"), str(v, "name")), name: str(v, "name"), language: str(v, "language"), waba: str(v, "wabaId"),
		time: c.at(get(v, "updateTime"), get(whole, "createTime")),
	}
	switch {
	case strings.HasSuffix(field, "quality_updated"):
		quality := rating(first(str(v, "qualityRating"), str(v, "newQualityScore")))
		if quality == "" {
			c.unknown(field, "quality", whole)
			return
		}
		t.what = "q" + quality
		if e := c.templateEvent(field, t, whole); e != nil {
			e.Quality = quality
			c.made(field, e)
		}
	case strings.HasSuffix(field, "category_updated"):
		if str(v, "correctCategory") != "" {
			c.nothing(field, "impending")
			return
		}
		t.what = "cat"
		if e := c.templateEvent(field, t, whole); e != nil {
			e.Template.Category = str(v, "category")
			c.made(field, e)
		}
	default:
		c.templateWord(field, first(str(v, "statusUpdateEvent"), str(v, "status")), t, whole)
	}
}

// yCloudNumber reads a number's rating and the limit of its portfolio.
func yCloudNumber(c *call, field string, v, whole any) {
	m := message{id: "-", number: plain(str(v, "phoneNumber")), waba: str(v, "wabaId"), time: c.at(get(v, "updateTime"), get(whole, "createTime"))}
	if !c.complete(field, &m, whole) {
		return
	}
	quality := rating(first(str(v, "qualityRating"), str(v, "quality")))
	if quality == "" {
		c.nothing(field, "no_rating")
		return
	}
	e := c.base(&m, short("q:"+m.number+":"+stamp(m.time/1000)), "number.quality")
	e.MessageId, e.Rating = "", quality
	c.made(field, e)
	portfolio := first(c.known(FactPortfolio, m.waba), c.source.PortfolioID)
	if limit, silent, ok := parseLimit(str(v, "whatsappBusinessManagerMessagingLimit")); ok && !silent && portfolio != "" {
		last := &c.result.Updates[len(c.result.Updates)-1]
		last.Events = append(last.Events, limitEvent(portfolio, "lim:"+m.waba+":"+stamp(m.time/1000), m.time, limit))
	}
}

// yCloudAccount reads an account update: Meta's words in camel case.
func yCloudAccount(c *call, field string, v, whole any) {
	m := &metaChange{field: field, waba: str(v, "id"), time: first(str(v, "updateTime"), str(whole, "createTime"))}
	var restrictions []any
	for _, r := range append(list(v, "restrictions"), list(v, "restrictionInfo")...) {
		restrictions = append(restrictions, map[string]any{"restriction_type": first(str(r, "restrictionType"), str(r, "restriction_type")), "expiration": get(r, "expiration")})
	}
	m.value = map[string]any{
		"event":            first(str(v, "updateEvent"), str(v, "event")),
		"decision":         first(str(v, "decision"), str(v, "accountReviewStatus")),
		"violation_info":   map[string]any{"violation_type": str(v, "violationType")},
		"ban_info":         map[string]any{"waba_ban_state": first(str(v, "banState"), str(v, "wabaBanState"))},
		"restriction_info": restrictions,
		"waba_info":        map[string]any{"owner_business_id": str(v, "ownerBusinessId")},
	}
	if strings.HasSuffix(field, "reviewed") {
		metaReview(c, m)
		return
	}
	metaAccount(c, m)
}

// sendYCloud reads POST /v2/whatsapp/messages and /sendDirectly.
func sendYCloud(c *call, it item) {
	m := it.message(c)
	r, answer := it.request, it.response
	m.id = first(str(answer, "wamid"), str(answer, "id"))
	m.number = first(m.number, plain(first(str(r, "from"), str(answer, "from"))))
	m.waba = first(m.waba, str(answer, "wabaId"))
	m.who.see(str(r, "to"), str(r, "recipientUserId"), str(answer, "to"), str(answer, "recipientUserId"))
	metaSendContent(&m, r)
	if status, _ := c.p.status(str(answer, "status")); status == "failed" || has(answer, "error") {
		code := pointer(integer(answer, "errorCode"))
		if code == nil {
			code = pointer(integer(answer, "error", "whatsappApiError", "code"))
		}
		c.refused(it, m, "", code)
		return
	}
	c.finish(it, m)
}
