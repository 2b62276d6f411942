package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/webhook"
)

// converted runs a conversion of files and returns the ids of what it writes, in
// order, and what it reports.
func converted(t *testing.T, provider string, taught bool, files ...string) (ids []string, report string) {
	t.Helper()
	p, err := webhook.New(provider)
	if err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	memory := new(webhook.Memory)
	c := conversion{
		provider: p, taught: taught, memory: memory, out: bufio.NewWriter(&out), report: &problems,
		source: webhook.Source{NumberID: "n", WABAID: "w", Directory: memory},
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err == nil {
			err = c.file(filepath.Base(name), data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.out.Flush(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		ids = append(ids, e.ID)
	}
	return ids, problems.String()
}

// TestConvertWritesWhatIsTaughtOnRequest converts bodies that teach something: by
// default only their own events come out.
func TestConvertWritesWhatIsTaughtOnRequest(t *testing.T) {
	const folder = "../../internal/webhook/testdata/payloads/"
	meta := []string{folder + "m21_contacts_requested.json", folder + "m23_system_user_changed_number.json", folder + "t04_template_paused_second.json"}
	ids, report := converted(t, "meta", false, meta...)
	if want := []string{"in:wamid.DEMO-IN-1", "tpl:900000000000021:1795860000:PAUSED"}; !slices.Equal(ids, want) {
		t.Errorf("by default: %q, want %q", ids, want)
	}
	if want := "m23_system_user_changed_number.json: update 1, messages: nothing to make of it: taught\n"; report != want {
		t.Errorf("reported %q, want %q", report, want)
	}
	ids, _ = converted(t, "meta", true, meta...)
	want := []string{
		"alias:wamid.DEMO-IN-1", "in:wamid.DEMO-IN-1", "alias:wamid.DEMO-SYS-1",
		"tplp:900000000000021:1795860000:2", "tpl:900000000000021:1795860000:PAUSED",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("with what is taught: %q, want %q", ids, want)
	}
	// A hidden id and its phone in one body: once, and at the message's own time.
	lid := folder + "y27_evolution_upsert_lid.json"
	ids, _ = converted(t, "evolution", true, lid, lid)
	if want := []string{"alias:demo:100000000000123@lid", "in:demo:3EB0DEMO0001", "in:demo:3EB0DEMO0001"}; !slices.Equal(ids, want) {
		t.Errorf("a hidden id: %q, want %q", ids, want)
	}
}
