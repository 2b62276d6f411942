package scenario

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files again")

// open reads the policies beside the mistakes.
func open(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join("testdata", "mistakes", name))
}

// TestMistakes reads files that are wrong in every way there is and compares
// what is said of them with a golden file.
func TestMistakes(t *testing.T) {
	names, err := filepath.Glob("testdata/mistakes/*.test.yaml")
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(data, open)
		if err == nil || f != nil {
			t.Errorf("%s: read without a mistake", name)
			continue
		}
		golden(t, strings.TrimSuffix(name, ".yaml")+".golden", err.Error()+"\n")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// TestEveryWordIsAnswered takes each action with an unknown phrase: the mistake
// has to list those that are accepted.
func TestEveryWordIsAnswered(t *testing.T) {
	for i := range words {
		w := &words[i]
		line := w.names[0]
		switch {
		case w.names[0] == "template":
			line += " promo/en"
		case w.names[0] == "cap":
			line += " 3/9"
		case w.argument != "":
			line += " 3"
		}
		text := fmt.Sprintf("cases: [{name: x, events: [{at 0s: 1 send}, {at 0s: %s purple}], expect: [{at: 1s, score: 1}]}]", line)
		_, err := Read([]byte(text), open)
		if err == nil {
			t.Errorf("%q: read without a mistake", line)
			continue
		}
		for _, phrase := range w.phrases {
			if !strings.Contains(err.Error(), phrase) {
				t.Errorf("%q: %q is not in: %v", line, phrase, err)
			}
		}
	}
}
