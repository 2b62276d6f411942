package webhook

// baileys is WhiskeySockets/Baileys, 6.7 to 7.0 rc: its events as a callback
// forwards them, {event, data}. Message ids are unique within a chat only.
func baileys() *provider {
	return &provider{name: "baileys", local: true, statuses: waStatuses(), codes: waCodes(), read: readBaileys, send: sendBaileys}
}

// baileysSilent are the events that make none.
var baileysSilent = map[string]string{
	"messaging-history.set": "history", "creds.update": "credentials", "chats.upsert": "chat", "chats.update": "chat", "chats.delete": "chat", "chats.lock": "chat",
	"presence.update": "presence", "contacts.upsert": "contact_book", "contacts.update": "contact_book", "messages.delete": "about_a_message",
	"messages.media-update": "about_a_message", "groups.upsert": "group", "groups.update": "group", "group-participants.update": "group", "group.join-request": "group",
	"blocklist.set": "blocklist", "blocklist.update": "blocklist", "call": "call", "labels.edit": "label", "labels.association": "label",
	"newsletter.reaction": "channel", "newsletter.view": "channel", "newsletter-participants.update": "channel", "newsletter-settings.update": "channel",
	"group.member-tag.update": "group", "chats.phoneNumberShare": "contact_book", "settings.update": "settings", "messaging-history.status": "history",
}

func readBaileys(c *call, v any) {
	event := first(str(v, "event"), str(v, "type"))
	data := either(v, "data", "payload", "body")
	number := first(plain(str(v, "number_id")), str(v, "instance"), str(v, "session"), str(v, "sessionId"), plain(str(v, "me", "id")), c.source.NumberID)
	if at, ok := millis(get(v, "received_at")); ok {
		c.source.ReceivedAt = at
	}
	if reason, ok := baileysSilent[event]; ok {
		c.nothing(event, reason)
		return
	}
	switch event {
	case "messages.upsert":
		baileysUpsert(c, number, v, data)
	case "messages.update":
		c.eachIn(event, data, "messages", func(one any) { baileysUpdate(c, event, number, one) })
	case "message-receipt.update":
		c.eachIn(event, data, "receipts", func(one any) { baileysReceipt(c, event, number, one) })
	case "messages.reaction":
		c.eachIn(event, data, "reactions", func(one any) { baileysReaction(c, event, number, one) })
	case "connection.update":
		baileysConnection(c, event, number, data, v)
	case "message-capping.update", "messages-capping.update", "message-capping-info.update":
		c.capping(event, number, data, c.at(), v)
	case "lid-mapping.update":
		c.eachIn(event, data, "mappings", func(one any) { baileysMapping(c, event, number, one) })
	default:
		c.unknown("other", "event", v)
	}
}

// eachIn hands on the elements of a list, which may stand under a name of its own.
func (c *call) eachIn(field string, data any, name string, f func(any)) {
	l := list(data)
	if inner := get(data, name); inner != nil {
		l = list(inner)
	}
	if len(l) == 0 {
		c.nothing(field, "empty")
	}
	for _, one := range l {
		if c.room(field, one) {
			f(one)
		}
	}
}

// fresh is how old an "append" may be and still be live: what comes so after a
// reconnect is history, yet some of our own live messages come so too.
const fresh = 2 * 60_000

func baileysUpsert(c *call, number string, v, data any) {
	const field = "messages.upsert"
	kind := first(str(data, "type"), str(v, "type"))
	c.eachIn(field, data, "messages", func(one any) {
		if kind == "append" {
			at, ok := millis(get(one, "messageTimestamp"))
			if !ok || c.source.ReceivedAt == 0 || c.source.ReceivedAt-at > fresh {
				c.nothing(field, "history")
				return
			}
		}
		baileysMessage(c, field, number, one)
	})
}

