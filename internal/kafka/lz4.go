package kafka

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// An LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md),
// numbers little-endian:
//
//	magic 4 | flags 1 | block size 1 | [content size 8] | [dictionary id 4] | header checksum 1
//	blocks, each: size 4 (high bit: not compressed) | data | [checksum 4]
//	end: size 0 | [content checksum 4]
//
// The library's frame reader checks xxh32 over all content, which cost as much as
// decompressing (`go test -bench LZ4`): the batch's CRC-32C has covered every
// byte already. Here blocks go straight behind one another into memory that is
// large enough, and checksums are stepped over. What is written has none either, as Java's
// client writes it, and is compressed from where it lies.
const (
	lz4Magic       = 0x184D2204
	lz4Independent = 0x20
	lz4BlockSum    = 0x10
	lz4ContentSize = 0x08
	lz4ContentSum  = 0x04
	lz4Dictionary  = 0x01

	lz4Window = 64 << 10 // how far a block refers back into those before it
)

// lz4Head begins each frame that is written: version 1, blocks of at most 64 KiB that do not refer to one another,
// no sums, and the header's own.
const (
	lz4Head  = "\x04\x22\x4d\x18\x60\x40\x82"
	lz4Block = 64 << 10
	lz4Plain = 1 << 31 // of a block's size: it is not compressed
)

// frameLZ4 deflates src into one frame behind dst.
func frameLZ4(dst, src []byte, c *lz4.Compressor) ([]byte, error) {
	dst = append(dst, lz4Head...)
	for len(src) > 0 {
		block := src[:min(len(src), lz4Block)]
		src = src[len(block):]
		at := len(dst)
		dst = slices.Grow(dst, 4+len(block))
		// With room for less than the block, one that does not shrink is none.
		n, err := c.CompressBlock(block, dst[at+4:at+4+len(block)-1])
		if err != nil && !errors.Is(err, lz4.ErrInvalidSourceShortBuffer) {
			return nil, err
		}
		if err != nil || n == 0 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block))|lz4Plain)
			dst = append(dst, block...)
			continue
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))[:at+4+n]
	}
	return append(dst, 0, 0, 0, 0), nil
}

var errLZ4 = errors.New("the LZ4 frame is malformed")

// appendLZ4 inflates the frames of src behind dst, at most limit bytes of them.
func appendLZ4(dst, src []byte, limit int) ([]byte, error) {
	start := len(dst)
	if len(src) == 0 {
		return dst, errLZ4
	}
	for len(src) > 0 {
		var err error
		if dst, src, err = appendLZ4Frame(dst, src, start, limit); err != nil {
			return dst[:start], err
		}
	}
	return dst, nil
}

// appendLZ4Frame inflates the first frame and returns what lies behind it.
func appendLZ4Frame(dst, src []byte, start, limit int) (out, rest []byte, err error) {
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != lz4Magic {
		return dst, nil, errLZ4
	}
	flags, sizes := src[4], src[5]>>4&7
	if flags>>6 != 1 || flags&lz4Dictionary != 0 || sizes < 4 {
		return dst, nil, errLZ4
	}
	header := 7
	if flags&lz4ContentSize != 0 {
		header += 8
	}
	blockSize, first := 1<<(8+2*sizes), len(dst) // 64 KiB, 256 KiB, 1 MiB, 4 MiB
	for src, err = cut(src, header); err == nil; {
		if len(src) < 4 {
			return dst, nil, errLZ4
		}
		size := binary.LittleEndian.Uint32(src)
		src = src[4:]
		if size == 0 {
			if flags&lz4ContentSum != 0 {
				src, err = cut(src, 4)
			}
			return dst, src, err
		}
		n := int(size &^ (1 << 31))
		if n > len(src) || n > blockSize {
			return dst, nil, errLZ4
		}
		if dst, err = appendLZ4Block(dst, src[:n], size>>31 != 0, first, blockSize, flags&lz4Independent != 0); err != nil {
			return dst, nil, err
		}
		if len(dst)-start > limit { // a block beyond it at most
			return dst, nil, errTooLarge
		}
		src = src[n:]
		if flags&lz4BlockSum != 0 {
			src, err = cut(src, 4)
		}
	}
	return dst, nil, err
}

// appendLZ4Block inflates one block, which may refer back into its frame.
func appendLZ4Block(dst, src []byte, plain bool, frame, blockSize int, independent bool) ([]byte, error) {
	if plain {
		return append(dst, src...), nil
	}
	end := len(dst)
	if cap(dst)-end < blockSize {
		grown := make([]byte, end, max(2*cap(dst), end+blockSize))
		copy(grown, dst)
		dst = grown
	}
	into := dst[end : end+blockSize]
	var n int
	var err error
	if independent {
		n, err = lz4.UncompressBlock(src, into)
	} else {
		n, err = lz4.UncompressBlockWithDict(src, into, dst[max(frame, end-lz4Window):end])
	}
	if err != nil {
		return dst[:end], errLZ4
	}
	return dst[:end+n], nil
}

func cut(src []byte, n int) ([]byte, error) {
	if n > len(src) {
		return nil, errLZ4
	}
	return src[n:], nil
}
