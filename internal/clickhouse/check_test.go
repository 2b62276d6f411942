package clickhouse

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/embeddedtest"
)

// ownEngine is set in the process that may start an engine with other rights than those
// of the shared one: there is one engine a process.
const ownEngine = "SENDWATCH_TEST_OWN_ENGINE"

// TestCheckTriesRights runs the same test in a process of its own.
func TestCheckTriesRights(t *testing.T) {
	if os.Getenv(ownEngine) != "" {
		triesRights(t)
		return
	}
	embeddedtest.NeedClickHouse(t)
	//nolint:gosec // It is this very program.
	again := exec.CommandContext(within(t), os.Args[0], "-test.run=^TestCheckTriesRights$", "-test.v")
	again.Env = append(os.Environ(), ownEngine+"=1")
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestCheckTriesRights") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// triesRights has a user who may read everything and write one kind of row
// alone. Check has to name every other table and the statement that mends it, and to store
// nothing by trying.
func triesRights(t *testing.T) {
	dir := t.TempDir()
	withEngine(t, chdb.Config{Dir: dir}, func(c *Client) {
		if _, err := c.Migrate(within(t)); err != nil {
			t.Fatal(err)
		}
	})
	grants := []string{"GRANT SELECT ON *.*", "GRANT INSERT ON rights.number_minutes"}
	withEngine(t, chdb.Config{Dir: dir, Grants: grants}, func(c *Client) {
		problems := c.Check(within(t))
		if tables := c.NewWriter().tables; len(problems) != len(tables)-1 {
			t.Errorf("%d problems of %d tables: %v", len(problems), len(tables), problems)
		}
		for _, p := range problems {
			if p.Warning || !strings.HasPrefix(p.What, `the user "default" cannot insert into `) || strings.Contains(p.What, "number_minutes") ||
				!strings.Contains(p.What, "Not enough privileges") || !strings.Contains(p.Do, "GRANT SELECT, INSERT ON rights.* TO") {
				t.Errorf("%+v", p)
			}
		}
		if got := ask(t, c, "SELECT count() AS n FROM number_minutes"); got != "{\"n\":0}\n" {
			t.Errorf("trying stored rows: %s", got)
		}
	})
}

// withEngine starts an engine, hands a client of it on and stops it.
func withEngine(t *testing.T, cfg chdb.Config, use func(*Client)) {
	t.Helper()
	server := chdb.New(cfg)
	if err := server.Open(within(t)); err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	c, err := Open(Config{Addresses: []string{server.Addr()}, Database: "rights"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	use(c)
}
