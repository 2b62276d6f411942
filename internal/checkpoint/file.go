package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sendwatch/internal/failpoint"
)

// partial is the folder of files that have no name yet. No topic is called so:
// Kafka allows the name, and a store for it would need another place.
const partial = ".partial"

// folder writes objects into a directory, durably, and each name once
// (README.md, "Save").
type folder struct {
	path string
	step Step
}

// create writes an object that must not exist; the error is errExists if it does.
func (f folder) create(ctx context.Context, key string, write func(io.Writer) error) error {
	target := filepath.Join(f.path, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Join(f.path, partial), "*")
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // what was written was synced before
	for _, s := range []struct {
		name, path string
		do         func() error
	}{
		{StepWrite, file.Name(), func() error { return write(torn(file)) }},
		{StepSync, file.Name(), file.Sync},
		{StepLink, target, func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return os.Link(file.Name(), target)
		}},
		{StepUnlink, file.Name(), func() error { return os.Remove(file.Name()) }},
		{StepSyncFolders, target, func() error { return syncFolders(filepath.Dir(target), f.path) }},
	} {
		if err := f.step(s.name, s.path, s.do); errors.Is(err, fs.ErrExist) {
			return errors.Join(errExists, os.Remove(file.Name()))
		} else if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// objects lists a directory. The library would walk through all of the store's, and look beside
// each object for a file of attributes, after every save.
func (f folder) objects(_ context.Context, directory string) ([]Object, error) {
	entries, err := os.ReadDir(filepath.Join(f.path, filepath.FromSlash(directory))) // in order
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("checkpoint: list %s: %w", directory, err)
	}
	all := make([]Object, 0, len(entries))
	for _, e := range entries {
		object, ok := parseKey(directory + e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed just now
			continue
		} else if err != nil {
			return nil, fmt.Errorf("checkpoint: list %s: %w", directory, err)
		}
		object.Size, object.Written = info.Size(), info.ModTime()
		all = append(all, object)
	}
	return all, nil
}

// torn returns w; where there are failpoints, what it is given is written in two pieces
// with one between them.
func torn(w io.Writer) io.Writer {
	if !failpoint.Enabled {
		return w
	}
	return tearing{w}
}

// tearing is the writer of torn.
type tearing struct{ w io.Writer }

// Write writes p in two pieces.
func (t tearing) Write(p []byte) (int, error) {
	half := len(p) / 2
	n, err := t.w.Write(p[:half])
	if err == nil {
		err = failpoint.Here(failpoint.Torn)
	}
	if err != nil {
		return n, err
	}
	rest, err := t.w.Write(p[half:])
	return n + rest, err
}

// syncFolders syncs a directory and those above it up to the root of the store,
// which may have been made with it.
func syncFolders(from, root string) error {
	for dir := from; ; dir = filepath.Dir(dir) {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
		if dir == filepath.Clean(root) || dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// sweep removes partial files that were left before a time.
func (f folder) sweep(before time.Time) error {
	entries, err := os.ReadDir(filepath.Join(f.path, partial))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			if err := os.Remove(filepath.Join(f.path, partial, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
