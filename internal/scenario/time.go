package scenario

import (
	"strconv"
	"strings"
	"time"
)

// maxSpan bounds how far from its start a case may look, in ms: time passes
// minute by minute.
const maxSpan = int64(1000 * 24 * time.Hour / time.Millisecond)

const (
	acceptedSpan = "a span of time such as 90s, 1h30m, 2d or 500ms"
	acceptedTime = acceptedSpan + " from the case's start (-2d is before it), or RFC 3339, at most 1000 days away"
)

var units = [...]struct {
	name string
	ms   int64
}{{"ms", 1}, {"d", 24 * 3_600_000}, {"h", 3_600_000}, {"m", 60_000}, {"s", 1000}}

// parseSpan reads a span of time in ms: whole numbers with d, h, m, s or ms.
func parseSpan(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	var total int64
	for s != "" {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil || n > maxSpan {
			return 0, false
		}
		s = s[digits:]
		found := false
		for _, u := range units {
			if rest, ok := strings.CutPrefix(s, u.name); ok {
				total += n * u.ms
				s, found = rest, true
				break
			}
		}
		if !found || total > maxSpan {
			return 0, false
		}
	}
	return total, true
}

// parseTime reads a time in ms: a span from the start, or RFC 3339.
func parseTime(s string, start int64) (int64, bool) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		ms := t.UnixMilli()
		return ms, ms-start <= maxSpan && start-ms <= maxSpan
	}
	before, negative := strings.CutPrefix(s, "-")
	d, ok := parseSpan(before)
	if negative {
		d = -d
	}
	return start + d, ok
}

// formatTime writes a time as the span from the start, as parseTime reads it.
func formatTime(t, start int64) string {
	d := t - start
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range append(units[1:], units[0]) {
		if n := d / u.ms; n > 0 {
			b.WriteString(strconv.FormatInt(n, 10) + u.name)
			d -= n * u.ms
		}
	}
	return b.String()
}
