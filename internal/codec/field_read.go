package codec

import "encoding/binary"

// The functions of this file read one field that the scanners have found. An
// optional field that is null or an empty string is absent.

// get returns where a field is.
func (d *Decoder) get(f field) value { return d.values[f&63] }

// isAbsent reports whether a value counts as absent.
func (v value) isAbsent() bool { return v.kind() <= blank }

// required reads a string that must be there and must not be empty.
func (d *Decoder) required(f field) []byte {
	if v := d.values[f&63]; v.kind() == plain {
		return d.memory[v.start():v.end():v.end()]
	}
	return d.rareString(f, true)
}

// optional reads a string that may be absent.
func (d *Decoder) optional(f field) []byte {
	if d.values[f&63] == 0 {
		return nil
	}
	return d.stringOf(f, false)
}

// stringOf reads a string, empty if it is absent.
func (d *Decoder) stringOf(f field, isRequired bool) []byte {
	if v := d.values[f&63]; v.kind() == plain {
		return d.memory[v.start():v.end():v.end()]
	}
	return d.rareString(f, isRequired)
}

// rareString is stringOf for all but plain strings.
func (d *Decoder) rareString(f field, isRequired bool) []byte {
	switch v := d.get(f); {
	case v.isAbsent():
		if isRequired {
			d.reject(ReasonMissing, f, "required; accepted is a string that is not empty")
		}
		return nil
	case v.kind() == escaped:
		return d.unescape(d.record[v.start():v.end()])
	}
	d.reject(ReasonType, f, "accepted is a string")
	return nil
}

// boolean reads an optional true or false.
func (d *Decoder) boolean(f field) (given, yes bool) {
	v := d.get(f)
	switch {
	case v.isAbsent():
		return false, false
	case v.kind() == boolean:
		return true, v.start() == 1
	}
	d.reject(ReasonType, f, "accepted are true and false")
	return false, false
}

// integer reads a whole number.
func (d *Decoder) integer(f field, isRequired bool) (n int64, ok bool) {
	v := d.get(f)
	switch {
	case v.isAbsent():
		if isRequired {
			d.reject(ReasonMissing, f, "required; accepted is a whole number")
		}
		return 0, false
	case v.kind() == integer:
		n, ok = parseInteger(d.record[v.start():v.end()])
	case v.kind() == varint:
		u, _ := consumeVarint(d.record, v.start())
		n = int64(u)
		ok = n >= -MaxInteger && n <= MaxInteger
	default:
		d.reject(ReasonType, f, "accepted is a whole number, without fraction and exponent")
		return 0, false
	}
	if !ok {
		d.reject(ReasonValue, f, "accepted are whole numbers of at most 2^53-1 in both directions")
	}
	return n, ok
}

// parseInteger reads a JSON integer; false where it passes MaxInteger.
func parseInteger(s []byte) (int64, bool) {
	digits := s
	if s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) > 16 {
		return 0, false
	}
	var n int64
	for ; len(digits) >= 8; digits = digits[8:] { // milliseconds have 13 digits
		n = n*100_000_000 + int64(eightDigits(binary.LittleEndian.Uint64(digits)))
	}
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	if n > MaxInteger {
		return 0, false
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

// time reads a time in ms: RFC 3339 or a whole number of ms.
func (d *Decoder) time(f field, isRequired bool) (ms int64, ok bool) {
	v := d.get(f)
	switch {
	case v.isAbsent():
		if isRequired {
			d.reject(ReasonMissing, f, "required; accepted are RFC 3339 and whole milliseconds")
		}
		return 0, false
	case v.kind() == plain || v.kind() == escaped:
		s := d.stringOf(f, true)
		if ms, ok = parseTime(s); !ok && areDigits(s) {
			d.reject(ReasonValue, f, "whole milliseconds stand without quotes; Protobuf's mapping to JSON, which quotes them, is not the JSON form of events: send the Protobuf message itself, or JSON as in event.schema.json")
		} else if !ok {
			d.reject(ReasonValue, f, "accepted are RFC 3339 as in 2026-01-31T12:00:00.000Z, with Z or an offset, and whole milliseconds")
		}
		return ms, ok
	case v.kind() == integer || v.kind() == varint:
		return d.integer(f, true)
	}
	d.reject(ReasonType, f, "accepted are RFC 3339 in a string and whole milliseconds")
	return 0, false
}

// listOf returns the memory for a field's list of strings.
func (d *Decoder) listOf(f field) *[][]byte {
	switch f {
	case fieldRestrictions:
		return &d.restrictions
	case fieldInputs:
		return &d.inputs
	}
	return &d.links
}

// strings reads an optional list of strings. It is good until the next Decode.
func (d *Decoder) strings(f field) [][]byte {
	held := d.listOf(f)
	v := d.get(f)
	switch {
	case v.isAbsent():
		return nil
	case v.kind() == list:
		return *held
	case v.kind() == array:
		var ok bool
		if *held, ok = d.elements((*held)[:0], v); ok {
			return *held
		}
	}
	d.reject(ReasonType, f, "accepted is a list of strings")
	return nil
}
