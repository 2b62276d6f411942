package engine

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/window"
)

// interner returns small indexes for strings and keeps their bytes in few large
// pieces, so that neither a string nor the many rows that name it cost an
// allocation: what string returns is a part of a piece, which never moves. Index 0
// is the empty string, so that it can stand for "not known".
type interner struct {
	pieces []string         // each is filled up to where its builder has come
	open   *strings.Builder // of the last piece
	bytes  int              // in all pieces
	spans  window.Slots[span]
	index  window.Index // by the hash of a string
}

// Pieces grow with what there is, between these sizes; a string that is larger
// than all of them has one of its own.
const (
	smallestPiece = 1 << 10
	largestPiece  = 64 << 10
)

// span is where a string lies. Pieces are small, so that all of them together may
// pass 4 GiB: an id may be as long as a record.
type span struct{ piece, from, n uint32 }

// intern returns the index of s, new if need be. Strings whose hashes are equal
// are told apart by their bytes.
func (t *interner) intern(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	if t.spans.End() == 0 {
		t.spans.New()
	}
	h := xxhash.Sum64(s)
	if i, ok := t.findHashed(h, s); ok {
		return i
	}
	i := t.spans.New()
	*t.spans.At(i) = t.keep(s)
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

// keep writes a string into the last piece, or into a new one where that is full.
func (t *interner) keep(s []byte) span {
	if t.open == nil || t.open.Cap()-t.open.Len() < len(s) {
		t.open = new(strings.Builder)
		t.open.Grow(max(len(s), min(largestPiece, max(smallestPiece, t.bytes))))
		t.pieces = append(t.pieces, "")
	}
	last := len(t.pieces) - 1
	at := span{uint32(last), uint32(t.open.Len()), uint32(len(s))}
	t.open.Write(s)
	t.pieces[last] = t.open.String()
	t.bytes += len(s)
	return at
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
	return 0, false
}

// string returns the string of an index. It stays as it is for good.
func (t *interner) string(i uint32) string {
	if i == 0 {
		return ""
	}
	s := t.spans.Look(i)
	return t.pieces[s.piece][s.from : s.from+s.n]
}

// len returns how many strings there are.
func (t *interner) len() int { return max(0, int(t.spans.End())-1) }
