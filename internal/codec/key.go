package codec

import (
	"encoding/binary"
	"strings"
)

// keyText is a JSON key as it stands behind its first quote, with the quote and
// the colon that follow it: up to 24 bytes, compared at once.
type keyText struct {
	text, mask [3]uint64
	bytes      int
	_          int // a cache line each
}

func keyTextOf(name string) keyText {
	var t, m [24]byte
	k := keyText{bytes: copy(t[:], name+`":`)}
	for i := range k.bytes {
		m[i] = 0xff
	}
	for i := range k.text {
		k.text[i], k.mask[i] = binary.LittleEndian.Uint64(t[8*i:]), binary.LittleEndian.Uint64(m[8*i:])
	}
	return k
}

// isAt reports whether the key stands at i. b is a record with its padding.
func (k *keyText) isAt(b []byte, i int) bool {
	w := b[i : i+24 : i+24]
	return (binary.LittleEndian.Uint64(w)^k.text[0])&k.mask[0]|
		(binary.LittleEndian.Uint64(w[8:])^k.text[1])&k.mask[1] == 0 &&
		(k.bytes <= 16 || (binary.LittleEndian.Uint64(w[16:])^k.text[2])&k.mask[2] == 0)
}

// keyReader finds which field a JSON key names.
//
// A producer writes the keys of a type of event in the same order each time, so
// the key that followed the last one in the record of that type before is tried first:
// one comparison and no search for the key's end. Where that fails, a hash of
// the key's first nine bytes finds the only field that it can be.
type keyReader struct {
	keys    [64]keyText
	follows [8][64]field // by group of types and the field before
	byHash  [256]field
}

// ownKey is a key that no field has and that files of records have in each line
// (see LineTime).
const ownKey = "_record_time"

func newKeyReader() keyReader {
	var r keyReader
	for f := range field(len(r.keys)) {
		r.keys[f] = keyTextOf("")
	}
	for h := range r.byHash {
		r.byHash[h] = noField
	}
	for f := range numFields {
		_, key, ok := strings.Cut(f.String(), ".")
		if !ok {
			key = f.String()
		}
		r.keys[f] = keyTextOf(key)
		if f < numEventFields {
			r.byHash[hashKey(r.keys[f].text[0], byte(r.keys[f].text[1]))] = f
		}
	}
	r.keys[ownField] = keyTextOf(ownKey)
	for g := range r.follows {
		for f := range field(len(r.follows[g])) {
			// What is foreseen inside of template is a field of it, or none of it.
			r.follows[g][f] = ownField
			if f >= fieldTemplateName && f != noField && f != ownField {
				r.follows[g][f] = noTemplateField
			}
		}
	}
	return r
}

// keyFactor is what hashKey multiplies by.
const keyFactor = 0xc1ce238013ae5a77

// groupOf returns the group of a type whose name has so many bytes. Sends,
// statuses and received messages are in groups of their own.
func groupOf(bytes int) int { return bytes & 7 }

// hashKey mixes what a key has up to its quote of its first eight bytes, and the
// ninth where the quote is not among them. The factor was searched for: no two
// fields of an event have the same hash, which a test holds.
func hashKey(first uint64, ninth byte) uint8 {
	quote := first ^ '"'*ones
	quote = (quote - ones) &^ quote & highs
	quote &= -quote
	isLong := (quote - 1) >> 63 // quote is one bit, or none
	x := first & ((quote - 1) &^ quote)
	return uint8((x ^ uint64(ninth)*isLong*0x9e3779b97f4a7c15) * keyFactor >> 56)
}

// named returns the field of an event whose key stands at i, behind the quote, and the
// place behind its colon; noField where it is none, or is written in another way.
func (r *keyReader) named(b []byte, i int) (f field, end int) {
	f = r.byHash[hashKey(load8(b, i), b[i+8])]
	k := &r.keys[f&63]
	if f == noField || !k.isAt(b, i) {
		return noField, i
	}
	return f, i + k.bytes
}
