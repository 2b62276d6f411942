package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"sendwatch/internal/clickhouse"
)

func TestSQLStatement(t *testing.T) {
	for _, c := range []struct{ argument, input, want string }{
		{"SELECT 1", "", "SELECT 1"},
		{"SELECT 1 ;\n", "", "SELECT 1"},
		{"-", "SELECT 2;\n", "SELECT 2"},
	} {
		got, err := (&sqlCmd{Statement: c.argument}).statement(strings.NewReader(c.input))
		if err != nil || got != c.want {
			t.Errorf("%q gives %q, %v; want %q", c.argument, got, err, c.want)
		}
	}
	if _, err := (&sqlCmd{Statement: "-"}).statement(strings.NewReader(" ;")); err == nil {
		t.Error("an empty statement is accepted")
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

// TestSQLFormats holds the formats of the command line against those there are.
func TestSQLFormats(t *testing.T) {
	var names bytes.Buffer
	for i, f := range clickhouse.Formats() {
		if i > 0 {
			names.WriteByte(',')
		}
		names.WriteString(string(f))
	}
	field, found := reflect.TypeFor[sqlCmd]().FieldByName("Format")
	if !found {
		t.Fatal("no field Format")
	}
	if got := field.Tag.Get("enum"); got != names.String() {
		t.Errorf("the command line accepts %s, there are %s", got, names.String())
	}
}
