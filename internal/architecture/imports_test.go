package architecture

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// rooms says which of our own packages the code of a room may import. Tests
// may import more. A room that is not here may not exist.
var rooms = map[string][]string{
	"schemas":               {},
	"internal/event":        {},
	"internal/invariants":   {},
	"internal/failpoint":    {},
	"internal/flat":         {},
	"internal/headroom":     {},
	"internal/hugepages":    {},
	"internal/window":       {"internal/flat", "internal/invariants"},
	"internal/strictyaml":   {},
	"internal/codec":        {"internal/event", "schemas"},
	"internal/policy":       {"internal/event", "internal/strictyaml", "schemas"},
	"internal/policystore":  {"internal/policy"},
	"internal/engine":       {"internal/event", "internal/flat", "internal/invariants", "internal/window", "internal/policy"},
	"internal/processor":    {"internal/event", "internal/codec", "internal/engine", "internal/flat", "internal/policy"},
	"internal/retry":        {},
	"internal/checkpoint":   {"internal/failpoint"},
	"internal/kafka":        {"internal/event", "internal/failpoint", "internal/retry", "internal/tlsfile"},
	"internal/clickhouse":   {"internal/codec", "internal/event", "schemas", "internal/tlsfile"},
	"internal/config":       {"internal/event", "internal/strictyaml", "internal/webhook"},
	"internal/telemetry":    {},
	"internal/server":       {"internal/event"},
	"internal/pipeline":     {"internal/checkpoint", "internal/event", "internal/codec", "internal/engine", "internal/failpoint", "internal/flat", "internal/policy", "internal/processor", "internal/retry", "internal/telemetry", "internal/window", "schemas"},
	"internal/rekey":        {"internal/event", "internal/codec"},
	"internal/replay":       {"internal/event", "internal/codec", "internal/engine", "internal/policy", "internal/processor"},
	"internal/scenario":     {"internal/event", "internal/codec", "internal/engine", "internal/policy", "internal/processor", "internal/strictyaml", "schemas"},
	"internal/traffic":      {"internal/event", "internal/codec", "schemas"},
	"internal/backtest":     {"internal/event", "internal/codec", "internal/engine", "internal/policy", "internal/processor", "internal/replay", "internal/traffic"},
	"internal/webhook":      {"internal/event", "schemas"},
	"internal/gateway":      {"internal/event", "internal/codec", "internal/webhook", "internal/telemetry", "schemas"},
	"internal/wording":      {},
	"internal/tlsfile":      {},
	"internal/sqltext":      {},
	"internal/sqlprint":     {"internal/wording"},
	"internal/embedded":     {"internal/embedded", "internal/sqltext"},
	"internal/demo":         {"internal/event", "internal/policy", "internal/traffic", "internal/kafka", "internal/clickhouse", "internal/config", "internal/embedded", "internal/pipeline", "internal/replay", "internal/server", "internal/sqlprint", "internal/telemetry", "internal/wording"},
	"internal/oracle":       {"internal/event"},
	"internal/sim":          {},
	"internal/architecture": {},
	"cmd/sendwatch":         {"internal", "schemas"},
	"benchmarks":            {"internal", "schemas", "cmd"},
}

// TestEveryRoomExists keeps the table free of rooms that nobody has built.
func TestEveryRoomExists(t *testing.T) {
	found := map[string]bool{}
	for _, f := range load(t).code {
		if here, ok := room(f.dir()); ok {
			found[here] = true
		}
	}
	for name := range rooms {
		if !found[name] {
			t.Errorf("%s is in the table of this test and does not exist", name)
		}
	}
}

// testOnly are the rooms that only tests import.
var testOnly = []string{"internal/oracle", "internal/sim", "internal/architecture"}

// room returns the room that a folder belongs to.
func room(dir string) (string, bool) {
	for r := range rooms {
		if within(dir, r) {
			return r, true
		}
	}
	return "", false
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, f := range load(t).code {
		here, ok := room(f.dir())
		if !ok {
			t.Errorf("%s: no room of this name in the table of this test", f.path)
			continue
		}
		if f.test {
			continue
		}
		for _, name := range f.imports {
			ours, is := strings.CutPrefix(name, module)
			if !is || within(ours, here) {
				continue
			}
			if !withinAny(ours, rooms[here]) {
				t.Errorf("%s imports %s; %s may import %v", f.path, name, here, rooms[here])
			}
			if withinAny(ours, testOnly) {
				t.Errorf("%s imports %s, which is for tests alone", f.path, name)
			}
		}
	}
}

