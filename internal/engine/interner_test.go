package engine

import (
	"fmt"
	"strings"
	"testing"

	"sendwatch/internal/flat"
)

// TestInternedStrings keeps strings of all sizes, some of which fill a piece to its
// last byte, and finds each under its index, unmoved, whatever came behind it.
func TestInternedStrings(t *testing.T) {
	var n interner
	kept := map[uint32]string{}
	for k := range 3000 {
		s := fmt.Sprintf("%d-%s", k, strings.Repeat("x", k*k%300))
		switch k {
		case 100, 2000:
			s = strings.Repeat("long", pieceBytes) // longer than a piece
		case 500:
			s = strings.Repeat("y", recordSize-1)
		case 501, 502:
			s = strings.Repeat("z", k-501+recordSize)
		}
		i := n.intern([]byte(s))
		if before, ok := kept[i]; ok && before != s {
			t.Fatalf("%.20q has the index of %.20q", s, before)
		}
		if again := n.intern([]byte(s)); again != i {
			t.Fatalf("%.20q has the indexes %d and %d", s, i, again)
		}
		kept[i] = n.string(i)
	}
	if n.len() != len(kept) || n.len() != 2999 { // one of the long ones came twice
		t.Errorf("%d strings of %d indexes, want 2999", n.len(), len(kept))
	}
	for i, s := range kept {
		if n.string(i) != s {
			t.Errorf("%.20q has become %.20q", s, n.string(i))
		}
		if at, ok := n.find([]byte(s)); !ok || at != i {
			t.Errorf("%.20q is found %v at %d, want %d", s, ok, at, i)
		}
	}
	if _, ok := n.find([]byte("never kept")); ok || n.string(0) != "" {
		t.Error("a string that was never kept is known, or index 0 is not the empty string")
	}
}

// TestNamesAreNotCopied: each row has its number's name and its portfolio's, and one
// may be as long as a record.
func TestNamesAreNotCopied(t *testing.T) {
	var n interner
	long := strings.Repeat("n", 200<<10)
	i, other, short := n.intern([]byte(long)), n.intern([]byte(long+"x")), n.intern([]byte("n"))
	if n.string(i) != long || n.string(other) != long+"x" || n.string(short) != "n" {
		t.Error("a name is another's")
	}
	if made := testing.AllocsPerRun(10, func() { _, _ = n.string(i), n.string(short) }); made != 0 {
		t.Errorf("%v allocations each time", made)
	}
}

// TestStringsGoOnAfterReading copies strings to another interner at every number of them around that of a piece, and has it keep more.
func TestStringsGoOnAfterReading(t *testing.T) {
	name := func(k int) []byte { return fmt.Appendf(nil, "%d-%s", k, strings.Repeat("x", k%40)) }
	for _, n := range []int{0, 1, 15, 16, 1<<pieceBits - 2, 1<<pieceBits - 1, 1 << pieceBits, 1<<pieceBits + 1, 2 << pieceBits, 5000} {
		var from, to interner
		for k := range n {
			from.intern(name(k))
		}
		if err := flat.Read(flat.Append(nil, from.copy), to.copy); err != nil {
			t.Fatal(err)
		}
		for k := range n + 3000 {
			i := to.intern(name(k))
			if int(i) != k+1 || to.string(i) != string(name(k)) {
				t.Fatalf("%d strings were read: %q has index %d, which is %q", n, name(k), i, to.string(i))
			}
		}
	}
}
