package window

import (
	"testing"

	"sendwatch/internal/flat"
)

// TestIndexOfEqualHashes puts entries of one hash among others until no two buckets have room for them, and
// finds, replaces and removes each; what they take does not double with each of them.
func TestIndexOfEqualHashes(t *testing.T) {
	const many, equal = 100_000, 1000
	hashOf := func(ref uint32) uint64 {
		if ref%(many/equal) == 0 {
			return 0
		}
		return Key{uint64(ref), 1}.hash()
	}
	hash := func(entries []IndexEntry) {
		for i := range entries {
			entries[i].Hash = hashOf(entries[i].Ref &^ fullBit)
		}
	}
	found := func(x *Index, ref uint32, h uint64) bool {
		w := x.Probe(h)
		for r, ok := w.Next(); ok; r, ok = w.Next() {
			if r == ref {
				return true
			}
		}
		for r, i := x.Spilled(h, 0); i > 0; r, i = x.Spilled(h, i) {
			if r == ref {
				return true
			}
		}
		return false
	}
	var x Index
	for ref := range uint32(many) {
		x.Put(hashOf(ref), ref, hash)
	}
	buckets := 0
	for i := range x.parts {
		buckets += len(x.parts[i].buckets)
	}
	if places := buckets * bucketEntries; places > 3*many {
		t.Errorf("%d entries have %d places", many, places)
	}
	if len(x.directory) > 2*skewedDirectory*len(x.parts) {
		t.Errorf("a directory of %d for %d parts", len(x.directory), len(x.parts))
	}
	var again Index
	if err := flat.Read(flat.Append(nil, x.Copy), again.Copy); err != nil {
		t.Fatal(err)
	}
	x = again
	for ref := range uint32(many) {
		if h := hashOf(ref); !found(&x, ref, h) {
			t.Fatalf("entry %d of hash %x is not found", ref, h)
		}
		if ref%2 == 0 {
			x.replace(hashOf(ref), ref, ref|fullBit)
		}
	}
	for ref := range uint32(many) {
		if ref%2 == 0 && (found(&x, ref, hashOf(ref)) || !found(&x, ref|fullBit, hashOf(ref))) {
			t.Fatalf("entry %d was not replaced", ref)
		}
		if ref%2 == 0 {
			ref |= fullBit
		}
		x.Remove(hashOf(ref&^fullBit), ref)
		if found(&x, ref, hashOf(ref&^fullBit)) {
			t.Fatalf("entry %d was not removed", ref)
		}
	}
	if len(x.spill) > 0 {
		t.Errorf("%d entries are left in no bucket", len(x.spill))
	}
}
