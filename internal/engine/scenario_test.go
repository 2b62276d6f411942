package engine_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"sendwatch/internal/scenario"
)

var update = flag.Bool("update", false, "write the expectations of testdata/scenarios again")

// TestScenarios plays the files of testdata/scenarios, one a concept. Their
// format is that of `sendwatch policy test` (schemas/policy/TESTING.md), their
// expectations were worked out from the contract. With -update those that are
// not met are written again: read the difference before you keep it.
func TestScenarios(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "scenarios", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 10 {
		t.Fatalf("only %d scenario files found", len(names))
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := scenario.Read(data, os.ReadFile)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			results := f.Run(nil)
			if *update {
				updated, err := f.Update(results)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, updated, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for i := range results {
				for _, failure := range results[i].Failures {
					t.Errorf("%s\n%s", results[i].Case.Name, failure)
				}
			}
		})
	}
}
