package clickhouse

import (
	"bufio"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQueryFormats(t *testing.T) {
	c := migrated(t)
	const statement = `SELECT number AS n, if(number = 1, NULL, number / 2) AS half, concat('a', toString(number), '\t') AS text,
		toDateTime64('2026-11-22 05:00:00.250', 3, 'UTC') AS at, toDate('2026-11-22') AS day,
		[number, 7] AS list, CAST('warn', 'Enum8(\'none\' = 0, \'warn\' = 1)') AS word FROM system.numbers LIMIT 2`
	for format, want := range map[Format]string{
		FormatTable: `n  half  text  at                      day         list    word
─  ────  ────  ──────────────────────  ──────────  ──────  ────
0     0  a0\t  2026-11-22 05:00:00.25  2026-11-22  [0, 7]  warn
1  NULL  a1\t  2026-11-22 05:00:00.25  2026-11-22  [1, 7]  warn
(2 rows)
`,
		FormatJSON: `{"n":0,"half":0,"text":"a0\t","at":"2026-11-22T05:00:00.25Z","day":"2026-11-22","list":[0,7],"word":"warn"}
{"n":1,"half":null,"text":"a1\t","at":"2026-11-22T05:00:00.25Z","day":"2026-11-22","list":[1,7],"word":"warn"}
`,
		FormatCSV: "n,half,text,at,day,list,word\n0,0,a0\t,2026-11-22 05:00:00.25,2026-11-22,\"[0, 7]\",warn\n" +
			"1,,a1\t,2026-11-22 05:00:00.25,2026-11-22,\"[1, 7]\",warn\n",
		FormatTSV: "n\thalf\ttext\tat\tday\tlist\tword\n0\t0\ta0\\t\t2026-11-22 05:00:00.25\t2026-11-22\t[0, 7]\twarn\n" +
			"1\t\\N\ta1\\t\t2026-11-22 05:00:00.25\t2026-11-22\t[1, 7]\twarn\n",
		FormatVertical: `── row 1
n     0
half  0
text  a0\t
at    2026-11-22 05:00:00.25
day   2026-11-22
list  [0, 7]
word  warn
── row 2
n     1
half  NULL
text  a1\t
at    2026-11-22 05:00:00.25
day   2026-11-22
list  [1, 7]
word  warn
`,
	} {
		var out strings.Builder
		n, err := c.Query(within(t), &out, statement, format)
		if err != nil || n != 2 {
			t.Errorf("%s: %d rows, %v", format, n, err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", format, diff)
		}
	}
}

func TestQueryWithoutAResult(t *testing.T) {
	c := migrated(t)
	var out strings.Builder
	if _, err := c.Query(within(t), &out, "CREATE TABLE mine (a UInt8) ENGINE = Memory", FormatTable); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(within(t), &out, "INSERT INTO mine SELECT 1", FormatTable); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Errorf("wrote %q", out.String())
	}
	if got := ask(t, c, "SELECT a FROM mine"); got != "{\"a\":1}\n" {
		t.Errorf("got %q", got)
	}
	if n, err := c.Query(within(t), &out, "SELECT a FROM mine WHERE a > 1", FormatTable); n != 0 || err != nil || out.String() != "a\n─\n(0 rows)\n" {
		t.Errorf("no rows: %d, %v, %q", n, err, out.String())
	}
}

func TestQueryTellsWhatTheServerSays(t *testing.T) {
	c := migrated(t)
	_, err := c.Query(within(t), new(strings.Builder), "SELECT nothing FROM hourly", FormatTable)
	if err == nil || !strings.Contains(err.Error(), "code 47") || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestQueryEndsWithItsReader(t *testing.T) {
	c := migrated(t)
	ctx := within(t)
	_, err := c.Query(ctx, broken{}, "SELECT number FROM system.numbers", FormatCSV)
	if err == nil || !strings.Contains(err.Error(), "pipe closed") || ctx.Err() != nil {
		t.Errorf("an endless result into a closed pipe gives %v", err)
	}
}

func TestTableWidths(t *testing.T) {
	var out strings.Builder
	p := FormatTable.printer(&out)
	if err := p.begin([]Column{{Name: "name"}, {Name: "n", Number: true}}); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{{"日本", 1.5}, {"e\u0301te\u0301", 0.123456789}, {"\x1b[31mred", nil}, {strings.Repeat("x", 200), math.Inf(1)}} {
		if err := p.row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		if got := displayWidth(line); got != maxCell+2+8 {
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
	if err := p.begin([]Column{{Name: "n", Number: true}}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * sampleRows {
		if err := p.row([]any{i}); err != nil {
			t.Fatal(err)
		}
		if len(p.sample) >= sampleRows {
			t.Fatalf("%d rows are kept", len(p.sample))
		}
	}
	if err := p.end(); err != nil {
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
