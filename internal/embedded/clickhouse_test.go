package embedded_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/goleak"

	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/embeddedtest"
)

// serve opens and runs an engine of the test's own. stop ends it and waits.
func serve(t *testing.T, cfg chdb.Config) (s *chdb.Server, stop func()) {
	t.Helper()
	s = chdb.New(cfg)
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the server does not end")
		}
	}
}

func open(t *testing.T, addr string, auth clickhouse.Auth) clickhouse.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestClickHouseLifecycle opens, fills, closes and reopens data folders. It is
// here and not in chdb's own tests because one process has one engine, which
// those share.
func TestClickHouseLifecycle(t *testing.T) {
	embeddedtest.NeedClickHouse(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	cfg := chdb.Config{Dir: t.TempDir(), User: "analyst", Password: "let me in"}
	right := clickhouse.Auth{Username: cfg.User, Password: cfg.Password}

	s, stop := serve(t, cfg)
	for _, auth := range []clickhouse.Auth{{}, {Username: "analyst", Password: "let me"}, {Username: "other", Password: "let me in"}} {
		conn := open(t, s.Addr(), auth)
		var e *clickhouse.Exception
		if err := conn.Ping(t.Context()); !errors.As(err, &e) || e.Code != 516 {
			t.Errorf("user %q: got %v, expected AUTHENTICATION_FAILED (516)", auth.Username, err)
		}
		_ = conn.Close()
	}
	conn := open(t, s.Addr(), right)
	for _, sql := range []string{"CREATE TABLE kept (a UInt32) ENGINE = MergeTree ORDER BY a", "INSERT INTO kept VALUES (1), (2)"} {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	missing := open(t, s.Addr(), clickhouse.Auth{Username: cfg.User, Password: cfg.Password, Database: "nowhere"})
	var e *clickhouse.Exception
	if err := missing.Ping(t.Context()); !errors.As(err, &e) || e.Code != 81 {
		t.Errorf("got %v, expected UNKNOWN_DATABASE (81)", err)
	}
	_ = missing.Close()

	other := chdb.New(chdb.Config{Dir: t.TempDir()})
	if err := other.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "one data folder") {
		t.Errorf("a second folder: got %v", err)
	}
	taken := chdb.New(chdb.Config{Dir: cfg.Dir, Listen: s.Addr()})
	if err := taken.Open(t.Context()); err == nil {
		t.Error("two servers listen on one port")
	}
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("after refused servers: %v", err)
	}

	// A statement runs while the server ends.
	running := make(chan error, 1)
	go func() {
		running <- conn.Exec(context.Background(), "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)")
	}()
	watch := open(t, s.Addr(), right)
	embeddedtest.Eventually(t, 10*time.Second, "the statement runs", func() bool {
		var n uint64
		if err := watch.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%ignore(number)' AND query NOT LIKE '%processes%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	stop()
	if err := <-running; err == nil {
		t.Error("an endless statement ended well")
	}
	if err := errors.Join(conn.Close(), watch.Close()); err != nil {
		t.Error(err)
	}

	s, stop = serve(t, cfg)
	conn = open(t, s.Addr(), right)
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM kept").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows were kept, expected 2 (%v)", n, err)
	}
	_ = conn.Close()
	stop()

	s, stop = serve(t, chdb.Config{})
	conn = open(t, s.Addr(), clickhouse.Auth{})
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM system.tables WHERE name = 'kept'").Scan(&n); err != nil || n != 0 {
		t.Errorf("a new folder has %d old tables (%v)", n, err)
	}
	_ = conn.Close()
	stop()
	if entries, err := os.ReadDir(temp); err != nil || len(entries) != 0 {
		t.Errorf("temporary data is left: %v, %v", entries, err)
	}

	unused := chdb.New(chdb.Config{})
	if err := unused.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unused.Close(), unused.Close()); err != nil {
		t.Error(err)
	}
}

// TestClickHouseSurvivesBadBytes sends what is not the protocol and then asks
// whether the server still works.
func TestClickHouseSurvivesBadBytes(t *testing.T) {
	embeddedtest.NeedClickHouse(t)
	s, stop := serve(t, chdb.Config{})
	defer stop()
	hello := "\x00\x01c\x01\x01\xb5\xa9\x03\x00\x00\x00" // a client "c" of revision 54453
	for name, bytes := range map[string]string{
		"nothing":          "",
		"http":             "GET / HTTP/1.1\r\n\r\n",
		"zeros":            strings.Repeat("\x00", 1000),
		"a long name":      "\x00\xff\xff\xff\xff\x7f",
		"an old client":    "\x00\x01c\x01\x01\x01\x00\x00\x00",
		"no packet":        hello + "\x7f",
		"data alone":       hello + "\x02\x00\x01\x00",
		"half a query":     hello + "\x01\x02id\x01",
		"a huge statement": hello + "\x01\x00\x00\x00\x00\x02\x00\xff\xff\xff\xff\xff\x7f",
	} {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, bytes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		// The server ends the connection; a reset is as good as an end.
		var timeout net.Error
		if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: the connection stays open", name)
		}
		_ = conn.Close()
	}
	conn := open(t, s.Addr(), clickhouse.Auth{})
	if err := errors.Join(conn.Ping(t.Context()), conn.Close()); err != nil {
		t.Error(err)
	}
}
