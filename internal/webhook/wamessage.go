package webhook

import (
	"slices"
	"strings"
)

// What the unofficial clients share: WhatsApp's own message (waE2E.proto), keys
// of messages, and the words of the servers about an account.

// wrappers are messages around a message.
var wrappers = []string{
	"ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension", "documentWithCaptionMessage",
	"deviceSentMessage", "botInvokeMessage", "groupMentionedMessage", "lottieStickerMessage", "associatedChildMessage",
}

// parts are the contents that a message may have, the kind of each, and where its
// text stands.
var waParts = []struct {
	name, kind string
	text       []string
}{
	{"extendedTextMessage", "text", []string{"text"}},
	{"imageMessage", "image", []string{"caption"}},
	{"videoMessage", "video", []string{"caption"}},
	{"ptvMessage", "video", nil},
	{"audioMessage", "audio", nil},
	{"documentMessage", "document", []string{"caption"}},
	{"stickerMessage", "sticker", nil},
	{"locationMessage", "location", nil},
	{"liveLocationMessage", "location", nil},
	{"contactMessage", "contacts", nil},
	{"contactsArrayMessage", "contacts", nil},
	{"buttonsResponseMessage", "interactive", []string{"selectedDisplayText"}},
	{"templateButtonReplyMessage", "interactive", []string{"selectedDisplayText"}},
	{"listResponseMessage", "interactive", []string{"title"}},
	{"interactiveResponseMessage", "interactive", []string{"body", "text"}},
	{"buttonsMessage", "interactive", []string{"contentText"}},
	{"listMessage", "interactive", []string{"description"}},
	{"interactiveMessage", "interactive", []string{"body", "text"}},
	{"templateMessage", "interactive", []string{"hydratedTemplate", "hydratedContentText"}},
	{"highlyStructuredMessage", "interactive", nil},
}

// waAbout are contents about another message or about the chat, which nobody
// says to anybody.
var waAbout = []string{
	"protocolMessage", "editedMessage", "keepInChatMessage", "pinInChatMessage", "encEventResponseMessage", "secretEncryptedMessage",
	"scheduledCallEditMessage", "call", "callLogMesssage", "messageHistoryBundle", "stickerSyncRmrMessage", "placeholderMessage", "encCommentMessage",
}

// waContent finds the kind, the text and the answered message of a message, or
// why it is none.
func waContent(v any) (kind, text, context, silent string) {
	for range 8 {
		inner := v
		for _, name := range wrappers {
			if has(v, name) {
				inner = get(v, name, "message")
			}
		}
		if obj(inner) == nil || !slices.ContainsFunc(wrappers, func(w string) bool { return has(v, w) }) {
			break
		}
		v = inner
	}
	if has(v, "conversation") {
		return "text", str(v, "conversation"), "", ""
	}
	if r := obj(v, "reactionMessage"); r != nil {
		if str(r, "text") == "" {
			return "", "", "", "reaction_removed"
		}
		return "reaction", "", first(str(r, "key", "id"), str(r, "key", "ID")), ""
	}
	for _, p := range waParts {
		part := obj(v, p.name)
		if part == nil {
			continue
		}
		if len(p.text) > 0 {
			text = str(part, p.text...)
		}
		return p.kind, text, first(str(part, "contextInfo", "stanzaId"), str(part, "contextInfo", "stanzaID")), ""
	}
	for _, name := range waAbout {
		if has(v, name) {
			return "", "", "", "about_a_message"
		}
	}
	for name := range obj(v) {
		if name != "messageContextInfo" && name != "senderKeyDistributionMessage" && name != "fastRatchetKeySenderKeyDistributionMessage" && has(v, name) {
			return "other", "", "", "" // a poll, an order, an event, what is not invented yet
		}
	}
	return "", "", "", "no_content"
}

// waKey reads a message's key: whose it is, who is at the other end, its group.
type waKey struct {
	id     string
	fromMe bool
	who    person
	group  string
	nobody bool
}

// key reads a key as Baileys and Evolution write it. The phone is preferred: it
// stands under remoteJidAlt (7.0) or senderPn (6.8) where the chat is a hidden id.
func (c *call) key(number string, v any) waKey {
	k := waKey{id: str(v, "id"), fromMe: yes(v, "fromMe")}
	chat := str(v, "remoteJid")
	switch chatOf(chat) {
	case chatNobody:
		k.nobody = true
	case chatGroup:
		k.group = chat
		k.who = c.resolve(number, str(v, "participant"), str(v, "participantAlt"), str(v, "participantPn"), str(v, "participantLid"))
	case chatPerson:
		ids := []string{chat, str(v, "remoteJidAlt")}
		if k.fromMe {
			ids = append(ids, str(v, "recipientPn"), str(v, "peerRecipientPn"))
		} else {
			ids = append(ids, str(v, "senderPn"), str(v, "senderLid"))
		}
		k.who = c.resolve(number, ids...)
	}
	return k
}

