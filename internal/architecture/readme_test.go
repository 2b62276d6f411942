package architecture

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/sqlprint"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// blocks returns the code blocks of one language of a page; "" is no language.
func blocks(page, language string) []string {
	var out []string
	var block strings.Builder
	open, wanted := false, false
	for line := range strings.Lines(page) {
		fence, is := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case is && !open:
			open, wanted = true, fence == language
		case is:
			if wanted {
				out = append(out, block.String())
			}
			block.Reset()
			open = false
		case open && wanted:
			block.WriteString(line)
		}
	}
	return out
}

// TestREADMEQueriesRun asks the real engine every query of the front page.
func TestREADMEQueriesRun(t *testing.T) {
	queries := strings.Split(strings.Join(blocks(readRoot(t, "README.md"), "sql"), ""), ";\n")
	if len(queries) < 5 {
		t.Fatalf("only %d queries found", len(queries))
	}
	address, database := embeddedtest.ClickHouse(t)
	client, err := clickhouse.Open(clickhouse.Config{Addresses: []string{address}, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := client.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		if strings.TrimSpace(q) == "" {
			continue
		}
		if _, err := client.Query(ctx, q, sqlprint.New(io.Discard, sqlprint.FormatJSON)); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(q), err)
		}
	}
}

// TestREADMECommandsExist looks up every command and flag of the front page.
func TestREADMECommandsExist(t *testing.T) {
	commands, found := commandLine(t), 0
	for _, block := range blocks(readRoot(t, "README.md"), "") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, " #")
			words := strings.Fields(line)
			switch {
			case len(words) > 1 && words[0] == "sendwatch":
				words = words[1:]
			case len(words) > 3 && strings.Join(words[:3], " ") == "go run ./cmd/sendwatch":
				words = words[3:]
			default:
				continue
			}
			found++
			checkCommand(t, commands, "README.md", words)
		}
	}
	if found < 6 {
		t.Errorf("only %d commands found", found)
	}
}

// TestPagesLinkToWhatExists follows the relative links of every page.
func TestPagesLinkToWhatExists(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	code := regexp.MustCompile("`[^`\n]*`") // where a pattern may look like a link
	for _, name := range load(t).files {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(readRoot(t, name), "code"), -1) {
			target := path.Join(path.Dir(name), m[1])
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			}
		}
	}
}
