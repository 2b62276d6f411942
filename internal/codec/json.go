package codec

// scanJSON finds the fields of a JSON event and checks the syntax of all of
// it. Values are not looked at: which of them matter depends on the type, which
// may come last.
func (d *Decoder) scanJSON(b []byte) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		d.reject(ReasonUnparsable, noField, "not a JSON object; one event is one object in UTF-8")
		return
	}
	if i = d.scanMembers(b, i, 1); i < 0 {
		return
	}
	if i = skipSpace(b, i); i != len(b) {
		d.reject(ReasonUnparsable, noField, "something follows the JSON object; one record is one event")
	}
}

// scanMembers steps over the object that begins at i and keeps where its
// fields are: those of the event at depth 1, those of template at depth 2.
// It returns -1 after a rejection.
func (d *Decoder) scanMembers(b []byte, i, depth int) int {
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	unknown := noField // where keys that no field has, and the beginning, are remembered
	if depth > 1 {
		unknown = noTemplateField
	}
	last := unknown
	for {
		if i >= len(b) || b[i] != '"' {
			return d.badJSON()
		}
		// Producers write their keys in the same order each time, so the key that
		// followed the last one in the record before is tried first.
		f := d.follows[last]
		if key := d.quoted[f]; len(b)-i > len(key) && string(b[i+1:i+1+len(key)]) == key {
			i = skipSpace(b, i+1+len(key))
		} else if f, i = d.scanKey(b, i, depth); i < 0 {
			return d.badJSON()
		}
		if f == noField {
			f = unknown
		}
		d.follows[last], last = f, f
		if i >= len(b) {
			return d.badJSON()
		}
		v := value{start: uint32(i)}
		switch c := b[i]; {
		case c == '"':
			end, hasEscape := stringEnd(b, i+1)
			if end < 0 {
				return d.badJSON()
			}
			v = value{plain, uint32(i + 1), uint32(end)}
			if hasEscape {
				v.kind = escaped
			}
			i = end + 1
		case c == '-' || c-'0' <= 9:
			end, isInteger := skipNumber(b, i)
			if end < 0 {
				return d.badJSON()
			}
			v.kind = fraction
			if isInteger {
				v.kind = integer
			}
			v.end = uint32(end)
			i = end
		case c == '{' && f == fieldTemplate:
			d.seen &^= 1<<fieldTemplateName | 1<<fieldTemplateLanguage | 1<<fieldTemplateCategory
			if i = d.scanMembers(b, i, depth+1); i < 0 {
				return -1
			}
			v.kind = object
		default:
			if v, i = d.scanRare(b, i, depth); i < 0 {
				return -1
			}
		}
		d.set(f, v)
		if i = skipSpace(b, i); i >= len(b) {
			return d.badJSON()
		}
		switch b[i] {
		case ',':
			i = skipSpace(b, i+1)
		case '}':
			return i + 1
		default:
			return d.badJSON()
		}
	}
}

// scanRare scans the values that few fields have: containers, whose members are
// not looked at, and words. It returns the place behind the value, or -1 once the
// record is rejected.
func (d *Decoder) scanRare(b []byte, i, depth int) (v value, end int) {
	c := b[i]
	if c == '{' || c == '[' {
		switch end = skipContainer(b, i, depth+1, MaxDepth); {
		case end == tooDeep:
			d.reject(ReasonTooDeep, noField, "nested deeper than 32 levels; the event itself is the first")
			return v, -1
		case end < 0:
			return v, d.badJSON()
		}
		v = value{object, uint32(i), uint32(end)}
		if c == '[' {
			v.kind = array
		}
		return v, end
	}
	if end = skipWord(b, i); end < 0 {
		return v, d.badJSON()
	}
	switch c {
	case 'n':
		return value{kind: null, start: uint32(i)}, end
	case 't':
		return value{boolean, 1, 0}, end
	}
	return value{kind: boolean}, end
}

// scanKey steps over a key and its colon and finds which field it names.
func (d *Decoder) scanKey(b []byte, i, depth int) (field, int) {
	end, hasEscape := stringEnd(b, i+1)
	if end < 0 {
		return noField, -1
	}
	key := b[i+1 : end]
	if hasEscape {
		key = d.unescape(key)
	}
	f := fieldNamed
	if depth > 1 {
		f = templateFieldNamed
	}
	if i = skipSpace(b, end+1); i >= len(b) || b[i] != ':' {
		return noField, -1
	}
	return f(key), skipSpace(b, i+1)
}

// set keeps where a field is; of equal keys the last counts.
func (d *Decoder) set(f field, v value) {
	if f < noField {
		d.values[f] = v
		d.seen |= 1 << f
	}
}

// badJSON rejects the record and returns -1.
func (d *Decoder) badJSON() int {
	d.reject(ReasonUnparsable, noField,
		"not well-formed JSON; accepted is one object in UTF-8, without NaN, lone surrogates and bare control characters")
	return -1
}

// unescape returns the content of a string with escapes, in the decoder's memory.
func (d *Decoder) unescape(s []byte) []byte {
	n := len(d.unescaped)
	d.unescaped = appendUnescaped(d.unescaped, s)
	return d.unescaped[n:len(d.unescaped):len(d.unescaped)]
}

// elements appends the strings of a JSON array to dst; false if one of its
// elements is something else.
func (d *Decoder) elements(dst [][]byte, v value) ([][]byte, bool) {
	b := d.record[:v.end]
	i := skipSpace(b, int(v.start)+1)
	for b[i] != ']' {
		if b[i] != '"' {
			return dst, false
		}
		end, hasEscape := stringEnd(b, i+1)
		s := b[i+1 : end]
		if hasEscape {
			s = d.unescape(s)
		}
		dst = append(dst, s)
		if i = skipSpace(b, end+1); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return dst, true
}
