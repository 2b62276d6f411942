package traffic

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Post is a body, and the path of the gateway that takes it. Of what no webhook
// tells (a profile, a connection, a block) the path is empty and the body is the
// record itself.
type Post struct {
	Path string
	Body []byte
}

// The paths of the gateway.
const (
	pathWebhooks = "/v1/webhooks/meta"
	pathSends    = "/v1/sends/meta"
)

// Webhooks tells records of a log as Meta's webhooks and a BSP's send calls tell
// them, in the order in which they are added: several updates a body, times in
// milliseconds, as Meta sends them now and then. Every third body comes twice. The
// zero value is ready.
type Webhooks struct {
	waiting []any // entries or sends
	sends   bool
	bodies  int
	wabas   map[string]string // portfolio -> one of its WABAs
	held    map[string]bool   // messages that pacing holds back
}

// batches are how many updates a body has, by turns.
var batches = [...]int{1, 7, 1, 40, 3}

// Add tells one record and returns the bodies that are complete.
func (w *Webhooks) Add(value []byte) []Post {
	var e map[string]any
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if err := d.Decode(&e); err != nil || millis(e["time"]) == 0 {
		return append(w.Flush(), Post{Body: bytes.Clone(value)})
	}
	portfolio, waba := word(e, "portfolio_id"), word(e, "waba_id")
	if portfolio != "" && waba != "" {
		if w.wabas == nil {
			w.wabas = map[string]string{}
		}
		w.wabas[portfolio] = waba
	}
	if id := word(e, "message_id"); word(e, "type") == "message.sent" && w.held[id] {
		// It is let go: no second call, but the first status.
		delete(w.held, id)
		e["type"], e["status"] = "message.status", "sent"
	} else if held, _ := e["held"].(bool); held {
		if w.held == nil {
			w.held = map[string]bool{}
		}
		w.held[id] = true
	}
	if send := w.send(e); send != nil {
		return w.put(send, true)
	}
	if entry := w.entry(e); entry != nil {
		return w.put(entry, false)
	}
	if word(e, "type") == "number.quality" {
		polled := map[string]any{"id": word(e, "number_id"), "quality_rating": word(e, "rating"), "polled_at": millis(e["time"])}
		body, _ := json.Marshal(polled) //nolint:errchkjson // plain values
		return append(w.Flush(), Post{pathWebhooks + "?waba_id=" + waba, body})
	}
	return append(w.Flush(), Post{Body: bytes.Clone(value)})
}

// put adds an update to the body that is being filled.
func (w *Webhooks) put(update any, sends bool) (posts []Post) {
	if len(w.waiting) > 0 && w.sends != sends {
		posts = w.Flush()
	}
	w.waiting, w.sends = append(w.waiting, update), sends
	if len(w.waiting) >= batches[w.bodies%len(batches)] {
		posts = append(posts, w.Flush()...)
	}
	return posts
}

// Flush returns the body that is being filled.
func (w *Webhooks) Flush() []Post {
	if len(w.waiting) == 0 {
		return nil
	}
	var whole any = w.waiting
	path := pathSends
	if !w.sends {
		whole, path = map[string]any{"object": "whatsapp_business_account", "entry": w.waiting}, pathWebhooks
	}
	body, _ := json.Marshal(whole) //nolint:errchkjson // plain values
	w.waiting = nil
	w.bodies++
	posts := []Post{{path, body}}
	if w.bodies%3 == 0 {
		posts = append(posts, posts[0]) // not answered in time, so it comes again
	}
	return posts
}

// word returns a string member.
func word(e map[string]any, name string) string {
	s, _ := e[name].(string)
	return s
}

// millis returns a time in milliseconds, 0 for none.
func millis(v any) int64 {
	switch t := v.(type) {
	case json.Number:
		n, _ := t.Int64()
		return n
	case string:
		at, err := time.Parse(time.RFC3339, t)
		if err == nil {
			return at.UnixMilli()
		}
	}
	return 0
}

