package checkpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var events = Partition{Topic: "events", TopicID: [16]byte{1}, Partition: 3, Partitions: 12}

const layout = 42

// stores opens a store of each kind that works without a network.
func stores(t *testing.T, run func(t *testing.T, s *Store)) {
	t.Helper()
	for name, address := range map[string]string{"memory": "mem://", "folder": "file://" + filepath.ToSlash(t.TempDir())} {
		t.Run(name, func(t *testing.T) { run(t, open(t, address)) })
	}
}

func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func claimed(t *testing.T, s *Store) *Claimed {
	t.Helper()
	c, err := s.Claim(t.Context(), events, layout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// offset returns where a claim goes on, -1 for the start.
func (c *Claimed) offset() int64 {
	if c.Newest == nil {
		return -1
	}
	return c.Newest.Offset
}

func save(t *testing.T, o *Owner, offset int64) {
	t.Helper()
	if err := o.Save(t.Context(), state(offset)); err != nil {
		t.Fatal(err)
	}
}

func state(offset int64) *State {
	return &State{Offset: offset, PolicyVersion: "v1", Sections: []Section{{"numbers", fmt.Append(nil, "state at ", offset)}}}
}

func TestGoOnFromTheNewest(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		first := claimed(t, s)
		if first.Newest != nil || len(first.Damaged) > 0 {
			t.Fatalf("an empty store has %+v", first)
		}
		save(t, first.Owner, 100)
		save(t, first.Owner, 200)
		second := claimed(t, s)
		if data, ok := second.Newest.Section("numbers"); second.offset() != 200 || !ok || string(data) != "state at 200" || second.Newest.PolicyVersion != "v1" {
			t.Fatalf("went on from %+v", second.Newest)
		}
		if third := claimed(t, s); third.offset() != 200 { // the second has saved nothing
			t.Fatalf("went on from %d", third.offset())
		}
	})
}

func TestDamagedFallsBackOne(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		o := claimed(t, s).Owner
		var keys []string
		for _, offset := range []int64{100, 200, 300} {
			save(t, o, offset)
			keys = append(keys, key(events.Topic, events.Partition, o.Position()))
		}
		damage(t, s, keys[2])
		c := claimed(t, s)
		if c.offset() != 200 || len(c.Damaged) != 1 || !strings.Contains(c.Damaged[0].Error(), keys[2]) {
			t.Fatalf("went on from %d, damaged %v", c.offset(), c.Damaged)
		}
		damage(t, s, keys[1])
		if c := claimed(t, s); c.offset() != 100 || len(c.Damaged) != 1 {
			t.Fatalf("went on from %d, damaged %v", c.offset(), c.Damaged)
		}
		o = claimed(t, s).Owner
		save(t, o, 150)
		damage(t, s, key(events.Topic, events.Partition, o.Position()))
		damage(t, s, keys[0])
		if c, err := s.Claim(t.Context(), events, layout); !errors.Is(err, ErrDamaged) || c != nil {
			t.Fatalf("went on from nothing: %+v, %v", c, err)
		}
	})
}

// damage changes the last byte of an object.
func damage(t *testing.T, s *Store, key string) {
	t.Helper()
	data, err := s.bucket.ReadAll(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := s.bucket.WriteAll(t.Context(), key, data, nil); err != nil {
		t.Fatal(err)
	}
}

func TestFence(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		old := claimed(t, s).Owner
		save(t, old, 100)
		now := claimed(t, s).Owner
		if err := old.Save(t.Context(), state(200)); !errors.Is(err, ErrFenced) {
			t.Fatalf("a fenced owner saved: %v", err)
		}
		if err := old.Clean(t.Context(), 2); !errors.Is(err, ErrFenced) {
			t.Fatalf("a fenced owner cleaned: %v", err)
		}
		if c := claimed(t, s); c.offset() != 100 {
			t.Fatalf("went on from %d, want 100", c.offset())
		}
		if err := now.Save(t.Context(), state(150)); !errors.Is(err, ErrFenced) {
			t.Fatalf("the second owner saved after the third had claimed: %v", err)
		}
	})
}

// TestLateWriteDoesNotCount has a paused owner's write arrive after the next one
// has begun, and stay.
func TestLateWriteDoesNotCount(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		old := claimed(t, s).Owner
		save(t, old, 100)
		claimed(t, s)
		late := &Header{Kind: KindState, Partition: events, Position: Position{old.at.Epoch, old.at.Generation + 1}, Offset: 999, Layout: layout}
		if err := s.write(t.Context(), late, nil); err != nil {
			t.Fatal(err)
		}
		if c := claimed(t, s); c.offset() != 100 {
			t.Fatalf("went on from %d, want 100", c.offset())
		}
	})
}

