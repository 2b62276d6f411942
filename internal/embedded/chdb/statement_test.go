package chdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseInsert(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want insertStatement
	}{
		{"INSERT INTO t", insertStatement{head: "INSERT INTO t", target: "t"}},
		{" insert into  db . `t 1` (a, `b,(c`) VALUES ", insertStatement{head: "insert into  db . `t 1` (a, `b,(c`)", target: "db . `t 1`", columns: []string{"a", "`b,(c`"}}},
		{"-- why\nINSERT INTO TABLE t FORMAT Native;", insertStatement{head: "-- why\nINSERT INTO TABLE t", target: "t"}},
		{"/* a */ INSERT INTO t (a) SETTINGS async_insert = 1, x = 'VALUES' FORMAT Native", insertStatement{head: "/* a */ INSERT INTO t (a) SETTINGS async_insert = 1, x = 'VALUES'", target: "t", columns: []string{"a"}}},
		{"INSERT INTO t;", insertStatement{head: "INSERT INTO t", target: "t"}},
		{"INSERT INTO FUNCTION null('a UInt8') VALUES", insertStatement{head: "INSERT INTO FUNCTION null('a UInt8')", target: "FUNCTION null('a UInt8')"}},
		{"INSERT INTO t (* EXCEPT (a, b))", insertStatement{head: "INSERT INTO t (* EXCEPT (a, b))", target: "t", columns: []string{"* EXCEPT (a, b)"}}},
	} {
		got, ok := parseInsert(c.sql)
		if !ok {
			t.Errorf("%q does not wait for blocks", c.sql)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(insertStatement{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.sql, diff)
		}
	}
}

func TestStatementsThatWaitForNoBlocks(t *testing.T) {
	for _, sql := range []string{
		"", "SELECT 1", "INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1", "INSERT INTO t (a) SELECT 1", "INSERT INTO t (SELECT 1)",
		"INSERT INTO t WITH 1 AS x SELECT x", "INSERT INTO t FORMAT CSV 1,2", "INSERT INTO t FROM INFILE 'f'", "INSERT", "INSERT INTO", "INSERT INTO t VALUES (1); SELECT 2",
		"INSERT INTO FUNCTION", "INSERT INTO t; SELECT 1", "INSERT INTO t (a", "INSERT INTO (", "'", "`", "/*", "--",
	} {
		if st, ok := parseInsert(sql); ok && st.columns == nil && st.head == "" {
			t.Errorf("%q was taken for an INSERT without a head", sql)
		} else if ok && sql != "INSERT INTO t (a" {
			t.Errorf("%q was taken for an INSERT that waits for blocks: %+v", sql, st)
		}
	}
}

func TestWithoutFormat(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1 FORMAT JSON":                   "SELECT 1 ",
		"SELECT 1 format Native ;":               "SELECT 1 ",
		"SELECT 'x FORMAT JSON'":                 "SELECT 'x FORMAT JSON'",
		"SELECT format FROM t":                   "SELECT format FROM t",
		"SELECT 1 -- FORMAT JSON":                "SELECT 1 -- FORMAT JSON",
		"SELECT 1 FORMAT JSON SETTINGS a = 1":    "SELECT 1 FORMAT JSON SETTINGS a = 1",
		"SELECT (SELECT 1 AS format) AS f":       "SELECT (SELECT 1 AS format) AS f",
		"SELECT format('{}', 1) FORMAT TSV":      "SELECT format('{}', 1) ",
		"SELECT \"format\" FROM t /* FORMAT a*/": "SELECT \"format\" FROM t /* FORMAT a*/",
	} {
		if got := withoutFormat(sql); got != want {
			t.Errorf("%q gives %q, expected %q", sql, got, want)
		}
	}
}

func TestParseException(t *testing.T) {
	for text, want := range map[string]exception{
		"Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE)": {60, "Table x does not exist. (UNKNOWN_TABLE)"},
		"Error: Code: 62. DB::Exception: Syntax":                           {62, "Syntax"},
		"out of luck":                                                      {unknownException, "out of luck"},
		"Code: none":                                                       {unknownException, "Code: none"},
		"Code: 99999999999. x":                                             {unknownException, "Code: 99999999999. x"},
	} {
		if got := parseException(text); *got != want {
			t.Errorf("%q gives %+v, expected %+v", text, *got, want)
		}
	}
}

func FuzzParseInsert(f *testing.F) {
	f.Add("INSERT INTO db.`t` (a, b) VALUES")
	f.Add("INSERT INTO FUNCTION f('x') SETTINGS a = 1 FORMAT Native")
	f.Fuzz(func(t *testing.T, sql string) {
		if st, ok := parseInsert(sql); ok && (st.head == "" || st.target == "") {
			t.Errorf("%q gives %+v", sql, st)
		}
		if cut := withoutFormat(sql); len(cut) > len(sql) {
			t.Errorf("%q grew to %q", sql, cut)
		}
	})
}
