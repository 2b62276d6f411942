package codec

import "unicode/utf8"

// The functions of this file step over one JSON token each. They take the
// record and the place to begin at and return the place behind the token, or -1
// if there is no such token. None looks beyond its token, so what must follow
// is for the caller to check.

// skipSpace steps over white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// stringEnd finds the quote that closes the string whose content begins at i,
// and reports whether it has escapes. Eight bytes are looked at together until one
// of them needs more than a glance: a quote, a backslash, a control character or
// the beginning of a longer UTF-8 sequence.
func stringEnd(b []byte, i int) (end int, hasEscape bool) {
	for {
		for i+8 <= len(b) {
			special := specialInText(load8(b, i))
			if special != 0 {
				i += firstByte(special)
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1, false
		}
		switch c := b[i]; {
		case c == '"':
			return i, hasEscape
		case c == '\\':
			hasEscape = true
			if i = skipEscape(b, i+1); i < 0 {
				return -1, false
			}
		case c < ' ':
			return -1, false
		case c < utf8.RuneSelf:
			i++
		case c >= 0xc2 && c <= 0xdf && i+1 < len(b) && b[i+1]&0xc0 == 0x80:
			i += 2 // most letters beyond ASCII
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return -1, false
			}
			i += n
		}
	}
}

// skipEscape steps over an escape whose backslash lies before i. A surrogate
// needs its other half.
func skipEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		u, ok := hex4(b, i+1)
		switch {
		case !ok, u >= 0xdc00 && u <= 0xdfff:
			return -1
		case u >= 0xd800 && u <= 0xdbff:
			if i+6 >= len(b) || b[i+5] != '\\' || b[i+6] != 'u' {
				return -1
			}
			if low, ok := hex4(b, i+7); !ok || low < 0xdc00 || low > 0xdfff {
				return -1
			}
			return i + 11
		}
		return i + 5
	}
	return -1
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var u rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

// appendUnescaped appends the content of a string that stringEnd has passed.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			u, _ := hex4(s, i+1)
			i += 4
			if u >= 0xd800 && u <= 0xdbff {
				low, _ := hex4(s, i+3)
				u = 0x10000 + (u-0xd800)<<10 + (low - 0xdc00)
				i += 6
			}
			dst = utf8.AppendRune(dst, u)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// skipNumber steps over a number and reports whether it is written as an integer.
func skipNumber(b []byte, i int) (end int, isInteger bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	default:
		first := i
		if i = skipDigits(b, i); i == first {
			return -1, false
		}
	}
	isInteger = true
	if i < len(b) && b[i] == '.' {
		isInteger = false
		first := i + 1
		if i = skipDigits(b, first); i == first {
			return -1, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		isInteger = false
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first := i
		if i = skipDigits(b, first); i == first {
			return -1, false
		}
	}
	return i, isInteger
}

// skipDigits steps over ASCII digits.
func skipDigits(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if others := notDigits(load8(b, i)); others != 0 {
			return i + firstByte(others)
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// skipScalar steps over a string, a number, true, false or null.
func skipScalar(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		end, _ := stringEnd(b, i+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case c == '-' || c-'0' <= 9:
		end, _ := skipNumber(b, i)
		return end
	}
	return skipWord(b, i)
}

// skipWord steps over true, false or null.
func skipWord(b []byte, i int) int {
	switch {
	case i+4 <= len(b) && (string(b[i:i+4]) == "true" || string(b[i:i+4]) == "null"):
		return i + 4
	case i+5 <= len(b) && string(b[i:i+5]) == "false":
		return i + 5
	}
	return -1
}

// skipKey steps over a key, its colon and the white space around it.
func skipKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	end, _ := stringEnd(b, i+1)
	if end < 0 {
		return -1
	}
	if i = skipSpace(b, end+1); i >= len(b) || b[i] != ':' {
		return -1
	}
	return skipSpace(b, i+1)
}

// tooDeep is what skipContainer returns in place of an end.
const tooDeep = -2

// skipContainer steps over the object or array that begins at i, itself at the
// given depth. It returns tooDeep where something lies deeper than limit.
func skipContainer(b []byte, i, depth, limit int) int {
	var first [MaxDepth]byte
	open := first[:0] // the brackets that will close what is open
	for {
		// Here a value begins at i.
		if i < len(b) && (b[i] == '{' || b[i] == '[') {
			if depth+len(open) > limit {
				return tooDeep
			}
			closer := b[i] + 2 // in ASCII both pairs lie two apart
			open = append(open, closer)
			i = skipSpace(b, i+1)
			if i >= len(b) || b[i] != closer {
				if closer == '}' {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
				}
				continue
			}
		} else {
			if i = skipScalar(b, i); i < 0 {
				return -1
			}
			i = skipSpace(b, i)
		}
		// Here a value has ended, or what is open closes at i.
		for {
			if i >= len(b) {
				return -1
			}
			top := open[len(open)-1]
			if b[i] == ',' {
				i = skipSpace(b, i+1)
				if top == '}' {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
				}
				break
			}
			if b[i] != top {
				return -1
			}
			open = open[:len(open)-1]
			if len(open) == 0 {
				return i + 1
			}
			i = skipSpace(b, i+1)
		}
	}
}
