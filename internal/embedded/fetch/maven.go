package fetch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Maven names a pinned set of jars: what a project file resolves to.
type Maven struct {
	Title  string // Title is what people call it: "Apache Kafka 4.3.0".
	Name   string // Name is the folder in the cache. It changes whenever Sums does.
	POM    string // POM is the text of a project file whose runtime dependencies are the set.
	Sums   string // Sums has one line a jar: its SHA-256 in hex, spaces, its file name.
	Bytes  int64  // Bytes is the size of all jars, for the progress bar.
	Advice string // Advice completes the sentence "mvn was not found on this machine: ...".
}

// dependencyPlugin is pinned so that the same command does the same everywhere.
const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

// Maven returns the folder with the jars, fetching them first with mvn if they
// are not there. Exactly the listed jars must come, each with its checksum.
func (c Cache) Maven(ctx context.Context, m Maven, report Report) (string, error) {
	dir, err := c.once(ctx, filepath.Join("maven", m.Name), func(work, result string) error {
		if err := look("mvn", m.Advice); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, "pom.xml"), []byte(m.POM), 0o644); err != nil {
			return err
		}
		step := Step{What: "downloading " + m.Title, Total: m.Bytes}
		report(step)
		stop := watch(result, step, report)
		err := run(ctx, work, "mvn", "--quiet", "--batch-mode", dependencyPlugin+":copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+result)
		stop()
		if err != nil {
			return err
		}
		if err := checkSums(result, m.Sums); err != nil {
			return err
		}
		step.Done, step.End = step.Total, true
		report(step)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("%s (from Maven): %w", m.Title, err)
	}
	return dir, nil
}

// checkSums compares the files of a folder with a list of SHA-256 sums, and
// syncs them: from now on the cache takes them for whole.
func checkSums(dir, sums string) error {
	want := make(map[string]string)
	lines := bufio.NewScanner(strings.NewReader(sums))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			return fmt.Errorf("list of checksums: line %q has no file name", lines.Text())
		}
		want[strings.TrimLeft(name, " *")] = sum
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var wrong []error
	for _, e := range entries {
		sum, ok := want[e.Name()]
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s came and is not on the list", e.Name()))
			continue
		}
		delete(want, e.Name())
		got, err := sumAndSync(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if got != sum {
			wrong = append(wrong, fmt.Errorf("%s has SHA-256 %s, the list says %s", e.Name(), got, sum))
		}
	}
	for name := range want {
		wrong = append(wrong, fmt.Errorf("%s did not come", name))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("integrity check failed, nothing was installed: %w", errors.Join(wrong...))
	}
	return nil
}

func sumAndSync(path string) (sum string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), f.Sync()
}
