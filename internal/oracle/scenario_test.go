package oracle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/scenario"
)

// TestEngineAgreesOnScenarios compares the engine with the model on the logs of
// the engine's scenarios, whose edges random logs meet seldom.
func TestEngineAgreesOnScenarios(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "engine", "testdata", "scenarios", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := scenario.Read(data, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Cases {
			lines := strings.Split(strings.TrimSpace(string(c.Log())), "\n")
			if d := differ(lines, 0); d != "" {
				t.Errorf("%s: %s: %s", name, c.Name, d)
			}
		}
	}
}
