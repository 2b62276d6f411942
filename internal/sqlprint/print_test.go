package sqlprint

import (
	"bufio"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTableWidths(t *testing.T) {
	var out strings.Builder
	p := New(&out, FormatTable)
	if err := p.Begin([]string{"name", "n"}, []bool{false, true}); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{{"日本", 1.5}, {"e\u0301te\u0301", 0.123456789}, {"\x1b[31mred", nil}, {strings.Repeat("x", 200), math.Inf(1)}} {
		if err := p.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		if got := cells.StringWidth(line); got != maxCell+2+8 {
			t.Errorf("%d columns wide, want %d: %q", got, maxCell+10, line)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("an escape sequence reached the terminal")
	}
	if !strings.Contains(out.String(), "…") || !strings.Contains(out.String(), " NULL\n") {
		t.Errorf("got\n%s", out.String())
	}
}

// TestTableStaysBounded writes more rows than decide the widths.
func TestTableStaysBounded(t *testing.T) {
	var out strings.Builder
	p := &tablePrinter{w: bufio.NewWriter(&out)}
	if err := p.Begin([]string{"n"}, []bool{true}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * sampleRows {
		if err := p.Row([]any{i}); err != nil {
			t.Fatal(err)
		}
		if len(p.sample) >= sampleRows {
			t.Fatalf("%d rows are kept", len(p.sample))
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != 3*sampleRows+3 {
		t.Errorf("%d lines", got)
	}
}

func TestTextOfTimesIsUTC(t *testing.T) {
	zone := time.FixedZone("far", 9*3600)
	if got := text(time.Date(2026, 1, 1, 9, 0, 0, 0, zone)); got != "2026-01-01 00:00:00" {
		t.Errorf("got %s", got)
	}
}

// Integers that a double cannot hold are strings, so that a hash that JavaScript
// or jq reads is the one that was stored; counts stay numbers.
func TestJSONKeepsEveryInteger(t *testing.T) {
	var out strings.Builder
	p := New(&out, FormatJSON)
	if err := p.Begin([]string{"v", "list"}, []bool{true, false}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{uint64(1) << 53, uint64(1)<<53 + 1, uint64(math.MaxUint64), int64(-1) << 53, int64(math.MinInt64), uint32(math.MaxUint32)} {
		if err := p.Row([]any{v, []uint64{7, math.MaxUint64}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	const list = `,"list":[7,"18446744073709551615"]}` + "\n"
	want := `{"v":9007199254740992` + list + `{"v":"9007199254740993"` + list + `{"v":"18446744073709551615"` + list +
		`{"v":-9007199254740992` + list + `{"v":"-9223372036854775808"` + list + `{"v":4294967295` + list
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
