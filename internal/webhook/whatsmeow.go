package webhook

import (
	"strconv"
	"strings"
	"time"
)

// whatsmeow is tulir/whatsmeow (read 2026-08): its events as JSON, {event, data},
// and as evolution-go and wuzapi wrap them.
func whatsmeow() *provider {
	return &provider{
		name: "whatsmeow", local: true,
		// The types of a receipt; no word is "delivered".
		statuses: map[string]string{
			"": "delivered", "delivered": "delivered", "read": "read", "played": "played", "server-error": "-server_error",
			"sender": "-own_device", "retry": "-retry", "read-self": "-own_device", "played-self": "-own_device", "inactive": "-own_device",
			"peer_msg": "-own_device", "hist_sync": "-history", "readself": "-own_device",
		},
		codes: waCodes(),
		read:  readWhatsmeow,
		send:  sendWhatsmeow,
	}
}

// whatsmeowSilent are the events that make none.
var whatsmeowSilent = map[string]string{
	"connected": "connection", "disconnected": "connection", "streamreplaced": "connection", "streamerror": "connection", "keepalivetimeout": "connection",
	"keepaliverestored": "connection", "clientoutdated": "connection", "qr": "connection", "qrscannedwithoutmultidevice": "connection", "pairsuccess": "connection",
	"pairerror": "connection", "permanentdisconnect": "connection", "manualloginreconnect": "connection", "catrefresherror": "connection",
	"historysync": "history", "offlinesyncpreview": "history", "offlinesynccompleted": "history", "appstate": "state_sync", "appstatesynccomplete": "state_sync", "appstatesyncerror": "state_sync",
	"presence": "presence", "chatpresence": "presence", "undecryptablemessage": "no_content", "fbmessage": "other_channel",
	"contact": "contact_book", "pushname": "contact_book", "businessname": "contact_book", "useraboutchange": "contact_book", "picture": "contact_book", "identitychange": "contact_book",
	"joinedgroup": "group", "groupinfo": "group", "blocklist": "blocklist", "blocklistchange": "blocklist", "privacysettings": "settings", "userstatusmute": "chat",
	"mute": "chat", "pin": "chat", "star": "chat", "archive": "chat", "markchatasread": "chat", "clearchat": "chat", "deletechat": "chat", "deleteforme": "about_a_message",
	"labeledit": "label", "labelassociationchat": "label", "labelassociationmessage": "label", "unarchivechatssetting": "settings", "pushnamesetting": "settings",
	"mediaretry": "about_a_message", "mediaretryerror": "about_a_message", "newsletterjoin": "channel", "newsletterleave": "channel", "newslettermutechange": "channel", "newsletterliveupdate": "channel",
	"calloffer": "call", "callaccept": "call", "callterminate": "call", "callrelaylatency": "call", "calltransport": "call", "unknowncallevent": "call",
	"callpreaccept": "call", "callreject": "call", "calloffernotice": "call",
}

// whatsmeowBans are the reasons of a TemporaryBan (types/events, TempBanReason).
var whatsmeowBans = map[string]string{
	"101": "sent_to_too_many_people", "102": "blocked_by_users", "103": "created_too_many_groups", "104": "sent_too_many_same_message", "106": "broadcast_list",
}

func readWhatsmeow(c *call, v any) {
	event := first(str(v, "event"), str(v, "type"))
	data := either(v, "data", "Data", "payload")
	if data == nil {
		data = get(v, "event") // wuzapi: {type, event}
	}
	name := strings.ToLower(event[strings.LastIndexByte(event, '.')+1:])
	number := first(plain(str(v, "number_id")), str(v, "instanceName"), str(v, "instance"), str(v, "instanceId"), str(v, "session"), c.source.NumberID)
	if at, ok := millis(get(v, "received_at")); ok {
		c.source.ReceivedAt = at
	}
	if reason, ok := whatsmeowSilent[name]; ok {
		c.nothing("other", reason)
		return
	}
	switch name {
	case "message":
		whatsmeowMessage(c, "message", number, data)
	case "receipt", "readreceipt":
		whatsmeowReceipt(c, "receipt", number, data, v)
	case "temporaryban":
		whatsmeowBan(c, "temporaryban", number, data, v)
	case "connectfailure", "loggedout":
		c.refusedConnect(name, number, str(either(data, "Reason", "reason")), c.at(), v)
	case "notifyaccountreachouttimelock", "fetchreachouttimelock", "reachouttimelock", "accountreachouttimelock":
		c.timelock("timelock", number, data, c.at(), v)
	case "notifymessagecapping", "messagecapping", "newchatmessagecapping", "notifynewchatmessagecapping":
		c.capping("capping", number, data, c.at(), v)
	default:
		c.unknown("other", "event", v)
	}
}

// jid returns an address, which JSON has as a string or as its parts.
func jid(v any, names ...string) string {
	got := either(v, names...)
	if s := str(got); s != "" {
		return s
	}
	if user, server := str(got, "User"), str(got, "Server"); user != "" && server != "" {
		return user + "@" + server
	}
	return ""
}

