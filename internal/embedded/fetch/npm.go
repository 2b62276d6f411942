package fetch

import (
	"archive/tar"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// NPM names one file of one version of an npm package.
type NPM struct {
	Title     string // Title is what people call it: "ClickHouse 26.7".
	Name      string // Name is the package, with its scope.
	Version   string // Version is exact, never a range.
	Integrity string // Integrity is "sha512-" and base64, as npm prints it; empty means: what the registry publishes for this version.
	File      string // File is the one file wanted, by its path in the package.
	Packed    int64  // Packed is the size of the archive in bytes, for the progress bar.
	Unpacked  int64  // Unpacked is the size of File in bytes, for the progress bar.
	Advice    string // Advice completes the sentence "npm was not found on this machine: ...".
}

// NPM returns the path of the package's file in the cache, fetching it first
// with "npm pack" if it is not there. The archive is checked before anything
// is unpacked, and only the wanted file is.
func (c Cache) NPM(ctx context.Context, p NPM, report Report) (string, error) {
	name := filepath.Join("npm", strings.NewReplacer("/", "-", "@", "").Replace(p.Name)+"-"+p.Version)
	dir, err := c.once(ctx, name, func(work, result string) error {
		return p.fetch(ctx, work, result, report)
	})
	if err != nil {
		return "", fmt.Errorf("%s (npm package %s@%s): %w", p.Title, p.Name, p.Version, err)
	}
	file := filepath.Join(dir, path.Base(p.File))
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("%s is not whole: %w; remove %s and start again", p.Title, err, dir)
	}
	return file, nil
}

func (p NPM) fetch(ctx context.Context, work, result string, report Report) error {
	if err := look("npm", p.Advice); err != nil {
		return err
	}
	want := p.Integrity
	if want == "" {
		published, err := p.published(ctx, work)
		if err != nil {
			return err
		}
		want = published
	}

	step := Step{What: "downloading " + p.Title, Total: p.Packed}
	report(step)
	stop := watch(work, step, report)
	// npm's own cache is kept inside the work folder: its growth is what the
	// progress bar shows, and it does not leave a second copy behind.
	err := run(ctx, work, "npm", "pack", p.Name+"@"+p.Version, "--ignore-scripts", "--no-update-notifier", "--no-audit", "--no-fund",
		"--cache", filepath.Join(work, "npm-cache"), "--pack-destination", work)
	stop()
	if err != nil {
		return err
	}
	step.Done, step.End = step.Total, true
	report(step)

	archives, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil {
		return err
	}
	if len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives, expected one", len(archives))
	}
	if err := checkIntegrity(archives[0], want); err != nil {
		return err
	}
	return p.unpack(ctx, archives[0], filepath.Join(result, path.Base(p.File)), report)
}

// published asks the registry for the integrity of exactly this version.
func (p NPM) published(ctx context.Context, work string) (string, error) {
	cmd := exec.CommandContext(ctx, "npm", "view", p.Name+"@"+p.Version, "dist.integrity", "--json", "--cache", filepath.Join(work, "npm-cache"))
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return "", fmt.Errorf("npm view: %w\n%s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("npm view: %w", err)
	}
	var integrity string
	if err := json.Unmarshal(out, &integrity); err != nil || integrity == "" {
		return "", fmt.Errorf("npm view: no integrity published for %s@%s", p.Name, p.Version)
	}
	return integrity, nil
}

// checkIntegrity compares a file with an integrity string of the sha512 kind.
func checkIntegrity(file, want string) error {
	digest, ok := strings.CutPrefix(want, "sha512-")
	if !ok {
		return fmt.Errorf("integrity %q: only sha512 is accepted", want)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	h := sha512.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != digest {
		return fmt.Errorf("integrity check failed: got sha512-%s, want %s; nothing was installed", got, want)
	}
	return nil
}

// unpack writes the wanted file of the archive to target and syncs it.
func (p NPM) unpack(ctx context.Context, archive, target string, report Report) (err error) {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	tr := tar.NewReader(gz)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("archive: %s is not in it", p.File)
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		// npm archives hold everything under one folder, by custom "package".
		if _, inside, ok := strings.Cut(h.Name, "/"); ok && inside == p.File && h.Typeflag == tar.TypeReg {
			step := Step{What: "unpacking " + p.Title, Total: h.Size}
			return writeFile(ctx, target, tr, step, report)
		}
	}
}

// writeFile copies r to a new file at path, reporting as it goes, and syncs it.
func writeFile(ctx context.Context, path string, r io.Reader, step Step, report Report) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, rerr := io.ReadFull(r, buf)
		if _, err := f.Write(buf[:n]); err != nil {
			return err
		}
		step.Done += int64(n)
		report(step)
		if errors.Is(rerr, io.EOF) || errors.Is(rerr, io.ErrUnexpectedEOF) {
			break
		}
		if rerr != nil {
			return fmt.Errorf("archive: %w", rerr)
		}
	}
	if step.Done != step.Total {
		return fmt.Errorf("archive: file ends after %d of %d bytes", step.Done, step.Total)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	step.End = true
	report(step)
	return nil
}
