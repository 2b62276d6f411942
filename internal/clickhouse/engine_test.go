package clickhouse

import (
	"context"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/sqlprint"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// open returns a client of a fresh database on the real engine.
func open(t testing.TB) *Client {
	t.Helper()
	address, database := embeddedtest.ClickHouse(t)
	c, err := Open(Config{Addresses: []string{address}, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// migrated returns a client of a database with the whole schema.
func migrated(t testing.TB) *Client {
	t.Helper()
	c := open(t)
	if _, err := c.Migrate(within(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

// within bounds what a test asks of the engine.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// ask returns the result of a query, one JSON object a line.
func ask(t testing.TB, c *Client, statement string) string {
	t.Helper()
	var out strings.Builder
	if _, err := c.Query(within(t), statement, sqlprint.New(&out, sqlprint.FormatJSON)); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return out.String()
}
