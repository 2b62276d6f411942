package clickhouse

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/sqlprint"
)

// TestReference holds the columns of the schema's page against the comments
// inside ClickHouse. Run with UPDATE_GOLDEN=1 to write them again.
func TestReference(t *testing.T) {
	const page, from, to = "../../schemas/clickhouse/README.md", "<!-- columns -->\n", "<!-- end of columns -->"
	c := migrated(t)
	var b strings.Builder
	table := ""
	for line := range strings.Lines(ask(t, c, `SELECT c.table AS table, t.comment AS about, t.engine = 'View' AS view, c.name AS name, c.type AS type, c.comment AS comment
		FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = currentDatabase() AND t.engine != 'MaterializedView' ORDER BY view, table, c.position`)) {
		var row struct {
			Table, About, Name, Type, Comment string
			View                              int
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		// A view of a status has the columns of its table, and so has the table of the latest.
		if row.View == 1 && (row.Table == "numbers" || row.Table == "portfolios") || row.Table == "number_latest" {
			if row.Table != table {
				columns := "its table"
				if row.View == 0 {
					columns = "number_status, and `place`, minute and version as one number: the largest row is the one that counts"
				}
				fmt.Fprintf(&b, "\n### `%s`\n\n%s. Columns as in %s.\n", row.Table, row.About, columns)
			}
			table = row.Table
			continue
		}
		if row.Table != table {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s.\n\n| column | type | meaning |\n|---|---|---|\n", row.Table, row.About)
		}
		table = row.Table
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.Name, shortType(row.Type), strings.ReplaceAll(row.Comment, "|", `\|`))
	}
	b.WriteString("\n")

	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), from)
	old, after, closed := strings.Cut(rest, to)
	if !found || !closed {
		t.Fatalf("%s lacks the marks %q and %q", page, from, to)
	}
	if old == b.String() {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Errorf("run with UPDATE_GOLDEN=1; page (-), ClickHouse (+):\n%s", cmp.Diff(old, b.String()))
		return
	}
	if err := os.WriteFile(page, []byte(before+from+b.String()+to+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPageQueries runs the queries that the schema's page shows.
func TestPageQueries(t *testing.T) {
	text, err := os.ReadFile("../../schemas/clickhouse/README.md")
	if err != nil {
		t.Fatal(err)
	}
	c := migrated(t)
	blocks := strings.Split(string(text), "```sql\n")
	n := 0
	for _, block := range blocks[1:] {
		code, _, _ := strings.Cut(block, "```")
		for statement := range strings.SplitSeq(code, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			statement = strings.ReplaceAll(statement, "sendwatch.", c.database+".")
			if _, err := c.Query(within(t), statement, sqlprint.New(io.Discard, sqlprint.FormatTable)); err != nil {
				t.Errorf("%s\n%v", statement, err)
			}
			n++
		}
	}
	if n < 8 {
		t.Errorf("found %d queries", n)
	}
}

// shortType writes an enumeration by its words alone.
func shortType(databaseType string) string {
	if inside, ok := strings.CutPrefix(databaseType, "Nullable(Enum8("); ok {
		return shortType("Enum8("+strings.TrimSuffix(inside, ")")) + " or NULL"
	}
	inside, ok := strings.CutPrefix(databaseType, "Enum8(")
	if !ok {
		return databaseType
	}
	var words []string
	for pair := range strings.SplitSeq(strings.TrimSuffix(inside, ")"), ", ") {
		word, _, _ := strings.Cut(pair, " = ")
		words = append(words, strings.Trim(word, "'"))
	}
	return strings.Join(words, ", ")
}
