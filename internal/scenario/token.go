package scenario

import (
	"slices"
	"strings"
)

// token is one word of a line. Quoted words hold whatever is between the quotes,
// in which two quotes stand for one.
type token struct {
	text   string
	quoted bool
}

// tokens splits a line into words. Commas between words are for the eye. ok is
// false where a quote does not end.
func tokens(line string) (list []token, ok bool) {
	for {
		line = strings.TrimLeft(line, " \t,")
		if line == "" {
			return list, true
		}
		if line[0] == '"' {
			end := 1
			for end < len(line) && (line[end] != '"' || strings.HasPrefix(line[end:], `""`)) {
				if line[end] == '"' {
					end++ // two of them stand for one
				}
				end++
			}
			if end >= len(line) {
				return nil, false
			}
			list = append(list, token{strings.ReplaceAll(line[1:end], `""`, `"`), true})
			line = line[end+1:]
			continue
		}
		end := strings.IndexAny(line, " \t,\"")
		if end < 0 {
			end = len(line)
		}
		list = append(list, token{line[:end], false})
		line = line[end:]
	}
}

// quoteToken writes a word so that tokens reads it as one.
func quoteToken(s string) string {
	if s == "" || strings.ContainsAny(s, " \t,\"") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

// reader goes through the words of a line.
type reader struct {
	rest []token
}

// peek returns the next word, empty at the end or where it is quoted.
func (r *reader) peek() string {
	if len(r.rest) == 0 || r.rest[0].quoted {
		return ""
	}
	return r.rest[0].text
}

// next returns the next word and moves on.
func (r *reader) next() (token, bool) {
	if len(r.rest) == 0 {
		return token{}, false
	}
	t := r.rest[0]
	r.rest = r.rest[1:]
	return t, true
}

// skip moves past the next word if it is one of the words.
func (r *reader) skip(words ...string) bool {
	next := r.peek()
	if slices.Contains(words, next) {
		r.rest = r.rest[1:]
		return true
	}
	return false
}

// unit returns the next word and moves past it if it is the unit of a number that
// stands by itself, as in 3 s.
func (r *reader) unit(number string) string {
	if strings.Trim(number, "0123456789") != "" {
		return ""
	}
	for _, u := range units {
		if r.skip(u.name) {
			return u.name
		}
	}
	return ""
}
