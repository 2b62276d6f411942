package webhook

import (
	"strconv"
	"strings"
)

// meta is Meta's Cloud API, webhooks up to v24 (developers.facebook.com,
// webhooks reference, read 2026), and the On-Premises form without an envelope,
// which gateways still emulate.
func meta() *provider {
	return &provider{
		name: "meta", official: true,
		// The last five are of what shares the array with messages: a word of
		// pacing, Gupshup's acceptance, and payments.
		statuses: map[string]string{
			"sent": "sent", "delivered": "delivered", "read": "read", "played": "played", "failed": "failed",
			"expired": "failed", "undelivered": "failed", "rejected": "failed",
			"deleted": "-deleted", "warning": "-warning", "enqueued": "-accepted", "accepted": "-accepted",
			"pending": "-pending", "captured": "-payment", "canceled": "-payment",
		},
		// Of the On-Premises API; the Cloud API's own codes are the contract's.
		codes: map[string]int64{"470": 131047, "471": 131048, "472": 130472, "1026": 131026, "1002": 131026},
		read:  readMeta,
		send:  sendMeta,
	}
}

// dialog360 is 360dialog, which passes Meta's bodies on as they are.
func dialog360() *provider {
	p := meta()
	p.name = "360dialog"
	return p
}

// metaChange is one change of an entry.
type metaChange struct {
	waba  string
	time  any // of the entry; on account and template fields only
	field string
	value any
}

// readMeta reads an envelope, a single change (as the dashboard's test button
// sends), a polled number, or a value without an envelope.
func readMeta(c *call, v any) {
	switch {
	case has(v, "entry"):
		if o := str(v, "object"); o != "" && o != "whatsapp_business_account" {
			c.unknown("envelope", "other_object", v)
			return
		}
		for _, entry := range list(v, "entry") {
			metaEntry(c, entry)
		}
		if len(list(v, "entry")) == 0 {
			c.nothing("envelope", "empty")
		}
	case has(v, "field") && has(v, "value"):
		readMetaChange(c, &metaChange{waba: c.source.WABAID, field: str(v, "field"), value: get(v, "value")})
	case has(v, "quality_rating") || has(v, "quality_score"):
		metaPolled(c, v)
	case has(v, "data") && len(list(v, "data")) > 0:
		for _, one := range list(v, "data") {
			if has(one, "quality_rating") || has(one, "quality_score") {
				metaPolled(c, one)
			} else {
				c.unknown("polled", "no_rating", one)
			}
		}
	case has(v, "messages") || has(v, "statuses") || has(v, "message_echoes"):
		readMetaChange(c, &metaChange{waba: c.source.WABAID, field: "messages", value: v})
	default:
		c.unknown("envelope", "no_envelope", v)
	}
}

func metaEntry(c *call, entry any) {
	changes := list(entry, "changes")
	if len(changes) == 0 {
		c.unknown("envelope", "no_changes", entry)
	}
	for _, change := range changes {
		readMetaChange(c, &metaChange{
			waba: first(str(entry, "id"), c.source.WABAID), time: get(entry, "time"),
			field: str(change, "field"), value: get(change, "value"),
		})
	}
}

// metaSilent are the fields that make no event, and why.
var metaSilent = map[string]string{
	"history": "history", "calls": "call", "call_permission_reply": "call",
	"messaging_handovers": "handover", "account_alerts": "alert", "account_settings_update": "settings",
	"message_template_components_update": "components", "template_correct_category_detection": "impending",
	"phone_number_name_update": "name", "security": "security", "flows": "flow", "payment_configuration_update": "payment",
	"group_lifecycle_update": "group", "group_participants_update": "group", "group_settings_update": "group", "group_status_update": "group",
	"partner_solutions": "partner", "automatic_events": "automatic", "tracking_events": "tracking", "business_status_update": "business",
	"message_echoes_settings": "settings", "business_username_update": "name", "business_username_updates": "name", "contacts": "contact_book",
}

