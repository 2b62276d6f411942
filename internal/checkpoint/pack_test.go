package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
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

func unpackerOf(t *testing.T, format uint32) unpacker {
	t.Helper()
	by, err := unpackers(format)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// packZstd packs a section as builds did that wrote format 2.
func packZstd(t *testing.T, data []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(chunkBytes))
	if err != nil {
		t.Fatal(err)
	}
	packed := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	for chunk := range slices.Chunk(data, chunkBytes) {
		frame := e.EncodeAll(chunk, nil)
		packed = append(binary.LittleEndian.AppendUint32(packed, uint32(len(frame))), frame...)
	}
	return packed
}

func TestPack(t *testing.T) {
	var p packer
	for range 2 { // the second time in memory of the first
		for _, data := range packExamples() {
			packed, err := p.pack(t.Context(), []Section{{"one", data}, {"two", []byte("beside it")}})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range [][]byte{data, []byte("beside it")} {
				got, err := unpack(t.Context(), unpackerOf(t, Version), &packed[i])
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes became %d: %v", len(want), len(got), err)
				}
			}
			if len(data) > chunkBytes && data[0] == data[1] && len(packed[0].Data)*100 > len(data) {
				t.Errorf("%d bytes of one value take %d", len(data), len(packed[0].Data))
			}
			if old, err := unpack(t.Context(), unpackerOf(t, packedSince), &Section{"one", packZstd(t, data)}); err != nil || !bytes.Equal(old, data) {
				t.Fatalf("%d bytes by zstd became %d: %v", len(data), len(old), err)
			}
		}
	}
}

// TestPackEnds makes sure that a large state is not compressed to its end once nobody waits for it, nor read.
func TestPackEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var p packer
	if packed, err := p.pack(ctx, []Section{{"one", make([]byte, 1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%d sections, %v, want none", len(packed), err)
	}
	packed, err := p.pack(t.Context(), []Section{{"one", make([]byte, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := unpackAll(ctx, Version, packed); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("unpacked: %v", err)
	}
}

// TestUnpackRefuses reads what was not packed: lengths that lie, and a chunk that has more in it
// than a chunk may have, for none of which is much allocated.
func TestUnpackRefuses(t *testing.T) {
	var p packer
	packed, err := p.pack(t.Context(), []Section{{"zeros", make([]byte, chunkBytes)}})
	if err != nil {
		t.Fatal(err)
	}
	large := s2.Encode(nil, make([]byte, 64*chunkBytes))
	refuses(t, Version, packed[0].Data, large)
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, packedSince, packZstd(t, make([]byte, chunkBytes)), e.EncodeAll(make([]byte, 64*chunkBytes), nil))
}

// refuses reads what a format refuses, zeros being a chunk of them as it packs it, large what it makes of 64 chunks.
func refuses(t *testing.T, format uint32, zeros, large []byte) {
	t.Helper()
	grown := binary.LittleEndian.AppendUint64(nil, chunkBytes)
	grown = append(binary.LittleEndian.AppendUint32(grown, uint32(len(large))), large...)
	cut := binary.LittleEndian.AppendUint64(nil, chunkBytes)
	cut = append(binary.LittleEndian.AppendUint32(cut, uint32(len(zeros)-packHead-chunkHead-1)), zeros[packHead+chunkHead:len(zeros)-1]...)
	longer, shorter, wrapped := bytes.Clone(zeros), bytes.Clone(zeros), bytes.Repeat([]byte{0xff}, packHead)
	empty := binary.LittleEndian.AppendUint64(nil, 4096*chunkBytes)
	empty = append(empty, make([]byte, 4096*chunkHead)...)
	binary.LittleEndian.PutUint64(longer, 1<<40)
	binary.LittleEndian.PutUint64(shorter, chunkBytes-1)
	for name, data := range map[string][]byte{
		"nothing": {}, "half a length": zeros[:5], "half a chunk": zeros[:len(zeros)-1], "a length of a TiB": longer, "a byte less": shorter,
		"a chunk of 64 MiB": grown, "a chunk that is cut": cut, "no chunk": zeros[:packHead], "a length that wraps": wrapped, "4,096 chunks of nothing": empty, "text": []byte("eight bytes and then some more"),
	} {
		var before, after runtime.MemStats
		by := unpackerOf(t, format)
		runtime.ReadMemStats(&before)
		_, err := unpack(t.Context(), by, &Section{"s", data})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("format %d, %s: error %v", format, name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 16*chunkBytes {
			t.Errorf("format %d, %s: %d bytes were allocated", format, name, n)
		}
	}
}

// TestOldFormatsAreRead reads a state that a build wrote which did not pack, or did so by zstd.
func TestOldFormatsAreRead(t *testing.T) {
	for format, data := range map[uint32][]byte{1: []byte("as it is"), 2: packZstd(t, []byte("as it is"))} {
		t.Run(fmt.Sprint("format ", format), func(t *testing.T) { isRead(t, format, data) })
	}
}

// isRead has a claim go on from a state of an old format, whose section is data there, and write its own.
func isRead(t *testing.T, format uint32, data []byte) {
	t.Helper()
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
	old := &Header{Format: format, Kind: KindState, Partition: of, Position: Position{c.Owner.at.Epoch, c.Owner.at.Generation + 1}, Offset: 9, Layout: 5}
	if err := s.write(ctx, old, []Section{{"engine", data}}); err != nil {
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
