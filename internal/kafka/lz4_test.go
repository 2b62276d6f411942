package kafka

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// Frames that are written are read by the library's reader, which knows the header's checksum, and by ours, whatever their size
// and however little they shrink.
func TestFrameLZ4(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 3*lz4Block)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var c lz4.Compressor
	var frame []byte
	for _, size := range []int{0, 1, 12, 13, 700, lz4Block - 1, lz4Block, lz4Block + 1, 3 * lz4Block} {
		mixed := bytes.Clone(noise[:size])
		for i := range mixed {
			if i/5000%2 == 0 {
				mixed[i] = byte(i % 7)
			}
		}
		for name, src := range map[string][]byte{
			"noise": noise[:size], "zeros": make([]byte, size), "mixed": mixed,
			"text": bytes.Repeat([]byte("a row of number-000123 "), size/23+1)[:size],
		} {
			var err error
			if frame, err = frameLZ4(frame[:0], src, &c); err != nil {
				t.Fatalf("%d bytes of %s: %v", size, name, err)
			}
			if most := size + 4*(size/lz4Block+1) + len(lz4Head) + 4; len(frame) > most {
				t.Errorf("%d bytes of %s take %d, at most %d wanted", size, name, len(frame), most)
			}
			if got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(frame))); err != nil || !bytes.Equal(got, src) {
				t.Errorf("%d bytes of %s, read by the library: %d bytes, %v", size, name, len(got), err)
			}
			if got, err := appendLZ4([]byte("before"), frame, 1<<20); err != nil || !bytes.Equal(got, append([]byte("before"), src...)) {
				t.Errorf("%d bytes of %s, read by ours: %d bytes, %v", size, name, len(got), err)
			}
		}
	}
}

// BenchmarkFrameLZ4 deflates a batch, by us and by the library's frame writer.
func BenchmarkFrameLZ4(b *testing.B) {
	var batch []byte
	for i := 0; len(batch) < 900_000; i++ {
		batch = fmt.Appendf(batch, "number-%06d waba-%05d portfolio-%04d campaign_%03d %d;", i%997, i%497, i%97, i*7%200, i*7919)
	}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(batch)))
		var c compressor
		for b.Loop() {
			if _, err := c.compress(batch, LZ4); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(batch)))
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1)); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			out.Reset()
			w.Reset(&out)
			if _, err := w.Write(batch); err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