func readMetaChange(c *call, m *metaChange) {
	if reason, ok := metaSilent[m.field]; ok {
		c.nothing(m.field, reason)
		return
	}
	switch m.field {
	case "messages", "smb_message_echoes", "message_echoes", "user_preferences", "user_id_update":
		metaValue(c, m, m.value, m.value)
	case "standby":
		// One level deeper, under its own name; read flat too, should that change.
		if inner := obj(m.value, "standby"); inner != nil {
			metaValue(c, m, inner, m.value)
		} else {
			metaValue(c, m, m.value, m.value)
		}
	case "smb_app_state_sync":
		metaStateSync(c, m)
	case "account_update":
		metaAccount(c, m)
	case "account_review_update":
		metaReview(c, m)
	case "business_capability_update", "phone_number_quality_update":
		metaLimit(c, m)
	case "message_template_status_update":
		metaTemplateStatus(c, m)
	case "message_template_quality_update":
		metaTemplateQuality(c, m)
	case "template_category_update":
		metaTemplateCategory(c, m)
	default:
		c.unknown("other", "field", map[string]any{"field": m.field, "value": m.value})
	}
}

// metaValue reads what may stand side by side in a value. outer has the metadata.
func metaValue(c *call, m *metaChange, value, outer any) {
	number, own := metaNumber(c, outer)
	before := len(c.result.Updates)
	parts := []struct {
		name string
		read func(*call, *metaChange, *metaPart, any)
	}{
		{"messages", metaInbound},
		{"message_echoes", metaEcho},
		{"statuses", metaStatus},
		{"user_preferences", metaPreference},
		{"user_id_update", metaUserID},
	}
	count := 0
	for _, part := range parts {
		count += len(list(value, part.name))
	}
	for _, part := range parts {
		for _, one := range list(value, part.name) {
			if !c.room(m.field, one) {
				continue
			}
			part.read(c, m, &metaPart{
				number: number, own: own, contacts: list(value, "contacts"), alone: count == 1,
			}, one)
		}
	}
	if len(c.result.Updates) > before {
		return
	}
	for _, silent := range []string{"user_actions", "errors", "calls", "groups", "message_echoes", "messages", "statuses", "history"} {
		if has(value, silent) {
			c.nothing(m.field, silent)
			return
		}
	}
	c.unknown(m.field, "value", m.value)
}

// metaPart is what the parts of one value share.
type metaPart struct {
	number, own string
	contacts    []any
	alone       bool // the only one of its value
}

// metaNumber finds the number: its id, else what is known of the number that is
// displayed, else its digits.
func metaNumber(c *call, value any) (number, own string) {
	own = digits(str(value, "metadata", "display_phone_number"))
	number = str(value, "metadata", "phone_number_id")
	if number != "" {
		c.learn(Fact{Kind: FactNumber, Key: own, Value: number, NumberID: number})
		return number, own
	}
	return first(c.known(FactNumber, own), own, c.source.NumberID), own
}

// fill adds what the contacts beside a message know of its person. One contact
// beside one message is that person, whichever form the number has.
func (p *metaPart) fill(who *person) {
	for _, contact := range p.contacts {
		phone, user := plain(str(contact, "wa_id")), str(contact, "user_id")
		same := phone != "" && phone == who.phone || user != "" && user == who.user
		if same || p.alone && len(p.contacts) == 1 {
			who.see(phone, user)
		}
	}
}

func (p *metaPart) message(m *metaChange, v any) message {
	return message{id: str(v, "id"), number: p.number, waba: m.waba, own: p.own}
}

// metaInbound reads one element of messages.
func metaInbound(c *call, m *metaChange, p *metaPart, v any) {
	msg := p.message(m, v)
	msg.time = c.at(get(v, "timestamp"))
	kind := str(v, "type")
	switch kind {
	case "system":
		metaSystem(c, m, msg, v)
		return
	case "edit", "revoke", "request_welcome":
		c.nothing(m.field, kind)
		return
	}
	msg.who.see(str(v, "from"), str(v, "from_user_id"))
	p.fill(&msg.who)
	msg.group = str(v, "group_id")
	msg.context = str(v, "context", "id")
	var silent string
	if msg.kind, msg.text, silent = metaContent(v, kind); silent != "" {
		c.nothing(m.field, silent)
		return
	}
	if kind == "reaction" {
		msg.context = first(msg.context, str(v, "reaction", "message_id"))
	}
	if kind == "contacts" && str(v, "origin") == "contact_request" {
		metaSharedContact(c, msg, v)
	}
	c.inbound(m.field, msg, v)
}

