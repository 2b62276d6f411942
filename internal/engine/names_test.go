package engine

import "testing"

// TestNamesBeyondFourGiB puts names on both sides of 4 GiB. The memory in front
// is never touched, so that it is none of the machine's.
func TestNamesBeyondFourGiB(t *testing.T) {
	const edge = 1 << 32
	n := names{arena: make([]byte, edge-2, edge+64)}
	first, second := n.intern([]byte("across")), n.intern([]byte("beyond"))
	if n.string(first) != "across" || n.string(second) != "beyond" {
		t.Errorf("the names are %q and %q, want across and beyond", n.string(first), n.string(second))
	}
	if i, ok := n.find([]byte("beyond")); !ok || i != second {
		t.Errorf("beyond is found %v at %d, want %d", ok, i, second)
	}
}
