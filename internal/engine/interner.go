package engine

import (
	"encoding/binary"
	"strings"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/window"
)

// interner returns small indexes for strings and keeps their bytes in few large
// pieces, so that neither a string nor the many rows that name it cost an
// allocation: what string returns is a part of a piece, which never changes. Index 0
// is the empty string, so that it can stand for "not known".
//
// Each string has a record of the same size, half a line of memory, so that its index says where it lies: a name is
// compared with one at nearly every event, of one number in millions, and is one line away. A
// longer string has a piece of its own that the record names.
//
//	| length 1 | bytes 31               |
//	| 255      | its piece in longs, 4  |
type interner struct {
	pieces []string        // of records, all full but the last
	open   strings.Builder // of the last piece
	longs  []string
	index  window.Index // by the hash of a string
}

const (
	recordBits   = 5
	recordSize   = 1 << recordBits
	pieceBits    = 11 // records of a piece
	pieceBytes   = recordSize << pieceBits
	longRecord   = 255
	firstRecords = 16 // that the first piece has room for, until it grows
)

// intern returns the index of s, new if need be. Strings whose hashes are equal
// are told apart by their bytes.
func (t *interner) intern(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	h := xxhash.Sum64(s)
	if i, ok := t.findHashed(h, s); ok {
		return i
	}
	if len(t.pieces) == 0 {
		t.keep(nil)
	}
	i := t.keep(s)
	t.index.Put(h, i, t.hash)
	return i
}

// hash fills in the hashes of entries of the index.
func (t *interner) hash(entries []window.IndexEntry) {
	for i := range entries {
		entries[i].Hash = xxhash.Sum64String(t.string(entries[i].Ref))
	}
}

// internLike returns the index of s, new if need be. It is quick if s is what guess, an
// index that there is, stands for.
func (t *interner) internLike(guess uint32, s []byte) uint32 {
	if t.string(guess) == string(s) {
		return guess
	}
	return t.intern(s)
}

// keep writes the record of a string behind all others.
func (t *interner) keep(s []byte) uint32 {
	i := t.end()
	last := len(t.pieces) - 1
	if last < 0 || len(t.pieces[last]) == pieceBytes {
		t.open = strings.Builder{}
		if last >= 0 {
			t.open.Grow(pieceBytes)
		}
		t.pieces = append(t.pieces, "")
		last++
	}
	if t.open.Len() < len(t.pieces[last]) { // it has been read
		t.open.Grow(pieceBytes)
		t.open.WriteString(t.pieces[last])
	}
	if t.open.Cap()-t.open.Len() < recordSize { // the first one: what was handed out of it stays as it is
		t.open.Grow(max(firstRecords*recordSize, t.open.Len()))
	}
	var r [recordSize]byte
	if r[0] = uint8(len(s)); len(s) < recordSize {
		copy(r[1:], s)
	} else {
		r[0] = longRecord
		binary.LittleEndian.PutUint32(r[1:], uint32(len(t.longs)))
		t.longs = append(t.longs, string(s))
	}
	t.open.Write(r[:])
	t.pieces[last] = t.open.String()
	return i
}

// find returns the index of s, false if it is not known.
func (t *interner) find(s []byte) (uint32, bool) {
	return t.findHashed(xxhash.Sum64(s), s)
}

// findHashed is find for a string whose hash is known.
func (t *interner) findHashed(h uint64, s []byte) (uint32, bool) {
	w := t.index.Probe(h)
	for i, ok := w.Next(); ok; i, ok = w.Next() {
		if t.string(i) == string(s) {
			return i, true
		}
	}
	if t.index.Spills() {
		for i, at := t.index.Spilled(h, 0); at > 0; i, at = t.index.Spilled(h, at) {
			if t.string(i) == string(s) {
				return i, true
			}
		}
	}
	return 0, false
}

// touch looks at the record of an index, so that it is in a cache when it is asked for.
func (t *interner) touch(i uint32) uint64 {
	if i == 0 {
		return 0
	}
	return uint64(t.pieces[i>>pieceBits][i&(1<<pieceBits-1)<<recordBits])
}

// guess returns the index that a string of a hash most likely has, 0 if it has none.
func (t *interner) guess(h uint64) uint32 {
	w := t.index.Probe(h)
	i, _ := w.Next()
	return i
}

// string returns the string of an index. It stays as it is for good.
func (t *interner) string(i uint32) string {
	if i == 0 {
		return ""
	}
	at := i & (1<<pieceBits - 1) << recordBits
	r := t.pieces[i>>pieceBits][at : at+recordSize]
	if r[0] == longRecord {
		return t.long(r)
	}
	return r[1 : 1+r[0]]
}

// long returns the string that a record names.
func (t *interner) long(r string) string {
	return t.longs[uint32(r[1])|uint32(r[2])<<8|uint32(r[3])<<16|uint32(r[4])<<24]
}

// end is one more than the largest index, 0 before the first.
func (t *interner) end() uint32 {
	last := len(t.pieces) - 1
	if last < 0 {
		return 0
	}
	return uint32(last)<<pieceBits + uint32(len(t.pieces[last])>>recordBits)
}

// len returns how many strings there are.
func (t *interner) len() int { return max(0, int(t.end())-1) }
