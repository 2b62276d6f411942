package codec

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-01-31T12:00:00Z":                "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00.1Z":              "2026-01-31T12:00:00.1Z",
		"2026-01-31T12:00:00.123999999999Z":   "2026-01-31T12:00:00.123Z",
		"2025-10-10T11:48:36.000-05:00":       "2025-10-10T16:48:36Z",
		"2026-01-31T00:00:00+14:00":           "2026-01-30T10:00:00Z",
		"2026-01-31T00:00:00-00:00":           "2026-01-31T00:00:00Z",
		"2026-01-31T00:00:00+23:59":           "2026-01-30T00:01:00Z",
		"2024-02-29T23:59:59Z":                "2024-02-29T23:59:59Z",
		"2000-02-29T00:00:00Z":                "2000-02-29T00:00:00Z",
		"1969-12-31T23:59:59.5Z":              "1969-12-31T23:59:59.5Z",
		"0000-01-01T00:00:00Z":                "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999-23:59":       "+",
		"2026-12-31T23:59:60Z":                "",
		"2026-02-29T00:00:00Z":                "",
		"1900-02-29T00:00:00Z":                "",
		"2026-04-31T00:00:00Z":                "",
		"2026-00-10T00:00:00Z":                "",
		"2026-13-10T00:00:00Z":                "",
		"2026-01-00T00:00:00Z":                "",
		"2026-01-32T00:00:00Z":                "",
		"2026-01-31T24:00:00Z":                "",
		"2026-01-31T12:60:00Z":                "",
		"2026-01-31T12:00:00":                 "",
		"2026-01-31T12:00:00z":                "",
		"2026-01-31t12:00:00Z":                "",
		"2026-01-31 12:00:00Z":                "",
		"2026-01-31T12:00Z":                   "",
		"2026-01-31T12:00:00.Z":               "",
		"2026-01-31T12:00:00,5Z":              "",
		"2026-01-31T12:00:00+0100":            "",
		"2026-01-31T12:00:00+01":              "",
		"2026-01-31T12:00:00+24:00":           "",
		"2026-01-31T12:00:00+01:60":           "",
		"2026-01-31T12:00:00Z ":               "",
		" 2026-01-31T12:00:00Z":               "",
		"2026-1-31T12:00:00.000Z":             "",
		"20260131T120000Z00000":               "",
		"2026-01-31T12:00:0:Z":                "",
		"+2026-01-31T12:00:00Z":               "",
		"2026-01-31T12:00:00.123456789+05:30": "2026-01-31T06:30:00.123Z",
	} {
		ms, ok := parseTime([]byte(s))
		switch {
		case want == "+":
			if !ok {
				t.Errorf("%s is refused", s)
			}
		case (want != "") != ok:
			t.Errorf("%s gives %v", s, ok)
		case ok:
			if got := time.UnixMilli(ms).UTC().Format(time.RFC3339Nano); got != want {
				t.Errorf("%s is read as %s, want %s", s, got, want)
			}
		}
	}
}

// TestDaysSinceEpoch holds every day of ten thousand years against time.Date.
func TestDaysSinceEpoch(t *testing.T) {
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := day.Unix() / 86400; day.Year() < 10000; n++ {
		y, m, d := day.Date()
		if got := daysSinceEpoch(y, int(m), d); got != n {
			t.Fatalf("%v is day %d, want %d", day, got, n)
		}
		next := day.AddDate(0, 0, 1)
		if last := next.Month() != m; last != (d == daysIn(y, int(m))) {
			t.Fatalf("%v: %d days in the month", day, daysIn(y, int(m)))
		}
		day = next
	}
}

// Times as most producers write them, near to all borders, beside time.Parse.
func TestUsualTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 200_000 {
		s := fmt.Appendf(nil, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", random.IntN(10_000), random.IntN(14), random.IntN(33),
			random.IntN(26), random.IntN(62), random.IntN(62), random.IntN(1000))
		if random.IntN(8) == 0 {
			s[random.IntN(len(s))] = "0/:.,-+TZz \xb1"[random.IntN(12)]
		}
		want, err := time.Parse(time.RFC3339Nano, string(s))
		if err == nil && s[19] == ',' {
			continue // Go's parser takes a comma, RFC 3339 does not
		}
		got, ok := parseTime(s)
		if ok != (err == nil) || ok && got != want.UnixMilli() {
			t.Fatalf("%q is %d %v, want %d %v", s, got, ok, want.UnixMilli(), err)
		}
		if ok {
			accepted++
		}
	}
	if accepted < 50_000 {
		t.Errorf("only %d are times", accepted)
	}
}
