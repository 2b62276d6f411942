package checkpoint

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var powerCuts = flag.Int("power-cuts", 500, "how often TestPowerCuts cuts the power of a store that is in use")

// errDark is the error of everything that is done on a machine without power.
var errDark = errors.New("no power")

// machine is a computer whose disk keeps, when the power goes, what it was asked to sync, and
// of the rest what it likes: files are cut or end in zeros, new names are lost, and
// removed ones are there again.
type machine struct {
	*rand.Rand
	path  string
	left  int // steps until the power goes
	after bool
	dark  bool
	cutAt string // the step that it went at

	unsynced map[string]bool   // files by the path of their partial name
	names    map[string]string // names whose folder was not synced since, and the partial name of their file
	gone     map[string][]byte // removed names whose folder was not synced since, with what they named
}

// newMachine returns one whose power goes at some step from now on.
func newMachine(r *rand.Rand, path string, left int) *machine {
	return &machine{Rand: r, path: path, left: left, after: r.IntN(2) == 0, unsynced: map[string]bool{}, names: map[string]string{}, gone: map[string][]byte{}}
}

// step does a step of the store, or cuts the power before it, in it, or after it.
func (m *machine) step(name, path string, do func() error) error {
	if m.dark {
		return errDark
	}
	m.left--
	if m.left > 0 || m.after {
		if err := m.do(name, path, do); err != nil || m.left > 0 {
			return err
		}
	} else if name == StepWrite && do() == nil {
		m.unsynced[path] = true
	}
	m.dark, m.cutAt = true, name
	return errDark
}

