package event_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"sendwatch/internal/event"
)

// full returns an output with n rows of the portfolio in every table.
func full(t *testing.T, portfolio string, n int) *event.Output {
	t.Helper()
	out := new(event.Output)
	v := reflect.ValueOf(out).Elem()
	for field, table := range v.Fields() {
		if !isTable(field) {
			continue
		}
		rows := reflect.MakeSlice(table.Type(), n, n)
		for r := range n {
			rows.Index(r).FieldByName("PortfolioID").SetString(portfolio)
		}
		table.Set(rows)
	}
	return out
}

// isTable reports whether a field of an Output has the rows of a table: the others are
// memory of rows, and blocks.
func isTable(f reflect.StructField) bool { return f.IsExported() && f.Name != "Blocks" }

// TestBlocksOfAnOutput appends blocks, which count as the rows that they have and are
// copied: their memory may be another's.
func TestBlocksOfAnOutput(t *testing.T) {
	memory := []byte("abc")
	from := event.Output{Blocks: []event.Block{
		{Table: event.TableFlags, Rows: 3, Bytes: memory[:1]}, {Table: event.TableNumberMinutes, Rows: 4, Bytes: memory[1:]},
	}}
	out := full(t, "p1", 1)
	out.Append(&from)
	out.Append(&from)
	copy(memory, "xyz")
	if f, m, all := out.Rows(event.TableFlags), out.Rows(event.TableNumberMinutes), out.Len(); f != 7 || m != 9 || all != 14+int(event.NumStoredTables) {
		t.Errorf("%d flags, %d minutes, %d in all", f, m, all)
	}
	var text []byte
	for _, b := range out.Blocks {
		text = append(text, b.Bytes...)
	}
	if string(text) != "abcabc" {
		t.Errorf("the blocks are %q", text)
	}
	if out.Reset(); out.Len() != 0 || len(out.Blocks) != 0 {
		t.Errorf("%d rows after Reset", out.Len())
	}
}

// Every field of an Output is in the list of tables, once: what is forgotten
// there would be lost on its way to the store.
func TestOutputKnowsAllItsTables(t *testing.T) {
	out := full(t, "p1", 2)
	fields := 0
	for field := range reflect.TypeFor[event.Output]().Fields() {
		if isTable(field) {
			fields++
		}
	}
	if fields != int(event.NumTables) {
		t.Fatalf("%d fields, want a table each: there are %d", fields, event.NumTables)
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
	for table := range event.NumTables {
		if n := all.Rows(table); n != 3 {
			t.Errorf("%s: %d rows after Append, want 3", table, n)
		}
	}
	all.Reset()
	for table := range event.NumTables {
		if n := all.Rows(table); n != 0 {
			t.Errorf("%s: %d rows after Reset", table, n)
		}
	}
}

// TestGrouping arranges outputs of changing portfolios, one after another by the same
// memory: each row is handed out once, with its portfolio, in its order.
func TestGrouping(t *testing.T) {
	var g event.Grouping
	for round := range 3 {
		all := full(t, fmt.Sprint("p", 3-round), 1)
		all.Append(full(t, "p1", 2))
		all.Append(full(t, "", 1))
		all.Append(full(t, fmt.Sprint("p", 3-round), 1))
		g.Arrange(all)
		seen, last := map[event.Row]bool{}, "-"
		err := g.Each(func(id string, rows []event.Row) error {
			if last != "-" && id <= last {
				t.Errorf("round %d: %q comes behind %q", round, id, last)
			}
			last = id
			for k, r := range rows {
				if seen[r] {
					t.Errorf("round %d: %v comes again", round, r)
				}
				seen[r] = true
				if k > 0 && (rows[k-1].Table > r.Table || rows[k-1].Table == r.Table && rows[k-1].Index >= r.Index) {
					t.Errorf("round %d: %v comes behind %v", round, r, rows[k-1])
				}
				if r.Table == event.TableFlags && all.Flags[r.Index].PortfolioID != id {
					t.Errorf("round %d: a flag of %q is among those of %q", round, all.Flags[r.Index].PortfolioID, id)
				}
			}
			return nil
		})
		if n := 5 * int(event.NumTables); err != nil || len(seen) != n {
			t.Errorf("round %d: %d rows, want %d; error %v", round, len(seen), n, err)
		}
	}
	stop := errors.New("stop")
	visits := 0
	if err := g.Each(func(string, []event.Row) error { visits++; return stop }); !errors.Is(err, stop) || visits != 1 {
		t.Errorf("an error of the second of 3 groups: %v after %d visits", err, visits)
	}
	big := full(t, "p1", 100)
	if made := testing.AllocsPerRun(10, func() { g.Arrange(big); _ = g.Each(func(string, []event.Row) error { return nil }) }); made != 0 {
		t.Errorf("%v allocations for an output like the one before", made)
	}
}

// TestListsOfRows takes the memory of many lists: none may run into another, and none is
// made twice.
func TestListsOfRows(t *testing.T) {
	var out event.Output
	fill := func() {
		for i := range 1000 {
			row := event.NumberMinute{Contacts: out.Hashes(i % 7)}
			for k := range row.Contacts {
				row.Contacts[k] = uint64(i)
			}
			out.NumberMinutes = append(out.NumberMinutes, row)
			_ = append(row.Contacts, 7) // must not reach the next row's
		}
	}
	fill()
	for i, row := range out.NumberMinutes {
		if len(row.Contacts) != i%7 {
			t.Fatalf("row %d has %d hashes, want %d", i, len(row.Contacts), i%7)
		}
		for _, h := range row.Contacts {
			if h != uint64(i) {
				t.Fatalf("row %d has a hash of row %d", i, h)
			}
		}
	}
	out.Reset()
	fill()
	if made := testing.AllocsPerRun(10, func() {
		out.Reset()
		for range 1000 {
			_, _ = out.Hashes(3), out.Contributions(0)
		}
	}); made > 0 {
		t.Errorf("%v allocations in memory that was there", made)
	}
}
