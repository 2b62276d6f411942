package codec

// scanJSON finds the fields of a JSON event and checks the syntax of all of
// it. Values are not looked at: which of them matter depends on the type, which
// may come last.
func (d *Decoder) scanJSON() {
	b := d.record
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		d.reject(ReasonUnparsable, noField, "not a JSON object; one event is one object in UTF-8")
		return
	}
	if i = d.scanMembers(i, 1); i < 0 {
		return
	}
	if i = skipSpace(b, i); i != len(b) {
		d.reject(ReasonUnparsable, noField, "something follows the JSON object; one record is one event")
	}
}

// scanMembers steps over the object that begins at i and keeps where its
// fields are: those of the event at depth 1, those of template at depth 2.
// It returns -1 after a rejection.
//
// What producers usually write is tried first, by code that reads ahead into the
// padding: the key that is foreseen, a string without escapes in ASCII, a number
// of up to 15 digits, no white space. All else goes to the functions that know
// every form and look at the record alone.
func (d *Decoder) scanMembers(i, depth int) int {
	b, record := d.memory, d.record
	if i++; b[i] != '"' {
		if i = skipSpace(record, i); b[i] == '}' {
			return i + 1
		}
	}
	unknown := noField // where keys that no field has, and the beginning, are remembered
	if depth > 1 {
		unknown = noTemplateField
	}
	last := unknown
	for {
		if b[i] != '"' {
			return d.badJSON()
		}
		f := d.keys.follows[d.group&7][last&63]
		if k := &d.keys.keys[f&63]; k.isAt(b, i+1) {
			i += 1 + k.bytes
		} else {
			if f, i = d.scanKey(i, depth); i < 0 {
				return d.badJSON()
			}
			if f == noField {
				f = unknown
			}
			d.keys.follows[d.group&7][last&63] = f
		}
		last = f
		if b[i] <= ' ' {
			i = skipSpace(record, i)
		}
		var v value
		switch c := b[i]; {
		case c == '"':
			start, end := i+1, plainEnd(b, i+1)
			if v, i = textSpan(start, end), end+1; b[end] != '"' {
				v, i = d.scanLongString(start, end)
			}
			if f == fieldType {
				d.group = groupOf(v.end() - v.start())
			}
		case c-'0' <= 9 || c == '-':
			v, i = d.scanNumber(i)
		case c == '{' && f == fieldTemplate:
			d.values[fieldTemplateName], d.values[fieldTemplateLanguage], d.values[fieldTemplateCategory] = 0, 0, 0
			v, i = spanOf(object, 0, 0), d.scanMembers(i, depth+1)
		default:
			v, i = d.scanRare(i, depth)
		}
		if i < 0 {
			return d.badJSON()
		}
		d.values[f&63] = v // of equal keys the last counts
		if b[i] == ',' && b[i+1] == '"' {
			i++
			continue
		}
		switch i = skipSpace(record, i); b[i] {
		case ',':
			i = skipSpace(record, i+1)
		case '}':
			return i + 1
		default:
			return d.badJSON()
		}
	}
}

// scanLongString scans a string that begins at start and has been found to be
// plain up to i.
func (d *Decoder) scanLongString(start, i int) (v value, end int) {
	end, hasEscape := stringEnd(d.record, i)
	switch {
	case end < 0:
		return 0, -1
	case hasEscape:
		return spanOf(escaped, start, end), end + 1
	}
	return textSpan(start, end), end + 1
}

// scanNumber scans a number.
func (d *Decoder) scanNumber(i int) (v value, end int) {
	end = i + digitRun(d.memory, i)
	if c, next := d.memory[i], d.memory[end]; c-'1' <= 8 && end < i+16 && (next == ',' || next == '}') {
		return spanOf(integer, i, end), end
	}
	end, isInteger := skipNumber(d.record, i)
	switch {
	case end < 0:
		return 0, -1
	case isInteger:
		return spanOf(integer, i, end), end
	}
	return spanOf(fraction, i, end), end
}

// scanRare scans the values that few fields have: containers, whose members are
// not looked at, and words. It returns the place behind the value, or -1 if there is
// none, or none that is accepted.
func (d *Decoder) scanRare(i, depth int) (v value, end int) {
	b, c := d.record, d.memory[i]
	if c == '[' && d.memory[i+1] == '"' {
		if end = d.stringsEnd(i + 1); end > 0 {
			return spanOf(array, i, end), end
		}
	}
	if c == '{' || c == '[' {
		switch end = skipContainer(b, i, depth+1, MaxDepth); {
		case end == tooDeep:
			d.reject(ReasonTooDeep, noField, "nested deeper than 32 levels; the event itself is the first")
			return v, -1
		case end < 0:
			return v, -1
		}
		if c == '[' {
			return spanOf(array, i, end), end
		}
		return spanOf(object, i, end), end
	}
	if end = skipWord(b, i); end < 0 {
		return v, -1
	}
	switch c {
	case 'n':
		return spanOf(null, i, i), end
	case 't':
		return spanOf(boolean, 1, 0), end
	}
	return spanOf(boolean, 0, 0), end
}

// stringsEnd returns the place behind an array of plain strings, whose first begins
// at i; 0 if it is none, or has white space.
func (d *Decoder) stringsEnd(i int) int {
	b := d.memory
	for b[i] == '"' {
		if i = plainEnd(b, i+1); b[i] != '"' {
			return 0
		}
		switch b[i+1] {
		case ']':
			return i + 2
		case ',':
			i += 2
		default:
			return 0
		}
	}
	return 0
}

// scanKey steps over a key and its colon and finds which field it names.
func (d *Decoder) scanKey(i, depth int) (field, int) {
	if depth == 1 {
		if f, end := d.keys.named(d.memory, i+1); f != noField {
			return f, end
		}
	}
	b := d.record
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
	named := f(key)
	if named == noField && depth == 1 && string(key) == ownKey {
		named = ownField
	}
	return named, skipSpace(b, i+1)
}

// set keeps where a field is; of equal ones the last counts.
func (d *Decoder) set(f field, v value) { d.values[f&63] = v }

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
	b := d.record[:v.end()]
	i := skipSpace(b, v.start()+1)
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
