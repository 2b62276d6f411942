package flat_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"sendwatch/internal/flat"
)

// ledger is a state whose entries are large enough for several pieces.
type ledger struct {
	total   int64
	entries []point
	holds   flat.Holds
	list    []point
	names   []string // short ones and long ones
}

func (l *ledger) copy(c *flat.Copier) {
	flat.Value(c, &l.total)
	flat.Held(c, &l.entries, &l.holds)
	flat.Slice(c, &l.list)
	flat.Each(c, &l.names, flat.String)
}

// add is what an owner of held memory does: it keeps, and then writes.
func (l *ledger) add(i uint32, by int64) {
	l.total += by
	l.holds.Keep(i)
	l.entries[i].x += by
	l.list = append(l.list, point{x: by, y: uint8(i)})
	l.names = append(l.names, strings.Repeat("n", int(i%2_000)))
}

// TestSnapshotIsTheStateAsItWas goes on with a state while a snapshot of it is finished beside
// it, and after that with another one in the same memory.
func TestSnapshotIsTheStateAsItWas(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	l := ledger{entries: make([]point, 100_000)}
	var memory []byte
	for round := range 20 {
		want := flat.Append(nil, l.copy)
		s := flat.Begin(memory, l.copy)
		var finishing sync.WaitGroup
		if round%2 == 0 {
			finishing.Go(s.Finish)
		}
		for range 1_000 {
			l.add(random.Uint32N(uint32(len(l.entries))), 1)
		}
		finishing.Wait()
		s.Finish()
		if !bytes.Equal(s.Bytes(), want) {
			t.Fatalf("round %d: the snapshot is not the state as it was when it began", round)
		}
		var again ledger
		if err := flat.Read(s.Bytes(), again.copy); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(flat.Append(nil, again.copy), want) {
			t.Fatalf("round %d: what was read is another state", round)
		}
		memory = s.Bytes()
	}
}

// TestNothingIsHeldAfterwards writes to a state whose snapshot was finished.
func TestNothingIsHeldAfterwards(t *testing.T) {
	l := ledger{entries: make([]point, 100_000)}
	s := flat.Begin(nil, l.copy)
	if ended := l.holds.Keep(5); ended {
		t.Error("the snapshot has ended before Finish")
	}
	s.Finish()
	if ended := l.holds.Keep(99_999); !ended {
		t.Error("the snapshot has not ended after Finish")
	}
	want := bytes.Clone(s.Bytes())
	l.holds.KeepRange(0, 99_999)
	l.holds.KeepAll()
	l.add(7, 1)
	if !bytes.Equal(s.Bytes(), want) {
		t.Error("the snapshot has changed")
	}
}

// TestWhatWasKeptEndsToo writes, after the end of a snapshot, to a piece that the owner has copied itself: it is
// to find out there as well that nothing is held, and not to look at the snapshot for ever.
func TestWhatWasKeptEndsToo(t *testing.T) {
	l := ledger{entries: make([]point, 100_000)}
	s := flat.Begin(nil, l.copy)
	l.add(5, 1)
	s.Finish()
	if ended := l.holds.Keep(5); !ended {
		t.Error("a piece that was kept says that the snapshot goes on")
	}
	if l.holds != (flat.Holds{}) {
		t.Error("the snapshot is held on to")
	}
}
