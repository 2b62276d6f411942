package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// packExamples are data of no chunk, of one, and of several.
func packExamples() [][]byte {
	random := make([]byte, 2*chunkBytes+17)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	return [][]byte{{}, []byte("a state"), bytes.Repeat([]byte{7}, chunkBytes), make([]byte, 3*chunkBytes+1), random}
}

func decoderOf(t *testing.T) *zstd.Decoder {
	t.Helper()
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestPack(t *testing.T) {
	p := packer{compressor: NewCompressor}
	for range 2 { // the second time in memory of the first
		for _, data := range packExamples() {
			packed, err := p.pack(t.Context(), []Section{{"one", data}, {"two", []byte("beside it")}})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range [][]byte{data, []byte("beside it")} {
				got, err := unpack(decoderOf(t), &packed[i])
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes became %d: %v", len(want), len(got), err)
				}
			}
			if len(data) > chunkBytes && data[0] == data[1] && len(packed[0].Data)*100 > len(data) {
				t.Errorf("%d bytes of one value take %d", len(data), len(packed[0].Data))
			}
		}
	}
}

// TestPackEnds makes sure that a large state is not compressed to its end once nobody waits for it.
func TestPackEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := packer{compressor: NewCompressor}
	if packed, err := p.pack(ctx, []Section{{"one", make([]byte, 1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%d sections, %v, want none", len(packed), err)
	}
}

// TestUnpackRefuses reads what was not packed: lengths that lie, and a chunk that has more in it
// than a chunk may have, for none of which is much allocated.
func TestUnpackRefuses(t *testing.T) {
	p := packer{compressor: NewCompressor}
	packed, err := p.pack(t.Context(), []Section{{"zeros", make([]byte, chunkBytes)}})
	if err != nil {
		t.Fatal(err)
	}
	zeros := packed[0].Data
	large := NewCompressor().encoder.EncodeAll(make([]byte, 64*chunkBytes), nil)
	grown := binary.LittleEndian.AppendUint64(nil, chunkBytes)
	grown = append(binary.LittleEndian.AppendUint32(grown, uint32(len(large))), large...)
	longer, shorter, wrapped := bytes.Clone(zeros), bytes.Clone(zeros), bytes.Repeat([]byte{0xff}, packHead)
	empty := binary.LittleEndian.AppendUint64(nil, 4096*chunkBytes)
	empty = append(empty, make([]byte, 4096*chunkHead)...)
	binary.LittleEndian.PutUint64(longer, 1<<40)
	binary.LittleEndian.PutUint64(shorter, chunkBytes-1)
	for name, data := range map[string][]byte{
		"nothing": {}, "half a length": zeros[:5], "half a chunk": zeros[:len(zeros)-1], "a length of a TiB": longer, "a byte less": shorter,
		"a chunk of 64 MiB": grown, "no chunk": zeros[:packHead], "a length that wraps": wrapped, "4,096 chunks of nothing": empty, "text": []byte("eight bytes and then some more"),
	} {
		var before, after runtime.MemStats
		decoder := decoderOf(t)
		runtime.ReadMemStats(&before)
		_, err := unpack(decoder, &Section{"s", data})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: error %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 16*chunkBytes {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

// TestFormat1IsRead reads a state that a build wrote which did not pack.
func TestFormat1IsRead(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, "mem://")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // memory
	of := Partition{Topic: "events", Partition: 1, Partitions: 2}
	c, err := s.Claim(ctx, of, 5)
	if err != nil {
		t.Fatal(err)
	}
	old := &Header{Format: 1, Kind: KindState, Partition: of, Position: Position{c.Owner.at.Epoch, c.Owner.at.Generation + 1}, Offset: 9, Layout: 5}
	if err := s.write(ctx, old, []Section{{"engine", []byte("as it is")}}); err != nil {
		t.Fatal(err)
	}
	again, err := s.Claim(ctx, of, 5)
	if err != nil || again.Newest == nil || again.Newest.Offset != 9 {
		t.Fatalf("claimed %+v, error %v", again, err)
	}
	if data, _ := again.Newest.Section("engine"); string(data) != "as it is" {
		t.Errorf("the section is %q", data)
	}
	if err := again.Owner.Save(ctx, &State{Offset: 10, Sections: []Section{{"engine", []byte("and now")}}}); err != nil {
		t.Fatal(err)
	}
	last, err := s.Claim(ctx, of, 5)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := last.Newest.Section("engine"); string(data) != "and now" || last.Newest.Format != Version {
		t.Errorf("the section is %q, format %d", data, last.Newest.Format)
	}
}