// metaContent finds the kind and the text of a message, or why it is none.
func metaContent(v any, kind string) (contract, text, silent string) {
	contract = kindOf(kind)
	switch kind {
	case "text":
		text = str(v, "text", "body")
	case "image", "video", "document", "sticker", "audio":
		text = str(v, kind, "caption")
	case "button":
		text = str(v, "button", "text")
	case "order":
		text = str(v, "order", "text")
	case "reaction":
		if str(v, "reaction", "emoji") == "" {
			silent = "reaction_removed"
		}
	case "interactive":
		i := obj(v, "interactive")
		switch str(i, "type") {
		case "call_permission_reply":
			if strings.EqualFold(str(i, "call_permission_reply", "response_source"), "automatic") {
				silent = "automatic"
			}
		default:
			text = first(str(i, "button_reply", "title"), str(i, "list_reply", "title"))
		}
	}
	return contract, text, silent
}

// metaSharedContact teaches the alias of a person who gave their number on
// request: WhatsApp has verified that number, unlike those of other contact cards.
func metaSharedContact(c *call, msg message, v any) {
	if msg.who.user == "" {
		return
	}
	for _, card := range list(v, "contacts") {
		for _, phone := range list(card, "phones") {
			if id := plain(str(phone, "wa_id")); id != "" {
				if e := c.alias(msg, person{phone: id}, person{user: msg.who.user}); e != nil {
					c.teach(e)
				}
				return
			}
		}
	}
}

// metaSystem reads a notice in the chat. It is nothing that the person did; that
// their number or id has changed is taught.
func metaSystem(c *call, m *metaChange, msg message, v any) {
	s := obj(v, "system")
	switch str(s, "type") {
	case "user_changed_number", "customer_changed_number", "user_changed_user_id":
	default:
		c.nothing(m.field, "system")
		return
	}
	var now, before person
	now.see(str(s, "wa_id"), str(s, "new_wa_id"), str(s, "user_id"))
	before.see(str(v, "from"), str(s, "customer"), str(s, "previous_user_id"), str(v, "from_user_id"))
	if before.user == now.user {
		before.user = ""
	}
	if before.user == "" {
		before.user = otherID(str(s, "body"), now.user)
	}
	if str(s, "type") == "user_changed_user_id" && now.phone == "" {
		now.phone, before.phone = before.phone, "" // the number has stayed
	}
	if before.none() && now.phone != "" && now.user != "" {
		now, before = person{phone: now.phone}, person{user: now.user} // the new two are a pair at least
	}
	if e := c.alias(msg, now, before); e != nil {
		c.teach(e)
		c.nothing(m.field, "taught")
		return
	}
	c.nothing(m.field, "system")
}

// otherID finds the one business-scoped id in a notice that is not the new one.
func otherID(notice, now string) string {
	for _, word := range strings.FieldsFunc(notice, func(r rune) bool { return strings.ContainsRune(" \t\n,;:'\"()", r) }) {
		if word = strings.TrimRight(word, "."); word != now && userID.MatchString(word) {
			return word
		}
	}
	return ""
}

// metaEcho reads a message of ours, typed in the app or sent by an agent.
func metaEcho(c *call, m *metaChange, p *metaPart, v any) {
	kind := str(v, "type")
	if kind == "edit" || kind == "revoke" || kind == "system" {
		c.nothing(m.field, kind)
		return
	}
	msg := p.message(m, v)
	msg.time = c.at(get(v, "timestamp"))
	msg.who.see(str(v, "to"), str(v, "to_user_id"))
	p.fill(&msg.who)
	msg.group = str(v, "group_id")
	var silent string
	if msg.kind, msg.text, silent = metaContent(v, kind); silent != "" {
		c.nothing(m.field, silent)
		return
	}
	msg.text = first(msg.text, str(v, "interactive", "body", "text"))
	if msg.template = metaTemplate(get(v, "template")); msg.template != nil {
		msg.kind = "template"
	}
	c.outbound(m.field, msg, v)
}

