package clickhouse

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestMigrateAppliesEverythingOnce(t *testing.T) {
	c := open(t)
	ctx := within(t)
	ours, err := shipped()
	if err != nil {
		t.Fatal(err)
	}

	problems := c.Check(ctx)
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "sendwatch migrate") {
		t.Errorf("an empty server: problems %v, want one that names `sendwatch migrate`", problems)
	}
	done, err := c.Migrate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != len(ours) {
		t.Errorf("applied %d statements, want %d", len(done), len(ours))
	}
	if problems := c.Check(ctx); len(problems) > 0 {
		t.Errorf("after Migrate: %v", problems)
	}
	if done, err = c.Migrate(ctx); err != nil || len(done) != 0 {
		t.Errorf("a second Migrate applied %v, %v", done, err)
	}

	// A run that ended between a statement and its note does it again.
	if err := c.servers[0].conn.Exec(ctx, "TRUNCATE TABLE "+c.database+".schema_migrations"); err != nil {
		t.Fatal(err)
	}
	if done, err = c.Migrate(ctx); err != nil || len(done) != len(ours) {
		t.Errorf("with all notes lost Migrate applied %d statements, %v", len(done), err)
	}
}

func TestMigrateIsForwardOnly(t *testing.T) {
	c := migrated(t)
	ctx := within(t)
	ours, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	last := len(ours) - 1

	t.Run("missing", func(t *testing.T) {
		missing, err := compare(ours, []applied{{1, ours[0].name, ours[0].checksum}})
		if err != nil || len(missing) != last {
			t.Errorf("%d missing, %v; want %d", len(missing), err, last)
		}
	})
	t.Run("newer", func(t *testing.T) {
		_, err := c.migrate(ctx, ours[:last])
		if err == nil || !strings.Contains(err.Error(), "newer sendwatch") {
			t.Errorf("a database one version ahead gives %v", err)
		}
	})
	t.Run("changed", func(t *testing.T) {
		changed := append([]migration(nil), ours...)
		changed[last].checksum = "other"
		_, err := c.migrate(ctx, changed)
		if err == nil || !strings.Contains(err.Error(), "must not change") {
			t.Errorf("a changed file gives %v", err)
		}
	})
	t.Run("check", func(t *testing.T) {
		m := migration{version: uint32(len(ours) + 1), name: "of_tomorrow", checksum: "x"}
		if err := c.servers[0].note(ctx, &m); err != nil {
			t.Fatal(err)
		}
		problems := c.Check(ctx)
		if len(problems) != 1 || !strings.Contains(problems[0].Do, "newer sendwatch") {
			t.Errorf("problems %v", problems)
		}
	})
}

// lastOfVersion1 is the newest statement for version 1 of the contract.
const lastOfVersion1 = 15

// TestRowsOfVersion1StayReadable stores a row under the schema of version 1, brings
// the schema forward, and reads it through the views of version 2.
func TestRowsOfVersion1StayReadable(t *testing.T) {
	c := open(t)
	ctx := within(t)
	ours, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.migrate(ctx, ours[:lastOfVersion1]); err != nil {
		t.Fatal(err)
	}
	for _, insert := range []string{
		"number_status (number_id, minute, partition, version, score, band) SELECT 'n1', toDateTime64(today(), 3, 'UTC'), 0, 7, 71, 'high'",
		"number_minutes (number_id, minute, partition, pane, version, sent) SELECT 'n1', toDateTime64(today(), 3, 'UTC'), 0, 0, 7, 5",
	} {
		if err := c.servers[0].conn.Exec(ctx, "INSERT INTO "+c.database+"."+insert); err != nil {
			t.Fatalf("%s: %v", insert, err)
		}
	}
	if done, err := c.Migrate(ctx); err != nil || len(done) != len(ours)-lastOfVersion1 {
		t.Fatalf("Migrate applied %v, %v", done, err)
	}
	if got, want := ask(t, c, "SELECT score, pending, reply_ratio_nowcast, cap, silent, answered_sender FROM numbers"),
		`{"score":71,"pending":0,"reply_ratio_nowcast":null,"cap":null,"silent":[],"answered_sender":false}`+"\n"; got != want {
		t.Errorf("numbers has %s, want %s", got, want)
	}
	for _, view := range []string{"hourly", "daily"} {
		if got, want := ask(t, c, "SELECT sent, group_messages FROM "+view), `{"sent":5,"group_messages":0}`+"\n"; got != want {
			t.Errorf("%s has %s, want %s", view, got, want)
		}
	}
}

func TestFilesCanBeAppliedAgain(t *testing.T) {
	ours, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ours {
		if !strings.Contains(m.text, "IF NOT EXISTS") && !strings.Contains(m.text, "OR REPLACE VIEW") && !strings.Contains(m.text, "MODIFY COLUMN IF EXISTS") &&
			!strings.Contains(m.text, "INSERT INTO {database}.number_latest") {
			t.Errorf("%04d_%s: applying it again would fail", m.version, m.name)
		}
		if strings.Contains(m.statement("db"), "{") {
			t.Errorf("%04d_%s: a placeholder is left", m.version, m.name)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"gap":        {"s/0001_a.sql": {}, "s/0003_b.sql": {}},
		"twice":      {"s/0001_a.sql": {}, "s/0001_b.sql": {}},
		"from two":   {"s/0002_a.sql": {}},
		"upper case": {"s/0001_A.sql": {}},
		"no number":  {"s/a.sql": {}},
	} {
		if _, err := load(files, "s"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	all, err := load(fstest.MapFS{"s/0002_b.sql": {}, "s/0001_a.sql": {}, "s/README.md": {}}, "s")
	if err != nil || len(all) != 2 || all[0].name != "a" {
		t.Errorf("got %v, %v", all, err)
	}
}
