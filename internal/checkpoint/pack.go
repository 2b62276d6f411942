package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// The data of a section as it is stored (README.md, "A section"): in chunks, each compressed
// on its own, so that a reader allocates for a chunk what a chunk may have and no more.
const (
	chunkBytes = 1 << 20 // of the state in one chunk, but for the last
	chunkHead  = 4
	packHead   = 8
)

// packer holds the sections of an owner's states as they are stored. Its memory is used again.
type packer struct{ packed []Section }

// pack returns sections as they are stored, until the next call. It ends with ctx.
func (p *packer) pack(ctx context.Context, sections []Section) ([]Section, error) {
	for len(p.packed) < len(sections) {
		p.packed = append(p.packed, Section{})
	}
	p.packed = p.packed[:len(sections)]
	for i, s := range sections {
		data, err := appendPacked(ctx, p.packed[i].Data[:0], s.Data)
		if p.packed[i] = (Section{s.Name, data}); err != nil {
			return nil, err
		}
	}
	return p.packed, nil
}

func appendPacked(ctx context.Context, dst, data []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	for len(data) > 0 {
		if ctx.Err() != nil {
			return dst, context.Cause(ctx)
		}
		chunk := data[:min(chunkBytes, len(data))]
		data = data[len(chunk):]
		at := len(dst) + chunkHead
		dst = slices.Grow(dst, chunkHead+s2.MaxEncodedLen(len(chunk)))
		packed := s2.Encode(dst[at:cap(dst)], chunk) // in the memory that it is given, since that suffices
		binary.LittleEndian.PutUint32(dst[at-chunkHead:at], uint32(len(packed)))
		dst = dst[:at+len(packed)]
	}
	return dst, nil
}

// unpacker unpacks a chunk, which becomes want bytes, into the memory of dst, which has as many. It
// allocates no more than a chunk may have.
type unpacker func(dst, chunk []byte, want int) ([]byte, error)

// unpackers returns what unpacks the chunks of a format, nil for one whose sections are as they are.
func unpackers(format uint32) (unpacker, error) {
	switch {
	case format < packedSince:
		return nil, nil
	case format < s2Since:
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(chunkBytes), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return func(dst, chunk []byte, _ int) ([]byte, error) { return decoder.DecodeAll(chunk, dst[:0]) }, nil
	}
	return func(dst, chunk []byte, want int) ([]byte, error) {
		switch n, err := s2.DecodedLen(chunk); {
		case err != nil:
			return nil, err
		case n != want:
			return nil, fmt.Errorf("a chunk of %d bytes, want %d", n, want)
		}
		return s2.Decode(dst[:want], chunk)
	}, nil
}

// unpack returns the data of a section that was packed. The error is ErrDamaged, or the cause of the end of ctx.
func unpack(ctx context.Context, by unpacker, s *Section) ([]byte, error) {
	bad := func(what string, args ...any) error {
		return fmt.Errorf("%w: section %s: %s", ErrDamaged, s.Name, fmt.Sprintf(what, args...))
	}
	if len(s.Data) < packHead {
		return nil, bad("it has %d bytes", len(s.Data))
	}
	size, rest := binary.LittleEndian.Uint64(s.Data), s.Data[packHead:]
	chunks := uint64(0)
	for b := rest; len(b) > 0; chunks++ {
		if len(b) < chunkHead || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-chunkHead) {
			return nil, bad("chunk %d is longer than what is left of it", chunks)
		}
		b = b[chunkHead+binary.LittleEndian.Uint32(b):]
	}
	if size > chunks*chunkBytes || size+chunkBytes <= chunks*chunkBytes {
		return nil, bad("%d bytes in %d chunks", size, chunks)
	}
	// The length is believed once the first chunk has as much in it as it says.
	data := make([]byte, 0, min(int(size), chunkBytes))
	for len(rest) > 0 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := binary.LittleEndian.Uint32(rest)
		want := min(chunkBytes, int(size)-len(data))
		if len(data) == chunkBytes {
			data = append(make([]byte, 0, int(size)), data...)
		}
		// A decoder may count what is in front of a chunk towards its limit of memory: it is not told of it.
		chunk, err := by(data[len(data):len(data):len(data)+want], rest[chunkHead:chunkHead+n], want)
		if err != nil {
			return nil, bad("%v", err)
		}
		if len(chunk) != want {
			return nil, bad("a chunk of %d bytes, want %d", len(chunk), want)
		}
		data = append(data, chunk...) // where it lies already, unless the decoder has moved it
		rest = rest[chunkHead+n:]
	}
	return data, nil
}

// unpackAll makes the sections of an object of a format what was packed. It ends with ctx.
func unpackAll(ctx context.Context, format uint32, sections []Section) error {
	by, err := unpackers(format)
	if by == nil || err != nil {
		return err
	}
	for i := range sections {
		data, err := unpack(ctx, by, &sections[i])
		if err != nil {
			return err
		}
		sections[i].Data = data
	}
	return nil
}
