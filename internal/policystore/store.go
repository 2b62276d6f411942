package policystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/policy"
)

// Files of a kept policy, in a folder named after its version, and the file that
// names the version which decides at the beginning of every partition's log.
const (
	policyFile = "policy.yaml"
	baseFile   = "shipped.yaml"
	firstFile  = "first"
)

// Store is the policies of a deployment. It is safe for concurrent use.
type Store struct {
	folder string // "" keeps nothing
	file   string // "" is the shipped policy, which does not change

	mu     sync.Mutex
	known  map[string]*policy.Policy
	first  *policy.Policy
	newest *policy.Policy
	seen   []byte // the policy file as it was last looked at
	wrong  error  // what is wrong with it
}

// Open reads the policy file ("" for the shipped policy), keeps it in the folder
// ("" for none), and finds out which policy decides at the beginning of a log:
// the first one that was ever kept there. The error names the file and every
// mistake in it.
func Open(folder, file string) (*Store, error) {
	s := &Store{folder: folder, file: file, known: map[string]*policy.Policy{}}
	if _, err := s.Reload(); err != nil {
		return nil, err
	}
	s.first = s.newest
	if folder == "" {
		return s, nil
	}
	first, err := s.keptFirst()
	switch {
	case err != nil:
		return nil, err
	case first != nil:
		s.first = first
	default:
		if err := writeFile(filepath.Join(folder, firstFile), []byte(s.newest.Version+"\n")); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Check returns the error that Open would return, as far as that can be known
// without writing: every mistake of the policy file, and what is wrong with the
// policy that the folder names as the first.
func Check(folder, file string) error {
	s := &Store{file: file, known: map[string]*policy.Policy{}}
	_, err := s.Reload() // keeps nothing: there is no folder yet
	if folder == "" {
		return err
	}
	s.folder = folder
	_, firstErr := s.keptFirst()
	return errors.Join(err, firstErr)
}

// keptFirst returns the policy that the folder names as the first, nil if it names
// none yet.
func (s *Store) keptFirst() (*policy.Policy, error) {
	version, err := os.ReadFile(filepath.Join(s.folder, firstFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // none is a valid answer
	case err != nil:
		return nil, fmt.Errorf("policies: %w; the folder holds the policies this deployment has used and must be readable", err)
	}
	return s.Find(strings.TrimSpace(string(version)))
}

// First returns the policy that decides at the beginning of a log.
func (s *Store) First() *policy.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// Newest returns the policy that is to decide from now on.
func (s *Store) Newest() *policy.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest
}

// Find returns the policy of a version. The error says where it was looked for.
func (s *Store) Find(version string) (*policy.Policy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.known[version]; p != nil {
		return p, nil
	}
	if s.folder == "" {
		return nil, fmt.Errorf("policy %q is not known and no folder keeps the policies that were used: set policy.folder to one that all processes share", version)
	}
	if version == "" || version != filepath.Base(version) || version[0] == '.' {
		return nil, fmt.Errorf("policy %q is no version that this deployment has used", version)
	}
	dir := filepath.Join(s.folder, version)
	data, err := os.ReadFile(filepath.Join(dir, policyFile))
	if err != nil {
		return nil, fmt.Errorf("policy %q was used and is not in the folder of policies (%w): put %s back, from the machine that took it", version, err, filepath.Join(version, policyFile))
	}
	base, err := os.ReadFile(filepath.Join(dir, baseFile))
	if err != nil {
		return nil, fmt.Errorf("policy %q was kept without the policy it extends: %w", version, err)
	}
	p, err := policy.LoadOver(data, base)
	if err != nil {
		return nil, fmt.Errorf("policy %q as it was kept cannot be read any more: %w", version, err)
	}
	if p.Version != version {
		return nil, fmt.Errorf("what is kept as policy %q has version %q now: the file was changed, or this release reads it otherwise; run the release that took it", version, p.Version)
	}
	s.known[version] = p
	return p, nil
}

// Reload looks at the policy file. changed reports whether there is a new policy
// in force. A file with a mistake is an error for as long as it has it; the policy
// in force stays.
func (s *Store) Reload() (changed bool, err error) {
	data := policy.Shipped()
	name := "the shipped policy"
	if s.file != "" {
		name = s.file
		if data, err = os.ReadFile(s.file); err != nil {
			return false, fmt.Errorf("policy.file: %w; give the path of a file that can be read, or leave it out for the shipped policy", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(data, s.seen) {
		return false, s.wrong
	}
	s.seen, s.wrong = data, nil
	p, err := policy.Load(data)
	if err != nil {
		s.wrong = fmt.Errorf("%s: %w", name, err)
		return false, s.wrong
	}
	if s.newest != nil && p.Version == s.newest.Version {
		return false, nil
	}
	if err := s.keep(p.Version, data); err != nil {
		s.seen = nil // try again
		return false, err
	}
	s.known[p.Version] = p
	s.newest = p
	return true, nil
}

// keep puts the text of a policy and of the one it may extend into the folder.
func (s *Store) keep(version string, data []byte) error {
	if s.folder == "" {
		return nil
	}
	dir := filepath.Join(s.folder, version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("policies: %w; policy.folder must be a folder that can be written", err)
	}
	if _, err := os.Stat(filepath.Join(dir, policyFile)); err == nil {
		return nil // kept before
	}
	// The policy comes last: where it is, the other is too.
	return errors.Join(
		writeFile(filepath.Join(dir, baseFile), policy.Shipped()),
		writeFile(filepath.Join(dir, policyFile), data),
	)
}

// writeFile puts a file in its place at once and on disk.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("policies: %w; policy.folder must be a folder that can be written", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("policies: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Run looks at the policy file again and again until ctx ends, and reports each
// new policy and each new file that is refused; refused gets nil once the
// file has the policy in force again.
func (s *Store) Run(ctx context.Context, every time.Duration, taken func(*policy.Policy), refused func(error)) {
	if s.file == "" {
		return // the shipped policy does not change
	}
	t := time.NewTicker(every)
	defer t.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		changed, err := s.Reload()
		if err == nil {
			if last != "" && !changed {
				refused(nil)
			}
			last = ""
		} else if text := err.Error(); text != last {
			last = text
			refused(err)
		}
		if changed {
			taken(s.Newest())
		}
	}
}
