package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Dir is a temporary folder.
type Dir struct {
	root string
	lock *os.File
}

// Names inside the root of a Dir.
const (
	lockName = "owner.lock"
	dataName = "data"
)

// quietPeriod is how old a folder without a live owner must be before it is taken
// for abandoned: a new one is not locked yet for a moment.
const quietPeriod = time.Minute

// New makes an empty folder whose name begins with name, in the system's folder
// for temporary files, and removes those of the same name whose owner is dead.
func New(name string) (*Dir, error) {
	removeAbandoned(name)
	root, err := os.MkdirTemp("", name+"-")
	if err != nil {
		return nil, fmt.Errorf("temporary folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(root, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("temporary folder: %w", err), os.RemoveAll(root))
	}
	d := &Dir{root: root, lock: lock}
	if !tryLock(lock) {
		return nil, errors.Join(errors.New("temporary folder: somebody locked it"), d.Remove())
	}
	if err := os.Mkdir(d.Path(), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("temporary folder: %w", err), d.Remove())
	}
	return d, nil
}

// Path is the folder to use.
func (d *Dir) Path() string { return filepath.Join(d.root, dataName) }

// Remove removes the folder and all in it. More calls do nothing.
func (d *Dir) Remove() error {
	if d.lock == nil {
		return nil
	}
	err := os.RemoveAll(d.root)
	err = errors.Join(err, d.lock.Close()) // Last, so that nobody removes it at the same time.
	d.lock = nil
	return err
}

// removeAbandoned removes folders whose owner was killed. It is a courtesy: an
// error only means that they stay.
func removeAbandoned(name string) {
	roots, err := filepath.Glob(filepath.Join(os.TempDir(), name+"-*"))
	if err != nil {
		return
	}
	for _, root := range roots {
		removeIfAbandoned(root)
	}
}

func removeIfAbandoned(root string) {
	path := filepath.Join(root, lockName)
	fi, err := os.Stat(path)
	if err != nil || time.Since(fi.ModTime()) < quietPeriod {
		return
	}
	lock, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	if tryLock(lock) {
		_ = os.RemoveAll(root)
	}
	_ = lock.Close()
}
