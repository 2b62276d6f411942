package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const aTest = `# Bursts.
policy: mine.yaml
cases:
  - name: three at once
    watch: [velocity_burst]
    events:
      - at 0s: 3 sends
    expect:
      - at: 0s
        facts: {sent_1m: 3}
        flags: []
  - name: one
    events:
      - at 0s: 1 send
    expect:
      - {at: 0s, score: 90}
`

// writeTest writes a test file and the policy that it names into a folder.
func writeTest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": aTest, "mine.yaml": "name: mine\nextends: default\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "a.yaml")
}

func TestPolicyTestShowsTheDifference(t *testing.T) {
	name := writeTest(t)
	var out bytes.Buffer
	cases, failed, err := new(policyTestCmd).file(&out, name, nil)
	if cases != 2 || failed != 1 || err != nil {
		t.Errorf("%d cases, %d failed, %v", cases, failed, err)
	}
	want := `FAIL    a.yaml: three at once
        line 11, at 0s: flags
          + at 0s: velocity_burst raised to warn, value 3
ok      a.yaml: one
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if err := (&policyTestCmd{Files: []string{name}}).Run(t.Context()); !errors.Is(err, errReported) {
		t.Errorf("a failing case ends with %v", err)
	}
	if err := (&policyTestCmd{Files: []string{name + ".none"}}).Run(t.Context()); !errors.Is(err, errReported) {
		t.Errorf("a file that is not there ends with %v", err)
	}
}

// TestTally counts what was not run apart from what failed.
func TestTally(t *testing.T) {
	for _, c := range []struct {
		cases, failed, unread int
		want                  string
	}{
		{35, 0, 0, "35 cases, 0 failed"},
		{4, 1, 0, "4 cases, 1 failed (- what was expected, + what came)"},
		{0, 0, 2, "0 cases, 0 failed, 2 files not run because of mistakes"},
		{1, 1, 1, "1 case, 1 failed, 1 file not run because of mistakes (- what was expected, + what came)"},
	} {
		if got := tally(c.cases, c.failed, c.unread); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestPolicyTestUpdatesInPlace(t *testing.T) {
	name := writeTest(t)
	c := policyTestCmd{Files: []string{name}, Update: true}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(aTest, "flags: []", "flags:\n          - at 0s: velocity_burst raised to warn, value 3", 1)
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its rights are %v, %v", info.Mode(), err)
	}
	c.Update = false
	if err := c.Run(t.Context()); err != nil {
		t.Errorf("after the update: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(name), ".*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPolicyTestByAnotherPolicy(t *testing.T) {
	name := writeTest(t)
	lax := filepath.Join(filepath.Dir(name), "lax.yaml")
	if err := os.WriteFile(lax, []byte("name: lax\nextends: default\nprofiles: {community: {factors: {velocity_burst: {on: false}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&policyTestCmd{Files: []string{name}, Policy: lax}).Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPolicyTestRunsTheExamples runs what the page on tests tells a user to run.
func TestPolicyTestRunsTheExamples(t *testing.T) {
	names, err := filepath.Glob("../../schemas/policy/tests/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	if err := (&policyTestCmd{Files: names}).Run(t.Context()); err != nil {
		t.Error(err)
	}
}
