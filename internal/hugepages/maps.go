package hugepages

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// span is addresses from one to before another.
type span struct{ from, to uintptr }

// holds reports whether another span lies in this one.
func (s span) holds(o span) bool { return s.from <= o.from && o.to <= s.to }

// reach is how far from one of its objects memory counts as the heap's: Go reserves it from one
// address on, and everything else of a process lies terabytes away.
const reach = 1 << 38

// parseMaps returns the memory of a process that may be the heap's, of the form of
// /proc/self/maps: private, writable, of no file, and near an address that is known to be
// of the heap. Neighbours are one.
func parseMaps(r io.Reader, object uintptr) []span {
	var spans []span
	first := object &^ (reach - 1)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		// from-to mode offset device inode [path]; Go names its memory since 1.25, where Linux knows names
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 || fields[1] != "rw-p" {
			continue
		}
		if path := strings.Join(fields[5:], " "); path != "" && !strings.HasPrefix(path, "[anon: Go: heap") {
			continue
		}
		from, to, ok := parseSpan(fields[0])
		if !ok || from < first || to > first+reach {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].to == from {
			spans[n-1].to = to
			continue
		}
		spans = append(spans, span{from, to})
	}
	return spans
}

func parseSpan(s string) (from, to uintptr, ok bool) {
	a, b, _ := strings.Cut(s, "-")
	x, err := strconv.ParseUint(a, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	y, err := strconv.ParseUint(b, 16, 64)
	return uintptr(x), uintptr(y), err == nil
}
