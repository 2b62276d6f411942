package chdb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sendwatch/internal/embedded/embeddedtest"
)

// connect opens a clickhouse-go pool to the shared engine, in a database of
// the test's own.
func connect(t testing.TB, change func(*clickhouse.Options)) clickhouse.Conn {
	t.Helper()
	addr, database := embeddedtest.ClickHouse(t)
	opts := &clickhouse.Options{Addr: []string{addr}, Auth: clickhouse.Auth{Database: database}}
	if change != nil {
		change(opts)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func mustExec(t testing.TB, conn clickhouse.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPingAndVersion(t *testing.T) {
	conn := connect(t, nil)
	if err := conn.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := conn.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v.Version.Major < 26 {
		t.Errorf("version %v, expected 26 or newer", v.Version)
	}
}

// compressions is the ways in which blocks may travel.
func compressions() map[string]*clickhouse.Compression {
	return map[string]*clickhouse.Compression{
		"none": nil,
		"lz4":  {Method: clickhouse.CompressionLZ4},
		"zstd": {Method: clickhouse.CompressionZSTD},
	}
}

func TestTypesRoundTrip(t *testing.T) {
	for name, compression := range compressions() {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, func(o *clickhouse.Options) { o.Compression = compression })
			typesRoundTrip(t, conn)
		})
	}
}

func typesRoundTrip(t *testing.T, conn clickhouse.Conn) {
	t.Helper()
	mustExec(t, conn, `CREATE TABLE matrix (
		id UInt32, u8 UInt8, i64 Int64, f64 Float64, b Bool, s String, fs FixedString(4),
		lc LowCardinality(String), lcn LowCardinality(Nullable(String)), ns Nullable(String), nu Nullable(UInt64),
		au Array(UInt32), alc Array(LowCardinality(String)), aas Array(Array(String)),
		m Map(LowCardinality(String), UInt64), mas Map(String, Array(UInt8)), tu Tuple(a UInt8, b String),
		e8 Enum8('low' = 1, 'a, (b)' = 2), e16 Enum16('x' = 1000),
		d Date, d32 Date32, dt DateTime('UTC'), dt64 DateTime64(3, 'UTC'), u UUID, ip IPv6, ip4 IPv4,
		dec Decimal(12, 3), i128 Int128, saf SimpleAggregateFunction(max, UInt64), n Nested(k String, v UInt8)
	) ENGINE = MergeTree ORDER BY id`)

	type row = []any
	text := func(s string) *string { return &s }
	number := func(n uint64) *uint64 { return &n }
	when := time.Date(2026, 11, 22, 5, 30, 1, 123e6, time.UTC)
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	rows := []row{
		{
			uint32(1), uint8(255), int64(math.MinInt64), 1.5, true, "päule\x00x", "abcd",
			"x", text("y"), text("z"), number(7),
			[]uint32{1, 2, 3},
			[]string{"p", "q", "p"},
			[][]string{{"a"}, {}, {"b", "c"}},
			map[string]uint64{"k": 1, "l": math.MaxUint64},
			map[string][]uint8{"m": {1, 2}},
			map[string]any{"a": uint8(1), "b": "t"},
			"a, (b)", "x",
			day, day, when.Truncate(time.Second), when, uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"), "2001:db8::1", "10.0.0.1",
			decimal.RequireFromString("12345.678"), big.NewInt(-5), uint64(9),
			[]string{"n1", "n2"},
			[]uint8{1, 2},
		},
		{
			uint32(2), uint8(0), int64(1), math.Inf(1), false, "", "\x00\x00\x00\x00",
			"", (*string)(nil), (*string)(nil), (*uint64)(nil),
			[]uint32{},
			[]string{},
			[][]string{},
			map[string]uint64{},
			map[string][]uint8{},
			map[string]any{"a": uint8(0), "b": ""},
			"low", "x",
			day, day, when.Truncate(time.Second), when,
			uuid.UUID{},
			"::", "0.0.0.0",
			decimal.RequireFromString("-0.001"), big.NewInt(1), uint64(0),
			[]string{},
			[]uint8{},
		},
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO matrix")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := batch.Append(r...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}

	// The engine prints what it stored, and compares it with literals itself.
	var printed, same uint64
	err = conn.QueryRow(t.Context(), `SELECT count(), countIf(
		(id = 1 AND u8 = 255 AND i64 = toInt64('-9223372036854775808') AND f64 = 1.5 AND b AND s = 'päule\0x' AND fs = 'abcd'
			AND lc = 'x' AND lcn = 'y' AND ns = 'z' AND nu = 7 AND au = [1, 2, 3] AND alc = ['p', 'q', 'p'] AND aas = [['a'], [], ['b', 'c']]
			AND mapSort(m) = map('k', 1, 'l', 18446744073709551615) AND mas = map('m', [1, 2]) AND tu = (1, 't') AND e8 = 'a, (b)' AND e16 = 'x'
			AND d = '2026-11-22' AND d32 = '2026-11-22' AND dt = '2026-11-22 05:30:01' AND dt64 = '2026-11-22 05:30:01.123'
			AND u = '00112233-4455-6677-8899-aabbccddeeff' AND ip = '2001:db8::1' AND ip4 = '10.0.0.1' AND dec = 12345.678
			AND i128 = -5 AND saf = 9 AND n.k = ['n1', 'n2'] AND n.v = [1, 2])
		OR (id = 2 AND isInfinite(f64) AND lcn IS NULL AND ns IS NULL AND nu IS NULL AND empty(alc) AND empty(m) AND e8 = 'low' AND dec = toDecimal64('-0.001', 3))
	) FROM matrix`).Scan(&printed, &same)
	if err != nil {
		t.Fatal(err)
	}
	if printed != 2 || same != 2 {
		t.Errorf("%d rows stored, %d as sent; expected 2 and 2", printed, same)
	}

	var (
		lcn, ns *string
		nu      *uint64
		alc     []string
		aas     [][]string
		m       map[string]uint64
		mas     map[string][]uint8
		e8      string
		dt64    time.Time
		nk      []string
	)
	err = conn.QueryRow(t.Context(), "SELECT lcn, ns, nu, alc, aas, m, mas, e8, dt64, n.k FROM matrix WHERE id = ?", 1).
		Scan(&lcn, &ns, &nu, &alc, &aas, &m, &mas, &e8, &dt64, &nk)
	if err != nil {
		t.Fatal(err)
	}
	got := row{lcn, ns, nu, alc, aas, m, mas, e8, dt64.UTC(), nk}
	want := row{rows[0][8], rows[0][9], rows[0][10], rows[0][12], rows[0][13], rows[0][14], rows[0][15], "a, (b)", when, rows[0][29]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-sent +read):\n%s", diff)
	}
}

