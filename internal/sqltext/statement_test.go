package sqltext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatements(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           nil,
		" ; -- nothing; here\n;":     nil,
		"/* ; */;":                   nil,
		"SELECT 1":                   {"SELECT 1"},
		"SELECT 1;":                  {"SELECT 1"},
		"SELECT 1; SELECT 2":         {"SELECT 1", " SELECT 2"},
		"-- why;\nSELECT 1":          {"-- why;\nSELECT 1"},
		"# why;\nSELECT 1":           {"# why;\nSELECT 1"},
		"; -- Then;\n; SELECT 3":     {" SELECT 3"},
		"SELECT 'it''s;', '\\';'":    {"SELECT 'it''s;', '\\';'"},
		"SELECT \"c;d\", `e;`; x":    {"SELECT \"c;d\", `e;`", " x"},
		"SELECT 'open;":              {"SELECT 'open;"},
		"SELECT 4 /* open;":          {"SELECT 4 /* open;"},
		"SELECT 1 - -1; SELECT 'é;'": {"SELECT 1 - -1", " SELECT 'é;'"},
	} {
		if diff := cmp.Diff(want, Statements(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// FuzzStatements: whatever the text, reading it ends and loses no token.
func FuzzStatements(f *testing.F) {
	f.Add("SELECT 'a;b'; -- c\n/* d */ SELECT `e`")
	f.Fuzz(func(t *testing.T, text string) {
		for _, statement := range Statements(text) {
			if !strings.Contains(text, statement) {
				t.Errorf("%q is no part of %q", statement, text)
			}
			if again := Statements(statement); len(again) != 1 || again[0] != statement {
				t.Errorf("%q is %d statements when read again", statement, len(again))
			}
		}
	})
}
