package fetch

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// clients makes a folder with a stand-in for a registry's client, and makes it
// the first on the path. The script sees its arguments as the client would.
func clients(t *testing.T, name, script string) (calls func() int) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	text := "#!/bin/sh\necho \"$*\" >> '" + log + "'\n" + script
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() int {
		b, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("\n"))
	}
}

// archive is an npm archive with one wanted and one other file.
func archive(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for name, text := range map[string]string{"package/index.js": "other", "package/lib/engine.so": content} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npmServing makes an npm that hands out this archive and publishes this
// integrity.
func npmServing(t *testing.T, packed []byte, integrity string) (calls func() int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "served.tgz")
	if err := os.WriteFile(file, packed, 0o644); err != nil {
		t.Fatal(err)
	}
	return clients(t, "npm", fmt.Sprintf(`
case "$1" in
view) echo '"%s"' ;;
pack) while [ $# -gt 0 ]; do [ "$1" = --pack-destination ] && cp '%s' "$2/engine-1.0.0.tgz"; shift; done ;;
esac
`, integrity, file))
}

func integrityOf(b []byte) string {
	sum := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

func testPackage(integrity string) NPM {
	return NPM{Title: "the engine", Name: "@scope/engine", Version: "1.0.0", Integrity: integrity, File: "lib/engine.so", Packed: 100, Advice: "do this"}
}

func TestNPMFetchesOnce(t *testing.T) {
	packed := archive(t, "the library")
	calls := npmServing(t, packed, "")
	cache := At(filepath.Join(t.TempDir(), "cache"))
	var steps []Step
	for range 2 {
		path, err := cache.NPM(t.Context(), testPackage(integrityOf(packed)), func(s Step) { steps = append(steps, s) })
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "the library" {
			t.Errorf("the file holds %q, %v", got, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("the folder has %d files, expected the wanted one only (%v)", len(entries), err)
		}
	}
	if n := calls(); n != 1 {
		t.Errorf("npm was called %d times, expected once", n)
	}
	if len(steps) == 0 || !steps[len(steps)-1].End {
		t.Errorf("the steps do not end: %+v", steps)
	}
	if rest, err := filepath.Glob(filepath.Join(cache.Dir(), workPrefix+"*")); err != nil || len(rest) != 0 {
		t.Errorf("left behind: %v, %v", rest, err)
	}
}

func TestNPMUsesThePublishedIntegrity(t *testing.T) {
	packed := archive(t, "x")
	npmServing(t, packed, integrityOf(packed))
	if _, err := At(t.TempDir()).NPM(t.Context(), testPackage(""), Silent); err != nil {
		t.Error(err)
	}
	npmServing(t, packed, integrityOf([]byte("something else")))
	if _, err := At(t.TempDir()).NPM(t.Context(), testPackage(""), Silent); err == nil {
		t.Error("an archive that differs from the published integrity was accepted")
	}
}

func TestNPMRefusals(t *testing.T) {
	packed := archive(t, "x")
	other := testPackage(integrityOf(packed))
	other.File = "lib/missing.so"
	for name, c := range map[string]struct {
		packed []byte
		pkg    NPM
		want   string
	}{
		"other bytes":    {append(bytes.Clone(packed), 0), testPackage(integrityOf(packed)), "integrity check failed"},
		"other hash":     {packed, testPackage("sha1-abc"), "only sha512"},
		"no such file":   {packed, other, "is not in it"},
		"cut archive":    {packed[:len(packed)/2], testPackage(integrityOf(packed[:len(packed)/2])), "archive"},
		"not an archive": {[]byte("hello"), testPackage(integrityOf([]byte("hello"))), "archive"},
	} {
		t.Run(name, func(t *testing.T) {
			npmServing(t, c.packed, "")
			cache := At(t.TempDir())
			_, err := cache.NPM(t.Context(), c.pkg, Silent)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, expected %q in it", err, c.want)
			}
			if isDir(filepath.Join(cache.Dir(), "npm")) {
				t.Error("something was installed")
			}
		})
	}
}

func TestMissingClientSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := At(t.TempDir()).NPM(t.Context(), testPackage("sha512-x"), Silent)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Error() != "npm was not found on this machine: do this" {
		t.Errorf("got %v", err)
	}
	_, err = At(t.TempDir()).Maven(t.Context(), Maven{Advice: "do that"}, Silent)
	if !errors.As(err, &missing) || missing.Error() != "mvn was not found on this machine: do that" {
		t.Errorf("got %v", err)
	}
}

