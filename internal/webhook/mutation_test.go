package webhook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/codec"
)

// TestNoMemberIsTakenForGranted puts other values in the place of each member of
// each payload and body, one at a time: what another version of a provider sends.
// Whatever comes out keeps the promises of FuzzRead.
func TestNoMemberIsTakenForGranted(t *testing.T) {
	others := []any{
		nil, "", " ", "x", "447700900123", "100000000000123@lid", json.Number("0"), json.Number("-1"), json.Number("1795860000"), json.Number("1e999"),
		true,
		[]any{},
		[]any{nil, "a", map[string]any{}},
		map[string]any{},
		map[string]any{"id": "a", "low": json.Number("1")},
		strings.Repeat("é", 300),
	}
	d := codec.NewDecoder(codec.Config{})
	source := Source{ReceivedAt: received, NumberID: "n", WABAID: "w", PortfolioID: "p"}
	runs := 0
	try := func(provider string, v any, whole any) {
		p, err := New(provider)
		if err != nil {
			t.Fatal(err)
		}
		eachPlace(v, func(put func(any), was any) {
			for _, other := range others {
				put(other)
				checkResult(t, d, provider, p.Convert(marshal(whole), source))
				runs++
			}
			put(was)
		})
	}
	payloads, _ := filepath.Glob("testdata/payloads/*.json")
	for _, file := range payloads {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, reason := parse(body, "")
		if reason != "" {
			t.Fatalf("%s: %s", file, reason)
		}
		try(providerOf(strings.TrimSuffix(filepath.Base(file), ".json")), v, v)
	}
	bodies, _ := filepath.Glob("testdata/bodies/*.txt")
	for _, file := range bodies {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if line[0] != '{' && line[0] != '[' {
				continue
			}
			v, reason := parse([]byte(line), "")
			if reason != "" {
				t.Fatalf("%s: %s: %s", file, reason, line)
			}
			try(strings.TrimSuffix(filepath.Base(file), ".txt"), v, v)
		}
	}
	if runs < 10_000 {
		t.Errorf("only %d bodies were tried", runs)
	}
}

// eachPlace calls f with each member and element of a value, the innermost first.
func eachPlace(v any, f func(put func(any), was any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, was := range v {
			eachPlace(was, f)
			f(func(other any) { v[name] = other }, was)
		}
	case []any:
		for i, was := range v {
			eachPlace(was, f)
			f(func(other any) { v[i] = other }, was)
		}
	}
}