// baileysMessage reads a message of the person or of ours.
func baileysMessage(c *call, field, number string, v any) {
	k := c.key(number, get(v, "key"))
	if k.nobody {
		c.nothing(field, "nobody")
		return
	}
	kind, text, context, silent := waContent(get(v, "message"))
	if silent == "no_content" && str(v, "messageStubType") != "" {
		silent = "stub"
	}
	if silent != "" {
		c.nothing(field, silent)
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: kind, text: text, context: context,
		time: c.at(get(v, "messageTimestamp")),
	}
	if k.fromMe {
		if k.group != "" {
			m.who = person{}
		}
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// baileysUpdate reads a message's new status. It has no time of its own.
func baileysUpdate(c *call, field, number string, v any) {
	update := get(v, "update")
	word := str(update, "status")
	if word == "" {
		c.nothing(field, "about_a_message")
		return
	}
	k := c.key(number, get(v, "key"))
	switch {
	case !k.fromMe:
		c.nothing(field, "not_ours")
		return
	case k.nobody:
		c.nothing(field, "nobody")
		return
	}
	m := message{id: k.id, number: number, who: k.who, group: k.group, time: c.at()}
	c.status(field, word, c.waCode(update), m, "", v)
}

// baileysReceipt reads who got or read a message: of a group, one by one.
func baileysReceipt(c *call, field, number string, v any) {
	k := c.key(number, get(v, "key"))
	if !k.fromMe || k.nobody {
		c.nothing(field, "not_ours")
		return
	}
	r := get(v, "receipt")
	m := message{id: k.id, number: number, who: k.who, group: k.group}
	var member string
	if k.group != "" {
		m.who = c.resolve(number, str(r, "userJid"))
		member = m.who.contact()
	}
	for _, one := range []struct{ name, word string }{{"playedTimestamp", "played"}, {"readTimestamp", "read"}, {"receiptTimestamp", "delivery_ack"}} {
		if at, ok := millis(get(r, one.name)); ok {
			m.time = at
			c.status(field, one.word, nil, m, member, v)
			return
		}
	}
	c.nothing(field, "empty")
}

// baileysReaction reads a reaction, reported beside its message; it may come as a
// message too, under the same id.
func baileysReaction(c *call, field, number string, v any) {
	r := get(v, "reaction")
	k := c.key(number, get(r, "key"))
	switch {
	case k.nobody:
		c.nothing(field, "nobody")
		return
	case str(r, "text") == "":
		c.nothing(field, "reaction_removed")
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: "reaction", context: str(v, "key", "id"),
		time: c.at(get(r, "senderTimestampMs"), get(v, "messageTimestamp")),
	}
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// baileysConnection reads the lock on new chats and a refused connection.
func baileysConnection(c *call, field, number string, data, v any) {
	if lock := either(data, "reachoutTimeLock", "reachoutTimelock"); lock != nil {
		c.timelock(field, number, lock, c.at(), v)
		return
	}
	code := first(str(data, "lastDisconnect", "error", "output", "statusCode"), str(data, "lastDisconnect", "error", "data", "reason"), str(data, "statusReason"))
	c.refusedConnect(field, number, code, c.at(get(data, "lastDisconnect", "date")), v)
}

// baileysMapping reads the phone behind a hidden id.
func baileysMapping(c *call, field, number string, v any) {
	lid, phone := plain(str(v, "lid")), plain(str(v, "pn"))
	if !hidden(lid) && lid != "" {
		lid = digits(lid) + "@lid"
	}
	m := message{id: lid, number: number, time: c.at()}
	e := c.alias(m, person{phone: phone}, person{phone: lid})
	if e == nil || phone == "" {
		c.unknown(field, "no_ids", v)
		return
	}
	c.learn(Fact{Kind: FactPhone, Key: lid, Value: phone, NumberID: number})
	c.made(field, e)
}

// sendBaileys reads sock.sendMessage(jid, content): the request is {jid, content},
// the answer is the message that it returns.
func sendBaileys(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(it.v, "instance"), str(it.v, "session"))
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(get(answer, "messageTimestamp"))
	}
	k := c.key(first(m.number, c.source.NumberID), get(answer, "key"))
	m.id = first(k.id, str(answer, "messageId"), str(answer, "message_id"), str(answer, "id"))
	m.who, m.group = k.who, k.group
	jid := first(str(r, "jid"), str(r, "to"), str(r, "number"), str(r, "chatId"))
	switch {
	case chatOf(jid) == chatGroup:
		m.group, m.who = jid, person{}
	case chatOf(jid) == chatNobody:
		c.nothing("sends", "nobody")
		return
	case m.who.none():
		m.who = c.resolve(m.number, jid)
	}
	content := either(r, "content", "message")
	kind, text, context, silent := waContent(get(answer, "message"))
	if silent == "" {
		m.kind, m.text, m.context = kind, text, context
	} else {
		baileysContent(&m, content)
	}
	if code := c.waCode(answer); code != nil || answer != nil && m.id == "" && has(answer, "error") {
		c.refused(it, m, "", code)
		return
	}
	c.finish(it, m)
}

// baileysContent reads what is handed to sendMessage.
func baileysContent(m *message, content any) {
	if text := str(content); text != "" {
		m.kind, m.text = "text", text
		return
	}
	m.text = first(str(content, "text"), str(content, "caption"))
	m.kind = "text"
	for _, kind := range []string{"image", "video", "audio", "document", "sticker", "location", "contacts", "poll", "buttons", "sections"} {
		if has(content, kind) {
			m.kind = kindOf(kind)
			if kind == "sections" {
				m.kind = "interactive"
			}
			m.mediaRef = first(str(content, kind, "url"), str(content, kind))
		}
	}
	if react := obj(content, "react"); react != nil {
		m.kind, m.text, m.context = "reaction", "", str(react, "key", "id")
	}
}
