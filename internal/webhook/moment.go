package webhook

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Times before 2009, when WhatsApp began, and after 2100 are no times.
const (
	earliest = 1230768000000
	latest   = 4102444800000
)

// layouts are the ways in which providers write a time, after the T: with and
// without a colon in the offset, with a space before it, or without an offset,
// which means UTC. Go reads a fraction of a second of any length after each.
// The last two are Twilio's (RFC 2822), in answers of its API.
func layouts() []string {
	return []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
		"2006-01-02T15:04:05 Z07:00", "2006-01-02T15:04:05 Z0700", "2006-01-02T15:04:05 MST", "2006-01-02T15:04Z07:00",
		time.RFC1123Z, time.RFC1123,
	}
}

// millis reads a time in any of the forms of the providers: seconds,
// milliseconds, microseconds or nanoseconds since 1970 (distinguished by size:
// from 10^12 on it is milliseconds, as seen from Meta now and then), whole or
// with a fraction, as a number or a string; an ISO time; a 64-bit number in two
// halves (Baileys); or seconds and nanos (Protobuf).
func millis(v any) (int64, bool) {
	switch t := v.(type) {
	case json.Number:
		return epoch(t.String())
	case string:
		s := strings.TrimSpace(t)
		if ms, ok := epoch(s); ok {
			return ms, true
		}
		return written(s)
	case map[string]any:
		if low, ok := integer(t, "low"); ok {
			high, _ := integer(t, "high")
			return epoch(strconv.FormatInt(high<<32|low&math.MaxUint32, 10))
		}
		if has(t, "seconds") {
			return millis(t["seconds"])
		}
	}
	return 0, false
}

// epoch reads a count since 1970. Digits are cut, never rounded: 1795860000.9999
// is in that second.
func epoch(s string) (int64, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || digits(fraction) != fraction {
		f, err := strconv.ParseFloat(s, 64) // 1.79586e9
		if err != nil || !(math.Abs(f) < 1e19) {
			return 0, false
		}
		n, fraction = int64(f), ""
	}
	switch {
	case n >= 1e18:
		n /= 1e6
	case n >= 1e15:
		n /= 1e3
	case n >= 1e12:
	default:
		n *= 1000
		part, err := strconv.ParseInt((fraction + "000")[:3], 10, 64)
		if err == nil && part > 0 {
			n += part
		}
	}
	return n, n >= earliest && n < latest
}

// written reads a time in words.
func written(s string) (int64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	if len(s) > 10 && s[10] == ' ' && s[4] == '-' {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range layouts() {
		if t, err := time.Parse(layout, s); err == nil {
			ms := t.UnixMilli()
			return ms, ms >= earliest && ms < latest
		}
	}
	return 0, false
}

// at returns the first of the values that is a time, else the time of receipt,
// else the one that is assumed.
func (c *call) at(values ...any) int64 {
	for _, v := range values {
		if ms, ok := millis(v); ok {
			return ms
		}
	}
	if c.source.ReceivedAt != 0 {
		return c.source.ReceivedAt
	}
	return c.source.AssumedAt
}

// received returns the time of receipt if it is known, else the first of the
// values that is a time.
func (c *call) received(values ...any) int64 {
	if c.source.ReceivedAt != 0 {
		return c.source.ReceivedAt
	}
	return c.at(values...)
}
