package event_test

import (
	"reflect"
	"testing"

	"sendwatch/internal/event"
)

// full returns an output with n rows of the portfolio in every table.
func full(t *testing.T, portfolio string, n int) *event.Output {
	t.Helper()
	out := new(event.Output)
	v := reflect.ValueOf(out).Elem()
	for _, table := range v.Fields() {
		rows := reflect.MakeSlice(table.Type(), n, n)
		for r := range n {
			rows.Index(r).FieldByName("PortfolioID").SetString(portfolio)
		}
		table.Set(rows)
	}
	return out
}

// Every field of an Output is in the list of tables, once: what is forgotten
// there would be lost on its way to the store.
func TestOutputKnowsAllItsTables(t *testing.T) {
	out := full(t, "p1", 2)
	if n := reflect.TypeFor[event.Output]().NumField(); n != int(event.NumTables) {
		t.Fatalf("%d fields, want a table each: there are %d", n, event.NumTables)
	}
	names := map[string]bool{}
	for table := range event.NumTables {
		if n := out.Rows(table); n != 2 {
			t.Errorf("%s: %d rows, want 2", table, n)
		}
		names[table.String()] = true
	}
	if len(names) != int(event.NumTables) {
		t.Errorf("%d names for %d tables", len(names), event.NumTables)
	}
	if n := out.Len(); n != 2*int(event.NumStoredTables) {
		t.Errorf("length %d, want 2 rows of each stored table", n)
	}

	all := full(t, "p2", 1)
	all.Append(out)
	by := all.ByPortfolio()
	if len(by) != 2 || len(by["p1"]) != 2*int(event.NumTables) || len(by["p2"]) != int(event.NumTables) {
		t.Fatalf("rows by portfolio: %v", by)
	}
	var picked event.Output
	for _, r := range by["p1"] {
		picked.AppendRow(all, r)
	}
	if !reflect.DeepEqual(&picked, out) {
		t.Errorf("rows of p1: %+v, want %+v", picked, out)
	}

	all.Reset()
	for table := range event.NumTables {
		if n := all.Rows(table); n != 0 {
			t.Errorf("%s: %d rows after Reset", table, n)
		}
	}
}
