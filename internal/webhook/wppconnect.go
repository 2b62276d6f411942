package webhook

// wppconnect is wppconnect-server 2.x over wa-js (wppconnect-team/wa-js AckType,
// read 2026): flat objects. The body of a medium is a picture of it, no text.
func wppconnect() *provider {
	return &provider{
		name: "wppconnect", local: true,
		statuses: map[string]string{
			"-7": "failed", "-6": "failed", "-5": "failed", "-4": "failed", "-3": "failed", "-2": "failed", "-1": "failed",
			"0": "-pending", "1": "sent", "2": "delivered", "3": "read", "4": "played", "5": "-own_device",
		},
		codes: waCodes(),
		read:  readWppconnect,
		send:  sendWppconnect,
	}
}

// wppSilent are the events that make none.
var wppSilent = map[string]string{
	"onpresencechanged": "presence", "onparticipantschanged": "group", "onlabelupdated": "label", "incomingcall": "call", "onincomingcall": "call", "onrevokedmessage": "about_a_message",
	"onmessageedit": "about_a_message", "status-find": "connection", "qrcode": "connection", "session-logged": "connection", "session-error": "connection", "phonecode": "connection",
	"phoneCode": "connection", "closesession": "connection", "logoutsession": "connection", "desconnectedmobile": "connection", "deleteSession": "connection", "onstatechange": "connection",
	"onaddedtogroup": "group", "location": "about_a_message", "mensagem-enviada": "about_a_message", "onunreadmessage": "history", "unreadmessages": "history", "onliveLocation": "about_a_message",
}

func readWppconnect(c *call, v any) {
	event := str(v, "event")
	number := first(str(v, "session"), c.source.NumberID)
	if at, ok := millis(get(v, "received_at")); ok {
		c.source.ReceivedAt = at
	}
	if reason, ok := wppSilent[event]; ok {
		c.nothing("other", reason)
		return
	}
	body := v
	if data := either(v, "data", "response"); obj(data) != nil {
		body = data
	}
	switch event {
	case "onmessage", "onanymessage", "onselfmessage", "received:message", "message":
		wppMessage(c, event, number, body)
	case "onack":
		wppAck(c, event, number, body)
	case "onreactionmessage":
		wppReaction(c, event, number, body)
	case "onpollresponse":
		wppVote(c, event, number, body)
	default:
		c.unknown("other", "event", v)
	}
}

// wppID returns a serialized id, which is a string or an object.
func wppID(v any, name string) string {
	return first(str(v, name), str(v, name, "_serialized"))
}

// wppKey reads who is at the other end.
func wppKey(c *call, number string, v any) waKey {
	fromMe, chat, id, participant := serialized(wppID(v, "id"))
	k := waKey{id: first(id, str(v, "id", "id")), fromMe: fromMe}
	if b, known := truth(v, "fromMe"); known {
		k.fromMe = b
	} else if b, known := truth(v, "id", "fromMe"); known {
		k.fromMe = b
	}
	other := first(wppID(v, "from"), wppID(v, "chatId"))
	if k.fromMe {
		other = first(wppID(v, "to"), wppID(v, "chatId"))
	}
	chat = first(chat, str(v, "id", "remote"), wppID(get(v, "id"), "remote"), other)
	switch chatOf(chat) {
	case chatNobody:
		k.nobody = true
	case chatGroup:
		k.group = chat
		if !k.fromMe {
			k.who = c.resolve(number, first(wppID(v, "author"), wppID(v, "participant"), participant, wppID(get(v, "sender"), "id")))
		}
	case chatPerson:
		ids := []string{chat, other}
		if !k.fromMe {
			ids = append(ids, wppID(get(v, "sender"), "id"), wppID(get(v, "sender"), "phoneNumber"))
		}
		k.who = c.resolve(number, ids...)
	}
	return k
}

