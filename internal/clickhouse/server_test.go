package clickhouse

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
)

// gate forwards connections to an address and can be shut and opened again.
type gate struct {
	address string
	target  string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	running  sync.WaitGroup
}

// open listens, on the same port as before if it was open already.
func (g *gate) open(t *testing.T) {
	t.Helper()
	if g.address == "" {
		g.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener, g.address = listener, listener.Addr().String()
	g.mu.Unlock()
	g.running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.target)
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				g.running.Go(func() {
					_, _ = io.Copy(way[0], way[1]) // ends with either side
					_, _ = way[0].Close(), way[1].Close()
				})
			}
		}
	})
}

// shut refuses connections and breaks those there are.
func (g *gate) shut() {
	g.mu.Lock()
	_ = g.listener.Close()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	g.running.Wait()
}

// two returns a client of two addresses of one migrated server, its gates, what it
// logs, and a function that moves its clock.
func two(t *testing.T) (c *Client, first, second *gate, log *strings.Builder, forward func(time.Duration)) {
	t.Helper()
	address, database := embeddedtest.ClickHouse(t)
	first, second = &gate{target: address}, &gate{target: address}
	first.open(t)
	second.open(t)
	t.Cleanup(first.shut)
	t.Cleanup(second.shut)
	log = &strings.Builder{}
	c, err := Open(Config{Addresses: []string{first.address, second.address}, Database: database, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var ahead time.Duration
	c.now = func() time.Time { return time.Now().Add(ahead) }
	if _, err := c.Migrate(within(t)); err != nil {
		t.Fatal(err)
	}
	return c, first, second, log, func(d time.Duration) { ahead += d }
}

// row is an output of one row.
func row(number string) *event.Output {
	return &event.Output{NumberMinutes: []event.NumberMinute{{NumberID: number, Minute: monthEdge, Counts: event.Counts{Sent: 1}}}}
}

// TestRowsGoToTheFirstAddressThatAnswers and back to the first once it is back.
func TestRowsGoToTheFirstAddressThatAnswers(t *testing.T) {
	c, first, _, log, forward := two(t)
	w := c.NewWriter()
	write := func(number string) error { return w.Write(within(t), row(number)) }
	if err := write("a"); err != nil || c.current != 0 {
		t.Fatalf("at first: %v, server %d", err, c.current)
	}
	first.shut()
	err := write("b")
	if err != nil && !Retryable(err) {
		t.Fatalf("the first is away: %v", err)
	}
	if err != nil {
		err = write("b") // its connection broke, and rows are written again
	}
	if err != nil || c.current != 1 || !strings.Contains(log.String(), "rows go to another ClickHouse address") {
		t.Fatalf("the first is away: %v, server %d, log %s", err, c.current, log)
	}
	first.open(t)
	if err := write("c"); err != nil || c.current != 1 {
		t.Fatalf("too soon: %v, server %d", err, c.current)
	}
	forward(retryAfter)
	for range 3 { // connections of before may be in the pool still; rows are written again
		if err = write("d"); !Retryable(err) {
			break
		}
	}
	if err != nil || c.current != 0 || !strings.Contains(log.String(), "rows go to the first ClickHouse address again") {
		t.Fatalf("the first is back: %v, server %d, log %s", err, c.current, log)
	}
	if got := ask(t, c, "SELECT count() AS n FROM number_minutes FINAL"); got != "{\"n\":4}\n" {
		t.Errorf("stored %s", got)
	}
	if problems := c.Check(within(t)); len(problems) > 0 {
		t.Errorf("check: %v", problems)
	}
}

// TestRowsAreNotSplitOverStrangers: a second server with tables of its own never
// gets a row.
func TestRowsAreNotSplitOverStrangers(t *testing.T) {
	c, first, _, _, forward := two(t)
	w := c.NewWriter()
	if err := w.Write(within(t), row("a")); err != nil {
		t.Fatal(err)
	}
	// As if the first were another server than the second: the same engine answers
	// at both addresses.
	c.servers[0].holds.uuid = "2f8c4a3e-0000-4000-8000-000000000001"
	first.shut()
	var err error
	for range 2 { // a broken connection is found out by writing
		err = w.Write(within(t), row("b"))
	}
	if !Retryable(err) || !strings.Contains(err.Error(), "not replicated with those of the first address") {
		t.Fatalf("the first is away: %v", err)
	}
	first.open(t)
	forward(retryAfter)
	for range 3 { // connections of before may be in the pool still; rows are written again
		if err = w.Write(within(t), row("b")); !Retryable(err) {
			break
		}
	}
	if err != nil {
		t.Fatalf("the first is back: %v", err)
	}
}

// TestCheckLooksAtEachAddress names the one that does not answer.
func TestCheckLooksAtEachAddress(t *testing.T) {
	c, _, second, _, _ := two(t)
	second.shut()
	problems := c.Check(within(t))
	if len(problems) != 1 || problems[0].Warning || !strings.Contains(problems[0].String(), second.address+": ClickHouse at "+second.address+" does not answer") {
		t.Errorf("problems %v", problems)
	}
	if _, err := c.Migrate(within(t)); err == nil || !strings.Contains(err.Error(), second.address) {
		t.Errorf("migrate: %v", err)
	}
}

func TestSameTables(t *testing.T) {
	for _, test := range []struct {
		a, b tables
		want bool
	}{
		{tables{"u", "ReplacingMergeTree"}, tables{"u", "ReplacingMergeTree"}, true},
		{tables{"u", "ReplacingMergeTree"}, tables{"v", "ReplacingMergeTree"}, false},
		{tables{"", "ReplacingMergeTree"}, tables{"", "ReplacingMergeTree"}, false},
		{tables{"u", "ReplicatedReplacingMergeTree"}, tables{"v", "ReplicatedReplacingMergeTree"}, true},
		{tables{"u", "SharedReplacingMergeTree"}, tables{"v", "SharedReplacingMergeTree"}, true},
		{tables{"u", "ReplicatedReplacingMergeTree"}, tables{"v", "ReplacingMergeTree"}, false},
	} {
		if got := test.a.same(test.b); got != test.want {
			t.Errorf("%v and %v: %t", test.a, test.b, got)
		}
	}
}
