package webhook

import (
	"slices"
	"strings"
)

// waha is devlikeapro/waha 2026.9 (waha.devlike.pro, PRs 2186 and 2219). Its acks
// are one less than Baileys'; a message's id has the chat in it, whose form
// changes between events, so that only its last part is the message.
func waha() *provider {
	return &provider{
		name: "waha", local: true,
		statuses: map[string]string{
			"-1": "failed", "0": "-pending", "1": "sent", "2": "delivered", "3": "read", "4": "played",
			"error": "failed", "pending": "-pending", "server": "sent", "device": "delivered", "read": "read", "played": "played",
		},
		codes: waCodes(),
		read:  readWAHA,
		send:  sendWAHA,
	}
}

// wahaSilent are the events that make none.
var wahaSilent = map[string]string{
	"message.revoked": "about_a_message", "message.edited": "about_a_message", "message.waiting": "no_content", "message.calculated": "about_a_message",
	"group.join": "group", "group.leave": "group", "group.v2.join": "group", "group.v2.leave": "group", "group.v2.update": "group", "group.v2.participants": "group",
	"presence.update": "presence", "poll.vote.failed": "no_content", "chat.archive": "chat", "call.received": "call", "call.accepted": "call", "call.rejected": "call",
	"label.upsert": "label", "label.deleted": "label", "label.chat.added": "label", "label.chat.deleted": "label", "event.response": "about_a_message",
	"event.response.failed": "no_content", "state.change": "connection",
}

func readWAHA(c *call, v any) {
	event := str(v, "event")
	payload := get(v, "payload")
	number := first(str(v, "session"), c.source.NumberID)
	if me := plain(str(v, "me", "id")); !hidden(me) {
		c.learn(Fact{Kind: FactNumber, Key: digits(me), Value: number, NumberID: number})
	}
	if reason, ok := wahaSilent[event]; ok {
		c.nothing(event, reason)
		return
	}
	switch event {
	case "message", "message.any":
		wahaMessage(c, event, number, payload, v)
	case "message.ack", "message.ack.group":
		wahaAck(c, event, number, payload, v)
	case "message.reaction":
		wahaReaction(c, event, number, payload, v)
	case "poll.vote":
		wahaVote(c, event, number, payload, v)
	case "session.status", "engine.event", "account.update", "session.capping", "session.timelock":
		wahaSession(c, event, number, payload, v)
	default:
		c.unknown("other", "event", v)
	}
}

// serialized splits an id <fromMe>_<chat>_<id>[_<participant>].
func serialized(id string) (fromMe bool, chat, message, participant string) {
	p := strings.Split(id, "_")
	if len(p) < 3 || p[0] != "true" && p[0] != "false" {
		return false, "", id, ""
	}
	if len(p) > 3 {
		participant = p[3]
	}
	return p[0] == "true", p[1], p[2], participant
}

// wahaKey reads who is at the other end of a message.
func wahaKey(c *call, number string, v, whole any) waKey {
	fromMe, chat, id, participant := serialized(first(str(v, "id"), str(v, "id", "_serialized")))
	k := waKey{id: id, fromMe: fromMe}
	if b, known := truth(v, "fromMe"); known {
		k.fromMe = b
	}
	other := str(v, "from")
	if k.fromMe {
		other = str(v, "to")
	}
	me := []string{plain(str(whole, "me", "id")), plain(str(whole, "me", "lid"))}
	chat = first(chat, other)
	switch chatOf(chat) {
	case chatNobody:
		k.nobody = true
		return k
	case chatGroup:
		k.group = chat
		if !k.fromMe {
			k.who = c.resolve(number, first(participant, str(v, "participant")), str(v, "_data", "key", "participantAlt"), str(v, "_data", "Info", "SenderAlt"))
		}
		return k
	case chatPerson:
	}
	ids := []string{chat, str(v, "_data", "key", "remoteJidAlt")}
	if k.fromMe {
		ids = append(ids, str(v, "_data", "Info", "RecipientAlt"), str(v, "_data", "RecipientAlt"))
	} else {
		ids = append(ids, str(v, "_data", "Info", "SenderAlt"), str(v, "_data", "SenderAlt"))
	}
	if !slices.Contains(me, plain(other)) {
		ids = append(ids, other) // some engines swap from and to
	}
	k.who = c.resolve(number, ids...)
	return k
}

