package architecture

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// words are what a reader of the field's literature would have to look up, or
// what Go's conventions for comments say in another way. Comments are searched
// for the pattern; identifiers, cut into their words, for the names.
var words = []struct {
	pattern *regexp.Regexp // in comments
	names   []string       // in identifiers, as words of a name in lower case
	say     string
}{
	{regexp.MustCompile(`^\w+( \w+)? gives\b|\bgives (the|a|an|back|whether|how|what|nil|at most)\b`), nil, "returns"},
	{regexp.MustCompile(`\btells? (whether|how|why|what|that|if)\b`), nil, "reports whether, returns, says"},
	{regexp.MustCompile(`(?i)\bwhoever\b|\bwhosoever\b`), nil, "a caller that, anyone who"},
	{regexp.MustCompile(`\banew\b`), []string{"anew"}, "again"},
	{regexp.MustCompile(`\b(event|record|fetch|one|batch|requests?) in hand\b`), nil, "the current one"},
	{regexp.MustCompile(`\b(takes?|taking|took) note\b`), nil, "records, notices"},
	{regexp.MustCompile(`\b(house )?law [0-9]\b`), nil, "the invariant it means"},
	{regexp.MustCompile(`\b(hears?|heard) of\b`), []string{"heard"}, "reads, receives"},
	{nil, []string{"settle", "settled", "settles"}, "flush, resolve, close, drain: the one that is meant"},
	{nil, []string{"odd", "oddity", "oddities"}, "anomaly"},
	{nil, []string{"relieve", "shade", "folios", "gatherer", "gathering", "flagger", "outbox"}, "shadow, portfolioIDs, portfolioTask, episodeTracker, messageBuilder"},
}

// TestWordsAreTheFields keeps comments and names in the field's terms: one word
// for one thing, and Go's own way of saying what a function does.
func TestWordsAreTheFields(t *testing.T) {
	tr := load(t)
	for _, f := range tr.code {
		if f.generated || strings.HasPrefix(f.path, "internal/architecture/") {
			continue
		}
		for _, group := range f.syntax.Comments {
			checkComment(t, tr.fset, group)
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Obj != nil && id.Obj.Pos() == id.Pos() {
				checkName(t, tr.fset, id)
			}
			if d, ok := n.(*ast.FuncDecl); ok && d.Recv != nil {
				checkName(t, tr.fset, d.Name)
			}
			return true
		})
	}
}

// TestPagesUseTheWordsToo looks for the words of nobody's but ours in pages,
// configuration and the texts of the program: what users and operators read.
func TestPagesUseTheWordsToo(t *testing.T) {
	dialect := regexp.MustCompile(`(?i)\b(anew|whoever|whosoever|(takes?|taking|took) note|(house )?law [0-9])\b`)
	for _, name := range load(t).files {
		if strings.HasPrefix(name, "internal/architecture/") || strings.Contains(name, "/testdata/") {
			continue
		}
		switch path.Ext(name) {
		case ".go", ".md", ".yaml", ".sql", ".proto", ".html", ".js", ".sh":
		default:
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if found := dialect.FindString(line); found != "" {
				t.Errorf("%s:%d says %q", name, i+1, found)
			}
		}
	}
}

// TestInvariantsAreOnInTheTests keeps the tag in what runs them.
func TestInvariantsAreOnInTheTests(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "GOFLAGS=-tags=invariants go test ./...") {
		t.Error(".ci/run does not test with the tag invariants")
	}
}

func checkComment(t *testing.T, fset *token.FileSet, group *ast.CommentGroup) {
	t.Helper()
	text := strings.Join(strings.Fields(group.Text()), " ")
	for _, w := range words {
		if w.pattern == nil {
			continue
		}
		if found := w.pattern.FindString(text); found != "" {
			t.Errorf("%s: a comment says %q; say %s", fset.Position(group.Pos()), found, w.say)
		}
	}
}

// wordsOfName cuts a name in camel case into its words.
var wordsOfName = regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`)

func checkName(t *testing.T, fset *token.FileSet, id *ast.Ident) {
	t.Helper()
	for _, part := range wordsOfName.FindAllString(id.Name, -1) {
		for _, w := range words {
			for _, name := range w.names {
				if strings.EqualFold(part, name) {
					t.Errorf("%s: the name %s; say %s", fset.Position(id.Pos()), id.Name, w.say)
				}
			}
		}
	}
}

// maxFunction bounds a function: what is longer has more than one idea. Tables
// are excepted: the lines of literals, and of switches that only map.
const maxFunction = 70

func TestFunctionsAreShort(t *testing.T) {
	tr := load(t)
	for _, f := range tr.code {
		if f.test || f.generated {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lines := span(tr.fset, fn) - tableLines(tr.fset, fn.Body)
			if lines <= maxFunction {
				continue
			}
			t.Errorf("%s: %s has %d lines, at most %d are one idea", tr.fset.Position(fn.Pos()), fn.Name.Name, lines, maxFunction)
		}
	}
}

// span returns how many lines a node takes.
func span(fset *token.FileSet, n ast.Node) int {
	return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
}

// tableLines counts the lines of a body that are tables.
func tableLines(fset *token.FileSet, body *ast.BlockStmt) int {
	lines := 0
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			lines += span(fset, n) - 1
			return false
		case *ast.SwitchStmt:
			if onlyMaps(n) {
				lines += span(fset, n) - 1
				return false
			}
		}
		return true
	})
	return lines
}

// onlyMaps reports whether every case of a switch is one plain statement.
func onlyMaps(s *ast.SwitchStmt) bool {
	for _, c := range s.Body.List {
		clause, ok := c.(*ast.CaseClause)
		if !ok || len(clause.Body) > 1 {
			return false
		}
		if len(clause.Body) == 1 {
			switch clause.Body[0].(type) {
			case *ast.ReturnStmt, *ast.AssignStmt, *ast.ExprStmt:
			default:
				return false
			}
		}
	}
	return true
}
