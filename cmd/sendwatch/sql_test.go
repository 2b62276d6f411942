package main

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"sendwatch/internal/sqlprint"
)

func TestSQLStatement(t *testing.T) {
	for _, c := range []struct{ argument, input, want string }{
		{"SELECT 1", "", "SELECT 1"},
		{"SELECT 1 ;\n", "", "SELECT 1"},
		{"-", "SELECT 2;\n", "SELECT 2"},
		{"SELECT 'a;b', \"c;d\", `e;`, 'it''s;', '\\';' -- why; so\n/* and; */;; -- done;\n", "", "SELECT 'a;b', \"c;d\", `e;`, 'it''s;', '\\';' -- why; so\n/* and; */"},
		{"-- First;\nSELECT 3", "", "-- First;\nSELECT 3"},
		{"; -- Then;\n; SELECT 3", "", "SELECT 3"},
		{"SELECT 'open;", "", "SELECT 'open;"},
		{"SELECT 4 /* open;", "", "SELECT 4 /* open;"},
	} {
		got, err := (&sqlCmd{Statement: c.argument}).statement(strings.NewReader(c.input))
		if err != nil || got != c.want {
			t.Errorf("%q gives %q, %v; want %q", c.argument, got, err, c.want)
		}
	}
	for _, empty := range []string{" ;", "", "-- nothing; here", "/* ; */;"} {
		if _, err := (&sqlCmd{Statement: "-"}).statement(strings.NewReader(empty)); err == nil || !strings.Contains(err.Error(), "there is no statement") {
			t.Errorf("%q gives %v", empty, err)
		}
	}
	for _, several := range []string{"SELECT 1; SELECT 2", "SELECT 1;;\n-- two\nSELECT 2;", "SELECT ';'; 'x'"} {
		if _, err := (&sqlCmd{Statement: several}).statement(nil); err == nil || !strings.Contains(err.Error(), "one is taken at a time") {
			t.Errorf("%q gives %v", several, err)
		}
	}
}

// TestSQLTakesAPastedComment: an example of the README begins with a comment,
// which is no flag; what is one stays one.
func TestSQLTakesAPastedComment(t *testing.T) {
	for _, statement := range []string{"-- Why.\nSELECT 1", "--\tWhy.\nSELECT 1", "--\nSELECT 1"} {
		var c cli
		args := protectStatements([]string{"sql", "--address", "localhost:1", "--format=csv", statement})
		if _, err := newParser(&c).Parse(args); err != nil {
			t.Errorf("%q: %v", statement, err)
			continue
		}
		if strings.TrimSpace(c.SQL.Statement) != statement || c.SQL.Format != "csv" || c.SQL.Address != "localhost:1" {
			t.Errorf("%q is taken as %+v", statement, c.SQL)
		}
	}
	var c cli
	if _, err := newParser(&c).Parse(protectStatements([]string{"sql", "--nonsense", "SELECT 1"})); err == nil {
		t.Error("an unknown flag is accepted")
	}
}

func TestSQLSaysWhereItCanAsk(t *testing.T) {
	if _, _, err := (&sqlCmd{Data: t.TempDir()}).server(t.Context()); err == nil || !strings.Contains(err.Error(), "sendwatch demo --data") {
		t.Errorf("an empty folder gives %v", err)
	}
	missing := t.TempDir() + "/sendwatch.yaml"
	if _, _, err := (&sqlCmd{Config: missing}).server(t.Context()); err == nil || !strings.Contains(err.Error(), "--address") {
		t.Errorf("a missing configuration gives %v", err)
	}
	settings, stop, err := (&sqlCmd{Address: "h:1"}).server(t.Context())
	if err != nil || settings.Addresses[0] != "h:1" || stop() != nil {
		t.Errorf("an address gives %+v, %v", settings, err)
	}
}

// TestSQLFormats holds the formats of the command line against those there are:
// one that is not known would be printed as a table.
func TestSQLFormats(t *testing.T) {
	field, found := reflect.TypeFor[sqlCmd]().FieldByName("Format")
	if !found {
		t.Fatal("no field Format")
	}
	printed := map[string]string{}
	for name := range strings.SplitSeq(field.Tag.Get("enum"), ",") {
		var out strings.Builder
		p := sqlprint.New(&out, sqlprint.Format(name))
		if err := errors.Join(p.Begin([]string{"a"}, []bool{true}), p.Row([]any{int64(1)}), p.End()); err != nil {
			t.Fatal(err)
		}
		if other, twice := printed[out.String()]; twice {
			t.Errorf("%s is printed as %s", name, other)
		}
		printed[out.String()] = name
	}
}