func TestMismatch(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		save(t, claimed(t, s).Owner, 100)
		for what, of := range map[string]Partition{
			"topic id":             {Topic: "events", TopicID: [16]byte{2}, Partition: 3, Partitions: 12},
			"number of partitions": {Topic: "events", TopicID: [16]byte{1}, Partition: 3, Partitions: 13},
		} {
			_, err := s.Claim(t.Context(), of, layout)
			var mismatch *MismatchError
			if !errors.As(err, &mismatch) || mismatch.What != what {
				t.Errorf("another %s: %v", what, err)
			}
		}
		_, err := s.Claim(t.Context(), events, layout+1)
		var mismatch *MismatchError
		if !errors.As(err, &mismatch) || mismatch.What != "layout of the state" {
			t.Errorf("another layout: %v", err)
		}
		if c := claimed(t, s); c.offset() != 100 {
			t.Errorf("after claims that were refused it goes on from %d", c.offset())
		}
	})
}

func TestNewerFormatIsNoDamage(t *testing.T) {
	s := open(t, "mem://")
	o := claimed(t, s).Owner
	save(t, o, 100)
	save(t, o, 200)
	name := key(events.Topic, events.Partition, o.Position())
	data, err := s.bucket.ReadAll(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	data[8]++
	end := 16 + binary.LittleEndian.Uint32(data[12:])
	binary.LittleEndian.PutUint32(data[end:], crc32.Checksum(data[:end], castagnoli))
	if err := s.bucket.WriteAll(t.Context(), name, data, nil); err != nil {
		t.Fatal(err)
	}
	var version *VersionError
	if _, err := s.Claim(t.Context(), events, layout); !errors.As(err, &version) || version.Have != Version+1 {
		t.Errorf("claimed over a newer format: %v", err)
	}
}

func TestCleanKeepsTheNewest(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		for _, offset := range []int64{100, 200, 300} {
			save(t, claimed(t, s).Owner, offset)
		}
		o := claimed(t, s).Owner
		save(t, o, 400)
		if err := o.Clean(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		objects, err := s.Objects(t.Context(), events.Topic, events.Partition)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, object := range objects {
			left = append(left, fmt.Sprint(object.Kind(), " ", object.Position))
		}
		want := "claim 3-0,beginning 3-1,state 3-2,claim 4-0,beginning 4-1,state 4-2"
		if strings.Join(left, ",") != want {
			t.Errorf("left are %v, want %s", left, want)
		}
	})
}

func TestRewind(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		o := claimed(t, s).Owner
		save(t, o, 100)
		save(t, o, 200)
		objects, err := s.Objects(t.Context(), events.Topic, events.Partition)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Rewind(t.Context(), &objects[0]); err == nil {
			t.Fatal("rewound to a claim")
		}
		if err := s.Rewind(t.Context(), &objects[2]); err != nil {
			t.Fatal(err)
		}
		if err := o.Save(t.Context(), state(300)); !errors.Is(err, ErrFenced) {
			t.Fatalf("the owner was not fenced: %v", err)
		}
		if c := claimed(t, s); c.offset() != 100 {
			t.Fatalf("went on from %d, want 100", c.offset())
		}
	})
}

