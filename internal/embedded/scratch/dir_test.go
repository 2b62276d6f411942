package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestOnlyAbandonedFoldersAreRemoved(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	old := time.Now().Add(-time.Hour)

	live, err := New("x")
	if err != nil {
		t.Fatal(err)
	}
	abandoned, err := New("x")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := New("x")
	if err != nil {
		t.Fatal(err)
	}
	other, err := New("y")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Dir{live, abandoned, other} {
		if err := os.Chtimes(filepath.Join(d.root, lockName), old, old); err != nil {
			t.Fatal(err)
		}
	}
	// The death of a process closes its files, and that is all that is seen.
	for _, d := range []*Dir{abandoned, fresh, other} {
		if err := d.lock.Close(); err != nil {
			t.Fatal(err)
		}
	}

	next, err := New("x")
	if err != nil {
		t.Fatal(err)
	}
	if exists(abandoned.root) {
		t.Error("an abandoned folder is still there")
	}
	for what, d := range map[string]*Dir{"a live owner's": live, "a fresh": fresh, "another name's": other} {
		if !exists(d.Path()) {
			t.Errorf("%s folder is gone", what)
		}
	}
	if err := errors.Join(next.Remove(), next.Remove(), live.Remove()); err != nil {
		t.Error(err)
	}
	if exists(live.root) {
		t.Error("a removed folder is still there")
	}
}
