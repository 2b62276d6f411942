package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDescribePolicy compares what `check --policy` prints with a file. Run with
// UPDATE_GOLDEN=1 to write it again.
func TestDescribePolicy(t *testing.T) {
	for _, name := range []string{"", "testdata/policy/overrides.yaml"} {
		p, err := loadPolicy(name)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		describePolicy(&got, p)
		golden := "testdata/policy/default.golden"
		if name != "" {
			golden = strings.TrimSuffix(name, ".yaml") + ".golden"
		}
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", name, diff)
		}
	}
}

func TestPolicyCheckNamesEveryMistake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	text := "name: mine\nextends: default\nprofiles:\n  community:\n    factors:\n      replyratio: {warn: \"< 0.2\"}\n      quality: {danger: [BLUE]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	err := policyCheck(path)
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, part := range []string{path, "2 mistakes", "line 6", "did you mean reply_ratio?", "line 7", "profiles.community.factors.quality.danger[0]", "GREEN, YELLOW, RED, UNKNOWN"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if err := policyCheck(filepath.Join(t.TempDir(), "missing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}
