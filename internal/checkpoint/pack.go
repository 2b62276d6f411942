package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The data of a section as it is stored (README.md, "A section"): in chunks, each compressed
// on its own, so that a reader allocates for a chunk what a chunk may have and no more.
const (
	chunkBytes = 1 << 20 // of the state in one chunk, but for the last
	chunkHead  = 4
	packHead   = 8
)

// Compressor compresses the states of all owners of a store, and of stores that share it: as
// many at a time as there are processors. It takes a megabyte and a half for each, which is why
// an owner has none of its own.
type Compressor struct{ encoder *zstd.Encoder }

// NewCompressor returns one. Its options are chosen by trial on states of 28 and 124 MB: the fastest level makes a
// quarter to a fifth of them, S2 a third at twice the speed or more (README.md). Sums are the
// object's business.
func NewCompressor() *Compressor {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(chunkBytes))
	if err != nil {
		panic(err) // it refuses options only
	}
	e.EncodeAll(nil, nil) // has it make all that it needs: here, and not in whatever bubble of a test uses it first
	return &Compressor{e}
}

// packer holds the sections of an owner's states as they are stored. Its memory is used again.
type packer struct {
	compressor func() *Compressor
	packed     []Section
}

// pack returns sections as they are stored, until the next call. It ends with ctx.
func (p *packer) pack(ctx context.Context, sections []Section) ([]Section, error) {
	encoder := p.compressor().encoder
	for len(p.packed) < len(sections) {
		p.packed = append(p.packed, Section{})
	}
	p.packed = p.packed[:len(sections)]
	for i, s := range sections {
		data, err := appendPacked(ctx, p.packed[i].Data[:0], s.Data, encoder)
		if p.packed[i] = (Section{s.Name, data}); err != nil {
			return nil, err
		}
	}
	return p.packed, nil
}

func appendPacked(ctx context.Context, dst, data []byte, encoder *zstd.Encoder) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	for len(data) > 0 {
		if ctx.Err() != nil {
			return dst, context.Cause(ctx)
		}
		chunk := data[:min(chunkBytes, len(data))]
		data = data[len(chunk):]
		head := len(dst)
		dst = encoder.EncodeAll(chunk, append(dst, 0, 0, 0, 0))
		binary.LittleEndian.PutUint32(dst[head:], uint32(len(dst)-head-chunkHead))
	}
	return dst, nil
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(chunkBytes), zstd.WithDecoderLowmem(true))
}

// unpack returns the data of a section that was packed. The error is ErrDamaged.
func unpack(decoder *zstd.Decoder, s *Section) ([]byte, error) {
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
		n := binary.LittleEndian.Uint32(rest)
		want := min(chunkBytes, int(size)-len(data))
		if len(data) == chunkBytes {
			data = append(make([]byte, 0, int(size)), data...)
		}
		// Its limit of memory counts what is in front of a chunk as well: it is not told of it.
		chunk, err := decoder.DecodeAll(rest[chunkHead:chunkHead+n], data[len(data):len(data):len(data)+want])
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

// unpackAll makes the sections of an object what was packed.
func unpackAll(sections []Section) error {
	decoder, err := newDecoder()
	if err != nil {
		return err
	}
	defer decoder.Close()
	for i := range sections {
		data, err := unpack(decoder, &sections[i])
		if err != nil {
			return err
		}
		sections[i].Data = data
	}
	return nil
}