// send tells a message.sent as the call and its answer, nil for any other event.
func (w *Webhooks) send(e map[string]any) map[string]any {
	if word(e, "type") != "message.sent" {
		return nil
	}
	contact, user := word(e, "contact"), word(e, "contact_user_id")
	request := map[string]any{"messaging_product": "whatsapp", "type": word(e, "kind")}
	answer := map[string]any{"input": contact}
	switch {
	case word(e, "group_id") != "":
		request["to"], request["recipient_type"] = word(e, "group_id"), "group"
	case contact != "":
		request["to"] = contact
	default:
		request["recipient"] = user
	}
	if user != "" {
		answer["user_id"] = user
	}
	kind := word(e, "kind")
	switch {
	case e["template"] != nil:
		t, _ := e["template"].(map[string]any)
		request["template"] = map[string]any{"name": t["name"], "language": map[string]any{"code": strings.ReplaceAll(word(t, "language"), "_", "-")}}
	case kind == "text":
		request["text"] = map[string]any{"body": word(e, "text")}
	case kind == "reaction":
		request["reaction"] = map[string]any{"emoji": "+"}
	default:
		request[kind] = map[string]any{"caption": word(e, "text")}
	}
	sent := map[string]any{"id": word(e, "message_id")}
	if held, _ := e["held"].(bool); held {
		sent["message_status"] = "held_for_quality_assessment"
	}
	item := map[string]any{
		"request": request, "response": map[string]any{"contacts": []any{answer}, "messages": []any{sent}},
		"number_id": word(e, "number_id"), "waba_id": word(e, "waba_id"), "time": millis(e["time"]),
	}
	if t, _ := e["template"].(map[string]any); t != nil {
		item["category"] = t["category"]
	}
	for _, name := range []string{"opt_in", "contact_country", "content_hash", "text_length", "media_hash", "links"} {
		if v := e[name]; v != nil {
			item[name] = v
		}
	}
	return item
}

// entry tells an event as an entry of Meta's envelope, nil if Meta tells no such thing.
func (w *Webhooks) entry(e map[string]any) map[string]any {
	at := strconv.FormatInt(millis(e["time"]), 10)
	var field string
	var value map[string]any
	switch word(e, "type") {
	case "message.received":
		field, value = "messages", numberValue(e, "messages", received(e, at))
	case "message.status":
		field, value = "messages", numberValue(e, "statuses", outcome(e, at))
	case "contact.preference":
		field, value = "user_preferences", numberValue(e, "user_preferences", map[string]any{
			"wa_id": word(e, "contact"), "user_id": word(e, "contact_user_id"), "value": word(e, "preference"), "timestamp": at,
		})
	case "contact.alias":
		field, value = "messages", numberValue(e, "messages", notice(e, at))
	case "account.update":
		field, value = "account_update", accountValue(e)
	case "template.update":
		field, value = templateValue(e)
	case "portfolio.limit":
		waba := w.wabas[word(e, "portfolio_id")]
		if waba == "" {
			return nil
		}
		e["waba_id"] = waba
		field, value = "business_capability_update", map[string]any{"max_daily_conversations_per_business": e["limit"]}
	}
	if value == nil {
		return nil
	}
	return map[string]any{"id": word(e, "waba_id"), "time": at, "changes": []any{map[string]any{"field": field, "value": value}}}
}

// numberValue is a value about one number.
func numberValue(e map[string]any, name string, update map[string]any) map[string]any {
	return map[string]any{
		"messaging_product": "whatsapp", "metadata": map[string]any{"phone_number_id": word(e, "number_id")}, name: []any{update},
	}
}

func received(e map[string]any, at string) map[string]any {
	kind, text := word(e, "kind"), word(e, "text")
	m := map[string]any{
		"from": word(e, "contact"), "from_user_id": word(e, "contact_user_id"), "id": word(e, "message_id"), "timestamp": at, "type": kind,
	}
	switch kind {
	case "text":
		m["text"] = map[string]any{"body": text}
	case "reaction":
		m["reaction"] = map[string]any{"emoji": "+"}
	case "interactive":
		m["interactive"] = map[string]any{"type": "button_reply", "button_reply": map[string]any{"title": text}}
	default:
		m[kind] = map[string]any{"caption": text}
	}
	if context := word(e, "context_message_id"); context != "" {
		m["context"] = map[string]any{"id": context}
	}
	if group := word(e, "group_id"); group != "" {
		m["group_id"] = group
	}
	return m
}