// waStatuses are the numbers of a message's status: proto's (Baileys), from 0 for
// an error, and the words of it.
func waStatuses() map[string]string {
	return map[string]string{
		"error": "failed", "pending": "-pending", "server_ack": "sent", "delivery_ack": "delivered", "read": "read", "played": "played",
		"0": "failed", "1": "-pending", "2": "sent", "3": "delivered", "4": "read", "5": "played", "deleted": "-deleted",
	}
}

// waCodes are the codes of a refused message (stanza error): 463 is the refusal
// to reach out, as the contract has it.
func waCodes() map[string]int64 { return map[string]int64{"463": 463, "429": 130429} }

// waCode finds a code in a message's stub parameters, where it is a string.
func (c *call) waCode(v any) *int64 {
	params, is := get(v, "messageStubParameters").([]any)
	if !is {
		params = []any{get(v, "messageStubParameters"), get(v, "error", "code"), get(v, "error")}
	}
	for _, one := range params {
		if n, ok := c.p.code(str(one)); ok {
			return &n
		}
	}
	return nil
}

// either returns the first member that is there: names differ in case between a
// library and the servers that forward it.
func either(v any, names ...string) any {
	for _, name := range names {
		if got := get(v, name); got != nil {
			return got
		}
	}
	return nil
}

// lockMillis is how long a lock holds that names no end: about a minute, until
// the server reports more (Baileys PR 2442, 2026-03-25).
const lockMillis = 60_000

// timelock ends an update with WhatsApp's own lock on new chats: the unofficial
// counterpart of account_update. That it is not active is reported on every connect of
// a healthy account too; without a restriction before it changes nothing.
func (c *call) timelock(field, number string, lock any, time int64, v any) {
	a := account{number: number, time: time, reason: "reachout_timelock", state: "reinstated"}
	if active, known := truth(either(lock, "isActive", "IsActive", "is_active", "active")); !known {
		c.unknown(field, "timelock", v)
		return
	} else if active {
		a.state = "restricted"
		if kind := str(either(lock, "enforcementType", "EnforcementType", "enforcement_type", "type")); kind != "" {
			a.restrictions = []string{kind}
		}
		end, ok := millis(either(lock, "timeEnforcementEnds", "TimeEnforcementEnds", "time_enforcement_ends", "endsAt"))
		if !ok {
			end = time + lockMillis
		}
		a.expires = end
	}
	c.numberAccount(field, "timelock", a, v)
}

// capping ends an update with the quota of new chats.
func (c *call) capping(field, number string, quota any, time int64, v any) {
	if at, ok := millis(either(quota, "server_sent_timestamp", "serverSentTimestamp", "ServerSentTimestamp")); ok {
		time = at
	}
	used, okUsed := integer(either(quota, "used_quota", "usedQuota", "UsedQuota", "used"))
	total, okTotal := integer(either(quota, "total_quota", "totalQuota", "TotalQuota", "total"))
	if !okUsed || !okTotal || used < 0 || total < -1 || total == 0 {
		c.unknown(field, "quota", v)
		return
	}
	m := message{id: "-", number: number, time: time}
	if !c.complete(field, &m, v) {
		return
	}
	e := c.base(&m, short("cap:"+m.number+":"+instant(time)), "number.cap")
	e.MessageId, e.Used, e.Total = "", &used, &total
	switch status := strings.ToUpper(str(either(quota, "capping_status", "cappingStatus", "CappingStatus", "status"))); status {
	case "NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED":
		e.Status = status
	case "":
	default:
		c.unknown(field, "capping_status", v)
		return
	}
	if end, ok := millis(either(quota, "cycle_end_timestamp", "cycleEndTimestamp", "CycleEndTimestamp", "cycle_end")); ok {
		e.CycleEnd = &end
	}
	c.made(field, e)
}

// refusedConnect ends an update with what a refused connection says of the account:
// 402 a ban for a time, 403 locked, 406 a ban (whatsmeow, ConnectFailureReason).
func (c *call) refusedConnect(field, number, code string, time int64, v any) {
	state := map[string]string{"402": "banned", "403": "restricted", "406": "banned"}[code]
	if state == "" {
		c.nothing(field, "connection")
		return
	}
	c.numberAccount(field, "connect:"+code, account{number: number, time: time, state: state, reason: "connect_failure_" + code}, v)
}