// do does a step and remembers what it makes durable.
func (m *machine) do(name, path string, do func() error) error {
	switch name {
	case StepWrite:
		m.unsynced[path] = true
	case StepSync: // the machine that the tests run on need not survive
		delete(m.unsynced, path)
		return nil
	case StepLink:
		partials, err := filepath.Glob(filepath.Join(m.path, partial, "*"))
		if err != nil {
			return err
		}
		if err := do(); err != nil {
			return err
		}
		for _, p := range partials {
			if sameFile(p, path) {
				m.names[path] = p
			}
		}
		return nil
	case StepSyncFolders:
		for n := range m.names {
			if filepath.Dir(n) == filepath.Dir(path) {
				delete(m.names, n)
			}
		}
		for n := range m.gone {
			if filepath.Dir(n) == filepath.Dir(path) {
				delete(m.gone, n)
			}
		}
		return nil
	case StepRemove:
		at := filepath.Join(m.path, filepath.FromSlash(path))
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		m.gone[at] = data
	}
	return do()
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// restart does to the disk what the end of the power may have done.
func (m *machine) restart(t *testing.T) {
	t.Helper()
	for name, file := range m.names {
		if m.unsynced[file] { // its partial name may be gone
			m.lose(t, name)
		}
		if m.IntN(2) == 0 {
			remove(t, name)
		}
	}
	for file := range m.unsynced {
		if _, err := os.Stat(file); err == nil {
			m.lose(t, file)
		}
		if m.IntN(2) == 0 {
			remove(t, file)
		}
	}
	for name, data := range m.gone {
		if m.IntN(2) == 0 {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// lose has a file end early, or in zeros.
func (m *machine) lose(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := m.IntN(len(data) + 1)
	if m.IntN(2) == 0 {
		data = data[:kept]
	} else {
		clear(data[kept:])
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// powered is one partition's store whose machine loses power again and again.
type powered struct {
	t        *testing.T
	r        *rand.Rand
	path     string
	machine  *machine
	store    *Store
	owners   []*Owner
	offset   int64
	possible map[int64]bool // offsets that a claim may go on from
}

// boot opens the store again, on a machine whose power goes some steps later.
func (p *powered) boot(left int) {
	p.machine = newMachine(p.r, p.path, left)
	s, err := OpenFolder(p.path, p.machine.step)
	if err != nil {
		p.t.Fatal(err)
	}
	p.store, p.owners = s, nil
}

// live claims, saves, cleans and rewinds, in random order, until the power goes, and does to
// the disk what that may do.
func (p *powered) live() error {
	defer p.store.Close() //nolint:errcheck // a folder
	for !p.machine.dark {
		var err error
		switch k := p.r.IntN(12); {
		case len(p.owners) == 0 || k < 2:
			err = p.claim()
		case k < 8:
			err = p.save(p.owners[max(0, len(p.owners)-1-p.r.IntN(3))])
		case k < 11:
			if err = p.owners[len(p.owners)-1].Clean(p.t.Context(), 2+p.r.IntN(2)); errors.Is(err, ErrFenced) {
				err = nil
			}
		default:
			err = p.rewind()
		}
		if err != nil && !errors.Is(err, errDark) {
			return err
		}
	}
	p.machine.restart(p.t)
	return nil
}

// claim takes the partition over, and makes sure that it goes on from what was saved last.
func (p *powered) claim() error {
	c, err := p.store.Claim(p.t.Context(), events, layout)
	if err != nil {
		return err
	}
	if !p.possible[c.offset()] || len(c.Damaged) > 0 {
		return fmt.Errorf("went on from %d, possible are %v; damaged are %v", c.offset(), p.possible, c.Damaged)
	}
	if c.Newest != nil {
		if data, _ := c.Newest.Section("numbers"); string(data) != string(state(c.offset()).Sections[0].Data) {
			return fmt.Errorf("the state before %d is %q", c.offset(), data)
		}
	}
	p.possible = map[int64]bool{c.offset(): true}
	p.owners = append(p.owners, c.Owner)
	return nil
}

// save saves a state of an owner that may be fenced.
func (p *powered) save(o *Owner) error {
	newest := p.owners[len(p.owners)-1]
	p.offset++
	err := o.Save(p.t.Context(), state(p.offset))
	switch {
	case err == nil && o != newest:
		return fmt.Errorf("epoch %d saved after %d had claimed", o.at.Epoch, newest.at.Epoch)
	case err == nil:
		p.possible = map[int64]bool{p.offset: true}
	case errors.Is(err, errDark) && o == newest:
		p.possible[p.offset] = true
	case errors.Is(err, ErrFenced) && o != newest:
		return nil
	}
	return err
}

// rewind has the partition go on from the state before the newest.
func (p *powered) rewind() error {
	objects, err := p.store.Objects(p.t.Context(), events.Topic, events.Partition)
	if err != nil {
		return err
	}
	states, _, err := p.store.chain(p.t.Context(), objects, len(objects))
	if err != nil || len(states) < 2 {
		return err
	}
	to := states[1]
	h, _, err := p.store.Head(p.t.Context(), &to)
	if err != nil {
		return err
	}
	err = p.store.Rewind(p.t.Context(), &to)
	switch {
	case err == nil:
		p.possible, p.owners = map[int64]bool{h.Offset: true}, nil // all are fenced
	case errors.Is(err, errDark):
		p.possible[h.Offset] = true
	}
	return err
}

// TestPowerCuts has the power of a folder's machine go at random steps of everything that is
// done with it, ten times with one folder. What was reported as saved is there after each,
// whole, and nothing that was written in part is ever taken for a state.
func TestPowerCuts(t *testing.T) {
	at := map[string]int{}
	for cut := 0; cut < *powerCuts; {
		seed := uint64(cut)
		p := &powered{t: t, r: rand.New(rand.NewPCG(seed, 0xda2c)), path: t.TempDir(), possible: map[int64]bool{-1: true}}
		for range 10 {
			p.boot(1 + p.r.IntN(100))
			if err := p.live(); err != nil {
				t.Fatalf("seed %d, after %d cuts: %v", seed, uint64(cut)-seed, err)
			}
			at[p.machine.cutAt]++
			cut++
		}
		p.boot(1_000_000)
		if err := p.claim(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		_ = p.store.Close() // a folder
	}
	t.Logf("%d cuts: %v", *powerCuts, at)
	for _, step := range []string{StepWrite, StepSync, StepLink, StepUnlink, StepSyncFolders, StepRemove, StepList, StepRead} {
		if at[step] == 0 {
			t.Errorf("none at the step %q", step)
		}
	}
}

// TestPowerCutAtEachStep cuts the power once before, in and after each step of a claim, two
// saves and a cleaning.
func TestPowerCutAtEachStep(t *testing.T) {
	for left := 1; ; left++ {
		for seed := range uint64(8) {
			p := &powered{t: t, r: rand.New(rand.NewPCG(seed, uint64(left))), path: t.TempDir(), possible: map[int64]bool{-1: true}}
			p.boot(left)
			p.machine.after = seed%2 == 1
			err := p.claim()
			for range 4 {
				if err == nil {
					err = p.save(p.owners[0])
				}
			}
			if err == nil {
				err = p.owners[0].Clean(t.Context(), 2)
			}
			if err == nil { // it has fewer steps
				if left < 30 {
					t.Errorf("there are only %d steps", left-1)
				}
				return
			}
			if !errors.Is(err, errDark) {
				t.Fatal(err)
			}
			_ = p.store.Close() // a folder
			p.machine.restart(t)
			p.boot(1_000_000)
			if err := p.claim(); err != nil {
				t.Errorf("after a cut at step %d (%s): %v", left, p.machine.cutAt, err)
			}
			_ = p.store.Close()
		}
	}
}
