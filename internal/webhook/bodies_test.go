package webhook

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/codec"
)

var update = flag.Bool("update", false, "write testdata/bodies again from what the package makes; then read the difference")

// TestBodies reads testdata/bodies: a file a provider, with bodies of our own on
// every kind of message, status and mistake that its documentation names. A line
// that begins with # says what the next body is about, one with = an event that
// it becomes, with + one that it teaches, with - an update of which none is made,
// and why.
func TestBodies(t *testing.T) {
	files, err := filepath.Glob("testdata/bodies/*.txt")
	if err != nil || len(files) != len(Providers()) {
		t.Errorf("%d files for %d providers, %v", len(files), len(Providers()), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			p, err := New(name)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := rewritten(p, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			compareLines(t, string(data), got)
		})
	}
}

// rewritten writes the file as the package would have it.
func rewritten(p Provider, data string) string {
	var out strings.Builder
	memory := new(Memory)
	memory.Learn(Fact{Kind: FactPortfolio, Key: "200000000000001", Value: "300000000000001"})
	for line := range strings.Lines(data) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "= ") || strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "- ") {
			continue
		}
		fmt.Fprintln(&out, line)
		if line == "" || line[0] == '#' {
			continue
		}
		r := p.Convert([]byte(line), Source{ReceivedAt: received + 5000, NumberID: "our-number", Directory: memory})
		for _, f := range r.Facts {
			if alias := f.Alias(); memory.Learn(f) && alias != nil {
				fmt.Fprintf(&out, "+ %s\n", codec.AppendEventJSON(nil, alias))
			}
		}
		for _, u := range r.Updates {
			for _, e := range u.Taught {
				fmt.Fprintf(&out, "+ %s\n", codec.AppendEventJSON(nil, e))
			}
			for _, e := range u.Events {
				fmt.Fprintf(&out, "= %s\n", codec.AppendEventJSON(nil, e))
			}
			if u.Outcome != Made {
				fmt.Fprintf(&out, "- %s: %s: %s\n", u.Outcome, u.Field, u.Reason)
			}
		}
	}
	return out.String()
}

func compareLines(t *testing.T, want, got string) {
	t.Helper()
	w, g := bytes.Split([]byte(want), []byte("\n")), bytes.Split([]byte(got), []byte("\n"))
	for i := range max(len(w), len(g)) {
		var a, b []byte
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if !bytes.Equal(a, b) {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, b, a)
			return
		}
	}
}
