package engine

import (
	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/window"
)

// interner returns small indexes for strings and keeps their bytes in one arena.
// Index 0 is the empty string, so that it can stand for "not known".
type interner struct {
	arena []byte
	spans []span
	index window.Table
	// long are the strings that were asked for and are longer than longString. A
	// row has its number's and its portfolio's: made again for each, one id as long
	// as a record would cost gigabytes a second. It follows from the arena and is no
	// state.
	long map[uint32]string
}

// longString is up to how many bytes a string is cheaper made again than kept.
const longString = 256

// span is where a string lies. An arena may pass 4 GiB, because an id may be as
// long as a record.
type span struct {
	from uint64
	n    uint32
}

// intern returns the index of s, new if need be. Strings whose hashes are equal
// are told apart by their bytes.
func (t *interner) intern(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	if len(t.spans) == 0 {
		t.spans = append(t.spans, span{})
	}
	k := window.Key{A: xxhash.Sum64(s)}
	for ; ; k.B++ {
		i, ok := t.index.Get(k)
		if !ok {
			break
		}
		if string(t.get(i)) == string(s) {
			return i
		}
	}
	t.spans = append(t.spans, span{uint64(len(t.arena)), uint32(len(s))})
	t.arena = append(t.arena, s...)
	i := uint32(len(t.spans) - 1)
	t.index.Put(k, i)
	return i
}

// find returns the index of s, false if it is not known.
func (t *interner) find(s []byte) (uint32, bool) {
	k := window.Key{A: xxhash.Sum64(s)}
	for ; ; k.B++ {
		i, ok := t.index.Get(k)
		if !ok || string(t.get(i)) == string(s) {
			return i, ok
		}
	}
}

// get returns the bytes of an index.
func (t *interner) get(i uint32) []byte {
	if i == 0 {
		return nil
	}
	s := t.spans[i]
	return t.arena[s.from : s.from+uint64(s.n)]
}

// string returns an index as a string.
func (t *interner) string(i uint32) string {
	b := t.get(i)
	if len(b) <= longString {
		return string(b)
	}
	s, ok := t.long[i]
	if !ok {
		if t.long == nil {
			t.long = map[uint32]string{}
		}
		s = string(b)
		t.long[i] = s
	}
	return s
}

// len returns how many strings there are.
func (t *interner) len() int { return max(0, len(t.spans)-1) }