func TestFailingClientIsQuoted(t *testing.T) {
	clients(t, "npm", "echo no network today >&2\nexit 3\n")
	_, err := At(t.TempDir()).NPM(t.Context(), testPackage("sha512-x"), Silent)
	if err == nil || !strings.Contains(err.Error(), "no network today") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestTwoFetchesAtOnce(t *testing.T) {
	packed := archive(t, "x")
	calls := npmServing(t, packed, "")
	dir := t.TempDir()
	const n = 4
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := At(dir).NPM(t.Context(), testPackage(integrityOf(packed)), Silent)
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := calls(); n != 1 {
		t.Errorf("npm was called %d times, expected once", n)
	}
}

func TestKilledFetchIsCleanedUp(t *testing.T) {
	packed := archive(t, "x")
	npmServing(t, packed, "")
	cache := At(t.TempDir())
	left := filepath.Join(cache.Dir(), workPrefix+"of-a-killed-one")
	if err := os.MkdirAll(filepath.Join(left, "result"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.NPM(t.Context(), testPackage(integrityOf(packed)), Silent); err != nil {
		t.Fatal(err)
	}
	if isDir(left) {
		t.Error("the folder of a killed fetch is still there")
	}
}

func TestCancelledFetch(t *testing.T) {
	clients(t, "npm", "exec sleep 60\n")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := At(t.TempDir()).NPM(ctx, testPackage("sha512-x"), func(Step) {
		cancel() // On the first report npm is about to run.
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWaitingForTheLockCanBeCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// mvnServing makes an mvn that puts these files into the output folder.
func mvnServing(t *testing.T, files map[string]string) (calls func() int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return clients(t, "mvn", `test -f pom.xml || exit 9
for a; do case "$a" in -DoutputDirectory=*) cp '`+dir+`'/* "${a#*=}/" ;; esac; done
`)
}

func sums(files map[string]string) string {
	var b strings.Builder
	for name, text := range files {
		sum := sha256.Sum256([]byte(text))
		fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	return b.String()
}

func TestMaven(t *testing.T) {
	want := map[string]string{"a.jar": "A", "b.jar": "B"}
	set := Maven{Title: "the jars", Name: "jars-1", POM: "<project/>", Sums: sums(want), Bytes: 2}

	calls := mvnServing(t, want)
	cache := At(t.TempDir())
	for range 2 {
		dir, err := cache.Maven(t.Context(), set, Silent)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "b.jar")); err != nil || string(got) != "B" {
			t.Errorf("b.jar holds %q, %v", got, err)
		}
	}
	if n := calls(); n != 1 {
		t.Errorf("mvn was called %d times, expected once", n)
	}

	for name, files := range map[string]map[string]string{
		"b.jar did not come": {"a.jar": "A"},
		"not on the list":    {"a.jar": "A", "b.jar": "B", "c.jar": "C"},
		"b.jar has SHA-256":  {"a.jar": "A", "b.jar": "changed"},
	} {
		mvnServing(t, files)
		if _, err := At(t.TempDir()).Maven(t.Context(), set, Silent); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, expected %q in it", err, name)
		}
	}
}

func TestBarOnAPipe(t *testing.T) {
	var b bytes.Buffer
	report := Bar(&b)
	report(Step{What: "downloading x", Total: 3e6})
	report(Step{What: "downloading x", Done: 1e6, Total: 3e6})
	report(Step{What: "downloading x", Done: 3e6, Total: 3e6, End: true})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || lines[0] != "downloading x (3 MB) ..." || !strings.HasPrefix(lines[1], "downloading x: done in ") {
		t.Errorf("wrote %q", lines)
	}
}

func TestBarCells(t *testing.T) {
	for step, want := range map[Step]string{
		{Done: 15e6, Total: 30e6}: "[===============               ]  50%  15/30 MB",
		{Done: 40e6, Total: 30e6}: "[==============================] 133%  40/30 MB",
		{Done: 5e6}:               "5 MB",
	} {
		if got := cells(step); got != want {
			t.Errorf("%+v is drawn as %q, expected %q", step, got, want)
		}
	}
}