// TestOracleKnowsOnlyTheVocabulary keeps the naive model independent: what it
// shares with the engine it cannot check. Its tests compare the two and are free.
func TestOracleKnowsOnlyTheVocabulary(t *testing.T) {
	for _, f := range load(t).code {
		if !within(f.dir(), "internal/oracle") || f.test {
			continue
		}
		for _, name := range f.imports {
			if strings.HasPrefix(name, module) && name != module+"internal/event" {
				t.Errorf("%s imports %s: the oracle shares only internal/event", f.path, name)
			}
		}
	}
}

// libraries says who may import a library: folders, and whether any test may.
var libraries = []struct {
	prefix string
	dirs   []string
	tests  []string // folders whose tests may as well; "" is all
	why    string
}{
	{"github.com/segmentio/kafka-go", []string{"internal/kafka", "benchmarks/gateway", "benchmarks/peers"}, []string{"internal/embedded", "benchmarks"}, "internal/kafka hides its edges from the rest"},
	{"github.com/ClickHouse/clickhouse-go", []string{"internal/clickhouse", "benchmarks/peers"}, []string{"internal/embedded", "benchmarks"}, "internal/clickhouse is the only one to know ClickHouse"},
	{"github.com/ClickHouse/ch-go", []string{"internal/clickhouse", "internal/embedded"}, nil, "the wire format belongs to the client and to the embedded server"},
	{"github.com/twmb/franz-go", []string{"internal/embedded", "benchmarks/peers"}, []string{""}, "the product speaks through kafka-go; franz-go is the embedded broker and the tests' second opinion"},
	{"github.com/ebitengine/purego", []string{"internal/embedded"}, nil, "only the embedded engine is a foreign library"},
	{"github.com/alecthomas/kong", []string{"cmd"}, nil, "the command line ends in cmd"},
	{"go.yaml.in/yaml", []string{"internal/strictyaml"}, []string{""}, "files are read strictly, with every mistake named"},
	{"go.opentelemetry.io", []string{"internal/telemetry"}, nil, "internal/telemetry declares all metrics and spans"},
	{"github.com/prometheus", []string{"internal/telemetry"}, nil, "internal/telemetry declares all metrics and spans"},
	{"github.com/mattn/go-runewidth", []string{"internal/sqlprint", "internal/demo"}, nil, "only what is drawn on a terminal has a width"},
	{"github.com/aws", []string{"internal/checkpoint/clouds"}, nil, "internal/checkpoint/clouds is the only one to know the SDK of S3"},
	{"gocloud.dev", []string{"internal/checkpoint"}, nil, "internal/checkpoint is the only one to know blob stores"},
	{"pgregory.net/rapid", nil, []string{""}, "it generates tests"},
	{"github.com/google/go-cmp", nil, []string{""}, "it is for tests"},
	{"github.com/santhosh-tekuri/jsonschema", nil, []string{""}, "it is for tests"},
	{"go.uber.org/goleak", nil, []string{""}, "it is for tests"},
}

func TestLibrariesHaveOneDoor(t *testing.T) {
	for _, f := range load(t).code {
		for _, name := range f.imports {
			for _, l := range libraries {
				if !within(name, l.prefix) || withinAny(f.dir(), l.dirs) {
					continue
				}
				if f.test && (slices.Contains(l.tests, "") || withinAny(f.dir(), l.tests)) {
					continue
				}
				t.Errorf("%s imports %s: %s", f.path, name, l.why)
			}
		}
	}
}

// pure are the rooms that are functions: the same input gives the same bytes.
var pure = []string{"internal/event", "internal/codec", "internal/window", "internal/policy", "internal/engine", "internal/processor", "internal/webhook"}

// impure are the packages that would bring them a clock, a thread, chance or
// the outside world.
var impure = []string{
	"os", "net", "sync", "context", "log", "syscall", "runtime", "unsafe", "plugin",
	"math/rand", "crypto/rand", "hash/maphash", "io/fs", "path/filepath", "embed", "testing",
}

// clocks are the functions of package time that ask the wall clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestPureRoomsArePure(t *testing.T) {
	tr := load(t)
	for _, f := range tr.code {
		if f.test || !withinAny(f.dir(), pure) {
			continue
		}
		for _, name := range f.imports {
			if withinAny(name, impure) && name != "net/url" { // which only reads texts
				t.Errorf("%s imports %s: this room is a function of its input", f.path, name)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType:
				t.Errorf("%s: a goroutine or a channel in a room that is a function", tr.fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
					t.Errorf("%s: time.%s in a room that knows only event time", tr.fset.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}
