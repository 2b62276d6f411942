package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{
		"1-5":     {1, 2, 3, 4, 5},
		"7, 11":   {7, 11},
		"3-3,1":   {3, 1},
		"100-102": {100, 101, 102},
	} {
		got, err := parseSeeds(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("parseSeeds(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "5-1", "1-", "-1", "1,,2", "1-1000", "1-150,1-150", "18446744073709551616"} {
		if got, err := parseSeeds(text); err == nil || !strings.Contains(err.Error(), "--seeds") {
			t.Errorf("parseSeeds(%q) = %v, %v; want an error that names --seeds", text, got, err)
		}
	}
}

// TestWrittenLogsAreMeasured writes a log, replays it and measures its flags, as
// one does with another release; and names what is wrong with files and seeds.
func TestWrittenLogsAreMeasured(t *testing.T) {
	dir := t.TempDir()
	command := func(change func(*backtestCmd)) error {
		c := backtestCmd{Seeds: "3", Numbers: 16, Days: 2, Hard: true, JSON: true}
		change(&c)
		return c.Run(t.Context())
	}
	log := filepath.Join(dir, "log-%d.ndjson")
	if err := command(func(c *backtestCmd) { c.WriteLog = log }); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(dir, "log-3.ndjson"))
	if err != nil || len(written) < 10_000 {
		t.Fatalf("%d bytes, %v", len(written), err)
	}
	flags := filepath.Join(dir, "flags-3.ndjson")
	if err := os.WriteFile(flags, []byte(`{"flag_id":"a","number_id":"number-0001","factor":"reply_ratio","level":"danger","transition":"raised","event_time":1767300000000}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := command(func(c *backtestCmd) { c.Flags = filepath.Join(dir, "flags-%d.ndjson") }); err != nil {
		t.Error(err)
	}
	for _, wrong := range []struct {
		change func(*backtestCmd)
		names  string
	}{
		{func(c *backtestCmd) { c.WriteLog, c.Seeds = filepath.Join(dir, "one.ndjson"), "1-2" }, "%d"},
		{func(c *backtestCmd) { c.WriteLog = filepath.Join(dir, "nowhere", "log") }, "nowhere"},
		{func(c *backtestCmd) { c.Flags = filepath.Join(dir, "missing-%d") }, "missing-3"},
		{func(c *backtestCmd) { c.Flags = filepath.Join(dir, "log-%d.ndjson") }, "flags.ndjson"},
		{func(c *backtestCmd) { c.Numbers = 0 }, "--numbers"},
		{func(c *backtestCmd) { c.Days = 400 }, "--days"},
	} {
		if err := command(wrong.change); err == nil || !strings.Contains(err.Error(), wrong.names) {
			t.Errorf("%v, want an error that names %s", err, wrong.names)
		}
	}
}
