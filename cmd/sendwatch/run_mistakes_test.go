package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sendwatch/internal/strictyaml"
)

// TestFirstMistakes keeps a log line short, whatever is wrong with a file.
func TestFirstMistakes(t *testing.T) {
	var all strictyaml.Mistakes
	for line := range 20000 {
		all = append(all, strictyaml.Mistake{Line: line + 1, Problem: "unknown key"})
	}
	few := fmt.Errorf("my.yaml: %w", all[:10])
	if err := firstMistakes(few); !errors.Is(err, few) {
		t.Errorf("ten mistakes became %v", err)
	}
	text := firstMistakes(fmt.Errorf("my.yaml: %w", all)).Error()
	if !strings.Contains(text, "my.yaml: 20000 mistakes") || !strings.Contains(text, "line 10: ") || strings.Contains(text, "line 11: ") {
		t.Errorf("20,000 mistakes became %q", text)
	}
}
