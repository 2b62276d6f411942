package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is how a batch of records is compressed, with Kafka's numbers.
type Codec int8

// The codecs of Kafka. NoCompression has a value of its own because the zero
// Codec is the default, not none.
const (
	NoCompression Codec = -1
	Gzip          Codec = 1
	Snappy        Codec = 2
	LZ4           Codec = 3
	Zstd          Codec = 4
)

// errTooLarge is the error of a batch that grows beyond the bound.
var errTooLarge = errors.New("decompresses beyond the bound")

// xerialMagic begins the framing that Java's Snappy streams put round blocks.
const xerialMagic = "\x82SNAPPY\x00"

// decompressor inflates batches into memory that its owner bounds. One
// goroutine at a time.
type decompressor struct {
	source bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	limit  int // the limit zstd was made with
}

// append inflates src behind dst, at most limit bytes of it.
func (d *decompressor) append(dst, src []byte, codec Codec, limit int) ([]byte, error) {
	switch codec {
	case Gzip:
		d.source.Reset(src)
		var err error
		if d.gzip == nil {
			d.gzip, err = gzip.NewReader(&d.source)
		} else {
			err = d.gzip.Reset(&d.source)
		}
		if err != nil {
			return dst, err
		}
		return readInto(dst, d.gzip, limit)
	case LZ4:
		return appendLZ4(dst, src, limit)
	case Snappy:
		return appendSnappy(dst, src, limit)
	case Zstd:
		return d.appendZstd(dst, src, limit)
	}
	return dst, fmt.Errorf("codec %d is not known", codec)
}

// readInto reads to the end of r behind dst.
func readInto(dst []byte, r io.Reader, limit int) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return dst[:start], errTooLarge
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst[:start], err
		}
	}
}

// appendZstd bounds the decoder's memory, which covers its window as well.
func (d *decompressor) appendZstd(dst, src []byte, limit int) ([]byte, error) {
	if d.zstd == nil || d.limit != limit {
		if d.zstd != nil {
			d.zstd.Close()
		}
		decoder, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderLowmem(true))
		if err != nil {
			return dst, err
		}
		d.zstd, d.limit = decoder, limit
	}
	// The decoder's bound counts what dst already holds, so it gets only the
	// free end of it.
	start := len(dst)
	out, err := d.zstd.DecodeAll(src, dst[start:start:cap(dst)])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return dst, errTooLarge
	}
	if err != nil {
		return dst, err
	}
	if len(out) <= cap(dst)-start {
		return dst[:start+len(out)], nil // it fitted, and lies there already
	}
	return append(dst, out...), nil
}

// appendSnappy reads a bare block or Java's frames of blocks.
func appendSnappy(dst, src []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(src, []byte(xerialMagic)) {
		return appendSnappyBlock(dst, src, limit)
	}
	if len(src) < 16 {
		return dst, io.ErrUnexpectedEOF
	}
	start := len(dst)
	for src = src[16:]; len(src) > 0; {
		if len(src) < 4 {
			return dst[:start], io.ErrUnexpectedEOF
		}
		n := int64(binary.BigEndian.Uint32(src))
		if n > int64(len(src)-4) {
			return dst[:start], io.ErrUnexpectedEOF
		}
		var err error
		if dst, err = appendSnappyBlock(dst, src[4:4+n], limit-(len(dst)-start)); err != nil {
			return dst[:start], err
		}
		src = src[4+n:]
	}
	return dst, nil
}

func appendSnappyBlock(dst, src []byte, limit int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return dst, err
	}
	if n > limit {
		return dst, errTooLarge
	}
	start := len(dst)
	if cap(dst)-start < n {
		grown := make([]byte, start, 2*cap(dst)+n)
		copy(grown, dst)
		dst = grown
	}
	if _, err := snappy.Decode(dst[start:start+n], src); err != nil {
		return dst[:start], err
	}
	return dst[:start+n], nil
}

// compressor deflates what is written. One goroutine at a time.
type compressor struct {
	out  bytes.Buffer
	gzip *gzip.Writer
	zstd *zstd.Encoder

	lz4   lz4.Compressor
	frame []byte
}

// compress returns src deflated, in memory that the next call reuses.
func (c *compressor) compress(src []byte, codec Codec) ([]byte, error) {
	c.out.Reset()
	var w io.WriteCloser
	switch codec {
	case Gzip:
		if c.gzip == nil {
			c.gzip, _ = gzip.NewWriterLevel(&c.out, gzip.BestSpeed) // fails for other levels than there are
		}
		c.gzip.Reset(&c.out)
		w = c.gzip
	case LZ4:
		var err error
		c.frame, err = frameLZ4(c.frame[:0], src, &c.lz4)
		return c.frame, err
	case Snappy:
		return snappy.Encode(c.out.AvailableBuffer(), src), nil
	case Zstd:
		if c.zstd == nil {
			var err error
			if c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
				return nil, err
			}
		}
		return c.zstd.EncodeAll(src, c.out.AvailableBuffer()), nil
	default:
		return nil, fmt.Errorf("codec %d is not known", codec)
	}
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}