func TestInsertWithColumnListAndDefaults(t *testing.T) {
	conn := connect(t, nil)
	mustExec(t, conn, "CREATE TABLE d (a UInt32, b UInt32 DEFAULT a * 2, c UInt32 MATERIALIZED a + 1, `odd name` String) ENGINE = MergeTree ORDER BY a")
	for _, insert := range []string{
		"INSERT INTO d (a, `odd name`)",
		"INSERT INTO d (`odd name`, a)",
	} {
		batch, err := conn.PrepareBatch(t.Context(), insert)
		if err != nil {
			t.Fatalf("%s: %v", insert, err)
		}
		// clickhouse-go puts the columns in the order of the statement.
		values := []any{uint32(5), "n"}
		if insert == "INSERT INTO d (`odd name`, a)" {
			values = []any{"n", uint32(5)}
		}
		if err := batch.Append(values...); err != nil {
			t.Fatalf("%s: %v", insert, err)
		}
		if err := batch.Send(); err != nil {
			t.Fatalf("%s: %v", insert, err)
		}
	}
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM d WHERE a = 5 AND b = 10 AND c = 6 AND `odd name` = 'n'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("%d rows with their defaults, expected 2", n)
	}
}

func TestInsertWithRowsInTheText(t *testing.T) {
	conn := connect(t, nil)
	mustExec(t, conn, "CREATE TABLE v (a UInt32, s String) ENGINE = Memory")
	mustExec(t, conn, "INSERT INTO v VALUES (1, 'x'), (2, ?)", "it's")
	mustExec(t, conn, "INSERT INTO v SELECT a + 10, s FROM v")
	var s string
	if err := conn.QueryRow(t.Context(), "SELECT arrayStringConcat(arraySort(groupArray(s)), ',') FROM v").Scan(&s); err != nil {
		t.Fatal(err)
	}
	if s != "it's,it's,x,x" {
		t.Errorf("stored %q", s)
	}
}

func TestExceptionsCarryCodeAndLeaveTheConnectionUsable(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	mustExec(t, conn, "CREATE TABLE e (a UInt32) ENGINE = MergeTree ORDER BY a")
	for _, c := range []struct {
		sql  string
		code int32
	}{
		{"SELECT * FROM nowhere", 60},
		{"SELEC 1", 62},
		{"SELECT throwIf(number = 70000) FROM numbers(100000)", 395},
		{"CREATE TABLE e (a UInt32) ENGINE = MergeTree ORDER BY a", 57},
	} {
		err := conn.Exec(t.Context(), c.sql)
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v, expected an exception with code %d", c.sql, err, c.code)
		}
	}
	for insert, code := range map[string]int32{"INSERT INTO nowhere": 60, "INSERT INTO e (nothing)": 47} {
		_, err := conn.PrepareBatch(t.Context(), insert)
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v, expected an exception with code %d", insert, err, code)
		}
	}
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("after exceptions: %v", err)
	}
}