// TestTwoStoresOfADirectory lets many claim at once through stores of their own,
// as processes do. The library's own IfNotExist does not hold between them.
func TestTwoStoresOfADirectory(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	owners := map[uint32]int{}
	var all sync.WaitGroup
	for range 8 {
		s := open(t, "file://"+filepath.ToSlash(dir))
		all.Go(func() {
			o := &Owner{store: s, of: events}
			if err := o.claim(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			owners[o.at.Epoch]++
		})
	}
	all.Wait()
	for epoch, n := range owners {
		if n != 1 {
			t.Errorf("epoch %d has %d owners", epoch, n)
		}
	}
}

// TestCrashes stops a save at each of its steps, as a crash does, with the bytes
// of a file that was not synced lost as a power cut loses them, and goes on.
func TestCrashes(t *testing.T) {
	for _, step := range []string{"write", "sync", "link", "unlink", "sync folders"} {
		for _, torn := range []bool{false, true} {
			t.Run(fmt.Sprint(step, " torn ", torn), func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, "file://"+filepath.ToSlash(dir))
				o := claimed(t, s).Owner
				save(t, o, 100)
				crash := errors.New("crash")
				f := folder{path: dir, step: func(name, _ string, do func() error) error {
					if name == step {
						return crash
					}
					return do()
				}}
				s.create = f.create
				if err := o.Save(t.Context(), state(200)); !errors.Is(err, crash) {
					t.Fatal(err)
				}
				if torn && (step == "write" || step == "sync") {
					tear(t, filepath.Join(dir, partial))
				}
				next := open(t, "file://"+filepath.ToSlash(dir))
				c := claimed(t, next)
				want := int64(100)
				if step == "unlink" || step == "sync folders" {
					want = 200
				}
				if c.offset() != want || len(c.Damaged) > 0 {
					t.Fatalf("went on from %d, want %d; damaged %v", c.offset(), want, c.Damaged)
				}
				save(t, c.Owner, 300)
				next.now = func() time.Time { return time.Now().Add(2 * leftFor) }
				if err := c.Owner.Clean(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				if left, err := os.ReadDir(filepath.Join(dir, partial)); err != nil || len(left) > 0 {
					t.Errorf("left are %v, %v", left, err)
				}
			})
		}
	}
}

// tear cuts the files of a folder in the middle.
func tear(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, e.Name()), info.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandomSchedules lets owners of one partition claim, save, clean, lose
// replies and go on after others have claimed, in random order. A claim goes on
// from the newest state that was reported as saved, or from a later one in doubt
// of an epoch that none after it has begun; no save succeeds after another's claim.
func TestRandomSchedules(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		s := open(t, "mem://")
		put := s.create
		lost := errors.New("lost")
		s.create = func(ctx context.Context, key string, write func(io.Writer) error) error {
			switch r.IntN(12) {
			case 0:
				return lost
			case 1:
				return errors.Join(lost, put(ctx, key, write))
			}
			return put(ctx, key, write)
		}
		var owners []*Owner
		offset, possible := int64(0), map[int64]bool{-1: true}
		for range 60 {
			switch k := r.IntN(10); {
			case k < 2 || len(owners) == 0:
				c, err := s.Claim(t.Context(), events, layout)
				if errors.Is(err, lost) {
					continue
				}
				if err != nil || !possible[c.offset()] {
					t.Fatalf("seed %d: %v, or went on from %d, possible %v", seed, err, c.offset(), possible)
				}
				possible = map[int64]bool{c.offset(): true}
				owners = append(owners, c.Owner)
			case k < 8:
				o := owners[max(0, len(owners)-1-r.IntN(3))]
				newest, begun := epochs(t, s)
				offset++
				switch err := o.Save(t.Context(), state(offset)); {
				case err == nil && o.at.Epoch != newest:
					t.Fatalf("seed %d: epoch %d saved after %d had claimed", seed, o.at.Epoch, newest)
				case err == nil:
					possible = map[int64]bool{offset: true}
				case errors.Is(err, lost) && o.at.Epoch >= begun:
					possible[offset] = true
				case errors.Is(err, ErrFenced) == (o.at.Epoch == newest) && !errors.Is(err, lost):
					t.Fatalf("seed %d: epoch %d of %d: %v", seed, o.at.Epoch, newest, err)
				}
			default:
				o := owners[max(0, len(owners)-1-r.IntN(2))]
				if err := o.Clean(t.Context(), 2+r.IntN(2)); err != nil && !errors.Is(err, ErrFenced) {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
	}
}

// epochs returns the largest epoch that was claimed and the largest that began.
func epochs(t *testing.T, s *Store) (newest, begun uint32) {
	t.Helper()
	objects, err := s.Objects(t.Context(), events.Topic, events.Partition)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if newest = o.Epoch; o.Kind() == KindBeginning {
			begun = o.Epoch
		}
	}
	return newest, begun
}

func TestKeys(t *testing.T) {
	for _, name := range []string{"", "a/1/1-1", "a/1/0000000001-000000000x", "a/99999999999/0000000001-0000000001", ".partial/123", "a/b/1/0000000001-0000000001"} {
		if o, ok := parseKey(name); ok {
			t.Errorf("%q is one: %+v", name, o)
		}
	}
	p := Position{4_000_000_000, 7}
	if o, ok := parseKey(key("a.b_c-D", 12, p)); !ok || o.Topic != "a.b_c-D" || o.Partition != 12 || o.Position != p {
		t.Errorf("%+v %v", o, ok)
	}
}
