package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Bodies are read into plain values (maps, lists, strings, json.Number), since
// providers write one field as a string here and a number there, leave it out,
// or set it to null or "". The functions of this file answer the same for all
// of these.

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// parse reads a body: an object or a list for JSON, an object of strings for a
// form. reason is empty, or names what is wrong with the body.
func parse(body []byte, contentType string) (v any, reason string) {
	if len(body) > MaxBody {
		return nil, "too_large"
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, "empty_body"
	}
	if body[0] != '{' && body[0] != '[' {
		if strings.HasPrefix(contentType, jsonType) {
			return nil, "no_json"
		}
		return parseForm(string(body))
	}
	if deeper(body, MaxDepth) {
		return nil, "too_deep"
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, "no_json"
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, "no_json"
	}
	return v, ""
}

// parseForm reads a form; of equal names the first counts.
func parseForm(body string) (any, string) {
	if !strings.Contains(body, "=") {
		return nil, "no_form"
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, "no_form"
	}
	m := make(map[string]any, len(values))
	for k, v := range values {
		m[strings.ToValidUTF8(k, "\uFFFD")] = strings.ToValidUTF8(v[0], "\uFFFD")
	}
	return m, ""
}

// deeper reports whether JSON nests deeper than n.
func deeper(body []byte, n int) bool {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString:
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > n {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // what was read from JSON can be written as JSON
	}
	return b
}

// get walks down objects; nil where there is nothing.
func get(v any, path ...string) any {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// obj returns an object, nil (which reads as empty) if there is none.
func obj(v any, path ...string) map[string]any {
	m, _ := get(v, path...).(map[string]any)
	return m
}

// list returns a list; an object where a list should be is a list of one.
func list(v any, path ...string) []any {
	switch l := get(v, path...).(type) {
	case []any:
		return l
	case map[string]any:
		return []any{l}
	}
	return nil
}

// str returns a string, or a number as it is written; "" for anything else.
func str(v any, path ...string) string {
	switch s := get(v, path...).(type) {
	case string:
		return strings.TrimSpace(s)
	case json.Number:
		return s.String()
	}
	return ""
}

// first returns the first string that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// has reports whether an object has a member that says something: null and an
// empty string are as if it was not there.
func has(v any, name string) bool {
	switch one := get(v, name).(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(one) != ""
	}
	return true
}

// integer returns a whole number that is written as one, as a string or as 3.0.
func integer(v any, path ...string) (int64, bool) {
	s := str(v, path...)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// truth returns a boolean, also one that is written as a string or as 0 and 1.
func truth(v any, path ...string) (value, ok bool) {
	switch b := get(v, path...).(type) {
	case bool:
		return b, true
	case string, json.Number:
		value, err := strconv.ParseBool(str(b))
		return value, err == nil
	}
	return false, false
}

// yes reports whether a boolean is there and true.
func yes(v any, path ...string) bool {
	b, ok := truth(v, path...)
	return b && ok
}
