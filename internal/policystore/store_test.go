package policystore

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sendwatch/internal/policy"
)

const strict = "name: strict\nextends: default\nhysteresis: 5m\n"

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, folder, file string) *Store {
	t.Helper()
	s, err := Open(folder, file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStoreRemembers takes three policies one after the other; another process
// finds each under its version and knows which was the first.
func TestStoreRemembers(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "policy.yaml")
	shipped := open(t, folder, "").Newest()
	write(t, file, strict)
	s := open(t, folder, file)
	second := s.Newest()
	if changed, err := s.Reload(); changed || err != nil {
		t.Errorf("the same file again: changed %v, error %v", changed, err)
	}
	write(t, file, strings.ReplaceAll(strict, "5m", "7m"))
	if changed, err := s.Reload(); !changed || err != nil {
		t.Fatalf("a new file: changed %v, error %v", changed, err)
	}
	third := s.Newest()
	write(t, file, strings.ReplaceAll(strict, "5m", "soon"))
	if changed, err := s.Reload(); changed || err == nil || !strings.Contains(err.Error(), "hysteresis") {
		t.Errorf("a bad file: changed %v, error %v", changed, err)
	}
	if s.Newest() != third {
		t.Error("a bad file put the policy in force out of it")
	}
	other := open(t, folder, "")
	for _, want := range []*policy.Policy{shipped, second, third} {
		got, err := other.Find(want.Version)
		if err != nil {
			t.Fatal(err)
		}
		if got.Version != want.Version || got.Hysteresis != want.Hysteresis {
			t.Errorf("found %s with hysteresis %d, want %s with %d", got.Version, got.Hysteresis, want.Version, want.Hysteresis)
		}
	}
	if got := other.First().Version; got != shipped.Version {
		t.Errorf("the first policy is %s, want %s", got, shipped.Version)
	}
}

// TestCheckFindsWhatOpenWould, and leaves the folder as it was.
func TestCheckFindsWhatOpenWould(t *testing.T) {
	folder, file := filepath.Join(t.TempDir(), "policies"), filepath.Join(t.TempDir(), "policy.yaml")
	write(t, file, strict)
	if err := Check(folder, file); err != nil {
		t.Errorf("a folder that is still to be made: %v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the check made the folder")
	}
	first := open(t, folder, file).First().Version
	if err := Check(folder, file); err != nil {
		t.Errorf("after Open: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(folder, first)); err != nil {
		t.Fatal(err)
	}
	write(t, file, strings.ReplaceAll(strict, "5m", "soon"))
	err := Check(folder, file)
	if err == nil || !strings.Contains(err.Error(), "hysteresis") || !strings.Contains(err.Error(), first) {
		t.Errorf("a bad file and a lost policy: %v", err)
	}
	if err := Check(file, ""); err == nil || !strings.Contains(err.Error(), "must be readable") {
		t.Errorf("a folder that is a file: %v", err)
	}
}

// TestFindNames names the version that cannot be found, whatever it looks like.
func TestFindNames(t *testing.T) {
	s := open(t, t.TempDir(), "")
	for _, version := range []string{"gone-0123456789ab", "../secrets", "", ".."} {
		if _, err := s.Find(version); err == nil || !strings.Contains(err.Error(), `"`+version+`"`) {
			t.Errorf("version %q: error %v does not name it", version, err)
		}
	}
}

// TestFindRefusesAChangedFile does not judge by a kept file that was edited.
func TestFindRefusesAChangedFile(t *testing.T) {
	folder := t.TempDir()
	version := open(t, folder, "").Newest().Version
	write(t, filepath.Join(folder, version, policyFile), strict)
	if _, err := Open(folder, ""); err != nil {
		return // the first policy cannot be found either
	}
	fresh := &Store{folder: folder, known: map[string]*policy.Policy{}}
	if _, err := fresh.Find(version); err == nil {
		t.Error("a kept policy that was changed was found under its old version")
	}
}

// TestRunReports reports a new policy once, and of a bad or a missing file once
// each time that it becomes so.
func TestRunReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "policy.yaml")
		write(t, file, strict)
		s := open(t, "", file)
		var reported []string
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx, time.Second, func(*policy.Policy) { reported = append(reported, "taken") }, func(err error) {
				reported = append(reported, map[bool]string{true: "again", false: "refused"}[err == nil])
			})
		}()
		pass := func() { time.Sleep(3500 * time.Millisecond); synctest.Wait() } // virtual time
		pass()
		write(t, file, "nonsense: [")
		pass()
		write(t, file, strict) // the one in force
		pass()
		write(t, file, "nonsense: [")
		pass()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		pass()
		write(t, file, strings.ReplaceAll(strict, "5m", "9m"))
		pass()
		cancel()
		<-done
		if got := strings.Join(reported, " "); got != "refused again refused refused taken" {
			t.Errorf("reported %q, want refused, the old one again, refused twice, then taken", got)
		}
	})
}
