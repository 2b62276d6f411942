package codec

import "bytes"

// LineReader reads the times of a file's lines. It serves one goroutine. Make it with
// NewLineReader.
type LineReader struct{ decoder *Decoder }

// NewLineReader returns a LineReader, which allocates only for a line larger than all before it.
func NewLineReader() *LineReader { return &LineReader{decoder: NewDecoder(Config{})} }

// Time returns what RecordTime says of a line, or else what Time says. It is quicker: a line that is an event is gone
// through once, by the code that reads events.
func (r *LineReader) Time(line []byte) (ms int64, ok bool) {
	d := r.decoder
	if len(line) > MaxRecord || !d.scan(line) {
		if ms, ok = RecordTime(line); ok {
			return ms, true
		}
		return Time(line)
	}
	if v := d.get(ownField); v.kind() == integer {
		if ms, ok = parseInteger(d.record[v.start():v.end()]); ok {
			return ms, true
		}
	}
	switch v := d.get(fieldTime); v.kind() {
	case integer:
		return parseInteger(d.record[v.start():v.end()])
	case plain:
		return parseTime(d.record[v.start():v.end()])
	case escaped:
		return parseTime(d.unescape(d.record[v.start():v.end()]))
	}
	return 0, false
}

// scan finds the fields of a line; false if it is no JSON object, or one nested too deep.
func (d *Decoder) scan(line []byte) bool {
	d.rejection, d.unescaped = nil, d.unescaped[:0]
	clear(d.values[:])
	d.keep(line)
	d.scanJSON()
	return d.rejection == nil
}

// RecordTime returns the timestamp that a line of a replay file states for its
// record: the integer `_record_time`, in ms, at the top level of a JSON
// object. It returns false for lines without one and for lines that are no JSON object.
// A line without an underscore-escaped key costs one search and no parsing, so
// a replay may ask for every line.
func RecordTime(line []byte) (ms int64, ok bool) {
	if !bytes.Contains(line, []byte(`_record_time`)) && !bytes.Contains(line, []byte(`\u`)) {
		return 0, false
	}
	v, ok := member(line, "_record_time")
	if !ok || len(v) == 0 || v[0] != '-' && v[0]-'0' > 9 {
		return 0, false
	}
	if _, isInteger := skipNumber(v, 0); !isInteger {
		return 0, false
	}
	return parseInteger(v)
}

// Time returns the event's own `time` of a JSON line, in ms, even if the line is
// no event for another reason. It returns false where there is none to be read.
func Time(line []byte) (ms int64, ok bool) {
	v, ok := member(line, "time")
	switch {
	case !ok || len(v) == 0:
		return 0, false
	case v[0] == '"':
		s := v[1 : len(v)-1]
		if bytes.IndexByte(s, '\\') >= 0 {
			s = appendUnescaped(nil, s)
		}
		return parseTime(s)
	case v[0] != '-' && v[0]-'0' > 9:
		return 0, false
	}
	if _, isInteger := skipNumber(v, 0); !isInteger {
		return 0, false
	}
	return parseInteger(v)
}

// member returns the raw value of the last member with this name of the JSON
// object that line is; false if it is none, or has none. Depth has no limit
// here: a record that is rejected for it still has a time.
func member(line []byte, name string) (raw []byte, ok bool) {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		return nil, false
	}
	i = skipSpace(line, i+1)
	if i < len(line) && line[i] == '}' {
		return nil, false
	}
	for {
		first := i + 1
		if i = skipKey(line, i); i < 0 || i >= len(line) {
			return nil, false
		}
		end, hasEscape := stringEnd(line, first)
		key := line[first:end]
		if hasEscape {
			key = appendUnescaped(nil, key)
		}
		begin := i
		if line[i] == '{' || line[i] == '[' {
			i = skipContainer(line, i, 0, len(line))
		} else {
			i = skipScalar(line, i)
		}
		if i < 0 {
			return nil, false
		}
		if string(key) == name {
			raw = line[begin:i]
		}
		if i = skipSpace(line, i); i >= len(line) {
			return nil, false
		}
		switch line[i] {
		case ',':
			i = skipSpace(line, i+1)
		case '}':
			return raw, raw != nil && skipSpace(line, i+1) == len(line)
		default:
			return nil, false
		}
	}
}
