package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Cache is the folder that fetched packages live in. The zero value is not
// usable: call Open or At.
type Cache struct {
	root string
}

// Open returns the cache in the user's cache folder (os.UserCacheDir), in the
// subfolder "sendwatch". It creates nothing yet.
func Open() (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("no cache folder for this user: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return At(filepath.Join(dir, "sendwatch")), nil
}

// At returns a cache in the given folder, which is created when first needed.
func At(dir string) Cache {
	return Cache{root: dir}
}

// Dir is the folder of the cache.
func (c Cache) Dir() string { return c.root }

// workPrefix starts the names of folders that a fetch works in. A process that holds
// the lock may remove all of them: they belong to a fetch that was killed.
const workPrefix = "partial-"

// once returns the folder name inside the cache, filling it first if it is not
// there. fill gets an empty folder to work in and the folder whose content is
// to become the result; both are on the same file system as the cache.
func (c Cache) once(ctx context.Context, name string, fill func(work, result string) error) (string, error) {
	final := filepath.Join(c.root, name)
	if isDir(final) {
		return final, nil
	}
	if err := os.MkdirAll(c.root, 0o755); err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(c.root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(final) { // Another process fetched it while this one waited.
		return final, nil
	}
	c.removeLeftovers()

	work, err := os.MkdirTemp(c.root, workPrefix)
	if err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }() // Best effort: the next fetch removes what stays.
	result := filepath.Join(work, "result")
	if err := os.Mkdir(result, 0o755); err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	if err := fill(work, result); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	if err := os.Rename(result, final); err != nil {
		return "", fmt.Errorf("put the fetched package in its place: %w", err)
	}
	return final, syncDir(filepath.Dir(final))
}

func (c Cache) removeLeftovers() {
	entries, err := os.ReadDir(c.root)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), workPrefix) {
			_ = os.RemoveAll(filepath.Join(c.root, e.Name())) // Only disk space is at stake.
		}
	}
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// syncDir makes a rename inside dir last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