// whatsmeowInfo reads where a message stands: its chat, its sender, whose it is.
func whatsmeowInfo(c *call, number string, info any) waKey {
	k := waKey{id: str(either(info, "ID", "Id", "id")), fromMe: yes(either(info, "IsFromMe", "isFromMe"))}
	chat, sender := jid(info, "Chat", "chat"), jid(info, "Sender", "sender")
	switch {
	case chatOf(chat) == chatNobody:
		k.nobody = true
	case chatOf(chat) == chatGroup:
		k.group = chat
		if !k.fromMe {
			k.who = c.resolve(number, sender, jid(info, "SenderAlt", "senderAlt"))
		}
	case k.fromMe:
		k.who = c.resolve(number, chat, jid(info, "RecipientAlt", "recipientAlt"))
	default:
		k.who = c.resolve(number, first(sender, chat), jid(info, "SenderAlt", "senderAlt"))
	}
	return k
}

func whatsmeowMessage(c *call, field, number string, v any) {
	info := either(v, "Info", "info")
	k := whatsmeowInfo(c, number, info)
	if k.nobody {
		c.nothing(field, "nobody")
		return
	}
	if yes(either(v, "IsEdit", "isEdit")) || str(either(info, "Edit", "edit")) != "" {
		c.nothing(field, "about_a_message")
		return
	}
	kind, text, context, silent := waContent(either(v, "Message", "message", "RawMessage"))
	if silent != "" {
		c.nothing(field, silent)
		return
	}
	m := message{
		id: k.id, number: number, who: k.who, group: k.group, kind: kind, text: text, context: context,
		time: c.at(either(info, "Timestamp", "timestamp")),
	}
	if k.fromMe {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

// whatsmeowReceipt reads a receipt, which may name several messages. One that is
// from ourselves is of another device of ours.
func whatsmeowReceipt(c *call, field, number string, v, whole any) {
	k := whatsmeowInfo(c, number, v)
	word := strings.ToLower(str(either(v, "Type", "type")))
	switch {
	case k.nobody:
		c.nothing(field, "nobody")
		return
	case k.fromMe && word != "":
		c.nothing(field, "own_device")
		return
	case k.fromMe:
		c.nothing(field, "not_ours")
		return
	}
	ids := list(either(v, "MessageIDs", "messageIDs", "MessageIds"))
	if len(ids) == 0 {
		c.unknown(field, "no_message_id", whole)
	}
	for _, id := range ids {
		if !c.room(field, id) {
			continue
		}
		m := message{id: str(id), number: number, who: k.who, group: k.group, time: c.at(either(v, "Timestamp", "timestamp"))}
		var member string
		if k.group != "" {
			member = k.who.contact()
		}
		c.status(field, word, nil, m, member, whole)
	}
}

// whatsmeowBan reads a TemporaryBan: a code and for how long, a Go duration in
// nanoseconds or as text.
func whatsmeowBan(c *call, field, number string, v, whole any) {
	code := str(either(v, "Code", "code"))
	a := account{number: number, time: c.at(), state: "banned", reason: first(whatsmeowBans[code], "temporary_ban")}
	if left := lasting(either(v, "Expire", "expire")); left > 0 && a.time > 0 {
		a.expires = a.time + left
	}
	c.numberAccount(field, "ban:"+code, a, whole)
}

// lasting reads a duration in ms: text like 24h0m0s, nanoseconds, or seconds, set
// apart by size.
func lasting(v any) int64 {
	s := str(v)
	if d, err := time.ParseDuration(s); err == nil {
		return d.Milliseconds()
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return 0
	case n >= 1e9:
		return n / 1e6
	}
	return n * 1000
}

// sendWhatsmeow reads client.SendMessage(to, message): the request is {to,
// message}, the answer its SendResponse {ID, Timestamp}.
func sendWhatsmeow(c *call, it item) {
	r, answer := it.request, it.response
	m := it.message(c)
	m.number = first(m.number, str(it.v, "instance"), str(it.v, "session"))
	if data := obj(answer, "data"); data != nil {
		answer = data
	}
	m.id = str(either(answer, "ID", "Id", "id", "messageId"))
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(either(answer, "Timestamp", "timestamp"))
	}
	to := first(jid(r, "to", "To", "chat", "jid"), str(either(r, "Phone", "phone", "number")))
	switch chatOf(to) {
	case chatGroup:
		m.group = to
	case chatNobody:
		c.nothing("sends", "nobody")
		return
	case chatPerson:
		m.who = c.resolve(m.number, to)
	}
	kind, text, context, silent := waContent(either(r, "message", "Message"))
	if silent == "" {
		m.kind, m.text, m.context = kind, text, context
	} else {
		m.kind, m.text = "text", str(either(r, "Body", "body", "text"))
		for _, media := range []string{"Image", "Video", "Audio", "Document", "Sticker"} {
			if ref := str(r, media); ref != "" {
				m.kind, m.mediaRef, m.text = strings.ToLower(media), ref, str(either(r, "Caption", "caption"))
			}
		}
	}
	if m.id == "" && (has(it.response, "error") || has(it.response, "code")) {
		code := strings.TrimPrefix(str(it.response, "error"), "server returned error ")
		c.refused(it, m, "", pointer(c.p.code(first(code, str(it.response, "code")))))
		return
	}
	c.finish(it, m)
}
