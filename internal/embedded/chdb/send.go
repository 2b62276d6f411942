package chdb

import (
	"errors"
	"io"

	"github.com/ClickHouse/ch-go/proto"
)

// compressStep is the uncompressed size of a compressed frame.
const compressStep = 1 << 20

// sendBlock sends a data packet.
func (c *client) sendBlock(block []byte) error {
	c.buf.Reset()
	proto.ServerCodeData.Encode(&c.buf)
	c.buf.PutString("") // table name
	if !c.compressed {
		proto.BlockInfo{BucketNum: -1}.Encode(&c.buf)
		if _, err := c.out.Write(c.buf.Buf); err != nil {
			return err
		}
		if _, err := c.out.Write(block); err != nil {
			return err
		}
		return c.out.Flush()
	}
	if _, err := c.out.Write(c.buf.Buf); err != nil {
		return err
	}
	c.buf.Reset()
	proto.BlockInfo{BucketNum: -1}.Encode(&c.buf)
	for piece := c.buf.Buf; ; {
		if err := c.compressor.Compress(piece); err != nil {
			return err
		}
		if _, err := c.out.Write(c.compressor.Data); err != nil {
			return err
		}
		if len(block) == 0 {
			return c.out.Flush()
		}
		n := min(len(block), compressStep)
		piece, block = block[:n], block[n:]
	}
}

// sendException sends an exception. The connection stays usable.
func (c *client) sendException(e *exception) error {
	c.buf.Reset()
	proto.ServerCodeException.Encode(&c.buf)
	(&proto.Exception{Code: proto.Error(e.code), Name: "DB::Exception", Message: "DB::Exception: " + e.message}).EncodeAware(&c.buf, c.revision)
	return c.flush()
}

// refuse sends an exception and ends the connection.
func (c *client) refuse(e *exception) error {
	return errors.Join(c.sendException(e), io.EOF)
}

func (c *client) flush() error {
	if _, err := c.out.Write(c.buf.Buf); err != nil {
		return err
	}
	return c.out.Flush()
}
