package hugepages

import (
	"bufio"
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

func TestWithout(t *testing.T) {
	for _, c := range []struct{ spans, others, want []span }{
		{nil, []span{{1, 2}}, nil},
		{[]span{{1, 9}}, nil, []span{{1, 9}}},
		{[]span{{1, 9}}, []span{{1, 9}}, nil},
		{[]span{{1, 9}}, []span{{0, 3}, {5, 6}, {8, 20}}, []span{{3, 5}, {6, 8}}},
		{[]span{{1, 3}, {5, 9}}, []span{{2, 6}}, []span{{1, 2}, {6, 9}}},
		{[]span{{1, 3}, {5, 9}}, []span{{3, 5}, {9, 12}}, []span{{1, 3}, {5, 9}}},
	} {
		if got := without(c.spans, c.others); !slices.Equal(got, c.want) {
			t.Errorf("%v without %v is %v, want %v", c.spans, c.others, got, c.want)
		}
	}
}

// TestTheHeapIsAskedFor grows the heap and finds the flag of those that asked ("hg") with all of it.
func TestTheHeapIsAskedFor(t *testing.T) {
	if !Wanted() {
		t.Skip("Linux gives no huge pages to those that ask here")
	}
	var h heap
	h.ask()
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	h.ask()
	asked := uintptr(0)
	for _, s := range flagged(t) {
		for _, o := range h.asked {
			if s.from < o.to && o.from < s.to {
				asked += min(s.to, o.to) - max(s.from, o.from)
			}
		}
	}
	if asked < uintptr(len(big)) {
		t.Errorf("%d bytes of the heap are asked for, %d are in use alone", asked, len(big))
	}
	if big[4096] != 1 || big[1] != 0 {
		t.Error("its contents have changed")
	}
}

// flagged returns the memory of the process that has asked for huge pages.
func flagged(t *testing.T) []span {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was read
	var spans []span
	var here span
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if from, to, ok := parseSpan(fields[0]); ok {
			here = span{from, to}
		}
		if fields[0] == "VmFlags:" && slices.Contains(fields, "hg") {
			spans = append(spans, here)
		}
	}
	return spans
}
