package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
)

// TestRolesAskOnlyForWhatTheyUse: each role starts with what it needs, and
// `check` asks for the same things as `run`.
func TestRolesAskOnlyForWhatTheyUse(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("hysteresis: soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		role           string
		policy, shadow string
		want           []string // in what is said; none: nothing is wrong
	}{
		{event.RoleSink, bad, bad, nil},
		{event.RolePortfolios, "", "", nil},
		{event.RolePortfolios, "", bad, []string{bad}},
		{event.RolePortfolios, bad, "", []string{bad}},
		{event.RolePortfolios, filepath.Join(dir, "none.yaml"), "", []string{"policy.file"}},
		{event.RoleNumbers, "", "", []string{config.ContactSecretVariable}},
		{event.RoleNumbers, "", bad, []string{config.ContactSecretVariable, bad}},
	} {
		cfg := config.Default()
		cfg.Roles = []string{c.role}
		cfg.Policy = config.Policy{File: c.policy, Folder: filepath.Join(dir, "policies"), Shadow: c.shadow}
		var said bytes.Buffer
		if failed := checkFiles(&said, cfg); failed != (c.want != nil) {
			t.Errorf("%+v: check failed: %t\n%s", c, failed, &said)
		}
		for _, w := range c.want {
			if !strings.Contains(said.String(), w) {
				t.Errorf("%+v: nothing about %q in\n%s", c, w, &said)
			}
		}
		o := runOptions{logger: slog.New(slog.DiscardHandler)}
		if err := o.loadPolicies(cfg); (err != nil) != (c.want != nil) {
			t.Errorf("%+v: run gives %v", c, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "policies")); err != nil {
		t.Errorf("the portfolios role kept no policy: %v", err)
	}
}

// check tries the store of checkpoints: one that cannot be opened is named, with its key.
func TestCheckTriesTheStoreOfCheckpoints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for store, says := range map[string]string{
		"file://" + t.TempDir():   "",
		"":                        "",
		"/var/lib/states":         "three slashes",
		"file://var/lib/states":   "three slashes",
		"ftp://x/y":               "names no store: give a URL that begins with one of azblob://, file://, gs://, s3://",
		"file://" + file + "/sub": "name a folder that can be written",
	} {
		cfg := config.Default()
		cfg.Checkpoints.Store = store
		var out strings.Builder
		failed := checkStates(t.Context(), &out, cfg)
		if failed != (says != "") || !strings.Contains(out.String(), says) || failed && !strings.Contains(out.String(), "checkpoints.store") {
			t.Errorf("%q: failed %v, says %q, want %q", store, failed, out.String(), says)
		}
	}
}
