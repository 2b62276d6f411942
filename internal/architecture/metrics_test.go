package architecture

import (
	"go/ast"
	"testing"
)

// TestEveryMetricIsReported looks for a use of each metric of the table: one
// that nobody reports would stand in the reference and on dashboards for ever.
func TestEveryMetricIsReported(t *testing.T) {
	declared, used := map[string]bool{}, map[string]bool{}
	for _, f := range load(t).code {
		if f.test {
			continue
		}
		if f.path == "internal/telemetry/table.go" {
			for _, d := range f.syntax.Decls {
				if g, ok := d.(*ast.GenDecl); ok && len(g.Specs) > 10 { // the one block of metrics
					for _, s := range g.Specs {
						if v, ok := s.(*ast.ValueSpec); ok {
							declared[v.Names[0].Name] = true
						}
					}
				}
			}
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "telemetry" {
					used[n.Sel.Name] = true
				}
			case *ast.CallExpr: // within the package itself: Set(BuildInfo, ...)
				for _, a := range n.Args {
					if id, ok := a.(*ast.Ident); ok && f.dir() == "internal/telemetry" {
						used[id.Name] = true
					}
				}
			}
			return true
		})
	}
	if len(declared) < 15 {
		t.Fatalf("only %d metrics found: the test looks at the wrong place", len(declared))
	}
	for name := range declared {
		if !used[name] && name != "NumMetrics" {
			t.Errorf("telemetry.%s is declared and never reported", name)
		}
	}
}