// metaStatus reads one element of statuses.
func metaStatus(c *call, m *metaChange, p *metaPart, v any) {
	if kind := statusOf(v); kind != "message" {
		c.nothing(m.field, kind)
		return
	}
	msg := p.message(m, v)
	msg.id = first(str(v, "meta_msg_id"), msg.id) // Gupshup v3
	msg.time = c.at(get(v, "timestamp"))
	var member string
	if str(v, "recipient_type") == "group" || has(v, "recipient_participant_id") || has(v, "recipient_participant_user_id") {
		msg.group = str(v, "recipient_id")
		msg.who.see(str(v, "recipient_participant_id"), str(v, "recipient_participant_user_id"))
		member = msg.who.contact()
	} else {
		msg.who.see(str(v, "recipient_id"), str(v, "recipient_user_id"))
	}
	p.fill(&msg.who)
	word := str(v, "status")
	if !strings.EqualFold(word, "sent") {
		c.status(m.field, word, c.metaCode(v), msg, member, v)
		return
	}
	// The first status may carry what the sender knows of the send.
	tag := readTag(str(v, "biz_opaque_callback_data"))
	e := c.statusEvent(m.field, "sent", nil, msg, member, v)
	if e == nil {
		return
	}
	if held := c.released(&msg); held != nil {
		c.made(m.field, held, e)
		return
	}
	if tag == nil || msg.who.none() {
		c.made(m.field, e)
		return
	}
	tag.apply(&msg)
	if sent := c.sent(m.field, msg, v); sent != nil {
		c.made(m.field, sent, e)
	}
}

// statusOf returns what a status is of: payments and calls stand among those of
// messages, and their words (REJECTED, canceled) would pass for ours. They say so by
// their type; where that is missing, by what only they have.
func statusOf(v any) string {
	switch kind := str(v, "type"); {
	case kind == "payment" || kind == "" && has(v, "payment"):
		return "payment"
	case kind == "call" || kind == "" && strings.HasPrefix(str(v, "id"), "wacid."):
		return "call"
	}
	return "message"
}

// metaStateSync reads the contact book of a number that an app shares. It is no
// happening; an entry with a phone and a user id teaches that the two are one person.
// It is one update, however many entries it has: an entry that is too many is left
// out, for a contact book has no place in the dead letter, and every message of the
// person tells the pair again.
func metaStateSync(c *call, m *metaChange) {
	number, own := metaNumber(c, m.value)
	reason := "state_sync"
	for _, one := range list(m.value, "state_sync") {
		if strings.EqualFold(str(one, "action"), "remove") || len(c.taught) >= MaxUpdates {
			continue
		}
		contact := get(one, "contact")
		var phone, user person
		phone.see(str(contact, "phone_number"), str(contact, "wa_id"))
		user.see(str(contact, "user_id"))
		msg := message{id: first(number, c.source.NumberID) + ":" + user.user + ":" + hash(phone.phone), number: number, waba: m.waba, own: own, time: c.at(get(one, "metadata", "timestamp"), m.time)}
		if e := c.alias(msg, person{phone: phone.phone}, person{user: user.user}); e != nil {
			c.teach(e)
			reason = "taught"
		}
	}
	c.nothing(m.field, reason)
}

// metaCode reads the first error that has a code, as a number or a string.
func (c *call) metaCode(v any) *int64 {
	errs := list(v, "errors")
	if one := get(v, "error"); one != nil {
		errs = append(errs, one)
	}
	for _, e := range errs {
		if n, ok := c.p.code(str(e, "code")); ok {
			return &n
		}
		if n, ok := integer(e, "code"); ok {
			return &n
		}
	}
	return nil
}

// metaPreference reads one element of user_preferences. signup, since 2026, is a
// wish for marketing like resume.
func metaPreference(c *call, m *metaChange, p *metaPart, v any) {
	msg := p.message(m, v)
	msg.time = c.at(get(v, "timestamp"))
	msg.who.see(str(v, "wa_id"), str(v, "user_id"))
	p.fill(&msg.who)
	wish := map[string]string{"stop": "stop", "resume": "resume", "signup": "resume"}[strings.ToLower(str(v, "value"))]
	if wish == "" {
		c.unknown(m.field, "preference", v)
		return
	}
	c.preference(m.field, wish, msg, v)
}

// metaUserID reads a changed business-scoped id, as gateways forward it; Meta
// itself sends a system message.
func metaUserID(c *call, m *metaChange, p *metaPart, v any) {
	msg := p.message(m, v)
	msg.time = c.at(get(v, "timestamp"), m.time)
	var now, before person
	now.see(str(v, "wa_id"), str(v, "user_id", "current"))
	before.see(str(v, "user_id", "previous"))
	// A user id is the portfolio's: each of its numbers is told of the same change.
	msg.id = first(msg.id, first(msg.number, c.source.NumberID)+":"+now.user+":"+strconv.FormatInt(msg.time/1000, 10))
	if e := c.alias(msg, now, before); e != nil {
		c.made(m.field, e)
		return
	}
	c.unknown(m.field, "no_ids", v)
}