func TestInsertRefusedByTheEngine(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	mustExec(t, conn, "CREATE TABLE r (a UInt32, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO r")
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Append(uint32(11)); err != nil {
		t.Fatal(err)
	}
	err = batch.Send()
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != 469 {
		t.Errorf("got %v, expected VIOLATED_CONSTRAINT (469)", err)
	}
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestEmptyResultHasItsColumns(t *testing.T) {
	conn := connect(t, nil)
	mustExec(t, conn, "CREATE TABLE none (a UInt32, s LowCardinality(String)) ENGINE = Memory")
	rows, err := conn.Query(t.Context(), "SELECT a, s FROM none;")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "s"}, rows.Columns()); diff != "" {
		t.Error(diff)
	}
	if rows.Next() {
		t.Error("a row came from nowhere")
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Error(err)
	}
}

func TestStatementsThatAreNoSelect(t *testing.T) {
	conn := connect(t, nil)
	mustExec(t, conn, "CREATE TABLE one (a UInt32) ENGINE = Memory")
	for sql, want := range map[string]string{
		"SHOW TABLES":                      "one",
		"EXISTS TABLE one FORMAT TSV":      "1",
		"SELECT toString(1) FORMAT Pretty": "1",
	} {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if !rows.Next() {
			t.Fatalf("%s: no row", sql)
		}
		var text string
		var number uint8
		if err := rows.Scan(&text); err != nil {
			if err := rows.Scan(&number); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			text = strconv.FormatUint(uint64(number), 10)
		}
		if text != want {
			t.Errorf("%s: got %q, expected %q", sql, text, want)
		}
		if err := rows.Close(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestSettingsLastOneQuery(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) {
		o.MaxOpenConns = 1
		o.Settings = clickhouse.Settings{"max_block_size": 1000}
	})
	ask := func(ctx context.Context, setting string) string {
		t.Helper()
		var v string
		if err := conn.QueryRow(ctx, "SELECT toString(getSetting(?))", setting).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	with := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_result_rows": 77}))
	if v := ask(with, "max_result_rows"); v != "77" {
		t.Errorf("the query's setting is %s, expected 77", v)
	}
	if v := ask(t.Context(), "max_result_rows"); v != "0" {
		t.Errorf("the setting outlived its query: %s, expected 0", v)
	}
	if v := ask(t.Context(), "max_block_size"); v != "1000" {
		t.Errorf("the connection's setting is %s, expected 1000", v)
	}
	bad := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	var e *clickhouse.Exception
	if err := conn.Exec(bad, "SELECT 1"); !errors.As(err, &e) || e.Code != 115 {
		t.Errorf("got %v, expected UNKNOWN_SETTING (115)", err)
	}
}

// TestEndlessResultIsStreamed reads from a result that has no end: it could
// not be read at all if it had to be whole first.
func TestEndlessResultIsStreamed(t *testing.T) {
	conn := connect(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := conn.Query(ctx, "SELECT number, repeat('x', 100) FROM system.numbers")
	if err != nil {
		t.Fatal(err)
	}
	const n = 300_000
	var count, sum, number uint64
	var text string
	for count < n && rows.Next() {
		if err := rows.Scan(&number, &text); err != nil {
			t.Fatal(err)
		}
		count, sum = count+1, sum+number
	}
	if count != n || sum != n*(n-1)/2 {
		t.Errorf("%d rows with sum %d, expected %d rows in order (%v)", count, sum, n, rows.Err())
	}
	cancel()
	if err := rows.Close(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCancelEndsTheStatement(t *testing.T) {
	watch := connect(t, nil)
	for _, sql := range []string{
		"SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number) -- endless",
		"SELECT number FROM numbers(1000000000000) -- endless",
	} {
		conn := connect(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			rows, err := conn.Query(ctx, sql)
			if err != nil {
				ended <- err
				return
			}
			for rows.Next() {
			}
			ended <- errors.Join(rows.Err(), rows.Close())
		}()
		running := func() uint64 {
			var n uint64
			err := watch.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%endless' AND query NOT LIKE '%processes%'").Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		embeddedtest.Eventually(t, 10*time.Second, "the statement runs", func() bool { return running() == 1 })
		cancel()
		if err := <-ended; err == nil {
			t.Errorf("%s ended without an error", sql)
		}
		embeddedtest.Eventually(t, 10*time.Second, "the statement is gone", func() bool { return running() == 0 })
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) { o.MaxOpenConns = 8; o.MaxIdleConns = 8 })
	mustExec(t, conn, "CREATE TABLE c (worker UInt32, n UInt32) ENGINE = MergeTree ORDER BY (worker, n)")
	const workers, batches, size = 8, 5, 1000
	errs := make(chan error, workers)
	for w := range workers {
		go func() {
			errs <- func() error {
				for b := range batches {
					batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO c (worker, n)")
					if err != nil {
						return err
					}
					for i := range size {
						if err := batch.Append(uint32(w), uint32(b*size+i)); err != nil {
							return err
						}
					}
					if err := batch.Send(); err != nil {
						return err
					}
					var n uint64
					if err := conn.QueryRow(t.Context(), "SELECT count() FROM c WHERE worker = ?", uint32(w)).Scan(&n); err != nil {
						return err
					}
					if want := uint64((b + 1) * size); n != want {
						return fmt.Errorf("worker %d sees %d of its rows, expected %d", w, n, want)
					}
				}
				return nil
			}()
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
