package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "sendwatch/"

// goFile is one parsed Go file of the project.
type goFile struct {
	path      string // from the root, with slashes
	test      bool
	generated bool
	lines     int
	syntax    *ast.File
	imports   []string
}

// dir returns the package's folder from the root, "." for the root.
func (f *goFile) dir() string { return path.Dir(f.path) }

// tree is the project as it lies on the disk.
type tree struct {
	fset  *token.FileSet
	files []string // all of them, from the root
	code  []*goFile
}

// root is where go.mod lies, seen from this package.
var root = filepath.Join("..", "..")

// ignored are the names that .gitignore keeps out of the project.
func ignored(name string, inRoot bool) bool {
	if inRoot && (name == "sendwatch" || name == "out") {
		return true
	}
	switch path.Ext(name) {
	case ".test", ".prof", ".pprof":
		return true
	}
	return name == ".git"
}

func load(t *testing.T) *tree {
	t.Helper()
	tr := &tree{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel != "." && ignored(d.Name(), !strings.Contains(rel, "/")) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		tr.files = append(tr.files, rel)
		if path.Ext(rel) != ".go" || strings.Contains(rel, "/testdata/") {
			return nil
		}
		return tr.parse(at, rel)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.code) < 20 {
		t.Fatalf("only %d Go files found: the tests look at the wrong place", len(tr.code))
	}
	return tr
}

func (tr *tree) parse(at, rel string) error {
	source, err := os.ReadFile(at)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(tr.fset, at, source, parser.ParseComments)
	if err != nil {
		return err
	}
	f := &goFile{
		path: rel, test: strings.HasSuffix(rel, "_test.go"), generated: ast.IsGenerated(syntax),
		lines: strings.Count(string(source), "\n"), syntax: syntax,
	}
	for _, spec := range syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		f.imports = append(f.imports, name)
	}
	tr.code = append(tr.code, f)
	return nil
}

// within reports whether name is dir or lies below it.
func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// withinAny reports whether name lies within one of the folders.
func withinAny(name string, dirs []string) bool {
	for _, d := range dirs {
		if within(name, d) {
			return true
		}
	}
	return false
}