// notice tells an alias as a notice in the chat: of a new user id beside the phone,
// or of a new number. It is no message of anybody's.
func notice(e map[string]any, at string) map[string]any {
	system := map[string]any{"body": "changed", "type": "user_changed_user_id", "wa_id": word(e, "contact"), "user_id": word(e, "previous_user_id")}
	m := map[string]any{"id": "notice-" + word(e, "id"), "timestamp": at, "type": "system", "system": system}
	if previous := word(e, "previous"); previous != "" {
		m["from"] = previous
		system["type"], system["user_id"] = "user_changed_number", word(e, "contact_user_id")
	}
	return m
}

func outcome(e map[string]any, at string) map[string]any {
	s := map[string]any{
		"id": word(e, "message_id"), "status": word(e, "status"), "timestamp": at,
		"recipient_id": word(e, "contact"), "recipient_user_id": word(e, "contact_user_id"),
	}
	if code := e["error_code"]; code != nil {
		s["errors"] = []any{map[string]any{"code": code}}
	}
	if group := word(e, "group_id"); group != "" {
		s["recipient_type"], s["recipient_id"], s["recipient_participant_id"] = "group", group, word(e, "contact")
	}
	return s
}

// accountValue tells an update of a WABA, nil for one of a number or in terms that
// Meta has not.
func accountValue(e map[string]any) map[string]any {
	if word(e, "scope") != "waba" {
		return nil
	}
	switch state := word(e, "state"); {
	case state == "restricted":
		restriction := map[string]any{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}
		if end := millis(e["expires_at"]); end != 0 {
			restriction["expiration"] = end
		}
		return map[string]any{"event": "ACCOUNT_RESTRICTION", "restriction_info": []any{restriction}}
	case state == "warned" && e["expires_at"] == nil:
		return map[string]any{"event": "ACCOUNT_VIOLATION", "violation_info": map[string]any{"violation_type": "SPAM"}}
	case state == "banned" && e["expires_at"] == nil:
		return map[string]any{"event": "DISABLED_UPDATE", "ban_info": map[string]any{"waba_ban_state": "DISABLE"}}
	case state == "reinstated":
		return map[string]any{"event": "DISABLED_UPDATE", "ban_info": map[string]any{"waba_ban_state": "REINSTATE"}}
	}
	return nil
}

// templateValue tells one change of a template; more in one event are no webhook.
func templateValue(e map[string]any) (field string, value map[string]any) {
	t, _ := e["template"].(map[string]any)
	value = map[string]any{
		"message_template_id": word(t, "name"), "message_template_name": t["name"], "message_template_language": strings.ReplaceAll(word(t, "language"), "_", "-"),
	}
	status, quality, category := word(e, "status"), word(e, "quality"), word(t, "category")
	pauses := millis(e["pauses"]) // a whole number
	switch {
	case status != "" && quality == "" && category == "":
		value["event"] = status
		if e["pauses"] != nil {
			title := map[int64]string{0: "RATE_LIMITING_PAUSE", 1: "FIRST_PAUSE", 2: "SECOND_PAUSE"}[pauses]
			if status != "PAUSED" || title == "" {
				return "", nil
			}
			value["other_info"] = map[string]any{"title": title}
		}
		return "message_template_status_update", value
	case quality != "" && status == "" && category == "" && e["pauses"] == nil:
		value["new_quality_score"] = quality
		return "message_template_quality_update", value
	case category != "" && status == "" && quality == "" && e["pauses"] == nil:
		value["previous_category"], value["new_category"] = "UTILITY", category
		return "template_category_update", value
	}
	return "", nil
}
