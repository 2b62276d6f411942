package strictyaml

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// at reads a document of one key, `k`, and returns its value.
func at(t *testing.T, text string) (*Document, Value) {
	t.Helper()
	doc, root := Read([]byte("k: " + text))
	var v Value
	root.Record([]string{"k"}, func(_ string, field Value) { v = field })
	return doc, v
}

func TestScalars(t *testing.T) {
	read := map[string]func(Value) (any, bool){
		"text":     func(v Value) (any, bool) { return second(v.Text("a text")) },
		"word":     func(v Value) (any, bool) { return second(v.Word([]string{"red", "green"})) },
		"bool":     func(v Value) (any, bool) { return second(v.Bool()) },
		"number":   func(v Value) (any, bool) { return second(v.Number(0, 10, "0 to 10")) },
		"whole":    func(v Value) (any, bool) { return second(v.Whole(1, 10)) },
		"duration": func(v Value) (any, bool) { return second(v.Duration(time.Second, 10*24*time.Hour)) },
	}
	for _, c := range []struct {
		kind, text string
		want       any    // nil: a mistake
		problem    string // of the mistake
	}{
		{"text", "a b", "a b", ""},
		{"text", `" a "`, "a", ""},
		{"text", "12", "12", ""},
		{"text", "", nil, "k: is empty"},
		{"text", "~", nil, "k: is empty"},
		{"text", `"  "`, nil, "k: is empty"},
		{"text", "[a]", nil, "k: is a list"},
		{"text", "{a: b}", nil, "k: is a mapping"},
		{"text", "&a b", nil, "anchors and aliases are not read"},
		{"text", "!!str b", nil, "tags are not read"},
		{"word", "green", "green", ""},
		{"word", "gren", nil, `"gren" is not known, did you mean green?; accepted: red, green`},
		{"word", "blue", nil, `"blue" is not known; accepted: red, green`},
		{"bool", "true", true, ""},
		{"bool", "false", false, ""},
		{"bool", "yes", nil, `"yes" is neither true nor false`},
		{"number", "0.5", 0.5, ""},
		{"number", "1e1", 10.0, ""},
		{"number", "11", nil, "11 is out of range; accepted: 0 to 10"},
		{"number", "-1", nil, "-1 is out of range"},
		{"number", ".inf", nil, `".inf" is no number`},
		{"number", "0x1", nil, `"0x1" is no number`},
		{"number", "1_0", nil, `"1_0" is no number`},
		{"number", "1e999", nil, `"1e999" is no number`},
		{"whole", "10", int64(10), ""},
		{"whole", "0", nil, "0 is out of range; accepted: a whole number from 1 to 10"},
		{"whole", "1.0", nil, `"1.0" is no whole number`},
		{"duration", "90s", 90 * time.Second, ""},
		{"duration", "1h30m", 90 * time.Minute, ""},
		{"duration", "7d", 7 * 24 * time.Hour, ""},
		{"duration", "1d12h", 36 * time.Hour, ""},
		{"duration", "5", nil, `"5" is no span of time; accepted: a span of time such as 90s, 10m, 1h or 7d, from 1s to 10d`},
		{"duration", "-1h", nil, `"-1h" is no span of time`},
		{"duration", "999999d", nil, `"999999d" is no span of time`},
		{"duration", "11d", nil, "11d is out of range"},
	} {
		doc, v := at(t, c.text)
		got, ok := read[c.kind](v)
		err := doc.Err()
		switch {
		case c.want != nil && (!ok || got != c.want || err != nil):
			t.Errorf("%s of %s: %v, %v", c.kind, c.text, got, err)
		case c.want == nil && (ok || err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%s of %s: %v, %v; want %q", c.kind, c.text, got, err, c.problem)
		}
	}
}

// second keeps the pair of a reader's results together as (any, bool).
func second[T any](v T, ok bool) (any, bool) { return v, ok }

func TestMistakesComeInReadingOrder(t *testing.T) {
	doc, root := Read([]byte("b: 1\na:\n  - x\n  - {}\nb: 2\n? [x]\n: 3\nc.d: 4\n"))
	root.Record([]string{"a", "b"}, func(key string, v Value) {
		if key == "b" {
			v.Wrong("first", "")
			v.Wrong("first", "") // the same again says nothing new
			return
		}
		items, ok := v.List("a list")
		if !ok || len(items) != 2 {
			t.Fatalf("items %v", items)
		}
		items[1].Wrong("is second", "first")
		items[1].Missing("a key", "x", "y z")
	})
	root.Missing("something", "e")
	const want = `7 mistakes:
  line 1: b: first
  line 1: e: missing; accepted: something
  line 4: a[1]: is second; accepted: first
  line 4: a[1].x."y z": missing; accepted: a key
  line 5: b: written twice, first on line 1; accepted: each key once
  line 6: has a key that is no word; accepted: words as keys
  line 8: "c.d": no such key; accepted: a, b`
	if got := fmt.Sprint(doc.Err()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnreadable(t *testing.T) {
	for text, problem := range map[string]string{
		"":                              "the file is empty",
		"a: [":                          "line 1: did not find expected node content; accepted: YAML",
		"a: 1\n---\nb: 2":               "line 2: a second document begins here; accepted: one document a file",
		"a: 1\n---\n[":                  "did not find expected node content",
		"a:\n\tb: 1":                    "line 2: found character that cannot start any token; accepted: YAML, indented with spaces and not with tabs",
		"x: 1\na: {b: >= 3}":            "line 2: found character that cannot start any token; accepted: YAML, indented with spaces and not with tabs; in quotes what begins with a sign",
		"x: 1\n\na: >= 3":               "line 3: did not find expected comment or line break; accepted: YAML; in quotes what begins with a sign, as \">= 3\"",
		strings.Repeat(" ", MaxBytes+1): fmt.Sprintf("the file has %d bytes; accepted: at most %d", MaxBytes+1, MaxBytes),
	} {
		doc, _ := Read([]byte(text))
		if err := doc.Err(); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%.20q: %v, want %q", text, err, problem)
		}
	}
	doc, root := Read([]byte("# nothing but a remark\n"))
	root.Fields(func(key string, _ Value) { t.Errorf("a key %q", key) })
	if err := doc.Err(); err != nil && !strings.Contains(err.Error(), "empty") {
		t.Errorf("a file of remarks: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"velocity_hour", "velocity_burst", "opt_in", "opt_out", "tls"}
	for s, want := range map[string]string{
		"velocity_huor": "velocity_hour", "velocity-burst": "velocity_burst", "optin": "opt_in", "tsl": "tls",
		"something": "", "": "", "velocity": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(s, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", s, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 20 * time.Hour: "20h",
		90 * time.Minute: "1h30m", 48 * time.Hour: "48h", 72 * time.Hour: "3d", 73 * time.Hour: "73h",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
		if back, ok := parseSpan(Span(d)); !ok || back != d {
			t.Errorf("%v is read back as %v", d, back)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"a: 1", "a: {b: [c, &d e, *d]}\n<<: {}", "- a\n- b", "? a\n: b", "a: |\n  x", "\x00", "a: !!int x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, root := Read([]byte(text))
		var walk func(v Value, depth int)
		walk = func(v Value, depth int) {
			if depth > 8 {
				return
			}
			if v.IsList() {
				items, _ := v.List("a list")
				for _, item := range items {
					walk(item, depth+1)
				}
			}
			v.Fields(func(_ string, field Value) { walk(field, depth+1) })
			v.Text("a text")
			v.Duration(0, time.Hour)
			if n, ok := v.Number(-math.MaxFloat64, math.MaxFloat64, "a number"); ok && (math.IsNaN(n) || math.IsInf(n, 0)) {
				t.Errorf("%q is no number", text)
			}
		}
		walk(root, 0)
		if err := doc.Err(); err != nil && err.Error() == "" {
			t.Error("a mistake without a word")
		}
	})
}

func TestAny(t *testing.T) {
	_, root := Read([]byte("a: [1, -2.5, true, no, ~, \"3\", 0x10, .inf]\nb: {c: d, e: {}}\n"))
	got := fmt.Sprintf("%#v", root.Any())
	want := fmt.Sprintf("%#v", map[string]any{
		"a": []any{json.Number("1"), json.Number("-2.5"), true, "no", nil, "3", "0x10", ".inf"},
		"b": map[string]any{"c": "d", "e": map[string]any{}},
	})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	doc, root := Read([]byte("a: &x 1\nb: *x\n"))
	if root.Any(); doc.Err() == nil {
		t.Error("an anchor and an alias are read")
	}
}

func TestPlaces(t *testing.T) {
	_, root := Read([]byte("ä: {b: c}\n"))
	root.Fields(func(_ string, v Value) {
		if !v.IsMapping() || v.Line() != 1 || v.Column() != 4 {
			t.Errorf("a mapping %v at %d:%d, want one at 1:4", v.IsMapping(), v.Line(), v.Column())
		}
		v.Fields(func(_ string, v Value) {
			if v.IsMapping() || v.Column() != 8 {
				t.Errorf("a mapping %v in column %d, want a value in 8", v.IsMapping(), v.Column())
			}
		})
	})
	if v := (Value{}); v.Column() != 0 || v.IsMapping() {
		t.Error("nothing has a place")
	}
}
