package codec

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// jsonWriter appends one flat or nested JSON object. It puts the commas, so
// that a field may be left out without a thought.
type jsonWriter struct {
	b []byte
	n int // members written of the present object or array
}

// open begins an object or array.
func (w *jsonWriter) open(bracket byte) { w.b, w.n = append(w.b, bracket), 0 }

// close ends an object or array, of which the one around it has at least this member.
func (w *jsonWriter) close(bracket byte) { w.b, w.n = append(w.b, bracket), 1 }

// next puts the comma before a member.
func (w *jsonWriter) next() {
	if w.n > 0 {
		w.b = append(w.b, ',')
	}
	w.n++
}

// name begins a member of an object. Names are constants that need no escapes.
func (w *jsonWriter) name(prefix, name string) {
	w.next()
	w.b = append(w.b, '"')
	w.b = append(w.b, prefix...)
	w.b = append(w.b, name...)
	w.b = append(w.b, `":`...)
}

// str writes a string member.
func (w *jsonWriter) str(name, v string) {
	w.name("", name)
	w.b = appendJSONString(w.b, v)
}

// strOrNull writes a string member, null for an empty one.
func (w *jsonWriter) strOrNull(name, v string) {
	w.name("", name)
	if v == "" {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = appendJSONString(w.b, v)
}

// num writes an integer member.
func (w *jsonWriter) num(name string, v int64) {
	w.name("", name)
	w.b = strconv.AppendInt(w.b, v, 10)
}

// count writes an integer member unless it is zero.
func (w *jsonWriter) count(name string, v int64) {
	if v != 0 {
		w.num(name, v)
	}
}

// null writes a member without a value.
func (w *jsonWriter) null(name string) {
	w.name("", name)
	w.b = append(w.b, "null"...)
}

// float writes a double member.
func (w *jsonWriter) float(name string, v float64) {
	w.name("", name)
	w.b = appendJSONFloat(w.b, v)
}

// hex writes 16 hexadecimal digits.
func (w *jsonWriter) hex(name string, v uint64) {
	w.name("", name)
	w.b = append(w.b, '"')
	w.b = appendHex(w.b, v)
	w.b = append(w.b, '"')
}

const hexDigits = "0123456789abcdef"

// appendHex appends v as 16 hexadecimal digits.
func appendHex(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&15])
	}
	return dst
}

// appendJSONFloat appends a double in the shortest form that reads back the
// same, whole numbers as integers, NaN (none) and what JSON has no word for as null.
func appendJSONFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(dst, "null"...)
	case v == math.Trunc(v) && math.Abs(v) <= MaxInteger:
		return strconv.AppendInt(dst, int64(v), 10)
	case math.Abs(v) < 1e-6 || math.Abs(v) >= 1e21:
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// appendJSONString appends a quoted string. What is not UTF-8 becomes U+FFFD.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		for ; i+8 <= len(s); i += 8 {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			if special := specialInText(w); special != 0 {
				i += firstByte(special)
				break
			}
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = utf8.AppendRune(dst, utf8.RuneError)
		} else {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