func wahaMessage(c *call, field, number string, v, whole any) {
	k := wahaKey(c, number, v, whole)
	if k.nobody {
		c.nothing(field, "nobody")
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, text: str(v, "body"),
		context: str(v, "replyTo", "id"), time: c.at(get(v, "timestamp"), get(whole, "timestamp")),
	}
	_, _, m.context, _ = serialized(m.context)
	raw := get(v, "_data", "message")
	if raw == nil {
		raw = get(v, "_data", "Message")
	}
	if raw != nil {
		kind, text, context, silent := waContent(raw)
		if silent != "" {
			c.nothing(field, silent)
			return
		}
		m.kind, m.text, m.context = kind, first(text, m.text), first(context, m.context)
	} else {
		var silent string
		if m.kind, silent = wahaKind(v); silent != "" {
			c.nothing(field, silent)
			return
		}
	}
	switch m.kind {
	case "location", "contacts", "reaction":
		m.text = ""
	}
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// wahaKind finds the kind of a message whose raw form is not there.
func wahaKind(v any) (kind, silent string) {
	if t := str(v, "_data", "type"); t != "" {
		return wwebKind(t)
	}
	switch {
	case yes(v, "hasMedia"):
		return kindOfMedia(first(str(v, "media", "mimetype"), str(v, "mimetype"))), ""
	case obj(v, "location") != nil:
		return "location", ""
	case len(list(v, "vCards")) > 0 || vCards(v):
		return "contacts", ""
	case str(v, "body") == "":
		return "other", ""
	}
	return "text", ""
}

func vCards(v any) bool {
	l, is := get(v, "vCards").([]any)
	return is && len(l) > 0
}

// wwebKind reads a type of WhatsApp Web: chat is a text, ptt a voice message; what
// the app writes itself is none.
func wwebKind(word string) (kind, silent string) {
	switch word {
	case "e2e_notification", "notification", "notification_template", "gp2", "group_notification", "broadcast_notification", "protocol", "call_log",
		"ciphertext", "revoked", "pinned_message", "biz-cover-photo", "debug", "oversized", "system", "keep_in_chat", "edited":
		return "", "system"
	}
	return kindOf(word), ""
}

// wahaAck reads what became of a message. It has no time but the event's.
func wahaAck(c *call, field, number string, v, whole any) {
	k := wahaKey(c, number, v, whole)
	switch {
	case k.nobody:
		c.nothing(field, "nobody")
		return
	case !k.fromMe:
		c.nothing(field, "not_ours")
		return
	}
	m := message{id: k.id, number: number, who: k.who, group: k.group, time: c.at(get(whole, "timestamp"))}
	var member string
	if k.group != "" {
		_, _, _, participant := serialized(str(v, "id"))
		m.who = c.resolve(number, first(str(v, "participant"), participant))
		member = m.who.contact()
	}
	code := pointer(c.p.code(first(str(v, "error", "code"), str(v, "errorCode"))))
	if code == nil {
		code = c.waCode(get(v, "_data"))
	}
	c.status(field, first(str(v, "ackName"), str(v, "ack")), code, m, member, v)
}

func wahaReaction(c *call, field, number string, v, whole any) {
	k := wahaKey(c, number, v, whole)
	switch {
	case k.nobody:
		c.nothing(field, "nobody")
		return
	case str(v, "reaction", "text") == "":
		c.nothing(field, "reaction_removed")
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: "reaction",
		time: c.at(get(v, "timestamp"), get(whole, "timestamp")),
	}
	_, _, m.context, _ = serialized(str(v, "reaction", "messageId"))
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// wahaVote reads a vote in a poll: something the person did towards us.
func wahaVote(c *call, field, number string, v, whole any) {
	vote := get(v, "vote")
	k := wahaKey(c, number, vote, whole)
	if k.nobody || k.fromMe {
		c.nothing(field, "own_message")
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: "other",
		time: c.at(get(v, "timestamp"), get(vote, "timestamp"), get(whole, "timestamp")),
	}
	_, _, m.context, _ = serialized(str(v, "poll", "id"))
	c.inbound(field, m, v)
}

// wahaSession reads a session's status, which may carry the lock on new chats and
// their quota.
func wahaSession(c *call, field, number string, v, whole any) {
	time := c.at(get(whole, "timestamp"))
	data := v
	if inner := obj(v, "data"); inner != nil {
		data = inner
	}
	if lock := either(data, "reachoutTimelock", "reachoutTimeLock", "reachout_timelock"); lock != nil && obj(lock) != nil {
		c.timelock(field, number, lock, time, whole)
		return
	}
	if quota := either(data, "messageCapping", "newChatMessageCapping", "capping", "message_capping"); obj(quota) != nil {
		c.capping(field, number, quota, time, whole)
		return
	}
	c.nothing(field, "connection")
}

// sendWAHA reads POST /api/sendText and its like: {chatId, session, text ...} and
// the message that comes back.
func sendWAHA(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(r, "session"))
	_, chat, id, _ := serialized(first(str(answer, "id"), str(answer, "id", "_serialized"), str(answer, "key", "id")))
	m.id = id
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(get(answer, "timestamp"), get(answer, "messageTimestamp"))
	}
	to := str(r, "chatId")
	switch chatOf(first(to, chat)) {
	case chatGroup:
		m.group = first(to, chat)
	case chatNobody:
		c.nothing("sends", "nobody")
		return
	case chatPerson:
		m.who = c.resolve(m.number, to, chat, str(answer, "_data", "key", "remoteJidAlt"))
	}
	m.kind, m.text = "text", first(str(r, "text"), str(r, "caption"))
	_, _, m.context, _ = serialized(str(r, "reply_to"))
	switch {
	case obj(r, "file") != nil:
		m.kind, m.mediaRef = kindOfMedia(str(r, "file", "mimetype")), first(str(r, "file", "url"), str(r, "file", "data"))
	case has(r, "latitude"):
		m.kind = "location"
	case has(r, "contacts"):
		m.kind = "contacts"
	case has(r, "poll"):
		m.kind = "other"
	case has(r, "buttons") || has(r, "message"):
		m.kind, m.text = "interactive", first(str(r, "body"), str(r, "message", "description"))
	case has(r, "reaction"):
		m.kind = "reaction"
	}
	if m.id == "" && (has(answer, "error") || has(answer, "statusCode") || has(answer, "exception")) {
		c.refused(it, m, "", pointer(c.p.code(str(answer, "code"))))
		return
	}
	c.finish(it, m)
}
