package flat_test

import (
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/flat"
)

type point struct {
	x int64
	y uint8
	z float64
}

// shelf is a state of every kind that there is.
type shelf struct {
	n      uint32
	name   string
	points []point
	rows   [][]uint16
}

func (s *shelf) copy(c *flat.Copier) {
	flat.Value(c, &s.n)
	flat.String(c, &s.name)
	flat.Slice(c, &s.points)
	flat.Each(c, &s.rows, func(c *flat.Copier, row *[]uint16) { flat.Slice(c, row) })
}

func full() shelf {
	return shelf{n: 7, name: "künde", points: []point{{1, 2, 0.5}, {-4, 9, 1e300}}, rows: [][]uint16{{1, 2, 3}, nil, {65535}}}
}

func TestReadIsWhatWasWritten(t *testing.T) {
	for _, want := range []shelf{{}, full()} {
		var got shelf
		if err := flat.Read(flat.Append(nil, want.copy), got.copy); err != nil {
			t.Fatal(err)
		}
		// No rows and no row are one to a copier, as they are to append.
		if len(got.rows) == 0 {
			got.rows = nil
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(shelf{}, point{})); d != "" {
			t.Errorf("read otherwise than written (-want +got):\n%s", d)
		}
	}
}

// TestOtherBytesAreRefused cuts the bytes at every place, adds to them, and claims
// lengths that they cannot have.
func TestOtherBytesAreRefused(t *testing.T) {
	s := full()
	whole := flat.Append(nil, s.copy)
	for n := range whole {
		var got shelf
		if err := flat.Read(whole[:n], got.copy); !errors.Is(err, flat.ErrBytes) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrBytes", n, len(whole), err)
		}
	}
	var got shelf
	if err := flat.Read(append(slices.Clone(whole), 0), got.copy); !errors.Is(err, flat.ErrBytes) {
		t.Errorf("a byte too many: error %v, want ErrBytes", err)
	}
	for _, length := range []uint64{1 << 40, 1<<64 - 1} {
		long := slices.Clone(whole)
		binary.LittleEndian.PutUint64(long[4:], length) // of the name
		if err := flat.Read(long, got.copy); !errors.Is(err, flat.ErrBytes) {
			t.Errorf("a name of %d bytes: error %v, want ErrBytes", length, err)
		}
	}
}

// TestTypes lists what a state is made of, whatever is in it.
func TestTypes(t *testing.T) {
	var empty shelf
	s := full()
	want := []reflect.Type{
		reflect.TypeFor[uint32](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]point](), reflect.TypeFor[[0]byte](), reflect.TypeFor[[]uint16](),
	}
	for _, of := range []*shelf{&empty, &s} {
		if got := flat.Types(of.copy); !slices.Equal(got, want) {
			t.Errorf("types %v, want %v", got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	s := full()
	f.Add(flat.Append(nil, s.copy))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got shelf
		if err := flat.Read(b, got.copy); err != nil {
			return
		}
		if again := flat.Append(nil, got.copy); len(again) != len(b) {
			t.Fatalf("read from %d bytes, written as %d", len(b), len(again))
		}
	})
}

// TestReadEnds ends the reading of a large slice, and of many small ones, after some of it.
func TestReadEnds(t *testing.T) {
	const size, after = 64 << 20, 5
	one, many := shelf{rows: [][]uint16{make([]uint16, size/2)}}, shelf{rows: make([][]uint16, size/64)}
	for i := range many.rows {
		many.rows[i] = make([]uint16, 28)
	}
	for name, s := range map[string]*shelf{"a large slice": &one, "many small ones": &many, "a small state": {n: 1}} {
		whole := flat.Append(nil, s.copy)
		var got shelf
		asks, most, stop := 0, 1<<30, errors.New("stop")
		ended := func() error {
			if asks++; asks > most {
				return stop
			}
			return nil
		}
		if err := flat.ReadUntil(ended, whole, got.copy); err != nil || asks < len(whole)>>21 || asks == 0 {
			t.Errorf("%s: asked %d times whether to go on, error %v", name, asks, err)
		}
		asks, most = 0, min(after, asks-1)
		if err := flat.ReadUntil(ended, whole, got.copy); !errors.Is(err, stop) || asks > most+1 {
			t.Errorf("%s: asked %d times, error %v, want it to end after %d", name, asks, err, most)
		}
	}
}
