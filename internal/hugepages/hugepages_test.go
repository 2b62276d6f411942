package hugepages

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestAsks(t *testing.T) {
	for setting, want := range map[string]bool{
		"always [madvise] never\n": true, "[always] madvise never\n": false, "always madvise [never]\n": false, "": false,
	} {
		if got := asks(setting); got != want {
			t.Errorf("%q: %v", setting, got)
		}
	}
}

func TestDisabledAsGoPrograms(t *testing.T) {
	t.Setenv("GODEBUG", "gctrace=0,disablethp=1")
	if Wanted() {
		t.Error("huge pages are asked for although GODEBUG says no")
	}
	Follow(context.Background()) // returns
}

func TestParseMaps(t *testing.T) {
	const maps = `00400000-00c00000 r-xp 00000000 fe:00 1234                               /usr/bin/sendwatch
00c00000-00d00000 rw-p 00800000 fe:00 1234                               /usr/bin/sendwatch
00d00000-00e00000 rw-p 00000000 00:00 0 
c000000000-c000400000 rw-p 00000000 00:00 0 
c000400000-c001000000 rw-p 00000000 00:00 0 
c001000000-c004000000 ---p 00000000 00:00 0 
c004000000-c004400000 rw-p 00000000 00:00 0                              [anon: Go: heap]
c008000000-c008400000 rw-p 00000000 00:00 0 
7f0000000000-7f0000800000 rw-p 00000000 00:00 0 
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
nonsense
`
	want := []span{{0xc000000000, 0xc001000000}, {0xc004000000, 0xc004400000}, {0xc008000000, 0xc008400000}}
	if got := parseMaps(strings.NewReader(maps), 0xc000012340); !slices.Equal(got, want) {
		t.Errorf("the heap lies at %x, want %x", got, want)
	}
}

// TestADenseHeapIsAskedFor grows the heap and finds the flag of those that ask ("hg") with all of it
// while it is dense, and with nothing once a part of it was returned.
func TestADenseHeapIsAskedFor(t *testing.T) {
	if !Wanted() {
		t.Skip("Linux gives no huge pages to those that ask here")
	}
	h := newHeap()
	if used, _ := h.sizes(); used == 0 {
		t.Error("the heap has no size")
	}
	h.ask(1<<20, 0)
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = byte(i >> 12)
	}
	h.ask(100<<20, 5<<20)
	if got := flagged(t, heapSpans()); got < uintptr(len(big)) {
		t.Errorf("%d bytes of the heap are asked for, %d are in use", got, len(big))
	}
	h.ask(100<<20, 6<<20)
	if got := flagged(t, heapSpans()); got != 0 {
		t.Errorf("%d bytes are asked for although a part of the heap was returned", got)
	}
	h.ask(100<<20, 0)
	if got := flagged(t, heapSpans()); got < uintptr(len(big)) {
		t.Errorf("%d bytes of the heap are asked for once more, %d are in use", got, len(big))
	}
	for i := range big {
		if want := byte(i >> 12); i%4096 == 0 && big[i] != want || i%4096 != 0 && big[i] != 0 {
			t.Fatalf("byte %d is %d", i, big[i])
		}
	}
}

// flagged returns how many bytes of some spans ask for huge pages.
func flagged(t *testing.T, spans []span) (n uintptr) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	var here span
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if from, to, ok := parseSpan(fields[0]); ok {
			here = span{from, to}
		}
		if fields[0] != "VmFlags:" || !slices.Contains(fields, "hg") {
			continue
		}
		for _, s := range spans {
			if here.from < s.to && s.from < here.to {
				n += min(s.to, here.to) - max(s.from, here.from)
			}
		}
	}
	return n
}
