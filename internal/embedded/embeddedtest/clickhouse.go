package embeddedtest

import (
	"context"
	"os"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
)

// ClickHouse returns the address of the shared engine and the name of a fresh
// database in it, which is dropped when the test ends. The user is "default"
// without a password.
func ClickHouse(t testing.TB) (addr, database string) {
	t.Helper()
	server, err := get(&shared, &shared.chdb, startClickHouse)
	need(t, "the embedded ClickHouse engine", err)
	database = shared.uniqueName("test_")
	run(t, context.Background(), server.Addr(), "CREATE DATABASE "+database)
	t.Cleanup(func() { run(t, context.Background(), server.Addr(), "DROP DATABASE "+database+" SYNC") })
	return server.Addr(), database
}

func startClickHouse(ctx context.Context) (*chdb.Server, func() error, error) {
	server := chdb.New(chdb.Config{Report: fetch.Bar(os.Stderr)})
	if err := server.Open(ctx); err != nil {
		return nil, nil, err
	}
	serving, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()
	return server, func() error { stop(); return <-ended }, nil
}

// run runs one statement over a connection of its own.
func run(t testing.TB, ctx context.Context, addr, sql string) {
	t.Helper()
	client, err := ch.Dial(ctx, ch.Options{Address: addr})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Do(ctx, ch.Query{Body: sql, Result: (&proto.Results{}).Auto()}); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

// NeedClickHouse skips or fails a test that runs an engine of its own, as
// ClickHouse does for the shared one, without starting anything.
func NeedClickHouse(t testing.TB) {
	t.Helper()
	need(t, "the embedded ClickHouse engine", chdb.Fetch(context.Background(), fetch.Bar(os.Stderr)))
}
