package webhook

import (
	"path"
	"strings"
)

// whapi is Whapi.Cloud (support.whapi.cloud, incoming webhooks format, 2026): own
// sends come in the same array as what others write; a failure has no reason.
func whapi() *provider {
	return &provider{
		name: "whapi", local: true,
		statuses: map[string]string{
			"failed": "failed", "pending": "-pending", "sent": "sent", "delivered": "delivered", "read": "read", "played": "played", "deleted": "-deleted",
		},
		read: readWhapi,
		send: sendWhapi,
	}
}

// whapiSilent are the arrays that make no event.
var whapiSilent = []string{
	"messages_updates", "messages_removed", "messages_removed_all", "chats", "chats_updates", "chats_removed", "contacts", "contacts_updates", "groups", "groups_updates", "groups_participants",
	"presences", "calls", "labels", "labels_removed", "channel", "health", "qr", "user", "service", "users",
}

func readWhapi(c *call, v any) {
	number := first(str(v, "channel_id"), c.source.NumberID)
	how := str(v, "event", "event")
	before := len(c.result.Updates)
	for _, one := range list(v, "messages") {
		switch {
		case !c.room("messages", one):
		case how == "patch" || how == "delete":
			c.nothing("messages", "about_a_message")
		default:
			whapiMessage(c, "messages", number, one)
		}
	}
	for _, one := range list(v, "statuses") {
		if c.room("statuses", one) {
			whapiStatus(c, "statuses", number, one)
		}
	}
	if len(c.result.Updates) > before {
		return
	}
	for _, name := range append([]string{"messages", "statuses"}, whapiSilent...) {
		if has(v, name) {
			c.nothing("other", "other_event")
			return
		}
	}
	c.unknown("other", "event", v)
}

func whapiMessage(c *call, field, number string, v any) {
	m := message{id: str(v, "id"), number: number, time: c.at(get(v, "timestamp")), context: str(v, "context", "quoted_id")}
	ours := yes(v, "from_me")
	switch chat := str(v, "chat_id"); chatOf(chat) {
	case chatNobody:
		c.nothing(field, "nobody")
		return
	case chatGroup:
		m.group = chat
		if !ours {
			m.who = c.resolve(number, str(v, "from"))
		}
	case chatPerson:
		ids := []string{chat}
		if !ours {
			ids = append(ids, str(v, "from"))
		}
		m.who = c.resolve(number, ids...)
	}
	kind := str(v, "type")
	m.kind = kindOf(kind)
	switch kind {
	case "text":
		m.text = str(v, "text", "body")
	case "link_preview":
		m.text = first(str(v, "link_preview", "body"), str(v, "link_preview", "title"))
	case "image", "video", "gif", "short", "document", "audio", "voice":
		m.text = str(v, kind, "caption")
	case "reply":
		m.text = first(str(v, "reply", "buttons_reply", "title"), str(v, "reply", "list_reply", "title"))
	case "interactive", "buttons", "list":
		m.text = first(str(v, kind, "body", "text"), str(v, kind, "body"))
	case "action":
		action := get(v, "action")
		switch str(action, "type") {
		case "reaction":
			if str(action, "emoji") == "" {
				c.nothing(field, "reaction_removed")
				return
			}
			m.kind, m.context = "reaction", first(m.context, str(action, "target"))
		case "vote":
			m.kind, m.context = "other", first(m.context, str(action, "target"))
		default:
			c.nothing(field, "about_a_message")
			return
		}
	case "system", "revoked", "story", "call", "admin_invite", "":
		c.nothing(field, "system")
		return
	}
	if ours {
		c.outbound(field, m, v)
		return
	}
	c.inbound(field, m, v)
}

func whapiStatus(c *call, field, number string, v any) {
	m := message{id: str(v, "id"), number: number, time: c.at(get(v, "timestamp"))}
	var member string
	switch chat := str(v, "recipient_id"); chatOf(chat) {
	case chatNobody:
		c.nothing(field, "nobody")
		return
	case chatGroup:
		m.group = chat
		m.who = c.resolve(number, str(v, "viewer_id"))
		member = m.who.contact()
	case chatPerson:
		m.who = c.resolve(number, chat)
	}
	c.status(field, str(v, "status"), nil, m, member, v)
}

// sendWhapi reads POST /messages/text and its like: {to, body ...} and {sent,
// message}.
func sendWhapi(c *call, it item) {
	r, answer := it.request, get(it.response, "message")
	m := it.message(c)
	m.number = first(m.number, str(it.v, "channel_id"), str(r, "channel_id"))
	m.id = str(answer, "id")
	if !has(it.v, "time") && !has(it.v, "sent_at") && !has(it.v, "received_at") {
		m.time = c.at(get(answer, "timestamp"))
	}
	to := first(str(answer, "chat_id"), str(r, "to"))
	switch chatOf(to) {
	case chatGroup:
		m.group = to
	case chatNobody:
		c.nothing("sends", "nobody")
		return
	case chatPerson:
		m.who = c.resolve(m.number, to)
	}
	media := str(r, "media")
	m.text = first(str(r, "body"), str(r, "caption"), str(r, "body", "text"))
	m.context, m.mediaRef = str(r, "quoted"), media
	switch kind := str(answer, "type"); {
	case kind != "":
		m.kind = kindOf(kind)
	case media != "":
		m.kind = kindOfFile(first(str(r, "filename"), media))
	default:
		m.kind = "text"
	}
	if sent, known := truth(it.response, "sent"); m.id == "" || known && !sent {
		m.id = ""
		c.refused(it, m, "", nil)
		return
	}
	c.finish(it, m)
}

// kindOfFile returns the kind of a medium by its name's ending.
func kindOfFile(name string) string {
	if mime, ok := cutMIME(name); ok {
		return kindOfMedia(mime)
	}
	name, _, _ = strings.Cut(name, "?")
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".gif":
		return "image"
	case ".webp":
		return "sticker"
	case ".mp4", ".3gp", ".mov":
		return "video"
	case ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".amr", ".wav":
		return "audio"
	}
	return "document"
}

// cutMIME returns the MIME type of a medium that is written into the call (data:).
func cutMIME(s string) (string, bool) {
	rest, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return "", false
	}
	mime, _, ok := strings.Cut(rest, ";")
	return mime, ok
}
