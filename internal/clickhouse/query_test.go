package clickhouse

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/sqlprint"
)

func TestQueryFormats(t *testing.T) {
	c := migrated(t)
	const statement = `SELECT number AS n, if(number = 1, NULL, number / 2) AS half, concat('a', toString(number), '\t') AS text,
		toDateTime64('2026-11-22 05:00:00.250', 3, 'UTC') AS at, toDate('2026-11-22') AS day,
		[number, 7] AS list, CAST('warn', 'Enum8(\'none\' = 0, \'warn\' = 1)') AS word FROM system.numbers LIMIT 2`
	for format, want := range map[sqlprint.Format]string{
		sqlprint.FormatTable: `n  half  text  at                      day         list    word
─  ────  ────  ──────────────────────  ──────────  ──────  ────
0     0  a0\t  2026-11-22 05:00:00.25  2026-11-22  [0, 7]  warn
1  NULL  a1\t  2026-11-22 05:00:00.25  2026-11-22  [1, 7]  warn
(2 rows)
`,
		sqlprint.FormatJSON: `{"n":0,"half":0,"text":"a0\t","at":"2026-11-22T05:00:00.25Z","day":"2026-11-22","list":[0,7],"word":"warn"}
{"n":1,"half":null,"text":"a1\t","at":"2026-11-22T05:00:00.25Z","day":"2026-11-22","list":[1,7],"word":"warn"}
`,
		sqlprint.FormatCSV: "n,half,text,at,day,list,word\n0,0,a0\t,2026-11-22 05:00:00.25,2026-11-22,\"[0, 7]\",warn\n" +
			"1,,a1\t,2026-11-22 05:00:00.25,2026-11-22,\"[1, 7]\",warn\n",
		sqlprint.FormatVertical: `── row 1
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
		n, err := c.Query(within(t), statement, sqlprint.New(&out, format))
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
	if _, err := c.Query(within(t), "CREATE TABLE mine (a UInt8) ENGINE = Memory", sqlprint.New(&out, sqlprint.FormatTable)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(within(t), "INSERT INTO mine SELECT 1", sqlprint.New(&out, sqlprint.FormatTable)); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Errorf("wrote %q", out.String())
	}
	if got := ask(t, c, "SELECT a FROM mine"); got != "{\"a\":1}\n" {
		t.Errorf("got %q", got)
	}
	if n, err := c.Query(within(t), "SELECT a FROM mine WHERE a > 1", sqlprint.New(&out, sqlprint.FormatTable)); n != 0 || err != nil || out.String() != "a\n─\n(0 rows)\n" {
		t.Errorf("no rows: %d, %v, %q", n, err, out.String())
	}
}

func TestQueryTellsWhatTheServerSays(t *testing.T) {
	c := migrated(t)
	_, err := c.Query(within(t), "SELECT nothing FROM hourly", sqlprint.New(new(strings.Builder), sqlprint.FormatTable))
	if err == nil || !strings.Contains(err.Error(), "code 47") || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestQueryEndsWithItsReader(t *testing.T) {
	c := migrated(t)
	ctx := within(t)
	_, err := c.Query(ctx, "SELECT number FROM system.numbers", sqlprint.New(broken{}, sqlprint.FormatCSV))
	if err == nil || !strings.Contains(err.Error(), "pipe closed") || ctx.Err() != nil {
		t.Errorf("an endless result into a closed pipe returns %v", err)
	}
}
