package webhook

import "strings"

// greenAPI is GREEN-API (green-api.com docs, issues 894 and 1114, read 2026).
// Its failures are words; a yellow card is WhatsApp's refusal to reach out.
func greenAPI() *provider {
	return &provider{
		name: "greenapi", local: true,
		statuses: map[string]string{
			"sent": "sent", "delivered": "delivered", "read": "read", "played": "played",
			"failed": "failed", "noaccount": "failed", "notingroup": "failed", "yellowcard": "failed", "noactivesession": "failed",
			"pending": "-pending", "queued": "-pending", "deleted": "-deleted",
		},
		codes: map[string]int64{"noaccount": 131026, "noactivesession": 131047, "yellowcard": 463},
		read:  readGreenAPI,
		send:  sendGreenAPI,
	}
}

func readGreenAPI(c *call, v any) {
	number := first(str(v, "instanceData", "idInstance"), str(v, "idInstance"), c.source.NumberID)
	c.learn(Fact{Kind: FactNumber, Key: digits(plain(str(v, "instanceData", "wid"))), Value: number, NumberID: number})
	kind := str(v, "typeWebhook")
	switch kind {
	case "incomingMessageReceived":
		greenMessage(c, kind, number, v, false)
	case "outgoingMessageReceived", "outgoingAPIMessageReceived":
		greenMessage(c, kind, number, v, true)
	case "outgoingMessageStatus":
		greenStatus(c, kind, number, v)
	case "stateInstanceChanged":
		greenState(c, kind, number, v)
	case "statusInstanceChanged", "deviceInfo", "incomingCall", "outgoingCall", "incomingBlock", "quotaExceeded", "avatarInfo":
		c.nothing(kind, "other_event")
	default:
		if body := obj(v, "body"); body != nil && kind == "" {
			readGreenAPI(c, any(body)) // from the queue (ReceiveNotification): {receiptId, body}
			return
		}
		c.unknown("other", "type", v)
	}
}

// greenMessage reads a message of the person, or one of ours, typed or by the API.
func greenMessage(c *call, field, number string, v any, ours bool) {
	sender, data := get(v, "senderData"), get(v, "messageData")
	m := message{id: str(v, "idMessage"), number: number, time: c.at(get(v, "timestamp")), own: str(v, "instanceData", "wid")}
	chat := str(sender, "chatId")
	switch chatOf(chat) {
	case chatNobody:
		c.nothing(field, "nobody")
		return
	case chatGroup:
		m.group = chat
		if !ours {
			m.who = c.resolve(number, str(sender, "sender"))
		}
	case chatPerson:
		ids := []string{chat}
		if !ours {
			ids = append(ids, str(sender, "sender"), str(sender, "senderPhoneNumber"))
		}
		m.who = c.resolve(number, ids...)
	}
	kind := str(data, "typeMessage")
	m.kind = kindOf(kind)
	m.context = first(str(data, "quotedMessage", "stanzaId"), str(data, "extendedTextMessageData", "stanzaId"))
	switch kind {
	case "textMessage":
		m.text = str(data, "textMessageData", "textMessage")
	case "extendedTextMessage", "quotedMessage":
		m.text = first(str(data, "extendedTextMessageData", "text"), str(data, "textMessageData", "textMessage"))
	case "imageMessage", "videoMessage", "documentMessage", "audioMessage":
		m.text = str(data, "fileMessageData", "caption")
	case "buttonsResponseMessage", "templateButtonsReplyMessage", "templateButtonReplyMessage", "listResponseMessage", "interactiveButtonsResponse":
		m.text = first(str(data, "buttonsResponseMessage", "selectedButtonText"), str(data, "templateButtonReplyMessage", "selectedDisplayText"),
			str(data, "listResponseMessage", "title"), str(data, "interactiveButtonsResponse", "selectedDisplayText"))
	case "reactionMessage":
		if str(data, "extendedTextMessageData", "text") == "" {
			c.nothing(field, "reaction_removed")
			return
		}
	case "editedMessage", "deletedMessage", "pinnedMessage":
		c.nothing(field, "about_a_message")
		return
	}
	if ours {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// greenStatus reads what became of a message. Older bodies have no chat: then the
// status names nobody. A yellow card is the account's too.
func greenStatus(c *call, field, number string, v any) {
	m := message{id: str(v, "idMessage"), number: number, time: c.at(get(v, "timestamp"))}
	switch chat := str(v, "chatId"); chatOf(chat) {
	case chatNobody:
		c.nothing(field, "nobody")
		return
	case chatGroup:
		m.group = chat
	case chatPerson:
		m.who = c.resolve(number, chat)
	}
	word := strings.ToLower(str(v, "status"))
	before := len(c.result.Updates)
	c.status(field, word, pointer(c.p.code(word)), m, "", v)
	if last := &c.result.Updates[before]; word == "yellowcard" && last.Outcome == Made {
		a := account{number: number, time: m.time, state: "restricted", reason: "yellowCard"}
		a.id = accountID(a, "yellowCard")
		if e := c.accountEvent(field, a, v); e != nil {
			last.Events = append(last.Events, e)
		}
	}
}

// greenState reads an instance's new state.
func greenState(c *call, field, number string, v any) {
	word := str(v, "stateInstance")
	state := map[string]string{"yellowcard": "restricted", "blocked": "banned", "authorized": "reinstated"}[strings.ToLower(word)]
	switch {
	case state != "":
		reason := word
		if state == "reinstated" {
			reason = ""
		}
		c.numberAccount(field, word, account{number: number, time: c.at(get(v, "timestamp")), state: state, reason: reason}, v)
	case word == "":
		c.unknown(field, "no_state", v)
	default:
		c.nothing(field, "connection")
	}
}

// sendGreenAPI reads POST /waInstance{id}/sendMessage/{token} and its like. The
// instance stands in the call's URL: give it as idInstance in the request.
func sendGreenAPI(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(r, "idInstance"), str(it.v, "idInstance"))
	m.id = str(answer, "idMessage")
	switch chat := str(r, "chatId"); chatOf(chat) {
	case chatNobody:
		c.nothing("sends", "nobody")
		return
	case chatGroup:
		m.group = chat
	case chatPerson:
		m.who = c.resolve(m.number, chat)
	}
	m.kind, m.text, m.context = "text", first(str(r, "message"), str(r, "caption")), str(r, "quotedMessageId")
	switch {
	case str(r, "urlFile") != "":
		m.mediaRef = str(r, "urlFile")
		m.kind = kindOfFile(first(str(r, "fileName"), m.mediaRef))
	case has(r, "latitude"):
		m.kind, m.text = "location", ""
	case has(r, "contact"):
		m.kind = "contacts"
	case has(r, "options"):
		m.kind = "other"
	case has(r, "buttons") || has(r, "sections") || has(r, "templateButtons"):
		m.kind, m.text = "interactive", first(str(r, "body"), m.text)
	}
	if m.id == "" {
		c.refused(it, m, "", nil)
		return
	}
	c.finish(it, m)
}
