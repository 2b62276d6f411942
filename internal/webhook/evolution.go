package webhook

import "strings"

// evolution is EvolutionAPI 2.x over Baileys (EvolutionAPI/evolution-api, read
// 2026). Its updates have the time of the webhook alone, date_time, which is local
// time with a Z behind it (emitted as Date.now() less the zone's offset), hours off
// outside UTC: that of receipt is nearer, if it is known. Its events' names come as
// messages.upsert or MESSAGES_UPSERT.
func evolution() *provider {
	return &provider{name: "evolution", local: true, statuses: waStatuses(), codes: waCodes(), read: readEvolution, send: sendEvolution}
}

// evolutionSilent are the beginnings of the events that make none.
var evolutionSilent = []string{
	"application.startup", "qrcode.", "contacts.", "chats.", "presence.", "groups.", "group.", "labels.", "call", "typebot.", "new.token", "messages.set", "messages.edited",
	"messages.delete", "remove.instance", "logout.instance", "instance.", "status.instance", "send.message.update", "new.jwt", "errors",
}

func readEvolution(c *call, v any) {
	event := strings.ReplaceAll(strings.ToLower(str(v, "event")), "_", ".")
	data := get(v, "data")
	number := first(str(v, "instance"), str(v, "instance", "instanceName"), str(v, "instanceName"), c.source.NumberID)
	if sender := str(v, "sender"); chatOf(sender) == chatPerson && !hidden(sender) {
		c.learn(Fact{Kind: FactNumber, Key: digits(plain(sender)), Value: number, NumberID: number})
	}
	switch event {
	case "messages.upsert", "send.message":
		c.eachIn(event, data, "messages", func(one any) {
			if str(one, "messageType") == "" || has(one, "message") {
				baileysMessage(c, event, number, one)
				return
			}
			c.nothing(event, "no_content")
		})
	case "messages.update":
		c.eachIn(event, data, "messages", func(one any) { evolutionUpdate(c, event, number, one, v) })
	case "connection.update":
		if lock := either(data, "reachoutTimeLock", "reachoutTimelock"); lock != nil {
			c.timelock(event, number, lock, c.received(get(v, "date_time")), v)
			return
		}
		c.refusedConnect(event, number, str(data, "statusReason"), c.received(get(v, "date_time")), v)
	case "message.capping.update", "messages.capping.update":
		c.capping(event, number, data, c.received(get(v, "date_time")), v)
	default:
		for _, prefix := range evolutionSilent {
			if strings.HasPrefix(event, prefix) {
				c.nothing("other", "other_event")
				return
			}
		}
		c.unknown("other", "event", v)
	}
}

// evolutionUpdate reads a message's new status. keyId is the message, messageId
// the row of Evolution's database.
func evolutionUpdate(c *call, field, number string, v, whole any) {
	key := v
	if inner := obj(v, "key"); inner != nil {
		key = inner
	}
	k := c.key(number, key)
	k.id = first(str(v, "keyId"), str(v, "key", "id"), k.id)
	word := first(str(v, "status"), str(v, "update", "status"))
	switch {
	case word == "":
		c.nothing(field, "about_a_message")
		return
	case !k.fromMe:
		c.nothing(field, "not_ours")
		return
	case k.nobody:
		c.nothing(field, "nobody")
		return
	}
	m := message{id: k.id, number: number, who: k.who, group: k.group, time: c.evolutionTime(v, whole)}
	var member string
	if k.group != "" {
		member = k.who.contact()
	}
	code := c.waCode(v)
	if code == nil {
		code = c.waCode(get(v, "update"))
	}
	c.status(field, word, code, m, member, v)
}

// evolutionTime returns when an update was, as versions before 2 wrote it, else when
// the webhook came.
func (c *call) evolutionTime(v, whole any) int64 {
	if at, ok := millis(get(v, "datetime")); ok {
		return at
	}
	return c.received(get(whole, "date_time"))
}

// sendEvolution reads POST /message/sendText/{instance} and its like: the answer
// is the message, the request says what cannot be seen in it.
func sendEvolution(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(it.v, "instance"), str(r, "instance"), str(r, "instanceName"))
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(get(answer, "messageTimestamp"))
	}
	k := c.key(first(m.number, c.source.NumberID), get(answer, "key"))
	m.id, m.who, m.group = k.id, k.who, k.group
	to := first(str(r, "number"), str(r, "remoteJid"))
	switch {
	case chatOf(to) == chatGroup:
		m.group, m.who = to, person{}
	case k.nobody || chatOf(to) == chatNobody:
		c.nothing("sends", "nobody")
		return
	case m.who.none():
		m.who = c.resolve(m.number, to)
	}
	m.text = first(str(r, "text"), str(r, "textMessage", "text"), str(r, "caption"), str(r, "mediaMessage", "caption"))
	m.mediaRef = first(str(r, "media"), str(r, "mediaMessage", "media"), str(r, "audio"), str(r, "sticker"))
	kind, text, context, silent := waContent(get(answer, "message"))
	switch {
	case silent == "":
		m.kind, m.text, m.context = kind, first(text, m.text), context
	case m.mediaRef != "":
		m.kind = kindOf(first(str(r, "mediatype"), str(r, "mediaMessage", "mediatype")))
	default:
		m.kind = "text"
	}
	if m.id == "" && (has(answer, "error") || has(answer, "status")) {
		code := int64(0)
		for _, one := range list(answer, "response", "message") {
			if exists, known := truth(one, "exists"); known && !exists {
				code = 131026 // the check before the send: no account under this number
			}
		}
		c.refused(it, m, "", pointer(code, code != 0))
		return
	}
	c.finish(it, m)
}
