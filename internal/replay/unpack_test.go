package replay

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sendwatch/internal/policy"
)

func gzipped(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, data string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(data), nil))
}

// TestDataIsRecognisedByItsBytes: rotated files end in anything, gzip data may have
// several members and padding, zstd data frames to be skipped.
func TestDataIsRecognisedByItsBytes(t *testing.T) {
	text := strings.Repeat(`{"id":"a"}`+"\n", 2000)
	a, b := text[:11000], text[11000:]
	// printf 'BZh' data cannot be written by Go; this is `printf 'hello\n' | bzip2`.
	const bzipped = "BZh91AY&SY\xc1\xc0\x80\xe2\x00\x00\x01A\x00\x00\x10\x02D\xa0\x000\xcd\x00\xc3F)\x97\x17rE8P\x90\xc1\xc0\x80\xe2"
	for name, c := range map[string]struct{ data, want string }{
		"plain":            {text, text},
		"empty":            {"", ""},
		"one byte":         {"x", "x"},
		"gzip":             {gzipped(t, text), text},
		"two members":      {gzipped(t, a) + gzipped(t, b), text},
		"padded":           {gzipped(t, text) + strings.Repeat("\x00", 512), text},
		"padded in middle": {gzipped(t, a) + "\x00\x00\x00" + gzipped(t, b), text},
		"zstd":             {zstded(t, text), text},
		"two frames":       {zstded(t, a) + "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstded(t, b), text},
		"skippable first":  {"\x5f\x2a\x4d\x18\x01\x00\x00\x00x" + zstded(t, text), text},
		"bzip2":            {bzipped, "hello\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.1")
			if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{path, "-"} {
				in, err := openData(from, strings.NewReader(c.data))
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(in)
				if err != nil || string(got) != c.want || in.Close() != nil {
					t.Errorf("%s: %d bytes, want %d: %v", from, len(got), len(c.want), err)
				}
			}
		})
	}
}

// TestWhatCannotBeUnpackedSaysWhatToDo.
func TestWhatCannotBeUnpackedSaysWhatToDo(t *testing.T) {
	text := strings.Repeat(`{"id":"a"}`+"\n", 2000)
	// A frame whose header asks for a window of 1 GiB (exponent 20, mantissa 0).
	const wide = "\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00"
	for name, c := range map[string]struct{ data, want string }{
		"cut gzip":   {gzipped(t, text)[:60], "gzip -dc -"},
		"cut zstd":   {zstded(t, text)[:20], "zstd -dc --long=31 -"},
		"wide zstd":  {wide, "larger window than 512 MiB"},
		"gzip trash": {gzipped(t, text) + "trash", "what follows the last member"},
		"xz":         {"\xfd7zXZ\x00\x00", "xz -dc"},
		"lz4":        {"\x04\x22\x4d\x18\x00\x00", "lz4 -dc"},
		"zip":        {"PK\x03\x04\x00\x00", "unzip -p"},
	} {
		_, err := Run(t.Context(), Config{Policy: policy.Default(), Files: []string{"-"}, Stdin: strings.NewReader(c.data)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "standard input") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
