package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"sendwatch/internal/event"
)

// portionBytes is how much of an open batch is decompressed at a time.
const portionBytes = 8 << 20

// maxZstdWindow bounds the memory of a zstd stream; the format's own advice for
// decoders is 8 MiB, and `zstd --ultra` uses up to 128 MiB.
const maxZstdWindow = 128 << 20

// openBatch is a batch that is too large to be decoded at once. It is inflated as
// a stream and handed out in portions, so that a batch of any size that the bound
// allows costs the memory of a portion. Its checksum is right. Producers make
// such batches because they only estimate how well records will compress.
type openBatch struct {
	head     batchHead
	keep     []byte // the answer that holds the batch
	source   io.Reader
	closing  func()
	left     int64  // records
	previous int64  // offset delta of the last one
	carry    []byte // the beginning of a record that the last portion ended in
	inflated int64
	limit    int64 // of inflated
	largest  int   // bytes of one record
	ended    bool  // source
	failure  error
}

// newOpenBatch opens a batch that lies in keep.
func newOpenBatch(one, keep []byte, config *Config) *openBatch {
	o := &openBatch{
		head: readHead(one), keep: keep, previous: -1, closing: func() {},
		limit: config.MaxBatchDecompressed, largest: config.MaxDecompressed,
	}
	o.left = o.head.count
	if err := o.start(one[batchHeader:]); err != nil {
		o.failure = errors.New("it cannot be decompressed")
		if errors.Is(err, errTooLarge) {
			o.failure = o.beyond()
		}
	}
	return o
}

func (o *openBatch) beyond() error {
	return fmt.Errorf("it decompresses to more than %d bytes, the bound for a batch (kafka.max_batch_mib)", o.limit)
}

// start opens the stream of the batch's codec.
func (o *openBatch) start(data []byte) error {
	r := bytes.NewReader(data)
	switch codec := o.head.codec(); codec {
	case 0:
		o.source = r
	case Gzip:
		stream, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		o.source = stream
	case LZ4:
		o.source = lz4.NewReader(r)
	case Snappy:
		// Its blocks have no stream, but they grow to 21 times at most, which a
		// broker's bound on the compressed size keeps small.
		plain, err := appendSnappy(nil, data, int(min(o.limit, maxResponse*2)))
		if err != nil {
			return err
		}
		o.source = bytes.NewReader(plain)
	case Zstd:
		stream, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return err
		}
		o.source, o.closing = stream, stream.Close
	default:
		return fmt.Errorf("codec %d is not known", codec)
	}
	return nil
}

func (o *openBatch) close() { o.closing() }

// next puts the next records from offset from on into b and returns the offset
// to go on from and whether the batch has ended. What cannot be read any more is
// reported as a range, behind the records that could.
func (o *openBatch) next(b *buffer, from int64) (next int64, ended bool) {
	b.plain = append(b.plain[:0], o.carry...)
	o.carry = o.carry[:0]
	want := portionBytes
	for o.failure == nil {
		o.fill(b, want)
		consumed, complete := o.decode(b, from)
		if len(b.batch.Records) > 0 || o.left == 0 || o.failure != nil {
			o.carry = append(o.carry, b.plain[consumed:]...)
			break
		}
		if consumed > 0 { // all of it lay before from
			b.plain = append(b.plain[:0], b.plain[consumed:]...)
			continue
		}
		switch {
		case complete:
			o.failure = errMalformed
		case o.ended:
			o.failure = errors.New("it ends in the middle of a record")
		case want >= o.largest:
			o.failure = fmt.Errorf("a record in it has more than %d bytes", o.largest)
		}
		want = min(2*want, o.largest)
	}
	if n := len(b.batch.Records); n > 0 {
		from = b.batch.Records[n-1].Offset + 1
	}
	if o.failure != nil && from <= o.head.last {
		b.batch.Unreadable = append(b.batch.Unreadable, event.Unreadable{First: from, Last: o.head.last, Reason: o.failure.Error()})
	}
	if o.failure != nil || o.left == 0 {
		return o.head.last + 1, true
	}
	return from, false
}

// fill inflates until b.plain has want bytes or the stream ends.
func (o *openBatch) fill(b *buffer, want int) {
	if cap(b.plain) < want {
		b.plain = append(make([]byte, 0, want), b.plain...)
	}
	for len(b.plain) < want && !o.ended && o.failure == nil {
		room := min(int64(want-len(b.plain)), o.limit-o.inflated+1) // one more byte shows that there is more
		n, err := o.source.Read(b.plain[len(b.plain) : len(b.plain)+int(room)])
		b.plain = b.plain[:len(b.plain)+n]
		o.inflated += int64(n)
		switch {
		case o.inflated > o.limit:
			o.failure = o.beyond()
		case err == io.EOF:
			o.ended = true
		case err != nil:
			o.failure = errors.New("it cannot be decompressed")
		}
	}
}

// decode appends whole records of b.plain. It returns how many bytes they had,
// and whether the record that it stopped at is complete.
func (o *openBatch) decode(b *buffer, from int64) (consumed int, complete bool) {
	for o.left > 0 && len(b.batch.Records) <= goodRecords && len(b.headers) < maxHeaders {
		rest := b.plain[consumed:]
		size, n := binary.Varint(rest)
		if n == 0 || size > int64(len(rest)-n) {
			return consumed, false
		}
		if n < 0 || size < 0 || !b.decodeRecord(rest[n:n+int(size)], &o.head, &o.previous, from, maxHeaders+len(b.headers)) {
			o.failure = errMalformed
			return consumed, true
		}
		consumed += n + int(size)
		o.left--
	}
	return consumed, true
}