func wppMessage(c *call, field, number string, v any) {
	k := wppKey(c, number, v)
	kind, silent := wwebKind(str(v, "type"))
	if k.nobody {
		silent = "nobody"
	}
	if silent != "" {
		c.nothing(field, silent)
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: kind,
		time: c.at(get(v, "t"), get(v, "timestamp")),
	}
	_, _, m.context, _ = serialized(first(wppID(v, "quotedMsgId"), str(v, "quotedStanzaID"), wppID(get(v, "quotedMsg"), "id")))
	switch kind {
	case "text":
		m.text = first(str(v, "body"), str(v, "content"))
	case "interactive":
		m.text = first(str(v, "listResponse", "title"), str(v, "body"), str(v, "content"))
	case "image", "video", "document", "audio":
		m.text = str(v, "caption")
	}
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// wppAck reads what became of a message. Its t is the time of the message: that
// of receipt is nearer, if it is known.
func wppAck(c *call, field, number string, v any) {
	k := wppKey(c, number, v)
	switch {
	case k.nobody:
		c.nothing(field, "nobody")
		return
	case !k.fromMe:
		c.nothing(field, "not_ours")
		return
	}
	m := message{id: k.id, number: number, who: k.who, group: k.group, time: c.received(get(v, "t"))}
	c.status(field, str(v, "ack"), nil, m, "", v)
}

func wppReaction(c *call, field, number string, v any) {
	if str(v, "reactionText") == "" {
		c.nothing(field, "reaction_removed")
		return
	}
	k := wppKey(c, number, v)
	if k.nobody {
		c.nothing(field, "nobody")
		return
	}
	if k.group != "" && k.who.none() {
		k.who = c.resolve(number, first(wppID(v, "senderUserJid"), wppID(v, "sender")))
	}
	m := message{id: k.id, number: number, who: k.who, group: k.group, kind: "reaction", time: c.at(get(v, "timestamp"), get(v, "t"))}
	_, _, m.context, _ = serialized(wppID(v, "msgId"))
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// wppVote reads a vote in a poll.
func wppVote(c *call, field, number string, v any) {
	_, chat, id, _ := serialized(wppID(v, "msgId"))
	chat = first(wppID(v, "chatId"), chat)
	m := message{id: id, number: number, kind: "other", context: id, time: c.at(get(v, "timestamp"), get(v, "t"))}
	sender := c.resolve(number, first(wppID(v, "sender"), chat))
	if m.id != "" {
		m.id += "-" + stamp(m.time)
	}
	m.who = sender
	if chatOf(chat) == chatGroup {
		m.group = chat
	}
	c.inbound(field, m, v)
}

// sendWppconnect reads POST /api/{session}/send-message and its like: {phone,
// message ...} and {status, response: [message]}.
func sendWppconnect(c *call, it item) {
	r, answer := it.request, it.response
	sent := list(answer, "response")
	if len(sent) == 0 {
		sent = []any{answer}
	}
	for i, one := range sent {
		if !c.room("sends", one) {
			continue
		}
		it.nth = i
		m := it.message(c)
		m.number = first(m.number, str(r, "session"), str(it.v, "session"))
		_, chat, id, _ := serialized(wppID(one, "id"))
		m.id = id
		if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
			m.time = c.at(get(one, "t"), get(one, "timestamp"))
		}
		phone := str(r, "phone")
		if phones, is := get(r, "phone").([]any); is && len(phones) == 1 {
			phone = str(phones[0])
		}
		to := first(chat, wppID(one, "to"), phone)
		switch group := yes(r, "isGroup") || chatOf(to) == chatGroup; {
		case chatOf(to) == chatNobody:
			c.nothing("sends", "nobody")
			continue
		case group:
			m.group = to
		default:
			m.who = c.resolve(m.number, to, phone)
		}
		wppContent(&m, r)
		if m.id == "" || str(answer, "status") == "error" {
			m.id = ""
			c.refused(it, m, "", nil)
			continue
		}
		c.finish(it, m)
	}
}

func wppContent(m *message, r any) {
	m.kind, m.text = "text", str(r, "message")
	media := first(str(r, "base64"), str(r, "path"), str(r, "url"))
	switch {
	case media != "":
		m.kind, m.mediaRef, m.text = "document", media, first(str(r, "caption"), str(r, "message"))
		if mime, ok := cutMIME(media); ok {
			m.kind = kindOfMedia(mime)
		}
	case has(r, "lat"):
		m.kind, m.text = "location", ""
	case has(r, "contactsId"):
		m.kind, m.text = "contacts", ""
	case has(r, "sections") || has(r, "buttons"):
		m.kind, m.text = "interactive", first(str(r, "description"), str(r, "message"))
	case has(r, "choices"):
		m.kind = "other"
	}
}
