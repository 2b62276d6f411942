package webhook

import (
	"bytes"
	"fmt"
	"strings"
)

// private are the members, in lower case and without punctuation, whose strings
// are names, texts or secrets, whatever they look like.
var private = map[string]bool{
	"body": true, "text": true, "caption": true, "title": true, "description": true, "conversation": true, "message": true,
	"content": true, "subject": true, "note": true, "comment": true, "footer": true, "header": true, "emoji": true, "selecteddisplaytext": true,
	"name": true, "displayname": true, "pushname": true, "username": true, "verifiedname": true, "notifyname": true, "profilename": true,
	"formattedname": true, "formattedshortname": true, "firstname": true, "middlename": true, "lastname": true, "fullname": true, "shortname": true,
	"sendername": true, "chatname": true, "fromname": true, "operatorname": true, "operatoremail": true, "email": true, "nickname": true,
	"filename": true, "address": true, "street": true, "city": true, "zip": true, "org": true, "company": true, "birthday": true,
	"label": true, "url": true, "link": true, "src": true, "vcard": true, "vcards": true, "data": true, "value": true, "base64": true, "thumbnail": true,
	"jpegthumbnail": true, "sdp": true, "responsejson": true, "paramsjson": true, "parameters": true, "variables": true, "contentvariables": true,
	"buttontext": true, "buttonpayload": true, "listtitle": true, "payload": true, "customdata": true, "bizopaquecallbackdata": true, "callbackdata": true,
	"clientref": true, "apikey": true, "token": true, "instancetoken": true, "accesstoken": true, "secret": true, "password": true,
	"signature": true, "authorization": true, "mediakey": true,
}

// isPrivate reports whether the strings of a member are taken out.
func isPrivate(name string) bool {
	return private[strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.TrimRight(name, "0123456789"))]
}

// wordlike reports whether a string can be an id, a word of a list, an address
// or a time, and so is kept: nobody's sentence. Anything with a space or a letter
// outside ASCII is a text or a name.
func wordlike(s []byte) bool {
	if len(s) > 256 {
		return false
	}
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', bytes.IndexByte([]byte("_.:+@=/,-"), c) >= 0:
		default:
			return false
		}
	}
	return true
}

func removed(n int) string { return fmt.Sprintf("(removed, %d bytes)", n) }

// redact takes names and texts out of a body and leaves the rest as it came. It
// works on the letters, so that a body that is cut or is no JSON is kept too.
func redact(body []byte) []byte {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return []byte(`""`)
	case trimmed[0] == '{' || trimmed[0] == '[':
		return redactJSON(trimmed)
	case bytes.IndexByte(trimmed, '=') > 0:
		return redactForm(trimmed)
	}
	return []byte(`"` + removed(len(body)) + `"`)
}

func redactJSON(body []byte) []byte {
	out := make([]byte, 0, len(body))
	secret := false // the member whose value comes is private
	for i := 0; i < len(body); {
		if body[i] != '"' {
			out = append(out, body[i])
			i++
			continue
		}
		end := closing(body, i)
		inner := body[i+1 : max(i+1, end-1)]
		next := bytes.TrimLeft(body[end:], " \t\r\n")
		switch isName := len(next) > 0 && next[0] == ':'; {
		case isName && wordlike(inner):
			secret = isPrivate(string(inner))
			out = append(out, body[i:end]...)
		case isName:
			secret = true
			out = append(out, `"`+removed(len(inner))+`"`...)
		case secret && len(inner) > 0, !wordlike(inner), end == len(body): // cut inside a string
			out = append(out, `"`+removed(len(inner))+`"`...)
		default:
			out = append(out, body[i:end]...)
		}
		i = end
	}
	return out
}

// closing returns the place after the string that begins at i, the body's end if
// it does not close.
func closing(body []byte, i int) int {
	for j := i + 1; j < len(body); j++ {
		switch body[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(body)
}

func redactForm(body []byte) []byte {
	var out []byte
	for i, pair := range bytes.Split(body, []byte("&")) {
		if i > 0 {
			out = append(out, '&')
		}
		name, value, _ := bytes.Cut(pair, []byte("="))
		plainValue := bytes.ReplaceAll(bytes.ReplaceAll(value, []byte("%3A"), []byte(":")), []byte("%2B"), []byte("-"))
		if !wordlike(name) {
			name = []byte("removed")
		}
		out = append(append(out, name...), '=')
		if isPrivate(string(name)) || !wordlike(plainValue) || bytes.IndexByte(value, '+') >= 0 {
			value = []byte("removed")
		}
		out = append(out, value...)
	}
	return out
}
