package clickhouse

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// columnsOf reads what the server says of a database: table to columns.
func columnsOf(t *testing.T, c *Client) map[string][]string {
	t.Helper()
	columns := make(map[string][]string)
	for line := range strings.Lines(ask(t, c, "SELECT table, name FROM system.columns WHERE database = currentDatabase() ORDER BY table, position")) {
		var row struct{ Table, Name string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		columns[row.Table] = append(columns[row.Table], row.Name)
	}
	return columns
}

func TestEveryColumnIsExplained(t *testing.T) {
	c := migrated(t)
	if got := ask(t, c, "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = '' AND table != 'number_latest_feed'"); got != "" {
		t.Errorf("columns without a comment:\n%s", got)
	}
	if got := ask(t, c, "SELECT name FROM system.tables WHERE database = currentDatabase() AND comment = ''"); got != "" {
		t.Errorf("tables without a comment:\n%s", got)
	}
	if got := ask(t, c, "SELECT count() AS n FROM system.columns WHERE database = currentDatabase()"); got == "{\"n\":0}\n" {
		t.Error("no columns at all")
	}
}

func TestEveryFactAndFactorHasItsColumn(t *testing.T) {
	columns := columnsOf(t, migrated(t))
	for _, table := range []string{"number_status", "numbers"} {
		for f := range event.NumFacts {
			if !slices.Contains(columns[table], f.String()) {
				t.Errorf("%s lacks the fact %s", table, f)
			}
		}
		for f := range event.NumNumberFactors {
			if slices.Contains(columns[table], "level_"+f.String()) != f.Flags() {
				t.Errorf("%s: level_%s should be there: %t", table, f, f.Flags())
			}
		}
	}
	for f := event.NumNumberFactors; f < event.NumFactors; f++ {
		if !slices.Contains(columns["portfolio_status"], "level_"+f.String()) {
			t.Errorf("portfolio_status lacks level_%s", f)
		}
	}
	for class := range event.NumErrorClasses {
		for _, table := range []string{"number_minutes", "hourly", "daily"} {
			if !slices.Contains(columns[table], "failed_"+class.String()) {
				t.Errorf("%s lacks failed_%s", table, class)
			}
		}
	}
}

// TestEveryColumnIsWritten holds the tables against what the Writer inserts.
func TestEveryColumnIsWritten(t *testing.T) {
	c := migrated(t)
	columns := columnsOf(t, c)
	stored := map[string]bool{}
	for _, in := range c.NewWriter().tables {
		table, written := in.table, in.columns
		stored[table] = true
		if table == "contact_outcomes" {
			written = append([]string{"written_at"}, written...)
		}
		want, got := slices.Sorted(slices.Values(columns[table])), slices.Sorted(slices.Values(written))
		if !slices.Equal(want, got) {
			t.Errorf("%s has the columns\n%v\nand is written as\n%v", table, want, got)
		}
	}
	for table := range event.NumStoredTables {
		if !stored[table.String()] {
			t.Errorf("no insert for the table %s", table)
		}
	}
}
