package architecture

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLines bounds a file: one file is one concept.
const maxLines = 600

func TestRootHoldsOnlyWhatItMay(t *testing.T) {
	allowed := []string{
		"cmd", "internal", "schemas", "deploy", "benchmarks", "findings",
		"go.mod", "go.sum", "docker-compose.yml", "README.md",
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !ignored(name, true) && !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) {
			t.Errorf("%s lies in the root, which holds only %v and dotfiles", name, allowed)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented, found := map[string]bool{}, map[string]string{}
	for _, f := range load(t).code {
		name := f.syntax.Name.Name
		if f.generated || strings.HasSuffix(name, "_test") {
			continue
		}
		found[f.dir()] = name
		switch base := path.Base(f.path); {
		case name == "main" && base == "main.go":
			documented[f.dir()] = strings.HasPrefix(f.syntax.Doc.Text(), "Command ")
		case base == "doc.go":
			documented[f.dir()] = strings.HasPrefix(f.syntax.Doc.Text(), "Package "+name+" ")
		}
	}
	for dir, name := range found {
		if !documented[dir] {
			t.Errorf("%s: no doc.go that begins with \"Package %s ...\" (of a command: main.go, \"Command ...\")", dir, name)
		}
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "types", "base", "misc"}, name) {
			t.Errorf("%s: a package is named for its idea, not %s", dir, name)
		}
	}
}

func TestCodeKeepsTheHouseRules(t *testing.T) {
	tr := load(t)
	for _, f := range tr.code {
		if f.generated {
			continue
		}
		if f.lines > maxLines {
			t.Errorf("%s has %d lines, at most %d make one concept", f.path, f.lines, maxLines)
		}
		virtual := slices.Contains(f.imports, "testing/synctest") // there a sleep takes no time
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: an init function; wire it by hand", tr.fset.Position(n.Pos()))
				}
			case *ast.InterfaceType:
				if n.Methods.NumFields() > 3 {
					t.Errorf("%s: an interface of %d, at most 3 methods", tr.fset.Position(n.Pos()), n.Methods.NumFields())
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && f.test && !virtual && x.Name == "time" && n.Sel.Name == "Sleep" {
					t.Errorf("%s: a sleep in a test; wait for what you wait for", tr.fset.Position(n.Pos()))
				}
			case *ast.ImportSpec:
				if n.Name != nil && n.Name.Name == "." {
					t.Errorf("%s: a dot import hides where names come from", tr.fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestFilesSpeakOnlyOfTheProject keeps paths of one machine, addresses of
// registries and unfinished work out of every file. The words are put together
// here so that this file does not contain them.
func TestFilesSpeakOnlyOfTheProject(t *testing.T) {
	refused := map[string]*regexp.Regexp{
		"a path of one machine":     regexp.MustCompile(`(^|[\s"'(=` + "`" + `])/(ro` + `ot|ho` + `me|wo` + `rk|Us` + `ers)/[a-z]`),
		"the address of a registry": regexp.MustCompile(`(?i)registry\.npm` + `js|proxy\.go` + `lang\.org|repo1?\.mav` + `en|pypi\.o` + `rg|deb\.deb` + `ian|sum\.go` + `lang\.org`),
		"unfinished work":           regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|(?i:not (yet )?imple` + `mented)`),
	}
	text := []string{".go", ".md", ".yaml", ".yml", ".sql", ".json", ".proto", ".js", ".css", ".html", ".mod", ".sh", ".xml", ""}
	for _, name := range load(t).files {
		if !slices.Contains(text, path.Ext(name)) || strings.Contains(name, "/testdata/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for what, pattern := range refused {
				if found := pattern.FindString(line); found != "" {
					t.Errorf("%s:%d: %s: %q", name, i+1, what, strings.TrimSpace(found))
				}
			}
		}
	}
}

// TestContractCanBeReviewed keeps the lines of the contract short: a change of one
// rule is a change of its line, and not of a cell of a thousand characters.
func TestContractCanBeReviewed(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "schemas", "CONTRACT.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("schemas/CONTRACT.md:%d has %d characters, want at most 120", i+1, n)
		}
	}
}
