package engine

import (
	"strings"
	"testing"
)

// TestStringsBeyondFourGiB puts strings on both sides of 4 GiB. The memory in front
// is never touched, so that it is none of the machine's.
func TestStringsBeyondFourGiB(t *testing.T) {
	const edge = 1 << 32
	n := interner{arena: make([]byte, edge-2, edge+64)}
	first, second := n.intern([]byte("across")), n.intern([]byte("beyond"))
	if n.string(first) != "across" || n.string(second) != "beyond" {
		t.Errorf("the strings are %q and %q, want across and beyond", n.string(first), n.string(second))
	}
	if i, ok := n.find([]byte("beyond")); !ok || i != second {
		t.Errorf("beyond is found %v at %d, want %d", ok, i, second)
	}
}

// TestLongNamesAreMadeOnce: each row has its number's name, and one as long as a
// record must not be copied for each.
func TestLongNamesAreMadeOnce(t *testing.T) {
	var n interner
	long := strings.Repeat("n", 200<<10)
	i, other := n.intern([]byte(long)), n.intern([]byte(long+"x"))
	if n.string(i) != long || n.string(other) != long+"x" {
		t.Error("a long name is another's")
	}
	if made := testing.AllocsPerRun(10, func() { _ = n.string(i) }); made != 0 {
		t.Errorf("%v allocations each time", made)
	}
}
