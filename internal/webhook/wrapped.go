package webhook

import "strings"

// Convert reads a body in any of the forms in which it may lie in a file: as it
// came, or wrapped with what surrounded it: {content_type, body, received_at} for
// a form or a text, {event, data, received_at} for a library's callback, and
// {request, response} (or a list of these) for sends.
func (p Provider) Convert(body []byte, s Source) Result {
	v, reason := parse(body, "")
	if reason != "" {
		return p.Read(body, "", s)
	}
	if at, ok := millis(get(v, "received_at")); ok {
		s.ReceivedAt = at
	}
	if isSend(v) {
		return p.Sends(body, s)
	}
	if inner := str(v, "body"); has(v, "content_type") && inner != "" {
		return p.Read([]byte(inner), str(v, "content_type"), s)
	}
	contentType := jsonType
	if !strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 16)])), "{") {
		contentType = ""
	}
	return p.Read(body, contentType, s)
}

// isSend reports whether a value is a send, or a list of them.
func isSend(v any) bool {
	if l, is := v.([]any); is && len(l) > 0 {
		v = l[0]
	}
	_, request := obj(v)["request"]
	_, response := obj(v)["response"]
	return request && response
}
